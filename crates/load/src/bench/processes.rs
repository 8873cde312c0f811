//! Processor time and memory of processes, read from /proc: what a create costs each part, whatever else the machine does.

use std::{collections::HashMap, fs, io};

/// The kernel counts in hundredths of a second on every architecture that there is a Linux for today (USER_HZ, see
/// proc_pid_stat(5)).
const US_PER_TICK: u64 = 10_000;

/// One line of the account.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    /// Its processes.
    pub(crate) roots: Vec<u32>,
    /// Whether what they started counts as theirs: a server's leading process is only its sandbox.
    pub(crate) with_children: bool,
}

/// All processes' processor time at one moment.
#[derive(Debug, Default)]
pub(crate) struct Account(HashMap<u32, Process>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    parent: u32,
    own_ticks: u64,
    /// Of children that have ended and were waited for.
    childrens_ticks: u64,
}

impl Account {
    pub(crate) fn now() -> io::Result<Self> {
        let entries = fs::read_dir("/proc")?.flatten();
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        // One that ends meanwhile is left out: its time is its parent's then.
        let read = |id: u32| Some((id, parse(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)?));
        Ok(Self(ids.filter_map(read).collect()))
    }

    /// Microseconds that the group has used up to this moment.
    pub(crate) fn of(&self, group: &Group) -> u64 {
        let ticks: u64 = if group.with_children {
            self.0
                .iter()
                .filter(|(id, _)| self.is_of(**id, &group.roots))
                .map(|(_, one)| one.own_ticks + one.childrens_ticks)
                .sum()
        } else {
            group.roots.iter().filter_map(|root| self.0.get(root)).map(|one| one.own_ticks).sum()
        };
        ticks * US_PER_TICK
    }

    /// Microseconds that the process' children have used which have ended, and which it has waited for.
    pub(crate) fn of_ended_children(&self, id: u32) -> u64 {
        self.0.get(&id).map_or(0, |one| one.childrens_ticks * US_PER_TICK)
    }

    fn is_of(&self, id: u32, roots: &[u32]) -> bool {
        let mut next = Some(id);
        while let Some(id) = next {
            if roots.contains(&id) {
                return true;
            }
            next = self.0.get(&id).map(|process| process.parent).filter(|parent| *parent != id);
        }
        false
    }
}

/// The line of /proc/PID/stat. The program's name, in parentheses, may hold anything, other parentheses too.
fn parse(stat: &str) -> Option<Process> {
    let fields: Vec<&str> = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().collect();
    // The first field here is the third of the manual's list.
    let number = |index: usize| fields.get(index - 3)?.parse::<u64>().ok();
    Some(Process {
        parent: u32::try_from(number(4)?).ok()?,
        own_ticks: number(14)? + number(15)?,
        childrens_ticks: number(16)? + number(17)?,
    })
}

/// Memory that a process holds now, and the most that it has held, in MB; `None` once it has ended.
pub(crate) fn memory_mb(id: u32) -> Option<(f64, f64)> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let kib =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse::<f64>().ok());
    Some((kib("VmRSS:")? * 1024.0 / 1e6, kib("VmHWM:")? * 1024.0 / 1e6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_whatever_the_programs_name() {
        let rest = "S 7 1 1 0 -1 4194304 1 2 3 4 50 6 700 8 20 0 1 0 5 6 7";
        let expected = Process { parent: 7, own_ticks: 56, childrens_ticks: 708 };
        for name in ["redis-server", "a b", "x) S 9 (y", ""] {
            assert_eq!(parse(&format!("12 ({name}) {rest}")), Some(expected), "{name}");
        }
        assert_eq!(parse("12 (short) S 7"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn a_tree_counts_as_a_whole_and_a_process_for_itself() {
        let process = |parent, own_ticks, childrens_ticks| Process { parent, own_ticks, childrens_ticks };
        let all = [(1, process(0, 1, 0)), (2, process(1, 10, 5)), (3, process(2, 100, 0)), (4, process(1, 1_000, 0))];
        let account = Account(HashMap::from(all));
        let group = |roots: &[u32], with_children| Group { name: "x", roots: roots.into(), with_children };
        assert_eq!(account.of(&group(&[2], true)), 115 * US_PER_TICK);
        assert_eq!(account.of(&group(&[2], false)), 10 * US_PER_TICK);
        assert_eq!(account.of(&group(&[2, 4], false)), 1_010 * US_PER_TICK);
        assert_eq!(account.of(&group(&[9], true)), 0);
    }

    #[test]
    fn this_process_is_accounted_for() {
        let me = Group { name: "test", roots: vec![std::process::id()], with_children: false };
        let before = Account::now().unwrap().of(&me);
        let mut sum = 0_u64;
        while Account::now().unwrap().of(&me) < before + 3 * US_PER_TICK {
            sum = (0..100_000_u64).fold(sum, |sum, number| std::hint::black_box(sum ^ number));
        }
        let (now, most) = memory_mb(std::process::id()).unwrap();
        assert!(now > 0.0 && most >= now, "{now} {most} {sum}");
        assert_eq!(memory_mb(u32::MAX), None);
    }
}
