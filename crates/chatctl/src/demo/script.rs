//! Reads one play, as Project Gutenberg set it: acts, scenes, and speeches headed by their speaker.
//!
//! ```text
//! ACT I.
//!
//! SCENE II. Paris. A room in the King's palace.
//!
//! [Flourish of cornets.]
//!
//! KING.
//! The Florentines and Senoys are by the ears;
//! ```
//!
//! Plays differ in case, in full stops and in how they number, and a few speeches have no speaker (a prologue's, mostly), so
//! the reader never refuses a text: it takes what stands there, and only what is certain to be none of a speech's words is
//! left out, which is the cast before the first heading and directions in brackets that stand on their own.

use super::heading::{self, Heading, SpeakerStyle};

/// One scene: its full name and its speeches, in order. Never without a speech.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scene {
    pub(crate) name: String,
    pub(crate) speeches: Vec<String>,
}

/// The scenes of a play; none when the text has no acts, and so is no play.
pub(crate) fn scenes(text: &str) -> Vec<Scene> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    if !lines.iter().any(|line| heading::act(line).is_some()) {
        return Vec::new();
    }
    let mut reader = Reader::new(SpeakerStyle::of(&lines));
    let mut rest = lines.as_slice();
    while !rest.is_empty() {
        let taken = reader.take(rest);
        rest = &rest[taken..];
    }
    reader.finish()
}

struct Reader {
    style: SpeakerStyle,
    act: Option<String>,
    scenes: Vec<Scene>,
    speech: String,
    /// Whether the line before was blank or a direction's, as it is before a speaker.
    fresh: bool,
    /// Brackets of a direction that are still open.
    brackets: usize,
}

impl Reader {
    fn new(style: SpeakerStyle) -> Self {
        Self { style, act: None, scenes: Vec::new(), speech: String::new(), fresh: true, brackets: 0 }
    }

    /// Takes the first line, or a heading of several, and tells how many lines that were.
    fn take(&mut self, lines: &[&str]) -> usize {
        let mut line = lines[0];
        let next_is_blank = lines.get(1).is_none_or(|next| next.is_empty());
        if let Some((act, rest)) = heading::act(line) {
            self.open(act.clone());
            self.act = Some(act);
            line = rest;
        }
        if let Some(heading) = heading::heading(line, next_is_blank) {
            return self.open_part(heading, &lines[1..]) + 1;
        }
        if line.is_empty() || heading::is_the_end(line) || self.is_direction(line) {
            self.brackets = if line.is_empty() { 0 } else { self.brackets };
            self.fresh = true;
            return 1;
        }
        if !self.scenes.is_empty() {
            self.speak(line, next_is_blank);
        }
        self.fresh = false;
        1
    }

    /// Opens a part of the play, and tells how many more lines its heading goes on for.
    fn open_part(&mut self, heading: Heading, following: &[&str]) -> usize {
        match heading {
            Heading::Scene { number, place } => {
                let more = following.iter().take_while(|line| !line.is_empty() && !line.starts_with('[')).count();
                let place = [place].into_iter().chain(following[..more].iter().copied()).collect::<Vec<_>>().join(" ");
                self.open(scene_name(self.act.as_deref(), &number, &place));
                return more;
            }
            // It has scenes of its own, like an act.
            Heading::Induction => {
                let name = "Induction".to_owned();
                self.open(name.clone());
                self.act = Some(name);
            }
            Heading::Prologue => {
                let act = self.act.as_deref();
                self.open(act.map_or_else(|| "Prologue".to_owned(), |act| format!("{act}, Prologue")));
            }
            Heading::Epilogue => self.open("Epilogue".to_owned()),
        }
        0
    }

    fn open(&mut self, name: String) {
        self.close_scene();
        self.scenes.push(Scene { name, speeches: Vec::new() });
        self.fresh = true;
        self.brackets = 0;
    }

    /// Whether the line belongs to a direction that stands on its own. What follows a closed bracket is spoken, and a bracket
    /// that is never closed ends with its paragraph.
    fn is_direction(&mut self, line: &str) -> bool {
        if self.brackets == 0 && !(self.fresh && line.trim_start().starts_with('[')) {
            return false;
        }
        for (position, character) in line.char_indices() {
            match character {
                '[' => self.brackets += 1,
                ']' | '}' => self.brackets = self.brackets.saturating_sub(1),
                _ => continue,
            }
            if self.brackets == 0 {
                return line[position + 1..].trim_matches(['.', ' ']).is_empty();
            }
        }
        true
    }

    fn speak(&mut self, line: &str, next_is_blank: bool) {
        if let Some((speaker, words)) = self.style.speaker(line, self.fresh, next_is_blank) {
            self.close_speech();
            self.speech = format!("{speaker}.");
            if !words.is_empty() {
                self.speech.push('\n');
                self.speech.push_str(words);
            }
            return;
        }
        if !self.speech.is_empty() {
            self.speech.push('\n');
        }
        self.speech.push_str(line);
    }

    fn close_speech(&mut self) {
        let speech = std::mem::take(&mut self.speech);
        if let Some(scene) = self.scenes.last_mut()
            && !speech.is_empty()
        {
            scene.speeches.push(speech);
        }
    }

    fn close_scene(&mut self) {
        self.close_speech();
        self.scenes.pop_if(|scene| scene.speeches.is_empty());
    }

    fn finish(mut self) -> Vec<Scene> {
        self.close_scene();
        self.scenes
    }
}

fn scene_name(act: Option<&str>, number: &str, place: &str) -> String {
    let mut name = act.map_or_else(String::new, |act| format!("{act}, "));
    name.push_str(&format!("Scene {number}"));
    let place = place.split_whitespace().collect::<Vec<_>>().join(" ");
    if !place.is_empty() {
        name.push_str(": ");
        name.push_str(place.trim_end_matches('.'));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made up, in the form of the real ones: every oddity of the second act occurs in them.
    const SAMPLE: &str = "\
THE TEA-POT, PRINCE OF TABLES

by Nobody

PERSONS REPRESENTED.

ANNE.
BEN, her brother.

SCENE: A house.


PROLOGUE.

[Enter CHORUS.]

CHORUS.

O for a cup of tea.

ACT FIRST.

SCENE 1.  A kitchen. A
table, laid.

[Enter ANNE and
BEN, [with cups.]]

ANNE.
Is there tea?
  There is.

[She pours.]

Drink it.
BEN. [Aside.] It is hot.

SECOND SERVANT and ANNE.
[Singing.] Hot, hot!

FIRST SERVANT
Ay.

ACT II. Scene II.--The same.
ANOTHER ROOM
[Exeunt, and the bracket stays open.

BEN.
[Exit.]
I go.

[To her.] Farewell.

EPILOGUE

[Spoken by ANNE.]

Good night.
[Exit.]

THE END
";

    #[test]
    fn a_sample_has_its_scenes_and_speeches() {
        let scenes = scenes(SAMPLE);
        let figures: Vec<_> = scenes.iter().map(|scene| (scene.name.as_str(), scene.speeches.len())).collect();
        assert_eq!(
            figures,
            [
                ("Prologue", 1),
                ("Act I, Scene I: A kitchen. A table, laid", 4),
                ("Act II, Scene II: The same. ANOTHER ROOM", 1),
                ("Epilogue", 1),
            ]
        );
        assert_eq!(scenes[0].speeches, ["CHORUS.\nO for a cup of tea."]);
        assert_eq!(
            scenes[1].speeches,
            [
                "ANNE.\nIs there tea?\n  There is.\nDrink it.",
                "BEN.\n[Aside.] It is hot.",
                "SECOND SERVANT and ANNE.\n[Singing.] Hot, hot!",
                "FIRST SERVANT.\nAy.",
            ]
        );
        assert_eq!(scenes[2].speeches, ["BEN.\n[Exit.]\nI go.\n[To her.] Farewell."]);
        assert_eq!(scenes[3].speeches, ["Good night.\n[Exit.]"], "in the speech's own paragraph");
    }

    #[test]
    fn speakers_may_be_written_in_small_letters() {
        let text = "ACT 1\n\nScene 1. A hall.\n\nAnne.\nHail.\n\nBen and Anne.\nHail!\nFarewell.\n\nFirst Clown.\nGo.\n";
        let speeches = &scenes(text)[0].speeches;
        assert_eq!(speeches, &["Anne.\nHail.", "Ben and Anne.\nHail!\nFarewell.", "First Clown.\nGo."]);
    }

    #[test]
    fn an_induction_has_scenes_of_its_own_and_an_act_may_have_a_prologue() {
        let text =
            "INDUCTION.\n\nSCENE I. An inn.\n\nSLY.\nNo.\n\nACT I.\n\nPROLOGUE.\n\nCHORUS.\nNow.\n\nSCENE I.\n\nSLY.\nAy.\n";
        let scenes = scenes(text);
        let names: Vec<_> = scenes.iter().map(|scene| scene.name.as_str()).collect();
        assert_eq!(names, ["Induction, Scene I: An inn", "Act I, Prologue", "Act I, Scene I"]);
    }

    #[test]
    fn what_has_no_acts_is_no_play() {
        assert_eq!(scenes("THE SONNETS\n\nI\n\nFrom fairest creatures we desire increase,\n"), []);
        assert_eq!(scenes(""), []);
    }
}
