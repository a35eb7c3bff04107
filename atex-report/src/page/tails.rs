//! [`LogTail`]: the end of a log, carried by a page so that it explains a failure where the log is not at hand.

use std::collections::HashMap;

use crate::{AttemptId, Review, Row};

/// The end of a log of a failing test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogTail {
    /// The name of the file, as the test gave it.
    pub file: String,
    /// Its last lines.
    pub text: String,
}

impl LogTail {
    /// The most of one log that a page carries, in bytes.
    pub const MAX: usize = 2 << 10;
    /// The most of all logs that a page carries, in bytes.
    pub const PAGE_MAX: usize = 5 << 20;

    /// No more of it than may be carried: whole lines if there are any.
    fn shortened(mut self) -> Self {
        let text = self.text.trim_end();
        let from = text.ceil_char_boundary(text.len().saturating_sub(Self::MAX));
        let kept = &text[from..];
        let line = kept.find('\n').filter(|_| from > 0).map_or(0, |end| end + 1);
        self.text = kept[line..].to_owned();
        self
    }
}

/// The ends of logs, by the number of the result.
#[derive(Debug, Clone, Default)]
pub(super) struct Tails(HashMap<usize, LogTail>);

/// So many results are asked for at most: of most there may be nothing to read.
const ASKED_MAX: usize = 10_000;

impl Tails {
    /// Asks for those of results that are broken: of the last attempts first, of tests before those of subtests, of what is not
    /// waived before what is.
    pub(super) fn read(
        review: &Review<'_>,
        mut read: impl FnMut(AttemptId, &Row) -> Option<LogTail>,
    ) -> Self {
        let (run, statuses) = (review.run, review.dataset.statuses());
        let broken = statuses.matching(|status| matches!(status, "fail" | "error" | "infra"));
        let mut wanted: Vec<(bool, bool, bool, usize, Row)> = (0..)
            .zip(run.rows())
            .filter(|(_, row)| row.files.is_some())
            .filter(|(_, row)| row.status.is_some_and(|status| broken.contains(status)))
            .map(|(number, row)| {
                let old = !run.attempt(row.attempt).last;
                (old, review.waived.of_row(number).is_some(), row.subtest.is_some(), number, row)
            })
            .collect();
        wanted.sort_by_key(|(old, waived, subtest, number, _)| (*old, *waived, *subtest, *number));
        let (mut tails, mut left) = (HashMap::new(), LogTail::PAGE_MAX);
        for (.., number, row) in wanted.into_iter().take(ASKED_MAX) {
            let Some(tail) = read(row.attempt, &row).map(LogTail::shortened) else { continue };
            if tail.text.is_empty() {
                continue;
            }
            match left.checked_sub(tail.text.len()) {
                Some(less) => left = less,
                None => break,
            }
            tails.insert(number, tail);
        }
        Self(tails)
    }

    /// That of a result.
    pub(super) fn of(&self, row: usize) -> Option<&LogTail> {
        self.0.get(&row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortened(text: &str) -> String {
        LogTail { file: "f".to_owned(), text: text.to_owned() }.shortened().text
    }

    #[test]
    fn the_end_is_kept_in_whole_lines() {
        assert_eq!(shortened("one\ntwo\n\n"), "one\ntwo");
        let long = format!("{}\nlast", "x\n".repeat(LogTail::MAX));
        assert!(shortened(&long).starts_with("x\n") && shortened(&long).ends_with("x\n\nlast"));
        assert!(shortened(&long).len() <= LogTail::MAX);
        // A line that is longer than all that may be kept, in characters of three bytes.
        let line = shortened(&"…".repeat(LogTail::MAX));
        assert!(line.len() <= LogTail::MAX && line.len() > LogTail::MAX - 3);
    }
}
