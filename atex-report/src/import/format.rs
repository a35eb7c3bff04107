//! [`ImportFormat`]: what a file of results may be.

use std::io::{self, Read};
use std::path::Path;

use crate::StoreError;
use crate::packing::unpack;

/// What a file of results may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ImportFormat {
    /// JSON lines as [`ResultsFormat::JsonLines`](crate::ResultsFormat::JsonLines) and the Python ATEX write them.
    JsonLines,
    /// YAML documents as [`ResultsFormat::Yaml`](crate::ResultsFormat::Yaml) and the Python ATEX write them.
    Yaml,
    /// `results.yaml` of tmt: a list of results.
    Tmt,
    /// JUnit XML: ours, or of anybody.
    Junit,
    /// A table as [`ResultsFormat::Csv`](crate::ResultsFormat::Csv) has it.
    Csv,
    /// A database as [`ResultsFormat::Sqlite`](crate::ResultsFormat::Sqlite) makes it.
    #[cfg(feature = "sqlite")]
    Sqlite,
}

/// So much of a file is looked at.
const LOOK: u64 = 64 << 10;

impl ImportFormat {
    /// What a file is, by how it begins.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it cannot be read, [`StoreError::Mistake`] when it is none of these.
    pub fn of(path: &Path) -> Result<Self, StoreError> {
        let mut head = Vec::new();
        let read = unpack::open(path)?.take(LOOK).read_to_end(&mut head);
        // What is there of a torn file says enough.
        if let Err(error) = read.map(drop)
            && head.is_empty()
            && error.kind() != io::ErrorKind::UnexpectedEof
        {
            return Err(StoreError::io("cannot read", path)(error));
        }
        Self::of_text(&head).ok_or_else(|| StoreError::Mistake {
            path: path.to_owned(),
            line: 1,
            what:
                "not a file of results that is known here: JSON lines, YAML, JUnit, CSV, a database"
                    .into(),
        })
    }

    fn of_text(head: &[u8]) -> Option<Self> {
        #[cfg(feature = "sqlite")]
        if head.starts_with(b"SQLite format 3\0") {
            return Some(Self::Sqlite);
        }
        let text = String::from_utf8_lossy(head);
        let text = text.trim_start_matches('\u{feff}').trim_start();
        if text.is_empty() || text.starts_with('[') {
            return Some(Self::JsonLines);
        }
        if text.starts_with('<') {
            return Some(Self::Junit);
        }
        if text.starts_with("platform,") {
            return Some(Self::Csv);
        }
        // A list of results is tmt's, a map is a test.
        let content = text
            .lines()
            .find(|line| !line.is_empty() && !line.starts_with(['#', '%']) && *line != "---");
        match content {
            Some(line) if line.starts_with("- ") || line == "-" => Some(Self::Tmt),
            Some(line)
                if line.starts_with(|c: char| c.is_ascii_lowercase()) && line.contains(':') =>
            {
                Some(Self::Yaml)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_show_what_they_are() {
        let cases = [
            ("", Some(ImportFormat::JsonLines)),
            ("\n[\"p\", ", Some(ImportFormat::JsonLines)),
            ("\u{feff}<?xml version='1.0'?>", Some(ImportFormat::Junit)),
            ("---\nplatform: p\n", Some(ImportFormat::Yaml)),
            ("# tmt\n- name: /a\n", Some(ImportFormat::Tmt)),
            ("---\n-\n  name: /a\n", Some(ImportFormat::Tmt)),
            ("platform,status", Some(ImportFormat::Csv)),
            ("\u{7f}ELF", None),
            ("{\"a\": 1}", None),
        ];
        for (text, format) in cases {
            assert_eq!(ImportFormat::of_text(text.as_bytes()), format, "{text:?}");
        }
    }
}
