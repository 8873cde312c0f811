//! Printing for whoever reads. It must never fail a command: a reader that has seen enough (`chatctl … | head`) closes the pipe, and
//! what was begun is still to be done.

use std::{
    fmt::Arguments,
    io::{self, ErrorKind, Write, stdout},
};

/// Prints a line, as `say!` does, if somebody still reads.
macro_rules! say {
    ($($line:tt)*) => { $crate::say::line(format_args!($($line)*)) };
}

/// What [`say!`] stands for: a remark on what is done, which goes on if it cannot be written.
pub(crate) fn line(line: Arguments<'_>) {
    if let Err(error) = text(format_args!("{line}\n")) {
        eprintln!("standard output: {error}");
    }
}

/// Prints a text as it is: what a command was asked for.
///
/// # Errors
/// When it cannot be written for another reason than that nobody reads on.
pub(crate) fn text(text: Arguments<'_>) -> io::Result<()> {
    let mut out = stdout().lock();
    let written = out.write_fmt(text).and_then(|()| out.flush());
    written.or_else(|error| if error.kind() == ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}
