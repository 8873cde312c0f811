//! `hotpaths PATH TIMES` does what a create costs most of our own instructions for, so many times, and nothing else; `hotpaths`
//! alone lists the paths. `scripts/instructions` runs it under callgrind.
//!
//! Files of crates whose other parts bring an HTTP server and an HTTP client are taken in by path, as the fuzz targets do: so an
//! optimised build is a small one, which a check in CI can afford.

#[path = "../../crates/search/src/fold.rs"]
mod fold;
#[path = "../../crates/search/src/grams.rs"]
#[allow(dead_code, reason = "queries are made by the service")]
mod grams;
#[path = "../../crates/service/src/object.rs"]
#[allow(dead_code, reason = "an error's cause is read by the service")]
mod object;
mod path;
mod sample;

use std::process::ExitCode;

use path::Path;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {
            Path::ALL.iter().for_each(|path| println!("{}", path.name()));
            ExitCode::SUCCESS
        }
        [name, times] => match (Path::named(name), times.parse::<u32>()) {
            (Some(path), Ok(times)) if path.run(times) => ExitCode::SUCCESS,
            (Some(_), Ok(_)) => fail("the path has failed"),
            _ => fail("no such path, or no number of times"),
        },
        _ => fail("usage: hotpaths [PATH TIMES]"),
    }
}

fn fail(sentence: &str) -> ExitCode {
    eprintln!("{sentence}");
    ExitCode::FAILURE
}
