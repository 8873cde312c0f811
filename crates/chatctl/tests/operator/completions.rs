//! What shells complete, and what a stranger is told.

use std::process::{Command, Output};

fn chatctl(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_chatctl")).args(arguments).output().unwrap()
}

fn text(arguments: &[&str]) -> String {
    let output = chatctl(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The names in the column below `Commands:`.
fn commands(help: &str) -> Vec<&str> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    listed.filter_map(|line| line.split_whitespace().next()).collect()
}

#[test]
fn each_shell_is_told_of_every_command_and_option() {
    let help = text(&["--help"]);
    let commands = commands(&help);
    assert!(commands.contains(&"verify"), "{help}");
    for shell in ["bash", "zsh", "fish"] {
        let script = text(&["completions", shell]);
        for name in commands.iter().copied().chain(["discard", "repair", "plays"]) {
            assert!(script.contains(name), "{shell} is not told of {name}");
        }
    }
}

/// Bash reads the script and is asked as it would be by a Tab behind `chatctl dead`.
#[test]
fn bash_completes_what_may_follow() {
    let asked = r#"
        source /dev/stdin <<<"$1"
        COMP_WORDS=(chatctl dead "")
        COMP_CWORD=2
        _chatctl chatctl "" dead
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let script = text(&["completions", "bash"]);
    let output = Command::new("bash").args(["-euc", asked, "bash", &script]).output().unwrap();
    let offered = String::from_utf8(output.stdout).unwrap();
    for verb in ["list", "show", "retry", "discard"] {
        assert!(offered.lines().any(|line| line == verb), "{offered}{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn who_asks_for_nothing_or_for_an_unknown_shell_is_told_what_there_is() {
    let output = chatctl(&[]);
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("First steps:"));

    let output = chatctl(&["completions", "abacus"]);
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("bash"));
}
