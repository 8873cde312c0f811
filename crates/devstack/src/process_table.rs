//! Reads the process tree from `/proc`, see proc_pid_stat(5). Processes come and go meanwhile: what
//! cannot be read any more is left out.

use std::collections::HashMap;
use std::fs;

use nix::unistd::Pid;

/// One process as `/proc/<pid>/stat` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) pid: Pid,
    pub(crate) name: String,
    pub(crate) state: char,
    parent: Pid,
}

impl Entry {
    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.state, 'T' | 't')
    }

    /// A zombie holds no file, port or memory any more.
    pub(crate) fn is_dead(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }
}

/// All descendants of a process that are alive, parents before their children.
pub(crate) fn descendants(root: Pid) -> Vec<Entry> {
    let mut children: HashMap<Pid, Vec<Entry>> = HashMap::new();
    for entry in all() {
        children.entry(entry.parent).or_default().push(entry);
    }
    let mut found = children.remove(&root).unwrap_or_default();
    let mut next = 0;
    while let Some(entry) = found.get(next) {
        found.extend(children.remove(&entry.pid).unwrap_or_default());
        next += 1;
    }
    found.retain(|entry| !entry.is_dead());
    found
}

/// Whether this process is there and not a zombie.
pub(crate) fn is_alive(pid: Pid) -> bool {
    read(pid).is_some_and(|entry| !entry.is_dead())
}

/// Resident memory, in KiB.
pub(crate) fn resident_kib(pid: Pid) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}

fn all() -> impl Iterator<Item = Entry> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|item| item.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| read(Pid::from_raw(pid)))
}

fn read(pid: Pid) -> Option<Entry> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// `pid (name) state parent …`, where the name may hold spaces and parentheses itself.
fn parse(stat: &str) -> Option<Entry> {
    let (pid, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    Some(Entry {
        pid: Pid::from_raw(pid.parse().ok()?),
        name: name.to_owned(),
        state: fields.next()?.chars().next()?,
        parent: Pid::from_raw(fields.next()?.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_parentheses_and_spaces() {
        let entry = parse("12 (a (b) c) S 7 12 12 0").unwrap();
        assert_eq!(entry.pid, Pid::from_raw(12));
        assert_eq!(entry.name, "a (b) c");
        assert_eq!(entry.state, 'S');
        assert_eq!(entry.parent, Pid::from_raw(7));
    }

    #[test]
    fn this_process_is_alive_and_has_memory() {
        assert!(is_alive(Pid::this()));
        assert!(resident_kib(Pid::this()) > 0);
    }
}
