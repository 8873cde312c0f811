//! The values of one measurement, one a round. The middle is told, and how far the rest lies from it: never a mean, which one bad
//! moment of the machine would spoil.

/// In the order of the rounds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// A measurement that is made once.
    pub(crate) fn once(value: f64) -> Self {
        Self(vec![value])
    }

    #[cfg(test)]
    pub(crate) fn of(values: &[f64]) -> Self {
        Self(values.to_vec())
    }

    /// The middle value, of an even number of them the mean of the two in the middle; `NaN` when there is none.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let half = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            length if length % 2 == 1 => sorted[half],
            _ => f64::midpoint(sorted[half - 1], sorted[half]),
        }
    }

    pub(crate) fn min(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::min)
    }

    pub(crate) fn max(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::max)
    }

    /// How many rounds there were.
    pub(crate) fn rounds(&self) -> usize {
        self.0.len()
    }

    /// Round by round, what this is to `limit`: both were measured in the same minute, on the same mood of the machine. Rounds
    /// that one of them lacks are left out.
    pub(crate) fn ratio_to(&self, limit: &Self) -> Self {
        Self(self.0.iter().zip(&limit.0).map(|(value, limit)| value / limit).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        assert_eq!(Series::of(&[9.0, 1.0, 2.0]).median(), 2.0);
        assert_eq!(Series::of(&[9.0, 1.0, 2.0, 4.0]).median(), 3.0);
        assert_eq!(Series::once(7.0).median(), 7.0);
        assert!(Series::default().median().is_nan());
    }

    #[test]
    fn the_range_is_of_all_rounds() {
        let rounds = Series::of(&[3.0, 1.0, 2.0]);
        assert_eq!((rounds.min(), rounds.max(), rounds.rounds()), (1.0, 3.0, 3));
        assert!(Series::default().min().is_nan() && Series::default().max().is_nan());
    }

    #[test]
    fn a_ratio_is_made_round_by_round() {
        let ratio = Series::of(&[10.0, 40.0, 30.0]).ratio_to(&Series::of(&[20.0, 50.0, 100.0]));
        assert_eq!(ratio, Series::of(&[0.5, 0.8, 0.3]));
        // The ratio of the medians would be 0.6.
        assert_eq!(ratio.median(), 0.5);
        assert_eq!(Series::of(&[1.0, 2.0]).ratio_to(&Series::of(&[4.0])), Series::of(&[0.25]));
    }
}
