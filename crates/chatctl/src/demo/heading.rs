//! Recognises the lines of a play that are no speech: headings of acts and scenes, and the names of who speaks. It knows lines
//! only, never what went before.

/// A line that opens a part of the play.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heading<'a> {
    /// A numbered scene; the place goes on in the lines below, up to a blank one.
    Scene {
        number: String,
        place: &'a str,
    },
    Prologue,
    Epilogue,
    Induction,
}

/// The heading that this line is, if it is one.
pub(crate) fn heading(line: &str, next_is_blank: bool) -> Option<Heading<'_>> {
    if let Some((number, place)) = scene(line) {
        return Some(Heading::Scene { number, place });
    }
    // `PROLOGUE.` is also a speaker in a play within a play; then the words follow at once.
    match line.trim_end_matches('.') {
        "PROLOGUE" | "THE PROLOGUE" if next_is_blank => Some(Heading::Prologue),
        "EPILOGUE" if next_is_blank => Some(Heading::Epilogue),
        "INDUCTION" if next_is_blank => Some(Heading::Induction),
        _ => None,
    }
}

/// `Act II` for `ACT II.`, `Act 2.` and `ACT SECOND`, and the rest of the line: nothing, or a scene's heading.
pub(crate) fn act(line: &str) -> Option<(String, &str)> {
    let (number, rest) = numbered(line, ["ACT ", "Act "])?;
    let rest = rest.trim_start_matches(['.', ' ']);
    (rest.is_empty() || scene(rest).is_some()).then(|| (format!("Act {number}"), rest))
}

/// Whether the line says that the play is over.
pub(crate) fn is_the_end(line: &str) -> bool {
    line.trim_end_matches('.') == "THE END"
}

fn scene(line: &str) -> Option<(String, &str)> {
    let (number, rest) = numbered(line, ["SCENE ", "Scene "])?;
    Some((number, rest.trim_start_matches(['.', ',', ':', '-', ' '])))
}

/// The number after one of the words, and what follows it.
fn numbered<'a>(line: &'a str, words: [&str; 2]) -> Option<(String, &'a str)> {
    let rest = words.iter().find_map(|word| line.strip_prefix(word))?.trim_start();
    let end = rest.find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(rest.len());
    Some((numeral(&rest[..end])?, &rest[end..]))
}

const NUMERALS: [(&str, &str); 10] = [
    ("I", "FIRST"),
    ("II", "SECOND"),
    ("III", "THIRD"),
    ("IV", "FOURTH"),
    ("V", "FIFTH"),
    ("VI", "SIXTH"),
    ("VII", "SEVENTH"),
    ("VIII", "EIGHTH"),
    ("IX", "NINTH"),
    ("X", "TENTH"),
];

/// The Roman numeral of a number written in Roman, in digits, or as a word.
fn numeral(text: &str) -> Option<String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let index = text.parse::<usize>().ok()?.checked_sub(1)?;
        return NUMERALS.get(index).map_or_else(|| Some(text.to_owned()), |(roman, _)| Some((*roman).to_owned()));
    }
    let is_named = NUMERALS.iter().find(|(_, word)| word.eq_ignore_ascii_case(text));
    if let Some((roman, _)) = is_named {
        return Some((*roman).to_owned());
    }
    let is_roman = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'I' | b'V' | b'X'));
    is_roman.then(|| text.to_owned())
}

/// How a play writes who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpeakerStyle {
    /// `FIRST CLOWN.`, with or without the full stop, on a line of its own or before the words.
    Capitals,
    /// `First Clown.` on a line of its own.
    Words,
}

/// Longer lines than this are no names.
const MAX_NAME_CHARS: usize = 48;

impl SpeakerStyle {
    /// The style that most of a play's speeches have.
    pub(crate) fn of(lines: &[&str]) -> Self {
        let count = |style: Self| {
            let starts = lines.windows(2).filter(|pair| pair[0].is_empty());
            starts.filter(|pair| style.speaker(pair[1], true, false).is_some()).count()
        };
        if count(Self::Words) > count(Self::Capitals) { Self::Words } else { Self::Capitals }
    }

    /// The speaker that this line names, and the words that follow on it. `fresh`: a blank line or a direction went before.
    pub(crate) fn speaker(self, line: &str, fresh: bool, next_is_blank: bool) -> Option<(&str, &str)> {
        match self {
            Self::Capitals => capitals(line, fresh),
            Self::Words if fresh && !next_is_blank => words(line).map(|name| (name, "")),
            Self::Words => None,
        }
    }
}

fn capitals(line: &str, fresh: bool) -> Option<(&str, &str)> {
    if let Some((name, words)) = line.split_once(". ")
        && is_capital_name(name)
    {
        return Some((name, words.trim_start()));
    }
    let name = line.trim_end_matches(['.', ':']);
    (is_capital_name(name) && (fresh || name.len() < line.len())).then_some((name, ""))
}

/// Two letters at least and no small ones, but for the words that join names.
fn is_capital_name(text: &str) -> bool {
    let is_part = |part: &str| {
        let plain = part.chars().all(|character| character.is_alphabetic() || "'-.,&".contains(character));
        matches!(part, "and" | "of" | "the" | "to") || plain && !part.chars().any(char::is_lowercase)
    };
    let letters = text.chars().filter(|character| character.is_uppercase()).count();
    letters >= 2 && text.len() <= MAX_NAME_CHARS && !text.starts_with(' ') && text.split(' ').all(is_part)
}

/// Few words with capitals and a full stop: `Ber.`, `First Clown.`, `Rosencrantz and Guildenstern.`
fn words(line: &str) -> Option<&str> {
    let name = line.strip_suffix('.')?;
    let is_part = |part: &str| {
        matches!(part, "and" | "of" | "the")
            || part.starts_with(|first: char| first.is_ascii_uppercase())
                && part.chars().all(|character| character.is_ascii_alphabetic() || ".'-".contains(character))
    };
    let parts = name.split(' ').count();
    (name.len() <= MAX_NAME_CHARS && parts <= 4 && name.split(' ').all(is_part)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_and_scenes_are_numbered_in_three_ways() {
        for line in ["ACT II.", "Act 2.", "ACT SECOND", "ACT II"] {
            assert_eq!(act(line), Some(("Act II".to_owned(), "")), "{line}");
        }
        assert_eq!(act("ACT IV. SCENE I. A camp."), Some(("Act IV".to_owned(), "SCENE I. A camp.")));
        for (line, number, place) in [
            ("SCENE I. Rome. A street.", "I", "Rome. A street."),
            ("Scene 3.--A heath", "III", "A heath"),
            ("SCENE 12", "12", ""),
            ("SCENE XV. Alexandria.", "XV", "Alexandria."),
        ] {
            let expected = Heading::Scene { number: number.to_owned(), place };
            assert_eq!(heading(line, true), Some(expected), "{line}");
        }
    }

    #[test]
    fn what_only_looks_like_a_heading_is_none() {
        for line in
            ["SCENE: Rome, and the country", "SCENE. Elsinore.", "Scene,--Britain.", "Act well thy part.", "act hath three"]
        {
            assert_eq!((heading(line, true), act(line)), (None, None), "{line}");
        }
        assert_eq!(heading("PROLOGUE", false), None, "here it is who speaks");
        assert_eq!(heading("THE PROLOGUE", true), Some(Heading::Prologue));
    }

    #[test]
    fn names_in_capitals_are_speakers_and_other_lines_are_not() {
        let speaker = |line| SpeakerStyle::Capitals.speaker(line, true, false);
        for (line, expected) in [
            ("KING.", ("KING", "")),
            ("FIRST CITIZEN", ("FIRST CITIZEN", "")),
            ("GUIDERIUS and ARVIRAGUS.", ("GUIDERIUS and ARVIRAGUS", "")),
            ("M. JOURDAIN.", ("M. JOURDAIN", "")),
            ("NORFOLK. I thank your Grace,", ("NORFOLK", "I thank your Grace,")),
        ] {
            assert_eq!(speaker(line), Some(expected), "{line}");
        }
        for line in ["O, it is hot.", "I", "O!", "King.", "  SONG", "[Exit KING.]", "I. The first of all"] {
            assert_eq!(speaker(line), None, "{line}");
        }
        assert_eq!(SpeakerStyle::Capitals.speaker("SPQR", false, false), None, "in the middle of a speech");
    }
}
