//! [`Deadline`]: when a test's time is up, and what `duration` words do to that.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::DurationChange;

/// The time limit of a running test. Times are those since any fixed moment; the clock is the caller's.
///
/// ```
/// use std::time::Duration;
/// use atex_exec::control::{Deadline, DurationChange};
///
/// let secs = Duration::from_secs;
/// let mut deadline = Deadline::new(secs(0), secs(60));
/// deadline.change(secs(50), DurationChange::Extend(secs(5)));
/// assert_eq!(deadline.left(secs(50)), secs(15));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Deadline {
    since: Duration,
    limit: Duration,
    saved: Option<Saved>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Saved {
    left: Duration,
    depth: u32,
}

impl Deadline {
    /// A limit that counts from `now`.
    pub fn new(now: Duration, limit: Duration) -> Self {
        Self { since: now, limit, saved: None }
    }

    /// The limit as it stands.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// The time left; zero when it is up.
    pub fn left(&self, now: Duration) -> Duration {
        self.limit.saturating_sub(now.saturating_sub(self.since))
    }

    /// The moment when the time is up.
    pub fn end(&self) -> Duration {
        self.since.saturating_add(self.limit)
    }

    /// Does what a `duration` word says. `save` and `restore` nest, and only the outermost pair has an effect; a `restore`
    /// without a `save` has none.
    pub fn change(&mut self, now: Duration, change: DurationChange) {
        match change {
            DurationChange::Set(limit) => (self.since, self.limit) = (now, limit),
            DurationChange::Extend(more) => self.limit = self.limit.saturating_add(more),
            DurationChange::Shorten(less) => self.limit = self.limit.saturating_sub(less),
            DurationChange::Save => match &mut self.saved {
                Some(saved) => saved.depth = saved.depth.saturating_add(1),
                None => self.saved = Some(Saved { left: self.left(now), depth: 0 }),
            },
            DurationChange::Restore => match &mut self.saved {
                Some(Saved { depth, .. }) if *depth > 0 => *depth -= 1,
                Some(Saved { left, .. }) => {
                    (self.since, self.limit) = (now, *left);
                    self.saved = None;
                }
                None => {}
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DurationChange::{Extend, Restore, Save, Set, Shorten};

    /// Changes at given seconds of a test with a limit of 100 s; the time left at second 50.
    fn left(changes: &[(u64, DurationChange)]) -> u64 {
        let mut deadline = Deadline::new(Duration::ZERO, Duration::from_secs(100));
        for (at, change) in changes {
            deadline.change(Duration::from_secs(*at), *change);
        }
        deadline.left(Duration::from_secs(50)).as_secs()
    }

    #[test]
    fn changes_of_the_limit() {
        let secs = Duration::from_secs;
        let cases: &[(&[(u64, DurationChange)], u64)] = &[
            (&[], 50),
            (&[(40, Set(secs(20)))], 10),
            (&[(40, Extend(secs(20)))], 70),
            (&[(40, Shorten(secs(20)))], 30),
            (&[(40, Shorten(secs(500)))], 0),
            (&[(40, Set(secs(0)))], 0),
            // 60 s were left at second 40: they are left again at second 50.
            (&[(40, Save), (45, Set(secs(3600))), (50, Restore)], 60),
            (&[(40, Save), (42, Save), (45, Restore), (50, Restore)], 60),
            (&[(40, Save), (42, Save), (50, Restore)], 50),
            (&[(40, Restore)], 50),
            // After the outermost pair is closed, the next one counts again.
            (&[(10, Save), (20, Restore), (30, Save), (50, Restore)], 80),
        ];
        for (changes, expected) in cases {
            assert_eq!(left(changes), *expected, "{changes:?}");
        }
    }
}
