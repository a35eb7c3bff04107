//! The control stream of a running test: bytes in, words out. Pure: no IO, no clock.

use atex_core::display::one_line;

mod deadline;
mod parser;
#[cfg(test)]
mod tests;
mod word;

pub use deadline::Deadline;
pub use parser::{Parser, Piece, Place};
pub use word::{DurationChange, Word, parse_time};

/// What a test did that the protocol forbids. Its channel is closed then, and the test stopped; what it reported before
/// is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// Nothing but a newline.
    #[error("empty control line")]
    EmptyLine,
    /// A line without an end.
    #[error("control line longer than {max} bytes: {start}", max = Parser::MAX_LINE)]
    LongLine {
        /// How it begins.
        start: String,
    },
    /// A line that is no UTF-8.
    #[error("control line is not UTF-8: {line}")]
    NotText {
        /// The line.
        line: String,
    },
    /// A word that does not exist.
    #[error("unknown control word: {line}")]
    UnknownWord {
        /// The line.
        line: String,
    },
    /// A word with an argument that it cannot have.
    #[error("control line needs {expected}: {line}")]
    Argument {
        /// The line.
        line: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// JSON that is too long.
    #[error("result of {length} bytes is too long (at most {max} are allowed; put more into a file)", max = Parser::MAX_JSON)]
    BigResult {
        /// The announced length.
        length: u64,
    },
    /// JSON that is no result.
    #[error("malformed result: {problem}{}", if json.is_empty() { String::new() } else { format!(", in: {json}") })]
    Report {
        /// What is wrong with it.
        problem: String,
        /// How it begins.
        json: String,
    },
    /// The stream ended where it must not.
    #[error("the control stream ended inside {what}")]
    Truncated {
        /// What was cut.
        what: String,
    },
}

/// Bytes of a test for a message: on one line, without what could confuse a terminal, cut.
pub(crate) fn shown(bytes: &[u8]) -> String {
    one_line(&String::from_utf8_lossy(&bytes[..bytes.len().min(480)]), 120)
}
