//! [`Patience`]: how often and how long a request is tried.

use std::time::Duration;

/// How often and how long a request is tried. Every request may be sent again: what it makes has a name of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Patience {
    /// How many times a request is sent, at most.
    pub attempts: u32,
    /// How long to wait before the second time; twice as long each time after.
    pub pause: Duration,
    /// The longest pause, also where the server asks for more.
    pub longest_pause: Duration,
    /// How long an answer may take.
    pub answer: Duration,
}

impl Default for Patience {
    /// Twelve times, with pauses of half a second to half a minute (three minutes in all); a minute for an answer.
    fn default() -> Self {
        Self {
            attempts: 12,
            pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            answer: Duration::from_secs(60),
        }
    }
}

impl Patience {
    /// How long to wait after so many attempts: at least as long as the server asks, with a part that is left to `chance` (0 to 1), so that
    /// many clients do not come back at once.
    pub(super) fn pause_after(
        &self,
        attempts: u32,
        asked: Option<Duration>,
        chance: f64,
    ) -> Duration {
        let doubled = self
            .pause
            .saturating_mul(1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX));
        let most = doubled.min(self.longest_pause);
        let pause = most.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0);
        pause.max(asked.unwrap_or_default()).min(self.longest_pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_heed_the_server() {
        let patience = Patience::default();
        let pause =
            |attempts, asked, chance| patience.pause_after(attempts, asked, chance).as_millis();
        assert_eq!(pause(1, None, 1.0), 500);
        assert_eq!(pause(1, None, 0.0), 250);
        assert_eq!(pause(4, None, 1.0), 4000);
        assert_eq!(pause(99, None, 1.0), 30_000);
        assert_eq!(pause(1, Some(Duration::from_secs(7)), 1.0), 7000);
        assert_eq!(pause(1, Some(Duration::from_secs(3600)), 1.0), 30_000);
    }
}
