//! What one call asks for several callers, and which part of its answers is whose. Who came first gets the lower numbers, and
//! what came of one chat must never be told to a caller in another.

use std::{collections::HashMap, time::Instant};

use domain::ChatNumber;

use crate::{Error, MessageIssue, reply::unexpected};

/// What came of a caller's share, and when the call began: no number was taken before.
pub(crate) type Answer = Result<(MessageIssue, Instant), Error>;

/// What came of a call: of each of its chats, and when it began.
pub(crate) type Answers = Result<(Vec<Result<MessageIssue, Error>>, Instant), Error>;

/// A caller's part of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Share {
    /// Which of the call's chats it is in.
    place: usize,
    /// How many of that chat's numbers go to those who came before.
    before: u16,
}

/// The chats of callers who want so many numbers in them, each chat once and for all its callers; and each caller's share. Nobody
/// may want so many that a chat's do not fit.
pub(crate) fn part(callers: impl Iterator<Item = (ChatNumber, u16)>) -> (Vec<(ChatNumber, u16)>, Vec<Share>) {
    let (mut chats, mut places) = (Vec::<(ChatNumber, u16)>::new(), HashMap::new());
    let share = |(chat, count): (ChatNumber, u16)| {
        let place = *places.entry(chat).or_insert(chats.len());
        if place == chats.len() {
            chats.push((chat, 0));
        }
        let numbers = &mut chats[place].1;
        let before = *numbers;
        *numbers += count;
        Share { place, before }
    };
    let shares = callers.map(share).collect();
    (chats, shares)
}

impl Share {
    pub(crate) fn of(self, answers: &Answers) -> Answer {
        let (issues, began) = answers.as_ref().map_err(Error::clone)?;
        let issue = match issues.get(self.place).ok_or_else(unexpected)?.clone()? {
            MessageIssue::Issued { application_id, number } => {
                MessageIssue::Issued { application_id, number: number.plus(self.before) }
            }
            other => other,
        };
        Ok((issue, *began))
    }
}

#[cfg(test)]
mod tests {
    use domain::{ApplicationId, MessageNumber};

    use super::*;

    #[test]
    fn a_chat_is_asked_for_once_and_its_numbers_go_to_its_callers_as_they_came() {
        let chat = |number| ChatNumber::new(number).unwrap();
        let (chats, shares) = part([(7, 1), (3, 2), (7, 500), (9, 1), (3, 4), (7, 1)].into_iter().map(|(at, n)| (chat(at), n)));
        assert_eq!(chats, [(chat(7), 502), (chat(3), 6), (chat(9), 1)]);

        let application_id = ApplicationId::new(42);
        let issued = |first| MessageIssue::Issued { application_id, number: MessageNumber::new(first).unwrap() };
        let missing = MessageIssue::ChatNotSeeded { application_id };
        let began = Instant::now();
        let answers = Ok((vec![Ok(issued(10)), Ok(missing), Err(unexpected())], began));
        let told: Vec<Option<(MessageIssue, Instant)>> = shares.iter().map(|share| share.of(&answers).ok()).collect();
        let expected = [Some(issued(10)), Some(missing), Some(issued(11)), None, Some(missing), Some(issued(511))];
        assert_eq!(told, expected.map(|issue| issue.map(|issue| (issue, began))));
        assert!(shares.iter().all(|share| matches!(share.of(&Err(Error::Stale)), Err(Error::Stale))));
    }
}
