//! What the figures were measured on. A table without it says nothing.

use std::{fs, thread};

/// One line: processors, memory, kernel.
pub(super) fn describe() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let processors = thread::available_parallelism().map_or(0, usize::from);
    let model = value(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let memory = value(&read("/proc/meminfo"), "MemTotal").and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    let memory_gb = memory.map_or(f64::NAN, |kib| kib * 1024.0 / 1e9);
    let kernel = read("/proc/sys/kernel/osrelease");
    let build = if cfg!(debug_assertions) { "debug build: its figures mean nothing" } else { "release build" };
    format!("{processors} × {model}, {memory_gb:.0} GB, Linux {}, {build}", kernel.trim())
}

/// The value of the first line `name : value`.
fn value(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_whole_name() {
        let text = "model\t\t: 85\nmodel name\t: Some CPU @ 2.00GHz\nMemTotal:       16 kB\n";
        assert_eq!(value(text, "model name").as_deref(), Some("Some CPU @ 2.00GHz"));
        assert_eq!(value(text, "MemTotal").as_deref(), Some("16 kB"));
        assert_eq!(value(text, "name"), None);
    }
}
