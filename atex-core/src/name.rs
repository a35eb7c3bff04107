//! [`TestName`]: the identity of a test.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name of a test, unique in its [`TestSuite`](crate::TestSuite): `/smoke/boot`.
///
/// Names of FMF tests start with `/`; other executors may use any text. A name is never empty, has no control
/// characters and at most [`TestName::MAX_LEN`] bytes, so it can be printed on one line as it is. It may hold anything
/// else (`..`, spaces, any script): make a path of it with [`SafePath`](crate::SafePath), never by joining.
///
/// Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TestName(Arc<str>);

/// Why a text cannot be the name of a test.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTestName {
    /// The text is empty.
    #[error("a test name must not be empty")]
    Empty,
    /// The text has a control character (a newline, a NUL, …).
    #[error("test name {name:?} has a control character")]
    Control {
        /// The text as it was given.
        name: String,
    },
    /// The text is too long.
    #[error("test name of {length} bytes is too long (at most {max} are allowed): {start}…", max = TestName::MAX_LEN)]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// How it begins.
        start: String,
    },
}

impl TestName {
    /// The greatest length of a name, in bytes.
    pub const MAX_LEN: usize = 4096;

    /// Checks the text and makes a name of it.
    ///
    /// # Errors
    /// [`InvalidTestName`] when the text is empty, too long, or has a control character.
    pub fn new(name: impl AsRef<str>) -> Result<Self, InvalidTestName> {
        let name = name.as_ref();
        if name.is_empty() {
            return Err(InvalidTestName::Empty);
        }
        if name.len() > Self::MAX_LEN {
            return Err(InvalidTestName::TooLong {
                length: name.len(),
                start: name.chars().take(60).collect(),
            });
        }
        if name.chars().any(char::is_control) {
            return Err(InvalidTestName::Control { name: name.to_owned() });
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for TestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Borrow<str> for TestName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for TestName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TestName {
    type Error = InvalidTestName;
    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::new(name)
    }
}

impl TryFrom<&str> for TestName {
    type Error = InvalidTestName;
    fn try_from(name: &str) -> Result<Self, Self::Error> {
        Self::new(name)
    }
}

impl From<TestName> for String {
    fn from(name: TestName) -> Self {
        name.0.as_ref().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_cannot_be_printed_on_a_line() {
        assert_eq!(TestName::new(""), Err(InvalidTestName::Empty));
        assert!(matches!(TestName::new("/a\nb"), Err(InvalidTestName::Control { .. })));
        assert!(matches!(TestName::new("/a\0b"), Err(InvalidTestName::Control { .. })));
        assert!(matches!(
            TestName::new("x".repeat(5000)),
            Err(InvalidTestName::TooLong { length: 5000, .. })
        ));
        assert_eq!(
            TestName::new("/smoke/ž ../x").map(|name| name.to_string()),
            Ok("/smoke/ž ../x".into())
        );
    }

    #[test]
    fn is_checked_when_read_back() {
        assert!(serde_json::from_str::<TestName>("\"/a\"").is_ok());
        let error = serde_json::from_str::<TestName>("\"/a\\u0000\"").unwrap_err();
        assert!(error.to_string().contains("control character"), "{error}");
    }
}
