//! Chooses what to search for: parts of words, as nobody would type them. The same text always gives the same fragments.

/// A fragment of a text that is likely to be rare: from near its end, or all of a short text.
pub(crate) fn some(text: &str) -> String {
    const LENGTH: usize = 12;
    let characters: Vec<char> = text.chars().collect();
    let end = characters.len() - characters.len().min(2);
    let begin = end.saturating_sub(LENGTH);
    if begin < end { characters[begin..end].iter().collect() } else { text.to_owned() }
}

/// Fragments of some of the texts, all different.
///
/// Of each kind one, as far as the texts have it: the middle of a word, such a middle in another case and backwards, the ends
/// of two words with what stands between them, and two letters.
pub(crate) fn of(texts: &[&str]) -> Vec<String> {
    const KINDS: [fn(&str) -> Option<String>; 5] = [middle, other_case, backwards, across, pair];
    let mut fragments = Vec::new();
    for (kind, choose) in KINDS.into_iter().enumerate() {
        // Each kind begins in another part of the chat, and takes the first text that has one.
        let start = texts.len() * kind / KINDS.len();
        let candidates = texts[start..].iter().chain(&texts[..start]);
        fragments.extend(candidates.into_iter().find_map(|text| choose(spoken(text))));
    }
    fragments.sort_unstable();
    fragments.dedup();
    fragments
}

/// Without the line that names the speaker, where more follows.
fn spoken(text: &str) -> &str {
    text.split_once('\n').map_or(text, |(_, words)| words)
}

/// `omewher` of `Somewhere`: the longest word, without its ends.
fn middle(text: &str) -> Option<String> {
    let word = text.split(|character: char| !character.is_alphabetic()).max_by_key(|word| word.len())?;
    let inner: String = word.chars().skip(1).collect();
    let inner: String = inner.chars().take(inner.chars().count().saturating_sub(1)).collect();
    (inner.chars().count() >= 3).then_some(inner)
}

fn other_case(text: &str) -> Option<String> {
    let middle = middle(text)?;
    let alternating = middle.chars().enumerate().flat_map(|(index, character)| {
        if index % 2 == 0 { character.to_uppercase().collect::<Vec<_>>() } else { character.to_lowercase().collect() }
    });
    Some(alternating.collect())
}

/// Mostly found nowhere, and that is what is to be seen.
fn backwards(text: &str) -> Option<String> {
    middle(text).map(|middle| middle.chars().rev().collect())
}

/// `ows, wh` of `arrows, which`: three letters on both sides of punctuation and white space.
fn across(text: &str) -> Option<String> {
    let characters: Vec<char> = text.chars().collect();
    let is_letter = |position: usize| characters.get(position).is_some_and(|character| character.is_alphabetic());
    let ends = (3..characters.len()).filter(|&end| !is_letter(end) && (end - 3..end).all(is_letter));
    let joins = ends.filter_map(|end| {
        let next = (end..characters.len()).find(|&position| is_letter(position))?;
        let has_both = characters[end..next].iter().any(|character| character.is_whitespace())
            && characters[end..next].iter().any(|character| !character.is_whitespace());
        (has_both && (next..next + 3).all(is_letter)).then(|| characters[end - 3..next + 3].iter().collect())
    });
    joins.into_iter().next()
}

fn pair(text: &str) -> Option<String> {
    middle(text).map(|middle| middle.chars().take(2).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_a_part_of_words() {
        let text = "The slings and arrows,\n  which outrageous fortune";
        assert_eq!(middle(text).as_deref(), Some("utrageou"));
        assert_eq!(other_case(text).as_deref(), Some("UtRaGeOu"));
        assert_eq!(backwards(text).as_deref(), Some("uoegartu"));
        assert_eq!(across(text).as_deref(), Some("ows,\n  whi"));
        assert_eq!(pair(text).as_deref(), Some("ut"));
        assert_eq!(some(text), "ageous fortu");
    }

    #[test]
    fn short_texts_have_fewer_kinds_and_no_fragment_is_empty() {
        for text in ["", "a", "O!", "ÉÉ\nè", "To be, or"] {
            assert!(of(&[text]).iter().all(|fragment| !fragment.is_empty()), "{text}");
            assert_eq!(some(text).is_empty(), text.is_empty(), "{text}");
            assert!(text.contains(&some(text)), "{text}");
        }
        assert_eq!(of(&[]), [""; 0]);
        assert_eq!(across("No, no. Now then"), None);
    }

    #[test]
    fn the_texts_of_a_chat_take_turns() {
        let fragments = of(&["A.\nnothing here", "B.\nsomewhere there", "C.\nelsewhere, where?"]);
        assert_eq!(fragments, ["OtHiN", "ere, whe", "ls", "othin", "rehwemo"].map(str::to_owned).to_vec());
    }
}
