//! [`OwnResults`]: what the results of the test itself come to.

use atex_core::Verdict;
use serde::{Deserialize, Serialize};

/// How much of a note is kept, in bytes; all of it stands in the result.
const NOTE: usize = 4 << 10;

/// What the results of the test itself come to. Only the deciding ones are kept: a test may report any number.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct OwnResults {
    /// The worst of those with a status that has a meaning, and its note.
    worst: Option<(Verdict, Option<String>)>,
    /// The note of the last one with another status, or none: the exit code decides on it.
    undefined: Option<Option<String>>,
}

impl OwnResults {
    pub(super) fn add(&mut self, status: Option<&str>, note: Option<&str>) {
        let note = || note.map(cut);
        // Only statuses without a meaning depend on the exit code.
        let verdict = Verdict::from_status(status, Some(0));
        if verdict != Verdict::from_status(status, Some(1)) {
            self.undefined = Some(note());
        } else if self.worst.as_ref().is_none_or(|(worst, _)| verdict > *worst) {
            self.worst = Some((verdict, note()));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.worst.is_none() && self.undefined.is_none()
    }

    /// The verdict, with the note of the result that decided.
    pub(super) fn verdict(self, exit_code: i32) -> (Verdict, Option<String>) {
        let by_code =
            self.undefined.map(|note| (Verdict::from_status(None, Some(exit_code)), note));
        let all = self.worst.into_iter().chain(by_code);
        all.max_by_key(|(verdict, _)| *verdict).unwrap_or((Verdict::Infra, None))
    }
}

/// A note, or as much of it as is kept.
fn cut(note: &str) -> String {
    if note.len() <= NOTE {
        return note.to_owned();
    }
    format!("{}…", &note[..note.floor_char_boundary(NOTE)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_note_the_beginning_is_kept() {
        let mut own = OwnResults::default();
        own.add(Some("fail"), Some(&"é".repeat(1 + NOTE / 2)));
        let (verdict, note) = own.verdict(0);
        assert_eq!(verdict, Verdict::Failed);
        assert_eq!(note.unwrap(), format!("{}…", "é".repeat(NOTE / 2)));
    }
}
