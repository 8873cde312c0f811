//! The servers' own output: one file a server, appended to over restarts, and its end for an error.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, PipeReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::{Error, Log};

const TAIL_LINES: usize = 30;
const TAIL_BYTES: u64 = 16 * 1024;

/// One server's log file and the place in it where the present run begins.
pub(crate) struct RunLog {
    path: PathBuf,
    begins: u64,
}

impl RunLog {
    /// Lets `command` write both its streams to the end of the file.
    pub(crate) fn attach(path: PathBuf, name: &'static str, log: Log, command: &mut Command) -> Result<RunLog, Error> {
        let failed = |source| Error::Io { what: format!("write the log {}", path.display()), source };
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        let begins = file.metadata().map_err(failed)?.len();
        match log {
            Log::Files => {
                command.stdout(file.try_clone().map_err(failed)?).stderr(file);
            }
            Log::FilesAndStderr => {
                let (reader, writer) = io::pipe().map_err(failed)?;
                command.stdout(writer.try_clone().map_err(failed)?).stderr(writer);
                // Ends by itself when the last writer is gone.
                thread::spawn(move || copy(name, reader, file));
            }
        }
        Ok(RunLog { path, begins })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The last lines of this run.
    pub(crate) fn tail(&self) -> String {
        tail_of(&self.path, self.begins).unwrap_or_default()
    }
}

fn copy(name: &str, reader: PipeReader, mut file: File) {
    for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
        // A full disk must not stop the server by a full pipe: go on reading.
        let _ = file.write_all(&[line.as_slice(), b"\n"].concat());
        eprintln!("{name}: {}", String::from_utf8_lossy(&line));
    }
}

fn tail_of(path: &Path, begins: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(begins.max(length.saturating_sub(TAIL_BYTES))))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(last_lines(&String::from_utf8_lossy(&bytes)))
}

/// The last lines of a text, indented.
pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let first = lines.len().saturating_sub(TAIL_LINES);
    let indented: Vec<String> = lines[first..].iter().map(|line| format!("  {line}")).collect();
    indented.join("\n")
}

/// Where a stack's logs are in its data directory.
pub(crate) fn place(data: &Path) -> PathBuf {
    data.join("logs")
}

/// The directory of the logs, made if missing.
pub(crate) fn directory(data: &Path) -> Result<PathBuf, Error> {
    let logs = place(data);
    fs::create_dir_all(&logs).map_err(Error::io("create", &logs))?;
    Ok(logs)
}
