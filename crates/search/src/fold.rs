//! When two texts are the same to a search. Bodies and queries go through the same function, and nothing else may decide.

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;

/// The text without what a search does not tell apart.
///
/// - Encoding and width: Unicode normalization form KC, so `é` is one however it was typed, `Ａ` is `a` and `ﬁ` is `fi`.
/// - Case: full case folding, so `STRASSE` finds `straße` and the Greek sigma is one letter.
/// - White space: every run, line breaks and the separators U+001C to U+001F included, is one space. At the ends too: ` a` is
///   not found at the beginning of `a b`.
///
/// Case folding and normalization undo each other's work in places, so they alternate as Unicode's compatibility caseless match
/// says (The Unicode Standard, section 3.13, D146). A folded text folds to itself. The pairs of cases are those of Unicode 16; of
/// the Turkish letters, `İ` is `i` with a dot above and `ı` is a letter of its own, because a text does not tell its language.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    if text.is_ascii() {
        append(&mut folded, text.chars().map(|character| character.to_ascii_lowercase()));
    } else {
        append(&mut folded, characters(text));
    }
    folded
}

/// The text's characters, normalized and without case: folded but for its white space.
pub(crate) fn characters(text: &str) -> impl Iterator<Item = char> {
    text.chars().nfd().default_case_fold().nfkd().default_case_fold().nfkc()
}

fn append(folded: &mut String, characters: impl Iterator<Item = char>) {
    let mut in_space = false;
    for character in characters {
        let space = is_space(character);
        if !space {
            folded.push(character);
        } else if !in_space {
            folded.push(' ');
        }
        in_space = space;
    }
}

/// Unicode's White_Space, and the four separators that Java, and so the index's tokenizer, takes for white space too.
pub(crate) fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1C}'..='\u{1F}').contains(&character)
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use unicode_normalization::char::canonical_combining_class;

    use super::*;

    #[test]
    fn what_differs_only_in_case_width_encoding_or_white_space_folds_to_the_same() {
        for (text, folded) in [
            ("Hello", "hello"),
            ("Straße", "strasse"),
            ("STRAẞE", "strasse"),
            ("ΟΔΥΣΣΕΥΣ", "οδυσσευσ"),
            ("Ὀδυσσεύς", "ὀδυσσεύσ"),
            ("cafe\u{301}", "caf\u{e9}"),
            ("CAF\u{c9}", "caf\u{e9}"),
            ("ﬁn", "fin"),
            ("ＡＢＣ１２３", "abc123"),
            ("ｶﾞ", "ガ"),
            ("\u{1112}\u{1161}\u{11ab}", "한"),
            ("İ", "i\u{307}"),
            ("ı", "ı"),
            ("\u{212a}elvin", "kelvin"),
            (
                "a \t\r\n\u{b}\u{c}\u{85}\u{a0}\u{1680}\u{2003}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\u{1c}\u{1d}\u{1e}\u{1f}b",
                "a b",
            ),
            ("  a  ", " a "),
            ("\0\u{1b}\u{7f}", "\0\u{1b}\u{7f}"),
        ] {
            assert_eq!(fold(text), folded, "{text:?}");
        }
    }

    #[test]
    fn every_character_folds_to_something_that_stays() {
        for character in '\0'..=char::MAX {
            let folded = fold(&character.to_string());
            assert!(!folded.is_empty(), "{character:?}");
            assert_eq!(fold(&folded), folded, "{character:?}");
        }
    }

    #[test]
    fn a_character_and_its_upper_and_lower_case_fold_to_the_same() {
        let differ = |character: char| {
            let folded = fold(&character.to_string());
            folded != fold(&character.to_uppercase().to_string()) || folded != fold(&character.to_lowercase().to_string())
        };
        // Latin, Greek, Cyrillic, Armenian, Georgian, Cherokee, Glagolitic, Coptic, full-width, Deseret.
        let scripts = [
            '\0'..='\u{58f}',
            '\u{10a0}'..='\u{10ff}',
            '\u{13a0}'..='\u{13ff}',
            '\u{1c80}'..='\u{1cbf}',
            '\u{1e00}'..='\u{1fff}',
            '\u{2c00}'..='\u{2d2f}',
            '\u{ff00}'..='\u{ffef}',
            '\u{10400}'..='\u{1044f}',
        ];
        let exceptions: Vec<char> = scripts.into_iter().flatten().filter(|&character| differ(character)).collect();
        assert_eq!(exceptions, ['ı']);
    }

    /// Texts of nothing but what folding changes, and marks that join with it.
    pub(crate) fn restless() -> impl Strategy<Value = String> {
        let changes = |&character: &char| {
            canonical_combining_class(character) != 0 || fold(&character.to_string()) != character.to_string()
        };
        let characters: Vec<char> = ('\0'..=char::MAX).filter(changes).collect();
        let few = characters
            .iter()
            .copied()
            .filter(|&character| character < '\u{400}' || ('\u{1f00}'..'\u{2000}').contains(&character));
        let few: Vec<char> = few.chain("aijsι ".chars()).collect();
        let character = prop_oneof![prop::sample::select(characters), prop::sample::select(few)];
        prop::collection::vec(character, 1..10).prop_map(String::from_iter)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn a_folded_text_folds_to_itself(text in prop_oneof![".*", restless()]) {
            let folded = fold(&text);
            prop_assert_eq!(fold(&folded), folded);
        }
    }
}
