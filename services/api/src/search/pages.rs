//! A page of hits, and what lies beside it. A search may end before the page is full: then it says up to which number it has
//! looked, and the page's neighbour goes on from there, so that who follows `next` misses no hit.

use ::search::Cursor;
use domain::{MAX_NUMBER, Message, PageLimit};

/// Hits next to a cursor, in its order.
pub(super) struct Hits {
    pub(super) messages: Vec<Message>,
    /// The number behind which more may be found; none where the chat has been looked through to its end.
    pub(super) rest: Option<u64>,
}

impl Hits {
    /// As many of the `messages` as are wanted. They are all that match up to the number `reached`, or to the chat's end.
    pub(super) fn of(mut messages: Vec<Message>, wanted: usize, reached: Option<u64>) -> Self {
        let is_cut = messages.len() > wanted;
        messages.truncate(wanted);
        let last = messages.last().map(|message| message.number.get());
        // Who wants none asks only whether there are any.
        let rest = if is_cut { last.or(Some(0)) } else { reached };
        Self { messages, rest }
    }
}

/// The cursor behind this number, in the direction of `cursor`.
pub(super) fn behind(cursor: Cursor, number: u64) -> Cursor {
    match cursor {
        Cursor::After(_) => Cursor::After(number),
        Cursor::Before(_) => Cursor::Before(number),
    }
}

/// Part of the hits that are next to a cursor.
pub(super) struct Part {
    cursor: Cursor,
    hits: Hits,
    /// Whether there may be hits on the other side of the cursor.
    other_side: bool,
}

impl Part {
    /// What `look` finds next to the cursor: at most so many hits.
    ///
    /// # Errors
    /// Those of `look`.
    pub(super) async fn find<E>(
        cursor: Cursor,
        limit: PageLimit,
        look: impl AsyncFn(Cursor, usize) -> Result<Hits, E>,
    ) -> Result<Self, E> {
        let hits = look(cursor, limit.get() as usize).await?;
        let other_side = match cursor {
            // No number lies before the first one.
            Cursor::After(0) => None,
            Cursor::After(after) => Some(Cursor::Before(after.saturating_add(1))),
            Cursor::Before(before) => Some(Cursor::After(before.saturating_sub(1))),
        };
        let other_side = match other_side {
            None => false,
            Some(cursor) => look(cursor, 0).await?.rest.is_some(),
        };
        Ok(Self { cursor, hits, other_side })
    }

    /// The page as `show` shows it: of the first hits or all of them, but of one at least where there are any. With it the number
    /// before which the previous page ends, and the one behind which the next one begins.
    ///
    /// # Errors
    /// Those of `show`.
    pub(super) async fn shown<T, E>(self, show: impl AsyncFnOnce(Vec<Message>) -> Result<Vec<T>, E>) -> Result<Shown<T>, E> {
        let Self { cursor, hits: Hits { messages, rest }, other_side } = self;
        let mut numbers: Vec<u64> = messages.iter().map(|message| message.number.get()).collect();
        let mut entries = show(messages).await?;
        let all = numbers.len();
        numbers.truncate(entries.len());
        let rest = if numbers.len() < all { numbers.last().copied() } else { rest };
        // A page without hits lies where its cursor is.
        let begins = |at_the_cursor: u64| other_side.then(|| numbers.first().copied().unwrap_or(at_the_cursor));
        let (previous, next) = match cursor {
            Cursor::After(after) => (begins(after.saturating_add(1).min(MAX_NUMBER)), rest),
            Cursor::Before(before) => {
                entries.reverse();
                (rest, begins(before.saturating_sub(1)))
            }
        };
        Ok(Shown { entries, previous, next })
    }
}

/// A page in the order of numbers, and its neighbours' cursors.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown<T> {
    pub(super) entries: Vec<T>,
    pub(super) previous: Option<u64>,
    pub(super) next: Option<u64>,
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use domain::{MessageBody, MessageNumber, Timestamp};

    use super::*;

    fn messages(numbers: &[u64]) -> Vec<Message> {
        let message = |&number: &u64| Message {
            number: MessageNumber::new(number).unwrap(),
            body: MessageBody::new("x").unwrap(),
            version: 1,
            created_at: Timestamp::now(),
            updated_at: Timestamp::now(),
        };
        numbers.iter().map(message).collect()
    }

    /// The page at the cursor of a search that finds `found` (in the cursor's order) up to `reached`, and on the other side
    /// nothing unless told; `shown` of its hits are shown.
    async fn page(cursor: Cursor, found: &[u64], reached: Option<u64>, other_side: bool, shown: usize) -> Shown<u64> {
        let look = async |asked: Cursor, wanted: usize| {
            let hits = match asked == cursor {
                true => Hits::of(messages(found), wanted, reached),
                false => Hits::of(messages(if other_side { &[500] } else { &[] }), wanted, None),
            };
            Ok::<_, Infallible>(hits)
        };
        let Ok(part) = Part::find(cursor, PageLimit::new(2).unwrap(), look).await;
        let show = async |hits: Vec<Message>| Ok::<_, Infallible>(hits.iter().take(shown).map(|hit| hit.number.get()).collect());
        let Ok(page) = part.shown(show).await;
        page
    }

    #[tokio::test]
    async fn a_pages_neighbours_go_on_where_it_ends() {
        let (after, before) = (Cursor::After(10), Cursor::Before(10));
        for (name, page, entries, previous, next) in [
            ("all there is", page(after, &[11, 12], None, false, 9).await, &[11, 12][..], None, None),
            ("the first of more", page(after, &[11, 12, 13], None, true, 9).await, &[11, 12], Some(11), Some(12)),
            ("looked at in part", page(after, &[11], Some(19), false, 9).await, &[11], None, Some(19)),
            ("nothing in that part", page(after, &[], Some(19), true, 9).await, &[], Some(11), Some(19)),
            ("behind the end", page(after, &[], None, true, 9).await, &[], Some(11), None),
            ("shown in part", page(after, &[11, 12], None, false, 1).await, &[11], None, Some(11)),
            ("backwards, all there is", page(before, &[8, 7], None, false, 9).await, &[7, 8], None, None),
            ("backwards, more", page(before, &[8, 7, 6], None, true, 9).await, &[7, 8], Some(7), Some(8)),
            ("backwards, in part", page(before, &[8], Some(3), true, 9).await, &[8], Some(3), Some(8)),
            ("backwards, nothing", page(before, &[], Some(3), true, 9).await, &[], Some(3), Some(9)),
            ("backwards, shown in part", page(before, &[8, 7], None, true, 1).await, &[8], Some(8), Some(8)),
        ] {
            assert_eq!(page, Shown { entries: entries.to_vec(), previous, next }, "{name}");
        }
    }
}
