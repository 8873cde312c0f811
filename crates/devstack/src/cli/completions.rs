//! Tells shells what may follow `devstack`, from the commands themselves.

use std::io::{Write, stdout};

use clap::CommandFactory;
use clap_complete::Shell;
use devstack::Error;

use super::Arguments;

/// Prints the script for the shell.
pub(super) fn print(shell: Shell) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "devstack", &mut script);
    stdout().write_all(&script).map_err(|source| Error::Io { what: "print".to_owned(), source })
}
