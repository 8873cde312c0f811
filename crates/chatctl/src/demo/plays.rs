//! The plays as the chat system will hold them: an application a play, a chat a scene, a message a speech.
//!
//! The texts come as files: `metadata.txt` with a section for each, and `<work>_gut.txt` in modern spelling. Works without acts
//! (the sonnets and the poems) are left out, and so are the Folio's texts (`_gut_f.txt`), which are the same plays once more.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use domain::{ApplicationName, ChatName, MAX_BODY_CHARS, MAX_NAME_CHARS, MessageBody};

use super::script;

/// A play, becoming an application.
#[derive(Debug)]
pub(crate) struct Play {
    pub(crate) title: ApplicationName,
    pub(crate) scenes: Vec<Scene>,
}

/// A scene, becoming a chat.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) name: ChatName,
    pub(crate) speeches: Vec<MessageBody>,
}

const METADATA: &str = "metadata";
const MODERN_SPELLING: &str = "_gut";

/// Reads the plays out of the files, which are given by their names without `.txt`; in the order of these names.
///
/// # Errors
/// When there is no play among them.
pub(crate) fn read(files: &BTreeMap<String, String>) -> Result<Vec<Play>> {
    let metadata = files.get(METADATA).map_or("", String::as_str);
    let mut plays = Vec::new();
    for (name, text) in files.iter().filter(|(name, _)| name.ends_with(MODERN_SPELLING)) {
        let scenes = script::scenes(text);
        if !scenes.is_empty() {
            let title = title(metadata, name).unwrap_or(name);
            plays.push(play(title, scenes).with_context(|| format!("{name}.txt cannot be sent"))?);
        }
    }
    ensure!(!plays.is_empty(), "there are no plays in the package");
    Ok(plays)
}

fn play(title: &str, scenes: Vec<script::Scene>) -> Result<Play> {
    let title = ApplicationName::new(first_chars(title, MAX_NAME_CHARS))?;
    let scenes = scenes.into_iter().map(scene).collect::<Result<_>>()?;
    Ok(Play { title, scenes })
}

fn scene(scene: script::Scene) -> Result<Scene> {
    let name = ChatName::new(first_chars(&scene.name, MAX_NAME_CHARS))?;
    let parts = scene.speeches.iter().flat_map(|speech| split(speech, MAX_BODY_CHARS));
    let speeches = parts.map(MessageBody::new).collect::<Result<_, _>>()?;
    Ok(Scene { name, speeches })
}

/// The title in the section `[name]`.
fn title<'a>(metadata: &'a str, name: &str) -> Option<&'a str> {
    let section = format!("[{name}]");
    let mut lines = metadata.lines().skip_while(|line| line.trim() != section).skip(1);
    lines.by_ref().take_while(|line| !line.starts_with('[')).find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "title" && !value.trim().is_empty()).then(|| value.trim())
    })
}

fn first_chars(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).map_or(text, |(end, _)| &text[..end])
}

/// The text in parts of at most `limit` characters, at line breaks where there are any. (The longest speech of the plays has
/// 3,240 characters.)
fn split(text: &str, limit: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let most = first_chars(rest, limit);
        let end = if most.len() == rest.len() { most.len() } else { most.rfind('\n').map_or(most.len(), |at| at + 1) };
        let (part, following) = rest.split_at(end);
        parts.push(part);
        rest = following;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> BTreeMap<String, String> {
        let metadata = "[other_gut]\ntitle = Other\n\n[tea_gut]\nurl = there\ntitle = The Tea, or, All's Hot\ncreator = Nobody\n";
        let play = "THE TEA\n\nACT I.\n\nSCENE I. A kitchen.\n\nANNE.\nTea?\n\nBEN.\nTea.\n\nSCENE II.\n\nANNE.\nMore?\n";
        let poem = "A POEM\n\nI.\n\nTea is hot.\n";
        [("metadata", metadata), ("tea_gut", play), ("tea_gut_f", play), ("poem_gut", poem)]
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .into()
    }

    #[test]
    fn plays_have_their_titles_and_poems_and_second_editions_are_left_out() {
        let plays = read(&files()).unwrap();
        assert_eq!(plays.len(), 1);
        assert_eq!(plays[0].title.as_str(), "The Tea, or, All's Hot");
        let scenes: Vec<_> = plays[0].scenes.iter().map(|scene| (scene.name.as_str(), scene.speeches.len())).collect();
        assert_eq!(scenes, [("Act I, Scene I: A kitchen", 2), ("Act I, Scene II", 1)]);
    }

    #[test]
    fn a_play_without_a_title_is_called_as_its_file_and_no_play_is_an_error() {
        let mut files = files();
        files.remove("metadata");
        assert_eq!(read(&files).unwrap()[0].title.as_str(), "tea_gut");
        files.remove("tea_gut");
        assert!(read(&files).is_err());
    }

    #[test]
    fn long_texts_are_split_at_lines_and_lose_nothing() {
        assert_eq!(split("short", 10), ["short"]);
        assert_eq!(split("one\ntwo\nthree", 9), ["one\ntwo\n", "three"]);
        assert_eq!(split("ééééé", 2), ["éé", "éé", "é"]);
        assert_eq!(split("", 2), [""; 0]);
    }
}
