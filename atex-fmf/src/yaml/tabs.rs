//! Where tabs may stand: not in indentation, and not after the indicators of block collections.

use std::ops::Range;

use granit_parser::{Event, Span, StructureStyle};

use super::YamlError;
use crate::error::ErrorKind;

/// Checks the tabs of a document, given what its events cover. Costs nothing for documents without tabs.
#[derive(Debug)]
pub(super) struct Tabs<'t> {
    text: &'t str,
    enabled: bool,
    /// Scalars and flow collections: tabs in them are the parser's business.
    covered: Vec<Range<usize>>,
    flow_depth: usize,
    flow_start: usize,
}

impl<'t> Tabs<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let enabled = text.contains('\t');
        Self { text, enabled, covered: Vec::new(), flow_depth: 0, flow_start: 0 }
    }

    pub(super) fn event(&mut self, event: &Event<'_>, span: &Span) {
        let Some(range) = span.byte_range().filter(|_| self.enabled) else { return };
        match event {
            Event::Scalar(..) if self.flow_depth == 0 => self.covered.push(range),
            Event::SequenceStart(StructureStyle::Flow, ..)
            | Event::MappingStart(StructureStyle::Flow, ..) => {
                if self.flow_depth == 0 {
                    self.flow_start = range.start;
                }
                self.flow_depth += 1;
            }
            // In a flow collection, everything is flow.
            Event::SequenceStart(..) | Event::MappingStart(..) if self.flow_depth > 0 => {
                self.flow_depth += 1;
            }
            Event::SequenceEnd | Event::MappingEnd if self.flow_depth > 0 => {
                self.flow_depth -= 1;
                if self.flow_depth == 0 {
                    self.covered.push(self.flow_start..range.end);
                }
            }
            _ => {}
        }
    }

    pub(super) fn check(self) -> Result<(), YamlError> {
        if !self.enabled {
            return Ok(());
        }
        let mut line_start = 0;
        for (index, line) in self.text.split('\n').enumerate() {
            let mut blank_until = 0;
            let wrong = line.match_indices('\t').find(|(at, _)| {
                // Of a run of blanks, the first tab decides for all.
                let same_run = blank_until > 0 && line[blank_until..*at].bytes().all(|b| b == b' ');
                blank_until = at + 1;
                !same_run && self.is_wrong(line_start, &line[..*at])
            });
            if let Some((at, _)) = wrong {
                return Err(YamlError {
                    kind: ErrorKind::File,
                    message: "a tab cannot be used for indentation".to_owned(),
                    line: index + 1,
                    column: line[..at].chars().count() + 1,
                });
            }
            line_start += line.len() + 1;
        }
        Ok(())
    }

    fn is_covered(&self, position: usize) -> bool {
        let after = self.covered.partition_point(|range| range.start <= position);
        after > 0 && self.covered[after - 1].contains(&position)
    }

    /// `before` is what stands before the tab in its line.
    fn is_wrong(&self, line_start: usize, before: &str) -> bool {
        if self.is_covered(line_start + before.len()) {
            return false;
        }
        let mut blank = true;
        for (position, c) in before.char_indices() {
            if c == '#' && blank && !self.is_covered(line_start + position) {
                return false;
            }
            blank = matches!(c, ' ' | '\t');
        }
        let token = before.trim_end_matches([' ', '\t']);
        if token.is_empty() {
            return true;
        }
        if self.is_covered(line_start + token.len() - 1) {
            return false;
        }
        let indicator = token.trim_end_matches(['-', '?', ':']);
        match &token[indicator.len()..] {
            "-" | "?" => true,
            // After a key a tab is fine; a colon of its own begins the value of a complex key.
            ":" => indicator.trim_matches([' ', '\t']).is_empty(),
            _ => false,
        }
    }
}
