//! The command `devstack`: a stack in the foreground or detached, verbs on it from another terminal,
//! and a temporary one around a command. Only arguments and output; the library does the work.

mod cli;

use std::process::ExitCode;

use clap::Parser;

// One thread: the owner's main thread lives as long as its children should.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match cli::run(cli::Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("devstack: {}", error.with_sources());
            ExitCode::FAILURE
        }
    }
}
