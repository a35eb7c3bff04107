//! [`Dataset`]: the results of one or several runs as columns and dictionaries, small enough for millions of them.

mod builder;
mod dictionary;
mod rows;
mod run;
mod stored;

pub use self::builder::{DatasetBuilder, NewAttempt, NewRow, RunBuilder};
pub use self::dictionary::{Dictionary, Key, KeySet};
pub use self::rows::Row;
pub use self::run::{AttemptId, DatasetAttempt, DatasetRun, TestOutcome};

/// The results of one or several runs, for whatever looks at all of them: pages, comparisons, statistics, exports.
///
/// Each different text (of a platform, a test, a subtest, a note …) is kept once, in a [`Dictionary`] that all runs share; a
/// result is a [`Row`] of keys, 16 to 24 bytes in all. So a question about texts (a regular expression, a glob) is
/// asked once per different text, and what is then asked of each row is whether a number is in a set. The same [`Key`] means the
/// same text in every run, which is all that a comparison needs.
///
/// It is made of run stores, or fed row by row by whoever has results; see [`Dataset::builder`]. The order of everything is
/// that in which it was fed, except that the rows of one attempt are brought together.
///
/// ```
/// use atex_report::{Dataset, NewRow, RunInfo};
///
/// let mut dataset = Dataset::builder();
/// let mut run = dataset.run(RunInfo::new("nightly", "import", "2026-11-22T15:00:00Z".parse()?));
/// for (platform, test, subtest, status) in [
///     ("rhel-9", "/net/dns", Some("ipv6"), "fail"),
///     ("rhel-9", "/net/dns", None, "fail"),
///     ("rhel-10", "/net/dns", None, "pass"),
/// ] {
///     let attempt = run.attempt(platform, test, 1);
///     run.row(attempt, NewRow { subtest, status: Some(status), ..NewRow::default() });
/// }
/// run.finish();
/// let dataset = dataset.finish();
///
/// // Which results of `rhel-9` are broken?
/// let broken = dataset.statuses().matching(|status| matches!(status, "fail" | "error"));
/// let rhel9 = dataset.platforms().matching(|platform| platform == "rhel-9");
/// let run = &dataset.runs()[0];
/// let found = run.rows().filter(|row| {
///     row.status.is_some_and(|status| broken.contains(status)) && rhel9.contains(run.attempt(row.attempt).platform)
/// });
/// let subtests: Vec<_> = found.map(|row| row.subtest.map(|subtest| dataset.subtests().text(subtest))).collect();
/// assert_eq!(subtests, [Some("ipv6"), None]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    texts: Texts,
    runs: Vec<DatasetRun>,
}

/// The dictionaries.
#[derive(Debug, Clone, Default)]
struct Texts {
    platforms: Dictionary,
    tests: Dictionary,
    subtests: Dictionary,
    statuses: Dictionary,
    notes: Dictionary,
    guests: Dictionary,
    files: Dictionary,
}

impl Dataset {
    /// Begins an empty one.
    pub fn builder() -> DatasetBuilder {
        DatasetBuilder::default()
    }

    /// The runs, in the order in which they were added.
    pub fn runs(&self) -> &[DatasetRun] {
        &self.runs
    }

    /// The texts that name platforms.
    pub fn platforms(&self) -> &Dictionary {
        &self.texts.platforms
    }

    /// The names of tests.
    pub fn tests(&self) -> &Dictionary {
        &self.texts.tests
    }

    /// The names of subtests.
    pub fn subtests(&self) -> &Dictionary {
        &self.texts.subtests
    }

    /// The statuses of results: those that everybody knows, and any others that tests reported.
    pub fn statuses(&self) -> &Dictionary {
        &self.texts.statuses
    }

    /// The notes of results and of attempts.
    pub fn notes(&self) -> &Dictionary {
        &self.texts.notes
    }

    /// The names of remotes.
    pub fn guests(&self) -> &Dictionary {
        &self.texts.guests
    }

    /// The lists of files, as JSON arrays: most results that have files have the same ones.
    pub fn file_lists(&self) -> &Dictionary {
        &self.texts.files
    }

    /// The names of the files of a row, relative to the folder of its attempt's files and the name of its subtest.
    pub fn files_of(&self, row: &Row) -> Vec<String> {
        let list = row.files.map(|files| self.texts.files.text(files));
        list.and_then(|list| serde_json::from_str(list).ok()).unwrap_or_default()
    }
}
