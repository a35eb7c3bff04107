//! [`StoreError`]: what can be wrong with the folder of a run.

use std::io;
use std::path::PathBuf;

/// What can be wrong with the folder of a run, or with a file in it.
///
/// Texts are lower-case fragments that name the file, and the line where there is one. A cause is in
/// [`source`](std::error::Error::source), not in the text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A new run wants a folder of its own.
    #[error(
        "{} is not empty: a run needs a new or an empty folder, so that nothing is overwritten",
        path.display()
    )]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The folder has no `run.json`.
    #[error("{} is not the folder of a run: there is no run.json in it", path.display())]
    NotARun {
        /// The folder.
        path: PathBuf,
    },
    /// Somebody writes the journal of the run.
    #[error("the run in {} still goes on", path.display())]
    GoesOn {
        /// The folder.
        path: PathBuf,
    },
    /// The file is not ours, or is damaged.
    #[error("{}:{line}: not written by a run", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The file was written by a later version, which may mean something else by it.
    #[error(
        "{}:{line}: written in format {found} by a newer version, this one reads formats up to {known}",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The version of the format that it claims.
        found: u64,
        /// The newest version that is understood here.
        known: u64,
    },
    /// A line is longer than anything that a run writes.
    #[error("{}:{line}: the line is longer than {limit} bytes", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// The longest line that is read.
        limit: usize,
    },
    /// Something in a file that somebody else wrote is wrong.
    #[error("{}:{line}: {what}", path.display())]
    Mistake {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// The results could not be written.
    #[error("cannot write the results of the run")]
    Results {
        /// Why.
        source: atex_core::Error,
    },
    /// The system refused something.
    #[error("{action} {}", path.display())]
    Io {
        /// What was tried, as a verb: "cannot read".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl StoreError {
    /// Makes the error of a file operation: `.map_err(StoreError::io("cannot read", &path))`.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
