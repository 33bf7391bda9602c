//! Time, compared within one round of turns.

use crate::contender::Contender;

/// What one contender took.
pub struct Timing {
    pub name: &'static str,
    /// The median over all rounds.
    pub nanos: f64,
    /// For each contender, by place: the median over all rounds of this one's time divided by that
    /// one's in the same round.
    pub ratios: Vec<f64>,
}

/// Lets the contenders take turns for `rounds` rounds, `times` times a turn. Each round has another
/// order, so that nobody always follows the same neighbour.
pub fn interleave(contenders: &mut [Contender], rounds: usize, times: usize) -> Vec<Timing> {
    let count = contenders.len();
    let mut nanos = vec![Vec::with_capacity(rounds); count];
    for contender in contenders.iter_mut() {
        contender.warm_up(times);
    }
    let mut order: Vec<usize> = (0..count).collect();
    let mut random = Random(1);
    for _ in 0..rounds {
        random.shuffle(&mut order);
        for &place in &order {
            // The others have filled the caches with theirs.
            contenders[place].run(times, |run| run());
            nanos[place].push(contenders[place].time(times));
        }
    }
    let ratio = |of: usize, to: usize| {
        median(nanos[of].iter().zip(&nanos[to]).map(|(of, to)| of / to).collect())
    };
    (0..count)
        .map(|place| Timing {
            name: contenders[place].name,
            nanos: median(nanos[place].clone()),
            ratios: (0..count).map(|to| ratio(place, to)).collect(),
        })
        .collect()
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Numbers without order, the same in every run: Marsaglia's xorshift.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    pub(crate) fn shuffle(&mut self, places: &mut [usize]) {
        for last in (1..places.len()).rev() {
            places.swap(last, self.below(last + 1));
        }
    }
}
