//! [`Style`]: plain, or with colours.

use std::fmt::Display;

use anstyle::AnsiColor;
use atex_core::Verdict;

use crate::RunVerdict;

/// Whether a text has colours. The caller decides, knowing where the text goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Style {
    /// Characters only.
    #[default]
    Plain,
    /// With ANSI escape sequences for colours.
    Ansi,
}

/// What a piece of text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Tone {
    Good,
    Bad,
    Odd,
    Heading,
    Faint,
    Normal,
}

impl Tone {
    pub(super) fn of(verdict: Option<Verdict>) -> Self {
        match verdict {
            Some(Verdict::Passed) => Self::Good,
            Some(Verdict::Failed) => Self::Bad,
            Some(Verdict::Infra | Verdict::NotRun) => Self::Odd,
            Some(Verdict::Skipped) => Self::Faint,
            None => Self::Normal,
        }
    }

    pub(super) fn of_run(verdict: RunVerdict) -> Self {
        match verdict {
            RunVerdict::Passed => Self::Good,
            RunVerdict::Failed => Self::Bad,
            RunVerdict::Infra | RunVerdict::Interrupted => Self::Odd,
        }
    }

    fn codes(self) -> anstyle::Style {
        let plain = anstyle::Style::new();
        match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
            Self::Odd => AnsiColor::Yellow.on_default().bold(),
            Self::Heading => plain.bold(),
            Self::Faint => plain.dimmed(),
            Self::Normal => plain,
        }
    }
}

impl Style {
    pub(super) fn paint(self, tone: Tone, text: impl Display) -> String {
        match self {
            Self::Plain => text.to_string(),
            Self::Ansi => {
                let codes = tone.codes();
                format!("{codes}{text}{codes:#}")
            }
        }
    }
}
