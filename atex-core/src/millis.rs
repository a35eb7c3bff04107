//! Times as whole milliseconds in stored data, and as people read them in texts.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

/// Writes a time as milliseconds; for `#[serde(with = "atex_core::millis")]`.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// Reads milliseconds.
///
/// # Errors
/// Those of the deserializer.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

/// The same for a time that may not be there: `null`, then.
pub mod option {
    use super::{Deserialize, Deserializer, Duration, Serializer};

    /// Writes milliseconds, or `null`; for `#[serde(with = "atex_core::millis::option")]`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(
        time: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => super::serialize(time, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads milliseconds, or `null`.
    ///
    /// # Errors
    /// Those of the deserializer.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_millis))
    }
}

/// A time as people read it: `0.3s`, `4s`, `42s`, `3m07s`, `2h05m`.
#[derive(Debug, Clone, Copy)]
pub struct Shown(pub Duration);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0.as_millis() + 50) / 100;
        let seconds = (self.0.as_millis() + 500) / 1000;
        let text = match seconds {
            _ if tenths < 100 && !tenths.is_multiple_of(10) => {
                format!("{}.{}s", tenths / 10, tenths % 10)
            }
            0..=59 => format!("{seconds}s"),
            60..=3599 => format!("{}m{:02}s", seconds / 60, seconds % 60),
            _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let shown = |millis| Shown(Duration::from_millis(millis)).to_string();
        let texts = [0, 49, 300, 9_940, 9_960, 42_400, 59_600, 187_000, 7_530_000].map(shown);
        assert_eq!(texts, ["0s", "0s", "0.3s", "9.9s", "10s", "42s", "1m00s", "3m07s", "2h05m"]);
    }
}
