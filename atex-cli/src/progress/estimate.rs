//! How long a run still takes: from how long tests are expected to take, or took.

use std::time::Duration;

/// What is known of the work that is left.
#[derive(Debug, Default)]
pub(super) struct Work {
    /// What tests that did not begin are expected to take, where that is known.
    pub(super) waiting: Vec<Duration>,
    /// Tests that did not begin and of which nothing is known.
    pub(super) unknown: usize,
    /// What running tests are expected to take, where that is known, and how long they ran.
    pub(super) running: Vec<(Option<Duration>, Duration)>,
    /// Systems that are there or coming.
    pub(super) systems: usize,
    /// The middle of what ended tests took, if there are any.
    pub(super) typical: Option<Duration>,
}

/// The time that is left; none while nobody can tell.
pub(super) fn left(work: &Work) -> Option<Duration> {
    let unknown = work.unknown > 0 || work.running.iter().any(|(expected, _)| expected.is_none());
    let typical = match work.typical {
        None if unknown => return None,
        typical => typical.unwrap_or_default(),
    };
    let running: Vec<Duration> = work
        .running
        .iter()
        .map(|(expected, ran)| expected.unwrap_or(typical).saturating_sub(*ran))
        .collect();
    let unknown = typical.saturating_mul(u32::try_from(work.unknown).unwrap_or(u32::MAX));
    let add = |all: Duration, one: &Duration| all.saturating_add(*one);
    let all = running.iter().chain(&work.waiting).fold(unknown, add);
    let longest = running.iter().chain(&work.waiting).max().copied().unwrap_or_default();
    let systems = u32::try_from(work.systems.max(1)).unwrap_or(u32::MAX);
    Some(longest.max(all / systems))
}

/// A time as an estimate is told: `10s`, `3m`, `1h10m`; rounded up, so that it does not jump about.
pub(super) fn roughly(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let up = |step: u64| seconds.div_ceil(step) * step;
    match seconds {
        0..=50 => format!("{}s", up(10).max(10)),
        51..=600 => format!("{}m", up(60) / 60),
        601..=3300 => format!("{}m", up(300) / 60),
        _ => {
            let minutes = up(600) / 60;
            match (minutes / 60, minutes % 60) {
                (hours, 0) => format!("{hours}h"),
                (hours, minutes) => format!("{hours}h{minutes}m"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_longest_or_all_of_it_shared() {
        let work = Work {
            waiting: vec![seconds(30), seconds(90)],
            running: vec![(Some(seconds(60)), seconds(20)), (Some(seconds(5)), seconds(9))],
            systems: 2,
            ..Work::default()
        };
        // 30 + 90 + 40 + 0 on two systems; but the longest alone takes 90.
        assert_eq!(left(&work), Some(seconds(90)));
        assert_eq!(left(&Work { systems: 1, ..work }), Some(seconds(160)));
        let unknown = Work { unknown: 6, systems: 2, ..Work::default() };
        assert_eq!(left(&unknown), None, "nothing ended yet");
        assert_eq!(left(&Work { typical: Some(seconds(10)), ..unknown }), Some(seconds(30)));
        assert_eq!(left(&Work::default()), Some(Duration::ZERO));
        let hostile = Work {
            waiting: vec![Duration::MAX; 3],
            unknown: usize::MAX,
            typical: Some(Duration::MAX),
            ..Work::default()
        };
        assert_eq!(left(&hostile), Some(Duration::MAX));
    }

    #[test]
    fn estimates_are_coarse() {
        let table = [
            (0, "10s"),
            (11, "20s"),
            (50, "50s"),
            (51, "1m"),
            (61, "2m"),
            (600, "10m"),
            (601, "15m"),
            (3300, "55m"),
            (3301, "1h"),
            (3601, "1h10m"),
            (90_000, "25h"),
        ];
        for (time, expected) in table {
            assert_eq!(roughly(seconds(time)), expected, "{time}");
        }
    }
}
