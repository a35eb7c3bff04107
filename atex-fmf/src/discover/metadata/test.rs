//! [`TestMetadata`]: everything that the keys of a test say.

use std::time::Duration;

use indexmap::IndexMap;

use crate::error::{Error, Result};
use crate::map::Map;
use crate::tree::Node;
use crate::value::Value;

use super::{Reader, Requirement, parse_duration, requirement};

/// Keys that only tests have.
pub(crate) const KEYS: [&str; 18] = [
    "check",
    "component",
    "duration",
    "environment",
    "framework",
    "manual",
    "path",
    "recommend",
    "relevancy",
    "require",
    "restart-max-count",
    "restart-on-exit-code",
    "restart-with-reboot",
    "result",
    "serialnumber",
    "test",
    "tty",
    "where",
];

/// The metadata of a test, with the types that their keys have.
///
/// ```
/// use atex_fmf::{TestMetadata, Tree, Value};
/// # fn main() -> atex_fmf::Result<()> {
/// let data = Value::from_yaml("{/a: {test: ./a.sh, duration: 5m, tag: smoke, require: [git, library(x/y)]}}")?;
/// let tree = Tree::from_map(data.as_map().unwrap())?;
/// let test = TestMetadata::of(tree.find("/a").unwrap())?;
/// assert_eq!(test.duration.unwrap().as_secs(), 300);
/// assert_eq!((test.tag, test.require.len(), test.order), (vec!["smoke".to_owned()], 2, 50));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct TestMetadata {
    /// What it checks, in one line.
    pub summary: Option<String>,
    /// What it checks, at length.
    pub description: Option<String>,
    /// Who looks after it.
    pub contact: Vec<String>,
    /// The components that it tests.
    pub component: Vec<String>,
    /// An identity that stays when the test is renamed.
    pub id: Option<String>,
    /// What to run: a shell script. Empty if there is none.
    pub test: String,
    /// The folder to run it in, from the root of the tree; by default that of its metadata.
    pub path: Option<String>,
    /// How its result is found.
    pub framework: Framework,
    /// Whether people do it, not programs.
    pub manual: bool,
    /// What must be installed.
    pub require: Vec<Requirement>,
    /// What should be installed, if it can be.
    pub recommend: Vec<Requirement>,
    /// Its variables.
    pub environment: IndexMap<String, String>,
    /// How long it may run.
    pub duration: Option<Duration>,
    /// Whether it is to be run at all.
    pub enabled: bool,
    /// Whether it wants a terminal.
    pub tty: bool,
    /// Its tags.
    pub tag: Vec<String>,
    /// Its tier.
    pub tier: Option<String>,
    /// Where it stands among tests: lower numbers first, 50 by default.
    pub order: i64,
    /// What its exit code means.
    pub result: Interpretation,
    /// When it is run again after it ended.
    pub restart: Restart,
    /// Keys that begin with `extra-`: for other programs.
    pub extra: Map,
}

/// How the result of a test is found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Framework {
    /// The exit code decides.
    #[default]
    Shell,
    /// It is a BeakerLib test: its journal decides.
    Beakerlib,
}

/// What becomes of the outcome of a test.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Interpretation {
    /// It is the result.
    #[default]
    Respect,
    /// A failure is expected: it passes if it fails.
    ExpectFailure,
    /// Always passed.
    Pass,
    /// Always of no matter.
    Info,
    /// Always a warning.
    Warn,
    /// Always an error.
    Error,
    /// Always failed.
    Fail,
    /// Always skipped.
    Skip,
    /// The test writes its results itself.
    Custom,
    /// As in the `restraint` harness: each report of the test is a result.
    Restraint,
}

/// When a test is run again after it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restart {
    /// Exit codes that ask for it; none: never.
    pub on_exit_code: Vec<i64>,
    /// How often at most; by default once.
    pub max_count: i64,
    /// Whether the system is restarted before.
    pub with_reboot: bool,
}

const FRAMEWORKS: [(&str, Framework); 2] =
    [("shell", Framework::Shell), ("beakerlib", Framework::Beakerlib)];

const INTERPRETATIONS: [(&str, Interpretation); 10] = [
    ("respect", Interpretation::Respect),
    ("xfail", Interpretation::ExpectFailure),
    ("pass", Interpretation::Pass),
    ("info", Interpretation::Info),
    ("warn", Interpretation::Warn),
    ("error", Interpretation::Error),
    ("fail", Interpretation::Fail),
    ("skip", Interpretation::Skip),
    ("custom", Interpretation::Custom),
    ("restraint", Interpretation::Restraint),
];

impl TestMetadata {
    /// Reads the metadata of a node.
    ///
    /// # Errors
    /// The first key whose value has a wrong type, with its place.
    pub fn of(node: Node<'_>) -> Result<Self> {
        let (metadata, errors) = Self::read(node);
        errors.into_iter().next().map_or(Ok(metadata), Err)
    }

    /// Reads the metadata of a node, together with everything that is wrong with them: what is, counts as absent.
    #[must_use]
    pub fn read(node: Node<'_>) -> (Self, Vec<Error>) {
        let mut reader = Reader::of_node(node);
        let r = &mut reader;
        let metadata = Self {
            summary: r.text("summary"),
            description: r.text("description"),
            contact: r.texts("contact"),
            component: r.texts("component"),
            id: r.scalar("id"),
            test: script(r),
            path: r.text("path"),
            framework: r.one_of("framework", &FRAMEWORKS).unwrap_or_default(),
            manual: r.flag("manual", false),
            require: requirement::read(r, "require"),
            recommend: requirement::read(r, "recommend"),
            environment: environment(r),
            duration: duration(r),
            enabled: r.flag("enabled", true),
            tty: r.flag("tty", false),
            tag: r.texts("tag"),
            tier: r.scalar("tier"),
            order: r.integer("order").unwrap_or(50),
            result: r.one_of("result", &INTERPRETATIONS).unwrap_or_default(),
            restart: restart(r),
            extra: extra(r.map()),
        };
        (metadata, reader.into_errors())
    }
}

fn script(reader: &mut Reader<'_>) -> String {
    let script = reader.text("test").unwrap_or_default();
    let is_text =
        reader.map().get("test").is_some_and(|value| value.as_str().is_some() || value.is_null());
    if is_text && script.trim().is_empty() {
        reader.wrong("test", "is empty");
    }
    script
}

fn environment(reader: &mut Reader<'_>) -> IndexMap<String, String> {
    match reader.value("environment") {
        Some(other) if other.as_map().is_none() => {
            let found = other.type_name();
            reader.wrong("environment", &format!("must be a map, got '{found}'"));
            IndexMap::new()
        }
        _ => reader.environment("environment"),
    }
}

fn duration(reader: &mut Reader<'_>) -> Option<Duration> {
    let value = reader.value("duration")?;
    let text = value.to_text();
    let parsed = match value {
        Value::Str(_) | Value::Int(_) => parse_duration(&text),
        _ => None,
    };
    if parsed.is_none() {
        let hint = "durations are like 90, 90s, 5m, 2h, 1d or 1h 30m";
        reader.wrong_with_hint("duration", &format!("is '{text}', which is no duration"), hint);
    }
    parsed
}

fn restart(reader: &mut Reader<'_>) -> Restart {
    let codes = reader.value("restart-on-exit-code");
    let items = match codes {
        None => &[],
        Some(Value::List(items)) => &**items,
        Some(single) => std::slice::from_ref(single),
    };
    let numbers = items.iter().map(|item| match item {
        Value::Int(number) => number.as_i64(),
        _ => None,
    });
    let on_exit_code = numbers.collect::<Option<Vec<i64>>>().unwrap_or_else(|| {
        reader.wrong("restart-on-exit-code", "must be a whole number, or a list of these");
        Vec::new()
    });
    Restart {
        on_exit_code,
        max_count: reader.integer("restart-max-count").unwrap_or(1),
        with_reboot: reader.flag("restart-with-reboot", false),
    }
}

fn extra(map: &Map) -> Map {
    let is_extra = |key: &crate::Key| key.as_str().is_some_and(|key| key.starts_with("extra-"));
    map.iter()
        .filter(|(key, _)| is_extra(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
