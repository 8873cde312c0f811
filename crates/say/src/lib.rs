//! Printing for whoever reads. It must never fail a command: a reader that has seen enough (`chatctl … | head`) closes the pipe,
//! and what was begun is still to be done.

use std::{
    fmt::Arguments,
    io::{self, ErrorKind, Write, stderr, stdout},
};

/// Prints a line as `println!` does, if somebody still reads: a remark on what is done, which goes on if it cannot be written.
#[macro_export]
macro_rules! say {
    () => { $crate::line(format_args!("")) };
    ($($line:tt)*) => { $crate::line(format_args!($($line)*)) };
}

/// Prints a line to standard error as `eprintln!` does, if somebody still reads: how far something is, or why it has failed. If
/// it cannot be written, there is nobody left to tell it to.
#[macro_export]
macro_rules! remark {
    ($($line:tt)*) => { $crate::aside(format_args!($($line)*)) };
}

/// What [`remark!`] stands for.
pub fn aside(line: Arguments<'_>) {
    let _ = writeln!(stderr(), "{line}");
}

/// What [`say!`] stands for.
pub fn line(line: Arguments<'_>) {
    if let Err(error) = text(format_args!("{line}\n")) {
        remark!("standard output: {error}");
    }
}

/// Prints a text as it is: what a command was asked for.
///
/// # Errors
/// When it cannot be written for another reason than that nobody reads on.
pub fn text(text: Arguments<'_>) -> io::Result<()> {
    print(stdout().lock(), |out| out.write_fmt(text))
}

/// Prints bytes as they are.
///
/// # Errors
/// As [`text`].
pub fn bytes(bytes: &[u8]) -> io::Result<()> {
    print(stdout().lock(), |out| out.write_all(bytes))
}

fn print<W: Write>(mut out: W, what: impl FnOnce(&mut W) -> io::Result<()>) -> io::Result<()> {
    // What is still in the process' memory when it ends is not missed by anybody.
    let written = what(&mut out).and_then(|()| out.flush());
    written.or_else(|error| if error.kind() == ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn what_nobody_reads_is_no_failure_and_what_has_no_room_is() {
        let mut written = Vec::new();
        assert!(print(&mut written, |out| out.write_all(b"2 lines\n")).is_ok());
        assert_eq!(written, b"2 lines\n");
        assert!(print(Failing(ErrorKind::BrokenPipe), |out| out.write_all(b"more")).is_ok());
        let full = print(Failing(ErrorKind::StorageFull), |out| out.write_all(b"more"));
        assert!(full.is_err_and(|error| error.kind() == ErrorKind::StorageFull));
        // What is short may be noticed when it is flushed only.
        assert!(print(Failing(ErrorKind::StorageFull), |_| Ok(())).is_err());
    }
}
