//! [`Word`]: one line of the control stream, and the times that it may name.

use std::time::Duration;

use super::ControlError;

/// One control line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// `result N`: so many bytes of JSON follow.
    Result {
        /// The announced length of the JSON.
        length: u64,
    },
    /// `exitcode N`.
    Exitcode(i32),
    /// `duration …`.
    Duration(DurationChange),
    /// `disconnect`: the test is about to lose its machine.
    Disconnect,
    /// `barrier NAME`: the test has come there, and may wait for those that it runs together with.
    Barrier(String),
    /// `noop`.
    Noop,
}

/// The longest name of a barrier, in bytes.
const BARRIER_MAX: usize = 100;

/// What a `duration` word does to the time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DurationChange {
    /// A new limit, from now on.
    Set(Duration),
    /// Lengthens the limit.
    Extend(Duration),
    /// Shortens the limit.
    Shorten(Duration),
    /// Remembers the time that is left.
    Save,
    /// Returns to the time that was left at the outermost `save`.
    Restore,
}

impl Word {
    /// Parses a line without its newline.
    ///
    /// # Errors
    /// [`ControlError`] for an empty line, one that is no UTF-8, an unknown word, or a malformed argument.
    pub fn parse(line: &[u8]) -> Result<Self, ControlError> {
        let line =
            str::from_utf8(line).map_err(|_| ControlError::NotText { line: super::shown(line) })?;
        if line.is_empty() {
            return Err(ControlError::EmptyLine);
        }
        let (word, argument) = line.split_once(' ').unwrap_or((line, ""));
        let malformed =
            |expected| ControlError::Argument { line: super::shown(line.as_bytes()), expected };
        match word {
            "result" => parse_number(argument)
                .map(|length| Self::Result { length })
                .ok_or(malformed("a length in bytes")),
            "exitcode" => {
                argument.trim().parse().map(Self::Exitcode).map_err(|_| malformed("an exit code"))
            }
            "duration" => DurationChange::parse(argument.trim())
                .map(Self::Duration)
                .ok_or(malformed("a time like 30, +5m, -10s, save or restore")),
            "barrier" if is_barrier(argument) => Ok(Self::Barrier(argument.to_owned())),
            "barrier" => Err(malformed(
                "a name of up to 100 letters, digits and ._- that does not begin with . or -",
            )),
            "disconnect" => Ok(Self::Disconnect),
            "noop" => Ok(Self::Noop),
            _ => Err(ControlError::UnknownWord { line: super::shown(line.as_bytes()) }),
        }
    }
}

impl DurationChange {
    fn parse(argument: &str) -> Option<Self> {
        match argument {
            "save" => Some(Self::Save),
            "restore" => Some(Self::Restore),
            _ => match argument.split_at_checked(1)? {
                ("+", time) => parse_time(time).map(Self::Extend),
                ("-", time) => parse_time(time).map(Self::Shorten),
                _ => parse_time(argument).map(Self::Set),
            },
        }
    }
}

/// Whether a barrier can be called so: it becomes the name of a file.
fn is_barrier(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=BARRIER_MAX).contains(&name.len())
        && !name.starts_with(['.', '-'])
        && name.bytes().all(fits)
}

/// A number of bytes: digits, with blanks around them and a `+` allowed, as the Python ATEX allows them.
fn parse_number(text: &str) -> Option<u64> {
    let digits = text.trim();
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    if digits.starts_with('+') { None } else { digits.parse().ok() }
}

/// A time: digits with an optional `s`, `m`, `h` or `d`; no unit means seconds.
pub fn parse_time(text: &str) -> Option<Duration> {
    let (digits, unit) = match text.char_indices().next_back()? {
        (last, 's') => (&text[..last], 1),
        (last, 'm') => (&text[..last], 60),
        (last, 'h') => (&text[..last], 3600),
        (last, 'd') => (&text[..last], 86_400),
        _ => (text, 1),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Absurdly long is as good as for ever, and must not overflow the clock.
    let seconds = digits.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(unit);
    Some(Duration::from_secs(seconds.min(MAX_SECONDS)))
}

/// A hundred years.
const MAX_SECONDS: u64 = 100 * 366 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_words() {
        let secs = Duration::from_secs;
        let cases: &[(&str, Word)] = &[
            ("result 12", Word::Result { length: 12 }),
            ("result  +12\r", Word::Result { length: 12 }),
            ("exitcode -1", Word::Exitcode(-1)),
            ("exitcode  7 ", Word::Exitcode(7)),
            ("duration 5m", Word::Duration(DurationChange::Set(secs(300)))),
            ("duration 0", Word::Duration(DurationChange::Set(secs(0)))),
            ("duration +90", Word::Duration(DurationChange::Extend(secs(90)))),
            ("duration -1h", Word::Duration(DurationChange::Shorten(secs(3600)))),
            ("duration 2d", Word::Duration(DurationChange::Set(secs(172_800)))),
            (
                "duration 99999999999999999999d",
                Word::Duration(DurationChange::Set(secs(MAX_SECONDS))),
            ),
            ("duration save", Word::Duration(DurationChange::Save)),
            ("duration restore", Word::Duration(DurationChange::Restore)),
            ("disconnect", Word::Disconnect),
            ("disconnect for a reboot", Word::Disconnect),
            ("barrier up", Word::Barrier("up".into())),
            ("barrier 0_a.B-c", Word::Barrier("0_a.B-c".into())),
            ("noop", Word::Noop),
            ("noop \0 anything", Word::Noop),
        ];
        for (line, expected) in cases {
            assert_eq!(Word::parse(line.as_bytes()).as_ref(), Ok(expected), "{line:?}");
        }
    }

    #[test]
    fn everything_else_is_an_error_that_names_the_line() {
        let lines: &[&[u8]] = &[
            b"",
            b" noop",
            b"NOOP",
            b"noop\r",
            b"\0",
            b"result",
            b"result -5",
            b"result 0x2",
            b"result 2 extra",
            b"result ++2",
            b"exitcode",
            b"exitcode x",
            b"duration",
            b"duration 1.5h",
            b"duration 1h30m",
            b"duration +",
            b"duration m",
            b"duration +-3",
            b"duration \xc3\xa9",
            b"no\xffop",
            b"barrier",
            b"barrier ",
            b"barrier a b",
            b"barrier ../a",
            b"barrier .",
            b"barrier -a",
            b"barrier a\tb",
            b"barrier \xc3\xa9",
        ];
        let errors: Vec<String> = lines
            .iter()
            .map(|line| Word::parse(line).expect_err(&super::super::shown(line)).to_string())
            .collect();
        insta::assert_snapshot!(errors.join("\n"));
    }
}
