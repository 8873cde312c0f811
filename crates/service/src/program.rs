//! What the `main` of every service does around its own story: arguments, configuration, and the last words when it fails.

use std::{error::Error, process::ExitCode};

use serde::de::DeserializeOwned;

use crate::config;

/// Why a program ends with failure.
pub type Failure = Box<dyn Error>;

/// A text that a program can print: the argument that asks for it, and how it is made.
pub type Text = (&'static str, fn() -> String);

/// Runs the program `name`. Without arguments it loads its configuration and serves; with `check-config` it prints the
/// configuration in force, without passwords; and with the name of one of the `texts` it prints that. `check` says what the form of
/// the configuration cannot: whether its values can work. `port` is the service's own default.
pub async fn run<C: DeserializeOwned>(
    name: &'static str,
    port: u16,
    texts: &[Text],
    check: impl FnOnce(&C) -> Result<(), Failure>,
    serve: impl AsyncFnOnce(C) -> Result<(), Failure>,
) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = async {
        let load = || config::load::<C>(Some(port));
        match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => {
                let config = load()?;
                check(&config)?;
                serve(config).await
            }
            ["check-config"] => {
                check(&load()?)?;
                print!("{}", config::redacted::<C>(Some(port))?);
                Ok(())
            }
            [asked] if let Some((_, text)) = texts.iter().find(|(known, _)| *known == asked) => {
                print!("{}", text());
                Ok(())
            }
            _ => {
                let others: String = texts.iter().map(|(known, _)| format!(" | {known}")).collect();
                Err(format!("usage: {name} [check-config{others}]").into())
            }
        }
    };
    match outcome.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{name}: {}", sentence(failure.as_ref()));
            ExitCode::FAILURE
        }
    }
}

/// The failure with its causes, in one line. A cause that its effect repeats is said once.
fn sentence(failure: &dyn Error) -> String {
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::Error as ServiceError;

    #[test]
    fn a_failure_is_told_with_its_causes_in_one_line() {
        let failure = ServiceError::Signals(io::Error::other("no more of them"));
        assert_eq!(sentence(&failure), "signals cannot be listened for: no more of them");
    }
}
