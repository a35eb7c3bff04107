//! [`Conclusion`]: the last that a remote sends of a test.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// What a conclusion begins with.
const BEGIN: &[u8] = b"\0atex-end ";
/// How long one can be: two numbers of 64 bits, and a small one.
const LENGTH_MAX: usize = BEGIN.len() + 60;

/// How a test ended, and how much it said and printed: with it, whoever attached can tell that nothing got lost on the way.
///
/// It comes after the output of the test. A test that prints one itself deceives nobody: the true one follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Conclusion {
    /// The exit code, unless nobody is to know.
    pub(crate) code: Option<i32>,
    /// How long the control stream is, since the last reboot.
    pub(crate) control: u64,
    /// How long the output is, likewise.
    pub(crate) output: u64,
}

impl Conclusion {
    /// Takes a conclusion, whole or torn, off the end of a file of output, which may then be continued. What a test printed that
    /// looks like a torn one goes as well: the remote still has it.
    pub(crate) fn take(file: &mut File) -> io::Result<Option<Self>> {
        let length = file.seek(SeekFrom::End(0))?;
        let from = length.saturating_sub(LENGTH_MAX as u64);
        file.seek(SeekFrom::Start(from))?;
        let mut end = Vec::new();
        file.take(LENGTH_MAX as u64).read_to_end(&mut end)?;
        let at = Self::begins(&end);
        if at < end.len() {
            file.set_len(from + at as u64)?;
        }
        Ok(Self::parse(&end[at..]))
    }

    /// Where at the end of some bytes begins what may be a conclusion, or a part of one.
    fn begins(bytes: &[u8]) -> usize {
        let last = bytes.iter().rposition(|byte| *byte == 0);
        last.filter(|at| may_be_one(&bytes[*at..])).unwrap_or(bytes.len())
    }

    /// A whole conclusion, and nothing else.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let line = bytes.strip_prefix(BEGIN)?.strip_suffix(b"\n")?;
        let mut words = std::str::from_utf8(line).ok()?.split(' ');
        let code = match words.next()? {
            "untold" => None,
            code => Some(code.parse().ok()?),
        };
        let (control, output) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        words.next().is_none().then_some(Self { code, control, output })
    }
}

fn may_be_one(bytes: &[u8]) -> bool {
    let (begin, rest) = bytes.split_at(bytes.len().min(BEGIN.len()));
    let line = rest.strip_suffix(b"\n").unwrap_or(rest);
    BEGIN.starts_with(begin)
        && line.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-'))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// What is left of an output, and the conclusion that was taken off it.
    fn taken(output: &str) -> (String, Option<(Option<i32>, u64, u64)>) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(output.as_bytes()).unwrap();
        let conclusion = Conclusion::take(&mut file).unwrap();
        let mut left = String::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_string(&mut left).unwrap();
        (left, conclusion.map(|it| (it.code, it.control, it.output)))
    }

    #[test]
    fn whole_ones_are_taken_off() {
        let long = "x".repeat(1000);
        let longest = format!("\0atex-end {} {} {}\n", i32::MIN, u64::MAX, u64::MAX);
        for output in ["", "x", "\0", "\0atex-end 0 1 2\n", "\0atex", &long] {
            let of = |end: &str| {
                let (left, conclusion) = taken(&format!("{output}{end}"));
                assert_eq!(left, output);
                conclusion
            };
            assert_eq!(of("\0atex-end 0 12 0\n"), Some((Some(0), 12, 0)));
            assert_eq!(of("\0atex-end untold 0 7\n"), Some((None, 0, 7)));
            assert_eq!(of(&longest), Some((Some(i32::MIN), u64::MAX, u64::MAX)));
        }
    }

    #[test]
    fn torn_ones_are_taken_off_and_say_nothing() {
        let whole = "\0atex-end -1 12 345\n";
        for length in 0..whole.len() {
            assert_eq!(taken(&format!("said\n{}", &whole[..length])), ("said\n".into(), None));
        }
    }

    #[test]
    fn what_is_none_stays() {
        for output in [
            "",
            "said\n",
            "\0x",
            "\0atex-end 1 2 3\n.",
            "\0atex-end 1 2 3\n\n",
            "\0atex-end 1 2\u{e9}",
        ] {
            assert_eq!(taken(output), (output.into(), None));
        }
    }
}
