//! Dates and points in time as YAML timestamps write them.

use std::fmt;

/// A day of the calendar, from 0001-01-01 to 9999-12-31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// A day and a time of day, to the microsecond, with or without a distance to UTC.
#[derive(Debug, Clone)]
pub struct DateTime {
    date: Date,
    /// Microseconds since midnight.
    micros: u64,
    zone: Option<Zone>,
}

/// A distance to UTC.
#[derive(Debug, Clone)]
pub(crate) struct Zone {
    /// Minutes east of UTC.
    pub(crate) minutes: i32,
    /// As it was written.
    pub(crate) text: Box<str>,
}

impl Date {
    pub(crate) fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let valid = (1..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day);
        valid.then_some(Self { year, month, day })
    }

    /// A part by its name in Python.
    pub(crate) fn part(self, name: &str) -> Option<i64> {
        match name {
            "year" => Some(self.year.into()),
            "month" => Some(self.month.into()),
            "day" => Some(self.day.into()),
            _ => None,
        }
    }

    /// Days since 0000-03-01 of the proleptic calendar; only differences matter.
    fn day_number(self) -> i64 {
        let (year, month) = (i64::from(self.year), i64::from(self.month));
        let year = if month <= 2 { year - 1 } else { year };
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(self.day) - 1;
        year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year
    }

    fn next(self) -> Option<Self> {
        Self::new(self.year, self.month, self.day + 1)
            .or_else(|| Self::new(self.year, self.month + 1, 1))
            .or_else(|| Self::new(self.year + 1, 1, 1))
    }
}

fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

impl DateTime {
    /// `micros` may be a whole second (a rounded fraction), which carries over into the next second, minute or day.
    pub(crate) fn new(
        date: Date,
        (hour, minute, second): (u64, u64, u64),
        micros: u64,
        zone: Option<Zone>,
    ) -> Option<Self> {
        let distant = zone.as_ref().is_some_and(|zone| zone.minutes.abs() >= 24 * 60);
        if hour > 23 || minute > 59 || second > 59 || distant {
            return None;
        }
        let micros = ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros;
        let day = 24 * 3600 * 1_000_000;
        let date = if micros >= day { date.next()? } else { date };
        Some(Self { date, micros: micros % day, zone })
    }

    /// A part by its name in Python.
    pub(crate) fn part(&self, name: &str) -> Option<i64> {
        let seconds = self.micros as i64 / 1_000_000;
        match name {
            "hour" => Some(seconds / 3600),
            "minute" => Some(seconds / 60 % 60),
            "second" => Some(seconds % 60),
            "microsecond" => Some(self.micros as i64 % 1_000_000),
            date => self.date.part(date),
        }
    }

    /// As ISO 8601 writes it, with the given text between date and time.
    pub(crate) fn format(&self, separator: char) -> String {
        let seconds = self.micros / 1_000_000;
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let mut text = format!("{}{separator}{hour:02}:{minute:02}:{second:02}", self.date);
        if !self.micros.is_multiple_of(1_000_000) {
            text.push_str(&format!(".{:06}", self.micros % 1_000_000));
        }
        if let Some(offset) = self.zone.as_ref().map(|zone| zone.minutes) {
            let sign = if offset < 0 { '-' } else { '+' };
            text.push_str(&format!("{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60));
        }
        text
    }

    /// As a call of Python's `datetime.datetime`.
    pub(crate) fn repr(&self) -> String {
        let Date { year, month, day } = self.date;
        let (seconds, micros) = (self.micros / 1_000_000, self.micros % 1_000_000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let mut text = format!("datetime.datetime({year}, {month}, {day}, {hour}, {minute}");
        if seconds % 60 > 0 || micros > 0 {
            text.push_str(&format!(", {second}"));
        }
        if micros > 0 {
            text.push_str(&format!(", {micros}"));
        }
        if let Some(zone) = &self.zone {
            let distance = match zone.minutes * 60 {
                0 => "0".to_owned(),
                west if west < 0 => format!("days=-1, seconds={}", 24 * 3600 + west),
                east => format!("seconds={east}"),
            };
            let zone = format!("datetime.timedelta({distance}), '{}'", zone.text);
            text.push_str(&format!(", tzinfo=datetime.timezone({zone})"));
        }
        text + ")"
    }

    fn instant(&self) -> (i64, bool) {
        let local = self.date.day_number() * 86_400_000_000 + self.micros as i64;
        let offset = self.zone.as_ref().map_or(0, |zone| zone.minutes);
        (local - i64::from(offset) * 60_000_000, self.zone.is_some())
    }
}

/// Two points in time are equal if they are the same instant; one without a zone never equals one with a zone.
impl PartialEq for DateTime {
    fn eq(&self, other: &Self) -> bool {
        self.instant() == other.instant()
    }
}

impl Eq for DateTime {}

impl std::hash::Hash for DateTime {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.instant().hash(state);
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format(' '))
    }
}
