//! Regular expressions as metadata write them: the Python dialect, on a linear-time engine with a backtracking fallback.

mod class;
mod group;
mod template;
mod translate;

use std::sync::OnceLock;

use fancy_regex::RegexBuilder;

use crate::error::{Error, ErrorKind, Result};
pub(crate) use template::Template;

/// Steps after which a backtracking match is given up, so that a pattern cannot run forever.
const BACKTRACK_LIMIT: usize = 1_000_000;

/// Longer texts are not made of replacements: groups could be repeated without end.
const MAX_REPLACED: usize = 16 << 20;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(crate) struct Regex {
    pattern: String,
    translated: String,
    engine: fancy_regex::Regex,
    /// The same pattern, but without empty matches; only needed after one.
    not_empty: OnceLock<Option<fancy_regex::Regex>>,
}

impl Regex {
    pub(crate) fn new(pattern: &str) -> Result<Self> {
        let bad = |reason: &str| {
            Error::new(
                ErrorKind::Pattern,
                format!("invalid regular expression '{pattern}': {reason}"),
            )
        };
        let translated = translate::translate(pattern).map_err(|reason| bad(&reason))?;
        let engine = builder(&translated).build().map_err(|error| bad(&error.to_string()))?;
        let pattern = pattern.to_owned();
        Ok(Self { pattern, translated, engine, not_empty: OnceLock::new() })
    }

    /// Whether it matches anywhere in the text.
    pub(crate) fn search(&self, text: &str) -> Result<bool> {
        self.engine.is_match(text).map_err(|error| self.gave_up(&error))
    }

    /// Whether it matches at the start of the text.
    pub(crate) fn matches_start(&self, text: &str) -> Result<bool> {
        // The leftmost match of a backtracking engine is at the start if there is one there at all.
        let found = self.engine.find(text).map_err(|error| self.gave_up(&error))?;
        Ok(found.is_some_and(|found| found.start() == 0))
    }

    /// Replaces all matches.
    pub(crate) fn replace_all(&self, text: &str, template: &Template) -> Result<String> {
        let mut out = String::new();
        let (mut copied, mut position) = (0, 0);
        let mut after_empty = false;
        while let Some(found) = self.next_match(text, position, after_empty)? {
            let Some(whole) = found.get(0) else { break };
            out.push_str(&text[copied..whole.start()]);
            template.expand(&found, &mut out);
            if out.len() > MAX_REPLACED {
                return Err(self.too_long());
            }
            (copied, position) = (whole.end(), whole.end());
            after_empty = whole.start() == whole.end();
        }
        out.push_str(&text[copied..]);
        Ok(out)
    }

    /// The next match from a position on; after an empty match, not another empty one at the same place.
    fn next_match<'t>(
        &self,
        text: &'t str,
        position: usize,
        after_empty: bool,
    ) -> Result<Option<fancy_regex::Captures<'t, str>>> {
        let find = |engine: &fancy_regex::Regex, from: usize| {
            engine.captures_from_pos(text, from).map_err(|error| self.gave_up(&error))
        };
        if !after_empty {
            return find(&self.engine, position);
        }
        let strict = self
            .not_empty
            .get_or_init(|| builder(&self.translated).find_not_empty(true).build().ok());
        if let Some(strict) = strict
            && let Some(found) = find(strict, position)?
            && found.get(0).is_some_and(|whole| whole.start() == position)
        {
            return Ok(Some(found));
        }
        match text[position..].chars().next() {
            Some(c) => find(&self.engine, position + c.len_utf8()),
            None => Ok(None),
        }
    }

    fn too_long(&self) -> Error {
        let message = format!(
            "replacing '{}' makes a text of more than {} MiB",
            self.pattern,
            MAX_REPLACED >> 20
        );
        Error::new(ErrorKind::Limit, message)
    }

    fn gave_up(&self, error: &fancy_regex::Error) -> Error {
        Error::new(
            ErrorKind::Limit,
            format!("the regular expression '{}' gave up: {error}", self.pattern),
        )
    }
}

fn builder(pattern: &str) -> RegexBuilder {
    let mut builder = RegexBuilder::new(pattern);
    builder.backtrack_limit(BACKTRACK_LIMIT);
    builder
}

#[cfg(test)]
mod answers;
#[cfg(test)]
mod tests;
