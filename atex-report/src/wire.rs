//! What is stored of a run: the shape of `run.json` and of a line of the journal.
//!
//! Both carry the version of their format. Fields are only ever added, with a default, so an older file can always be read;
//! a change that an older reader would misunderstand raises the version, and older readers then refuse the file.

use std::borrow::Cow;
use std::time::Duration;

use atex_core::{RunEvent, TestSuite};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of `run.json` that this crate writes, and the newest that it reads.
pub(crate) const RUN_FORMAT: u64 = 1;
/// The version of the journal's lines that this crate writes, and the newest that it reads.
pub(crate) const JOURNAL_FORMAT: u64 = 1;

/// What was asked of a run, as its `run.json` keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunInfo {
    /// The short text that names the run, also in what it creates on remotes.
    pub run: String,
    /// The program that started it, with its version: `atex 0.1.0`.
    pub tool: String,
    /// When it was started.
    pub started: Timestamp,
    /// What was asked: whatever its starter wants to find again. Nothing secret: the file is as readable as the results.
    #[serde(default)]
    pub asked: Value,
}

impl RunInfo {
    /// What is known of every run; nothing was asked in particular.
    pub fn new(run: impl Into<String>, tool: impl Into<String>, started: Timestamp) -> Self {
        Self { run: run.into(), tool: tool.into(), started, asked: Value::Null }
    }

    /// With what was asked.
    #[must_use]
    pub fn asked(mut self, asked: impl Into<Value>) -> Self {
        self.asked = asked.into();
        self
    }
}

/// `run.json` as a whole.
#[derive(Serialize, Deserialize)]
pub(crate) struct RunFile<'a> {
    pub(crate) format: u64,
    #[serde(flatten)]
    pub(crate) info: Cow<'a, RunInfo>,
}

/// `suite.json` as a whole.
#[derive(Serialize, Deserialize)]
pub(crate) struct SuiteFile<'a> {
    pub(crate) format: u64,
    pub(crate) suites: Vec<Cow<'a, TestSuite>>,
}

/// The one field that every version of `run.json` and `suite.json` has.
#[derive(Deserialize)]
pub(crate) struct RunFormat {
    pub(crate) format: u64,
}

/// One event of a run, with its time.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The time since the run began, in whole milliseconds.
    pub at: Duration,
    /// What happened.
    pub event: RunEvent,
}

/// A line of the journal.
#[derive(Serialize, Deserialize)]
pub(crate) struct Line<'a> {
    pub(crate) v: u64,
    #[serde(rename = "at_ms", with = "atex_core::millis")]
    pub(crate) at: Duration,
    #[serde(flatten)]
    pub(crate) event: Cow<'a, RunEvent>,
}

/// The one field that every version of the journal's lines has.
#[derive(Deserialize)]
pub(crate) struct LineFormat {
    pub(crate) v: u64,
}
