//! Tells shells what may follow `chatctl`. The text is made from the commands themselves: nothing here knows any of them.

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::Cli;

/// For which shell.
#[derive(Debug, Args)]
#[command(after_help = "\
bash:  chatctl completions bash >~/.local/share/bash-completion/completions/chatctl
zsh:   chatctl completions zsh >~/.zfunc/_chatctl      (with ~/.zfunc in fpath, before compinit)
fish:  chatctl completions fish >~/.config/fish/completions/chatctl.fish")]
pub(crate) struct Options {
    /// The shell that is to read it
    shell: Shell,
}

/// Prints the script for the shell.
pub(crate) fn print(options: &Options) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "chatctl", &mut script);
    say::text(format_args!("{}", String::from_utf8(script)?))?;
    Ok(())
}
