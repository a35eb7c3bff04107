//! [`Waivers`]: failures that are known and expected, kept in a file beside the tests.

mod apply;
mod document;
mod error;
mod finder;
mod pattern;
mod read;
mod waived_tests;

use std::fs;
use std::path::Path;

use jiff::civil::Date;

pub use apply::{Use, Waived};
pub use error::WaiverError;
pub use pattern::Pattern;
pub use waived_tests::WaivedTests;

/// Failures that are known and expected, each with a reason.
///
/// A file of waivers is YAML, a list of maps:
///
/// ```yaml
/// - test: /net/dns
///   platform: rhel-9*
///   reason: the resolver of 9.6 drops the third answer
///   link: https://example.org/bugs/123
///   until: 2027-01-31
/// - test: /scan/*
///   subtest: {regex: '^(aide|grub2)_'}
///   note: ["*no such rule*", "*timed out*"]
///   reason: the rules are not in this release
/// ```
///
/// | key | means |
/// |---|---|
/// | `reason` | why this may fail; there must be one |
/// | `link` | where more is to be found |
/// | `until` | the last day on which it holds; without it, it always does |
/// | `platform`, `test`, `note` | what it is about: globs, `{regex: …}`, or a list of these, any one of which is enough |
/// | `subtest` | the same; `null` means results of the test itself. Without it, all results of the test are meant |
/// | `status` | what it waives: `fail`, `error`, `infra`; `[fail, error]` without it |
///
/// All keys of a waiver must hold. A result that is waived keeps its status, and is marked.
#[derive(Debug, Clone, Default)]
pub struct Waivers {
    list: Vec<Waiver>,
}

/// One known failure.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Waiver {
    /// Why this may fail.
    pub reason: String,
    /// Where more is to be found.
    pub link: Option<String>,
    /// The last day on which it holds.
    pub until: Option<Date>,
    /// Which platforms.
    pub platform: Option<Pattern>,
    /// Which tests.
    pub test: Option<Pattern>,
    /// Which subtests.
    pub subtest: Option<Subtest>,
    /// Which notes.
    pub note: Option<Pattern>,
    /// What it waives.
    pub blames: Vec<Blame>,
    /// Where it begins in its file, counted from 1.
    pub line: usize,
}

/// Which subtests a waiver is about.
#[derive(Debug, Clone)]
pub enum Subtest {
    /// None: results of the test itself.
    None,
    /// Those with such names.
    Named(Pattern),
}

/// A status that says something is wrong, and that can be waived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Blame {
    /// `fail`.
    Fail,
    /// `error`.
    Error,
    /// `infra`: waived only by waivers that name it.
    Infra,
}

impl Blame {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Fail, Self::Error, Self::Infra];

    /// What a status says; `None` for one that says nothing is wrong, or that nobody defined.
    pub fn of(status: Option<&str>) -> Option<Self> {
        match status {
            Some("fail") => Some(Self::Fail),
            Some("error") => Some(Self::Error),
            Some("infra") => Some(Self::Infra),
            _ => None,
        }
    }

    /// The status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Error => "error",
            Self::Infra => "infra",
        }
    }
}

/// Files of waivers are written by people: a bigger one is something else.
const FILE_MAX: u64 = 16 << 20;

impl Waivers {
    /// Where waivers are looked for in the top folder of a metadata tree, if nobody says where they are.
    pub const DEFAULT: &str = ".atex/waivers.yaml";

    /// Reads a file of waivers.
    ///
    /// # Errors
    /// [`WaiverError::Io`] when it cannot be read, [`WaiverError::Mistake`] for what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, WaiverError> {
        let io = |source| WaiverError::Io { path: path.to_owned(), source };
        if fs::metadata(path).map_err(io)?.len() > FILE_MAX {
            return Err(io(std::io::Error::other(format!("it is larger than {FILE_MAX} bytes"))));
        }
        let text = fs::read_to_string(path).map_err(io)?;
        Self::parse(path, &text)
    }

    /// Understands the text of a file of waivers; the path is for messages.
    ///
    /// # Errors
    /// [`WaiverError::Mistake`] for the first thing that is wrong with it.
    pub fn parse(path: &Path, text: &str) -> Result<Self, WaiverError> {
        let list = document::read(text).and_then(read::waivers);
        Ok(Self { list: list.map_err(|mistake| mistake.of(path, text))? })
    }

    /// The waivers, in the order of the file.
    pub fn iter(&self) -> std::slice::Iter<'_, Waiver> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl Waiver {
    /// Whether it holds no more on this day.
    pub fn is_expired(&self, today: Date) -> bool {
        self.until.is_some_and(|until| until < today)
    }

    /// Why, where more is to be found, and until when, in a line: `waived: no IPv6 in the lab (until 2027-01-31)`.
    pub fn because(&self) -> String {
        let link = self.link.as_ref().map_or(String::new(), |link| format!(" {link}"));
        let until = self.until.map_or(String::new(), |until| format!(" (until {until})"));
        format!("waived: {}{link}{until}", self.reason)
    }

    /// What it is about, in a line: `test /net/*, platform rhel-9*`.
    pub fn subject(&self) -> String {
        let part = |key: &str, pattern: &Option<Pattern>| {
            pattern.as_ref().map(|pattern| format!("{key} {pattern}"))
        };
        let subtest = self.subtest.as_ref().map(|subtest| match subtest {
            Subtest::None => "without its subtests".to_owned(),
            Subtest::Named(pattern) => format!("subtest {pattern}"),
        });
        let parts = [
            part("test", &self.test),
            subtest,
            part("platform", &self.platform),
            part("note", &self.note),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}
