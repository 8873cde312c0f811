//! One directory of the cache: `<name>/content` and `<name>/manifest.json`. The manifest names the
//! recipe, the key files with their sizes, and how many files there are with how many bytes; it is
//! written last, so a directory with a manifest was complete once, and one that still measures the
//! same still is. What the files hold is not compared: reading all of it takes seconds, at each use.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::total::Total;
use crate::places::require_space;
use crate::preparation::wait_for_lock;
use crate::{Error, Progress};

/// What is to be in the cache.
pub(crate) struct Artifact {
    /// The directory's name; it carries the recipe's version.
    pub(crate) name: &'static str,
    /// What people read.
    pub(crate) title: &'static str,
    /// Files without which it is broken, relative to the content.
    pub(crate) key_files: &'static [&'static str],
    /// Room needed to make it, in MiB.
    pub(crate) needs_mib: u64,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    recipe: String,
    files: Vec<KeyFile>,
    /// Of the whole content. A manifest from before this was kept has none; what it describes may be in use, and stays.
    total: Option<Total>,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct KeyFile {
    path: String,
    bytes: u64,
}

impl Artifact {
    /// The content's path; made by `build` (which fills an existing, empty directory) if it is
    /// missing or broken.
    pub(crate) async fn obtain(
        &self,
        cache: &Path,
        progress: &dyn Progress,
        build: impl AsyncFnOnce(&Path, &str) -> Result<(), Error>,
    ) -> Result<PathBuf, Error> {
        let home = cache.join(self.name);
        if self.is_sound(&home) {
            return Ok(home.join("content"));
        }
        let step = format!("preparing {}", self.title);
        let began = Instant::now();
        progress.begin(&step);
        progress.note(&step, "waiting for another process that prepares it");
        let lock_path = cache.join(format!("{}.lock", self.name));
        let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
        wait_for_lock(&lock, &lock_path).await?;
        if !self.is_sound(&home) {
            require_space(cache, self.needs_mib)?;
            self.replace(&home, &step, build).await?;
        }
        progress.end(&step, began.elapsed());
        Ok(home.join("content"))
    }

    async fn replace(
        &self,
        home: &Path,
        step: &str,
        build: impl AsyncFnOnce(&Path, &str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        // Left behind by a build that was killed; the lock says that nobody works there now.
        let aside = home.with_file_name(format!("{}.building", self.name));
        remove(&aside)?;
        let content = aside.join("content");
        fs::create_dir_all(&content).map_err(Error::io("create", &content))?;
        if let Err(error) = build(&content, step).await {
            let _ = remove(&aside);
            return Err(error);
        }
        let manifest = aside.join("manifest.json");
        let text = serde_json::to_vec_pretty(&self.describe(&content)?)
            .map_err(|error| Error::Io { what: "write a manifest".to_owned(), source: error.into() })?;
        fs::write(&manifest, text).map_err(Error::io("write", &manifest))?;
        remove(home)?;
        fs::rename(&aside, home).map_err(Error::io("rename", &aside))
    }

    fn is_sound(&self, home: &Path) -> bool {
        let manifest: Option<Manifest> =
            fs::read(home.join("manifest.json")).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let (Some(manifest), Ok(now)) = (manifest, self.describe(&home.join("content"))) else {
            return false;
        };
        let same_total = manifest.total.is_none() || manifest.total == now.total;
        manifest.recipe == now.recipe && manifest.files == now.files && same_total
    }

    fn describe(&self, content: &Path) -> Result<Manifest, Error> {
        let describe = |path: &&str| {
            let file = content.join(path);
            let bytes = fs::metadata(&file).map_err(Error::io("find", &file))?.len();
            Ok(KeyFile { path: (*path).to_owned(), bytes })
        };
        let files = self.key_files.iter().map(describe).collect::<Result<_, Error>>()?;
        Ok(Manifest { recipe: self.name.to_owned(), files, total: Some(Total::of(content)?) })
    }
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Quiet;

    const ARTIFACT: Artifact = Artifact { name: "thing-1", title: "a thing", key_files: &["bin/key"], needs_mib: 1 };

    async fn make(cache: &Path, text: &str) -> PathBuf {
        let build = async |content: &Path, _: &str| {
            fs::create_dir_all(content.join("share/deep")).unwrap();
            fs::create_dir(content.join("bin")).unwrap();
            fs::write(content.join("bin/key"), text).unwrap();
            fs::write(content.join("share/deep/other"), "other").unwrap();
            std::os::unix::fs::symlink("nowhere", content.join("share/link")).unwrap();
            Ok(())
        };
        ARTIFACT.obtain(cache, &Quiet, build).await.unwrap()
    }

    fn read(path: &Path) -> String {
        fs::read_to_string(path.join("bin/key")).unwrap()
    }

    /// A cache that is removed with this value.
    struct Cache(PathBuf);

    impl Cache {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("devstack-cache-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Cache {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[tokio::test]
    async fn is_made_once_and_again_when_broken() {
        let cache = Cache::new("key");
        let path = make(&cache.0, "first").await;
        make(&cache.0, "second").await;
        assert_eq!(read(&path), "first", "reused");

        fs::write(path.join("bin/key"), "trunc").unwrap();
        make(&cache.0, "third").await;
        assert_eq!(read(&path), "trunc", "only sizes are compared");
        fs::write(path.join("bin/key"), "").unwrap();
        make(&cache.0, "fourth").await;
        assert_eq!(read(&path), "fourth", "made again");
    }

    #[tokio::test]
    async fn is_made_again_when_any_file_of_it_is_missing_cut_or_too_many() {
        let breaks: [fn(&Path); 4] = [
            |path| fs::remove_file(path.join("share/deep/other")).unwrap(),
            |path| fs::write(path.join("share/deep/other"), "cut").unwrap(),
            |path| fs::write(path.join("share/deep/left"), "").unwrap(),
            |path| fs::remove_file(path.join("share/link")).unwrap(),
        ];
        let cache = Cache::new("total");
        let mut path = make(&cache.0, "0").await;
        for (index, harm) in breaks.iter().enumerate() {
            harm(&path);
            let next = (index + 1).to_string();
            path = make(&cache.0, &next).await;
            assert_eq!(read(&path), next, "made again");
            make(&cache.0, "reused").await;
            assert_eq!(read(&path), next, "and reused");
        }
    }

    #[tokio::test]
    async fn of_a_manifest_without_totals_the_key_files_count() {
        let cache = Cache::new("older");
        let path = make(&cache.0, "first").await;
        let manifest = path.with_file_name("manifest.json");
        let mut older: serde_json::Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
        older.as_object_mut().unwrap().remove("total");
        fs::write(&manifest, older.to_string()).unwrap();
        fs::remove_file(path.join("share/deep/other")).unwrap();
        make(&cache.0, "second").await;
        assert_eq!(read(&path), "first");
        fs::remove_file(path.join("bin/key")).unwrap();
        make(&cache.0, "third").await;
        assert_eq!(read(&path), "third");
    }
}
