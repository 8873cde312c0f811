//! What the `main` of every service does around its own story: the runtime, arguments, configuration, and the last words when it
//! fails.

use std::{
    error::Error,
    ffi::OsString,
    fmt::Arguments,
    future::Future,
    io::{Write, stderr},
    process::ExitCode,
    time::Duration,
};

use serde::de::DeserializeOwned;
use tokio::runtime::Builder;

use crate::config;

/// Why a program ends with failure.
pub type Failure = Box<dyn Error>;

/// A text that a program can print: the argument that asks for it, and how it is made.
pub type Text = (&'static str, fn() -> String);

/// What is still at work when a program has ended is waited for no longer than this. It is nobody's any more: mostly a name that
/// is being looked up, on a thread that cannot be told to stop.
const LEFT_BEHIND: Duration = Duration::from_millis(500);

/// Runs a program to its end on a runtime with so many worker threads; `None`: one a core. Dropped in its stead, as
/// `#[tokio::main]` does, a runtime would wait for such a thread without limit.
pub fn on_runtime(workers: Option<usize>, program: impl Future<Output = ExitCode>) -> ExitCode {
    let mut builder = Builder::new_multi_thread();
    if let Some(workers) = workers {
        builder.worker_threads(workers);
    }
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(format_args!("no threads can be started: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(program);
    runtime.shutdown_timeout(LEFT_BEHIND);
    code
}

/// Runs the program `name`. Without arguments it loads its configuration and serves; with `check-config` it prints the
/// configuration in force, without passwords; with the name of one of the `texts` it prints that; and with `--help` what it
/// may be asked for. `check` says what the form of the configuration cannot: whether its values can work. `port` is the service's
/// own default.
pub async fn run<C: DeserializeOwned>(
    name: &'static str,
    port: u16,
    texts: &[Text],
    check: impl FnOnce(&C) -> Result<(), Failure>,
    serve: impl AsyncFnOnce(C) -> Result<(), Failure>,
) -> ExitCode {
    let outcome = async {
        let arguments = texts_of(std::env::args_os().skip(1))?;
        let load = || config::load::<C>(Some(port));
        match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => {
                let config = load()?;
                check(&config)?;
                serve(config).await
            }
            ["check-config"] => {
                check(&load()?)?;
                Ok(say::text(format_args!("{}", config::redacted::<C>(Some(port))?))?)
            }
            [asked] if let Some((_, text)) = texts.iter().find(|(known, _)| *known == asked) => {
                Ok(say::text(format_args!("{}", text()))?)
            }
            ["--version" | "-V"] => Ok(say::text(format_args!("{name} {}\n", env!("CARGO_PKG_VERSION")))?),
            ["--help" | "-h"] => Ok(say::text(format_args!("{}", help(name, port, texts)))?),
            _ => Err(format!("`{}` is nothing to ask for; `{name} --help` lists what is", arguments.join(" ")).into()),
        }
    };
    match outcome.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(format_args!("{name}: {}", sentence(failure.as_ref())));
            ExitCode::FAILURE
        }
    }
}

/// The arguments as text.
fn texts_of(arguments: impl Iterator<Item = OsString>) -> Result<Vec<String>, Failure> {
    let text = |argument: OsString| {
        argument.into_string().map_err(|argument| format!("the argument {argument:?} is not text in UTF-8").into())
    };
    arguments.map(text).collect()
}

/// Says what is wrong, if somebody listens.
fn complain(sentence: Arguments<'_>) {
    let _ = writeln!(stderr(), "{sentence}");
}

/// What the program can be asked for, and where it is told of everything else.
fn help(name: &str, port: u16, texts: &[Text]) -> String {
    let others: String = texts.iter().map(|(known, _)| format!("\n  {known:<13} prints that document")).collect();
    format!(
        "\
{name}: a service of the chat backend. Without an argument it serves, on port {port} unless told otherwise, until SIGTERM.

Usage: {name} [ARGUMENT]

  check-config  prints the settings in force, without passwords, and fails if they cannot work{others}
  --version     prints the version
  --help        prints this

It reads the file that CHAT_CONFIG names, then the environment: DATABASE_URL, REDIS_URL, AMQP_URL, ELASTICSEARCH_URL, PORT, and for any
other setting CHAT__SECTION__KEY. defaults.toml has them all, with what they do.
"
    )
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
    use std::{io, sync::mpsc, time::Instant};

    use super::*;
    use crate::Error as ServiceError;

    #[test]
    fn a_program_ends_though_a_thread_of_its_own_hangs() {
        let (end, hanging) = mpsc::channel::<()>();
        let began = Instant::now();
        let _code: ExitCode = on_runtime(Some(1), async {
            let (begun, has_begun) = tokio::sync::oneshot::channel();
            // As the look-up of a name does while no name server answers.
            tokio::task::spawn_blocking(move || {
                begun.send(()).unwrap();
                let _ = hanging.recv_timeout(Duration::from_secs(30));
            });
            has_begun.await.unwrap();
            ExitCode::SUCCESS
        });
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        drop(end);
    }

    #[test]
    fn help_names_every_argument() {
        let help = help("api", 3000, &[("openapi", String::new)]);
        for said in ["Usage: api ", "port 3000", "\n  check-config  ", "\n  openapi       ", "\n  --version     ", "CHAT_CONFIG"]
        {
            assert!(help.contains(said), "{said:?}: {help}");
        }
    }

    #[test]
    fn a_failure_is_told_with_its_causes_in_one_line() {
        let failure = ServiceError::Signals(io::Error::other("no more of them"));
        assert_eq!(sentence(&failure), "signals cannot be listened for: no more of them");
    }
}
