//! Which of the schedule's faults and combinations a run has gone through, so that all can be gathered over several runs, each of
//! which goes on where the one before it has ended.

use std::{collections::BTreeSet, fmt, ops::Range};

use super::{fault::Fault, schedule::Schedule};

/// What a run has done of its schedule. Steps are done in the order of their numbers.
pub(crate) struct Coverage<'a> {
    pub(crate) schedule: &'a Schedule,
    /// What decides about the order of the steps, as it stands on the command line.
    pub(crate) order: &'a str,
    /// Faults that cannot be injected here: steps with them are passed over.
    pub(crate) left_out: &'a [Fault],
    /// The number of the first step.
    pub(crate) from: usize,
    /// The number behind the last step that was done; of the one that failed, if one did.
    pub(crate) next: usize,
}

/// Faults alone and combinations of two, each counted once, however often it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sets {
    alone: usize,
    pairs: usize,
}

impl Coverage<'_> {
    /// What these steps have, or would have if nothing was left out.
    fn sets(&self, numbers: Range<usize>, left_out: &[Fault]) -> Sets {
        // Wherever they begin, so many have a whole round among them, which has each.
        let enough = numbers.start + 2 * self.schedule.round();
        let steps = (numbers.start..numbers.end.min(enough)).map(|number| self.schedule.step(number));
        let faults = steps.map(|step| step.faults.into_iter().map(|(fault, _)| fault).collect::<BTreeSet<Fault>>());
        let sets: BTreeSet<_> = faults.filter(|faults| left_out.iter().all(|fault| !faults.contains(fault))).collect();
        let alone = sets.iter().filter(|faults| faults.len() == 1).count();
        Sets { alone, pairs: sets.len() - alone }
    }
}

impl fmt::Display for Coverage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { schedule, order, left_out, from, next } = self;
        let round = 1..schedule.round() + 1;
        let all = self.sets(round.clone(), &[]);
        let here = self.sets(round, left_out);
        if from == next {
            writeln!(f, "no step is done ({order})")?;
        } else {
            let done = self.sets(*from..*next, left_out);
            writeln!(f, "steps {from} to {} are done ({order}): {}", next - 1, done.of(all))?;
        }
        if *from > 1 {
            let done = self.sets(1..*next, left_out);
            writeln!(f, "with steps 1 to {}, if earlier runs have done them: {}", from - 1, done.of(all))?;
        }
        if here != all {
            let Sets { alone, pairs } = here;
            writeln!(f, "what is left out here cannot be done here: no more than {alone} and {pairs} can")?;
        }
        if self.sets(1..*next, left_out) == here {
            write!(f, "that is a whole round; to go on with the next one: {order} --from {next}")
        } else {
            write!(f, "to go on: {order} --from {next}")
        }
    }
}

impl Sets {
    fn of(self, all: Self) -> String {
        format!("{} of {} faults alone, {} of {} combinations of two", self.alone, all.alone, self.pairs, all.pairs)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::faults::clock::Act;

    /// All of which go together: three alone, then three combinations.
    const FAULTS: [Fault; 3] = [Fault::RedisFailover, Fault::MemoryAlarm, Fault::Clock(Act::Back)];

    fn told(left_out: &[Fault], from: usize, next: usize) -> String {
        let schedule = &Schedule::new(7, &FAULTS, Duration::from_secs(10));
        Coverage { schedule, order: "--seed 7", left_out, from, next }.to_string()
    }

    #[test]
    fn a_run_tells_what_it_has_done_and_how_to_go_on() {
        assert_eq!(
            told(&[], 1, 5),
            "steps 1 to 4 are done (--seed 7): 3 of 3 faults alone, 1 of 3 combinations of two\nto go on: --seed 7 --from 5"
        );
        assert_eq!(told(&[], 1, 1), "no step is done (--seed 7)\nto go on: --seed 7 --from 1");
    }

    #[test]
    fn runs_that_go_on_from_one_another_come_to_a_whole_round() {
        assert_eq!(
            told(&[], 5, 7),
            "steps 5 to 6 are done (--seed 7): 0 of 3 faults alone, 2 of 3 combinations of two\n\
             with steps 1 to 4, if earlier runs have done them: 3 of 3 faults alone, 3 of 3 combinations of two\n\
             that is a whole round; to go on with the next one: --seed 7 --from 7"
        );
        // What comes again in the next round is not counted once more.
        assert!(
            told(&[], 1, 40).starts_with("steps 1 to 39 are done (--seed 7): 3 of 3 faults alone, 3 of 3 combinations of two\n")
        );
    }

    #[test]
    fn what_cannot_be_injected_here_is_not_counted_as_done() {
        let told = told(&[Fault::MemoryAlarm], 1, 7);
        assert!(
            told.starts_with("steps 1 to 6 are done (--seed 7): 2 of 3 faults alone, 1 of 3 combinations of two\n"),
            "{told}"
        );
        assert!(told.contains("no more than 2 and 1 can\nthat is a whole round"), "{told}");
    }
}
