//! [`Barriers`]: where the tests of a gang wait for each other: who came and who left goes in, who is told what comes out.

use std::collections::BTreeSet;

/// The barriers of one run of a gang. A barrier opens when all have come to it, and is broken when one has left that had not; both for
/// good, so whoever comes again is told again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Barriers {
    /// By the places of the tests in their gang.
    seats: Vec<Seat>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Seat {
    /// What it came to.
    reached: BTreeSet<String>,
    /// It has ended.
    left: bool,
}

/// Somebody who waits at a barrier is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) seat: usize,
    pub(super) barrier: String,
    /// Who left without having come there, so that it never opens; nobody if it is open.
    pub(super) without: Option<usize>,
}

impl Barriers {
    /// Of so many tests, which have just begun.
    pub(super) fn new(tests: usize) -> Self {
        Self { seats: vec![Seat::default(); tests] }
    }

    /// A test came to a barrier.
    pub(super) fn reach(&mut self, seat: usize, barrier: &str) -> Vec<Told> {
        let own = &mut self.seats[seat];
        if own.left {
            return Vec::new();
        }
        let is_new = own.reached.insert(barrier.to_owned());
        let told = |seat, without| Told { seat, barrier: barrier.to_owned(), without };
        if let Some(without) = self.left_without(barrier) {
            return vec![told(seat, Some(without))];
        }
        if !self.seats.iter().all(|seat| seat.reached.contains(barrier)) {
            return Vec::new();
        }
        let here = self.seats.iter().enumerate().filter(|(_, seat)| !seat.left);
        let here = here.map(|(other, _)| other).filter(|other| is_new || *other == seat);
        here.map(|seat| told(seat, None)).collect()
    }

    /// A test has ended.
    pub(super) fn leave(&mut self, seat: usize) -> Vec<Told> {
        if self.seats[seat].left {
            return Vec::new();
        }
        let mut told = Vec::new();
        let others = self.seats.iter().enumerate();
        for (other, waits) in others.filter(|(other, waits)| *other != seat && !waits.left) {
            for barrier in waits.reached.difference(&self.seats[seat].reached) {
                // Else it is broken already.
                if self.left_without(barrier).is_none() {
                    told.push(Told { seat: other, barrier: barrier.clone(), without: Some(seat) });
                }
            }
        }
        self.seats[seat].left = true;
        told
    }

    /// The first that left without having come to a barrier.
    fn left_without(&self, barrier: &str) -> Option<usize> {
        self.seats.iter().position(|seat| seat.left && !seat.reached.contains(barrier))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// What can happen to one of three tests.
    #[derive(Debug, Clone, Copy)]
    enum Happening {
        Reaches(usize, &'static str),
        Leaves(usize),
    }

    /// Everything that can happen, and what was told so far: once open, or broken, always so.
    #[derive(Clone)]
    struct World {
        barriers: Barriers,
        reached: BTreeSet<(usize, &'static str)>,
        left: BTreeSet<usize>,
        told: BTreeMap<(usize, String), bool>,
    }

    const TESTS: usize = 3;
    const NAMES: [&str; 2] = ["up", "down"];

    impl World {
        fn happen(&mut self, happening: Happening) {
            let told = match happening {
                Happening::Reaches(seat, name) => {
                    if !self.left.contains(&seat) {
                        self.reached.insert((seat, name));
                    }
                    let told = self.barriers.reach(seat, name);
                    let again = told.iter().any(|told| told.seat == seat);
                    let known = self.told.contains_key(&(seat, name.to_owned()));
                    assert!(!known || again || self.left.contains(&seat), "not told again");
                    told
                }
                Happening::Leaves(seat) => {
                    self.left.insert(seat);
                    self.barriers.leave(seat)
                }
            };
            for Told { seat, barrier, without } in told {
                assert!(!self.left.contains(&seat), "{seat} is told though it left");
                if let Some(other) = without {
                    assert!(self.left.contains(&other) && other != seat);
                    assert!(
                        !self.reached.iter().any(|(who, name)| (*who, *name) == (other, &barrier))
                    );
                }
                let open = without.is_none();
                let before = self.told.insert((seat, barrier), open);
                assert!(before.is_none_or(|before| before == open), "it changed");
            }
            self.check();
        }

        /// Who waits is told exactly when all have come, or somebody never will.
        fn check(&self) {
            for (seat, name) in &self.reached {
                let came = |other: &usize| self.reached.contains(&(*other, *name));
                let all = (0..TESTS).all(|other| came(&other));
                let never = self.left.iter().any(|other| !came(other));
                let told = self.told.get(&(*seat, (*name).to_owned())).copied();
                if !self.left.contains(seat) {
                    let expected = if all { Some(true) } else { never.then_some(false) };
                    assert_eq!(told, expected, "{seat} at {name}");
                }
            }
        }
    }

    /// All orders in which three tests come to two barriers, again and again, and end.
    #[test]
    fn whoever_waits_is_told_in_time_and_never_two_things() {
        let reaches = (0..TESTS).flat_map(|seat| NAMES.map(|name| Happening::Reaches(seat, name)));
        let happenings: Vec<Happening> = reaches.chain((0..TESTS).map(Happening::Leaves)).collect();
        let world = World {
            barriers: Barriers::new(TESTS),
            reached: BTreeSet::new(),
            left: BTreeSet::new(),
            told: BTreeMap::new(),
        };
        let mut worlds = vec![(world, 0)];
        let mut count = 0;
        while let Some((world, depth)) = worlds.pop() {
            count += 1;
            if depth == 5 {
                continue;
            }
            for happening in &happenings {
                let mut next = world.clone();
                next.happen(*happening);
                worlds.push((next, depth + 1));
            }
        }
        assert!(count > 50_000, "{count}");
    }
}
