//! In which order faults come: each alone, then each combination of two, both in an order that the seed decides; then all over
//! again in another one. Any step can be reached without those before it, so that a run is resumed, and a step repeated, by its
//! number.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

use super::{draw::Draw, fault::Fault};

/// What is injected together, and what chance has to say to it.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// Counted from 1, over all rounds.
    pub(crate) number: usize,
    /// In the order in which they are injected.
    pub(crate) faults: Vec<(Fault, Draw)>,
    /// How long it lasts.
    pub(crate) hold: Duration,
    /// The pause between two.
    pub(crate) apart: Duration,
}

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    seed: u64,
    sets: Vec<Vec<Fault>>,
    alone: usize,
    longest: Duration,
}

impl Schedule {
    /// A schedule of these faults, none of which lasts longer than `longest` (if that is not less than what makes it one).
    pub(crate) fn new(seed: u64, faults: &[Fault], longest: Duration) -> Self {
        let alone = faults.iter().map(|fault| vec![*fault]);
        let pairs = faults.iter().enumerate().flat_map(|(index, one)| {
            let others = faults[index + 1..].iter().filter(|another| one.goes_with(**another));
            others.map(|another| vec![*one, *another])
        });
        Self { seed, alone: faults.len(), sets: alone.chain(pairs).collect(), longest }
    }

    /// Steps of one round: after so many, each fault and each combination has come once.
    pub(crate) fn round(&self) -> usize {
        self.sets.len()
    }

    /// How many of them are combinations of two.
    pub(crate) fn pairs(&self) -> usize {
        self.sets.len() - self.alone
    }

    /// The step of this number, from 1.
    pub(crate) fn step(&self, number: usize) -> Step {
        let (round, place) = ((number - 1) / self.round(), (number - 1) % self.round());
        let mut order: Vec<usize> = (0..self.sets.len()).collect();
        let mut rng = self.rng(&[0, round as u64]);
        let (alone, pairs) = order.split_at_mut(self.alone);
        alone.shuffle(&mut rng);
        pairs.shuffle(&mut rng);
        let mut rng = self.rng(&[1, number as u64]);
        let mut faults = self.sets[order[place]].clone();
        faults.shuffle(&mut rng);
        faults.sort_by_key(|fault| fault.injected_in_turn());
        let least = faults.iter().map(|fault| fault.at_least()).max().unwrap_or_default();
        let most = self.longest.max(least);
        // Short ones are as likely as long ones: from 2 to 4 s as from 20 to 40.
        let factor = (most.as_secs_f64() / least.as_secs_f64().max(0.001)).powf(rng.random());
        let first = Draw::from(&mut rng);
        // Two faults of replicas are of different ones, where there are two.
        let second = Draw { replica: first.replica + 1, ..Draw::from(&mut rng) };
        Step {
            number,
            faults: faults.into_iter().zip([first, second]).collect(),
            hold: least.mul_f64(factor),
            apart: Duration::from_millis(rng.random_range(0..1_000)),
        }
    }

    fn rng(&self, of: &[u64]) -> StdRng {
        let mut seed = [0; 32];
        for (bytes, word) in seed.chunks_mut(8).zip([self.seed].iter().chain(of)) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        StdRng::from_seed(seed)
    }
}

impl Step {
    /// What is injected, by name.
    pub(crate) fn names(&self) -> String {
        self.faults.iter().map(|(fault, _)| fault.to_string()).collect::<Vec<_>>().join(" + ")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const LONGEST: Duration = Duration::from_secs(60);

    fn schedule(seed: u64) -> Schedule {
        Schedule::new(seed, &Fault::all(true, false), LONGEST)
    }

    /// How a round begins.
    fn names(schedule: &Schedule, round: usize) -> Vec<String> {
        (1..=60).map(|place| schedule.step((round - 1) * schedule.round() + place).names()).collect()
    }

    #[test]
    fn a_round_has_each_fault_alone_and_each_combination_of_two_once() {
        let schedule = schedule(7);
        let mut seen = BTreeSet::new();
        for number in 1..=schedule.round() {
            let mut set: Vec<Fault> = schedule.step(number).faults.iter().map(|(fault, _)| *fault).collect();
            set.sort();
            assert!(seen.insert(set.clone()), "{set:?} twice");
        }
        let all = Fault::all(true, false);
        for one in &all {
            assert!(seen.contains(&vec![*one]), "{one}");
            for another in all.iter().filter(|another| one.goes_with(**another)) {
                let mut pair = vec![*one, *another];
                pair.sort();
                assert!(seen.contains(&pair), "{one} {another}");
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_steps_and_another_gives_others() {
        let (one, same, another) = (schedule(7), schedule(7), schedule(8));
        assert_eq!(format!("{:?}", one.step(500)), format!("{:?}", same.step(500)));
        assert_eq!(names(&one, 1), names(&same, 1));
        assert_ne!(names(&one, 1), names(&another, 1));
        assert_ne!(names(&one, 1), names(&one, 2));
    }

    #[test]
    fn what_silences_a_server_comes_behind_what_it_must_be_told() {
        let schedule = schedule(3);
        for number in 1..=schedule.round() {
            let turns: Vec<u8> = schedule.step(number).faults.iter().map(|(fault, _)| fault.injected_in_turn()).collect();
            assert!(turns.is_sorted(), "{}", schedule.step(number).names());
        }
    }

    #[test]
    fn faults_last_from_what_makes_them_one_to_the_longest() {
        let schedule = schedule(1);
        let holds: Vec<Duration> = (1..=schedule.round()).map(|number| schedule.step(number).hold).collect();
        let (shortest, longest) = (*holds.iter().min().unwrap(), *holds.iter().max().unwrap());
        assert!(shortest >= Duration::from_secs(2) && longest <= LONGEST, "{shortest:?} {longest:?}");
        assert!(longest > Duration::from_secs(40), "{longest:?}");
    }
}
