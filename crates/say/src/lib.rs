//! Printing for whoever reads. It must never fail a command: a reader that has seen enough (`chatctl … | head`) closes the pipe, and
//! what was begun is still to be done.

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

/// What [`say!`] stands for.
pub fn line(line: Arguments<'_>) {
    if let Err(error) = text(format_args!("{line}\n")) {
        // There may be nobody left to tell it to.
        let _ = writeln!(stderr(), "standard output: {error}");
    }
}

/// Prints a text as it is: what a command was asked for.
///
/// # Errors
/// When it cannot be written for another reason than that nobody reads on.
pub fn text(text: Arguments<'_>) -> io::Result<()> {
    print(stdout().lock(), text)
}

fn print(mut out: impl Write, text: Arguments<'_>) -> io::Result<()> {
    let written = out.write_fmt(text).and_then(|()| out.flush());
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
        assert!(print(&mut written, format_args!("{} lines\n", 2)).is_ok());
        assert_eq!(written, b"2 lines\n");
        assert!(print(Failing(ErrorKind::BrokenPipe), format_args!("more")).is_ok());
        let full = print(Failing(ErrorKind::StorageFull), format_args!("more"));
        assert!(full.is_err_and(|error| error.kind() == ErrorKind::StorageFull));
    }
}
