//! [`Finding`]: one thing that lint found, and [`Check`], the kind of thing that it is.

use std::fmt;

use serde_json::json;

use crate::error::{Error, Location};

/// What lint looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Check {
    /// The metadata cannot be read, or adjusted.
    Invalid,
    /// A key that nobody knows.
    UnknownKey,
    /// A key whose value has a type that it cannot have.
    WrongType,
    /// A filter, a pattern or a name that takes no test at all.
    DeadFilter,
    /// A plan that selects no test.
    EmptyPlan,
    /// A rule under `adjust` that is never applied.
    UnreachableRule,
    /// A rule that means something else than it seems to say.
    RuleTrap,
    /// A dimension that is probably misspelt.
    UnknownDimension,
    /// Tests with the same summary.
    DuplicateSummary,
    /// A test whose script is not there, or cannot be executed.
    MissingScript,
}

impl Check {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Invalid,
        Self::UnknownKey,
        Self::WrongType,
        Self::DeadFilter,
        Self::EmptyPlan,
        Self::UnreachableRule,
        Self::RuleTrap,
        Self::UnknownDimension,
        Self::DuplicateSummary,
        Self::MissingScript,
    ];

    /// Its name: `unknown-key`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::UnknownKey => "unknown-key",
            Self::WrongType => "wrong-type",
            Self::DeadFilter => "dead-filter",
            Self::EmptyPlan => "empty-plan",
            Self::UnreachableRule => "unreachable-rule",
            Self::RuleTrap => "rule-trap",
            Self::UnknownDimension => "unknown-dimension",
            Self::DuplicateSummary => "duplicate-summary",
            Self::MissingScript => "missing-script",
        }
    }

    /// The check of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.name() == name)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One thing that lint found. `Display` gives one line: the place, the check, the message.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// What was looked for.
    pub check: Check,
    /// The node that it shows in; others may inherit it.
    pub node: Option<String>,
    /// What is wrong.
    pub message: String,
    /// Something to try, where there is an idea.
    pub hint: Option<String>,
    /// Where it was written.
    pub location: Option<Location>,
}

impl Finding {
    pub(super) fn new(check: Check, message: impl Into<String>) -> Self {
        Self { check, node: None, message: message.into(), hint: None, location: None }
    }

    pub(super) fn node(mut self, name: &str) -> Self {
        self.node = Some(name.to_owned());
        self
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn at(mut self, location: Option<Location>) -> Self {
        self.location = location;
        self
    }

    /// The line of the file with a caret below the place, ready to be printed; none without a place.
    #[must_use]
    pub fn snippet(&self) -> Option<String> {
        self.location.as_ref()?.snippet()
    }

    /// For other programs: `check`, `message`, `hint`, `node`, `file`, `line`, `column`, `text`; null where unknown.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let place = self.location.as_ref();
        json!({
            "check": self.check.name(),
            "message": self.message,
            "hint": self.hint,
            "node": self.node,
            "file": place.map(|place| place.path.to_string_lossy()),
            "line": place.map(|place| place.line),
            "column": place.map(|place| place.column),
            "text": place.and_then(|place| place.text.as_deref()),
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            write!(f, "{location}: ")?;
        }
        write!(f, "{}: {}", self.check, self.message)
    }
}

impl From<&Error> for Finding {
    /// What cannot be read is found, too.
    fn from(error: &Error) -> Self {
        use std::error::Error as _;
        let mut message = error.message().to_owned();
        let mut cause = error.source();
        while let Some(error) = cause {
            message += &format!(": {error}");
            cause = error.source();
        }
        Self {
            hint: error.hint().map(str::to_owned),
            ..Self::new(Check::Invalid, message).at(error.location().cloned())
        }
    }
}
