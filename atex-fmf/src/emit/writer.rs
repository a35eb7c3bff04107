//! Writes values line by line, in block style.

mod fold;

use std::collections::HashMap;

use triomphe::Arc;

use super::Emit;
use super::scalar::{self, Style};
use crate::map::{Key, Map};
use crate::value::Value;

/// Keys up to this length are written before their colon; longer ones, and those with line breaks, after a `?`.
const MAX_SIMPLE_KEY: usize = 122;

/// Line width of base64 data.
const BASE64_WIDTH: usize = 76;

/// What a value comes after, which decides where its lines start.
#[derive(Debug, Clone, Copy)]
pub(super) enum After {
    /// `key:` of a map in this column.
    Key(usize),
    /// The dash of an item whose content starts in this column.
    Dash(usize),
    /// `? ` or `: ` of a map in this column.
    Mark(usize),
}

impl After {
    /// Where further lines of a scalar start.
    fn indent(self) -> usize {
        match self {
            Self::Key(map) | Self::Mark(map) => map + 4,
            Self::Dash(content) => content,
        }
    }

    /// How much deeper than the collection around it that is: what a block scalar may have to say.
    fn depth(self) -> usize {
        match self {
            Self::Key(_) | Self::Mark(_) => 4,
            Self::Dash(_) => 2,
        }
    }
}

#[derive(Debug)]
pub(super) struct Writer {
    out: String,
    /// Characters in the current line.
    column: usize,
    width: usize,
    anchors: HashMap<usize, Anchor>,
    named: usize,
    /// Where a block that keeps its last line breaks ended.
    open_end: Option<usize>,
}

/// A collection that is met several times.
#[derive(Debug, Default)]
struct Anchor {
    met: usize,
    /// 0 before it was written.
    name: usize,
}

impl Writer {
    pub(super) fn new(options: &Emit, value: &Value) -> Self {
        let mut anchors = HashMap::new();
        if options.anchors {
            count(value, &mut anchors);
            anchors.retain(|_, anchor| anchor.met > 1);
        }
        Self {
            out: String::new(),
            column: 0,
            width: options.width,
            anchors,
            named: 0,
            open_end: None,
        }
    }

    /// Goes on in a line that has so many characters.
    pub(super) fn at(mut self, column: usize) -> Self {
        self.column = column;
        self
    }

    pub(super) fn finish(mut self) -> String {
        if !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        self.out
    }

    pub(super) fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    /// Starts a new line at a column; never leaves an empty one.
    fn line(&mut self, column: usize) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        self.column = 0;
        self.put(&" ".repeat(column));
    }

    pub(super) fn document(&mut self, value: &Value) {
        match value {
            Value::Map(map) if !map.is_empty() => self.entries(map, 0, true),
            Value::List(items) | Value::Tuple(items) if !items.is_empty() => {
                for item in items.iter() {
                    self.line(0);
                    self.item(item, 0);
                }
            }
            // Indented, so that no further line can look like the end of the document.
            other => self.value(other, After::Dash(2)),
        }
        // Empty lines that somebody adds below would become part of the text.
        if self.open_end == Some(self.out.len()) {
            self.out.push_str("...\n");
        }
    }

    /// Entries from a column on; the first one in the current line unless a new one is wanted.
    fn entries(&mut self, map: &Map, column: usize, new_line: bool) {
        for (index, (key, value)) in map.iter().enumerate() {
            if index > 0 || new_line {
                self.line(column);
            }
            self.entry(key, value, column);
        }
    }

    pub(super) fn entry(&mut self, key: &Key, value: &Value, column: usize) {
        let simple = scalar::of_key(key.value())
            .filter(|(text, _)| !text.contains('\n') && text.chars().count() <= MAX_SIMPLE_KEY);
        if let Some((text, style)) = simple {
            self.scalar(&text, style, column, false);
            self.put(":");
            self.value(value, After::Key(column));
        } else {
            self.put("? ");
            match key.as_str().filter(|text| text.contains('\n')) {
                Some(text) => self.scalar(text, Style::Double, column + 4, true),
                None => self.value(key.value(), After::Mark(column)),
            }
            self.line(column);
            self.put(if value.is_null() { ":" } else { ": " });
            self.value(value, After::Mark(column));
        }
    }

    pub(super) fn item(&mut self, value: &Value, column: usize) {
        self.put("- ");
        self.value(value, After::Dash(column + 2));
    }

    pub(super) fn value(&mut self, value: &Value, after: After) {
        let mut properties = String::new();
        if let Some(anchor) = address(value).and_then(|address| self.anchors.get_mut(&address)) {
            if anchor.name > 0 {
                let alias = format!("*id{:03}", anchor.name);
                self.space(after);
                return self.put(&alias);
            }
            self.named += 1;
            anchor.name = self.named;
            properties = format!("&id{:03}", anchor.name);
        }
        match value {
            Value::Map(map) if !map.is_empty() => self.map(map, after, &properties),
            Value::List(items) | Value::Tuple(items) if !items.is_empty() => {
                self.list(items, after, &properties);
            }
            Value::Set(items) if !items.is_empty() => {
                let map: Map =
                    items.iter().map(|item| (item.clone().into(), Value::Null)).collect();
                let separator = if properties.is_empty() { "" } else { " " };
                self.map(&map, after, &format!("{properties}{separator}!!set"));
            }
            Value::Null => {}
            Value::Bytes(bytes) => self.bytes(bytes, after),
            other => {
                let (text, style) = scalar::of_value(other);
                self.space(after);
                if !properties.is_empty() {
                    self.put(&properties);
                    self.put(" ");
                }
                // Brackets stay in their line.
                let fold = !matches!(
                    other,
                    Value::Map(_) | Value::List(_) | Value::Tuple(_) | Value::Set(_)
                );
                match style {
                    Style::Literal => self.literal(&text, after),
                    style => self.scalar(&text, style, after.indent(), fold),
                }
            }
        }
    }

    /// The space between a colon and what follows it in the same line.
    fn space(&mut self, after: After) {
        if matches!(after, After::Key(_)) {
            self.put(" ");
        }
    }

    /// Anchor and tag; afterwards a collection needs a new line.
    fn properties(&mut self, properties: &str, after: After) -> bool {
        if !properties.is_empty() {
            self.space(after);
            self.put(properties);
        }
        !properties.is_empty() || matches!(after, After::Key(_))
    }

    fn map(&mut self, map: &Map, after: After, properties: &str) {
        let new_line = self.properties(properties, after);
        if !new_line && matches!(after, After::Mark(_)) {
            self.put("  ");
        }
        self.entries(map, after.indent(), new_line);
    }

    fn list(&mut self, items: &[Value], after: After, properties: &str) {
        let mut new_line = self.properties(properties, after);
        let dash = match after {
            After::Key(map) => map + 2,
            After::Dash(content) => content + 2,
            After::Mark(map) => map + 6,
        };
        if !new_line {
            self.put(if matches!(after, After::Dash(_)) { "  " } else { "    " });
        }
        for item in items {
            if new_line {
                self.line(dash);
            }
            new_line = true;
            self.item(item, dash);
        }
    }

    fn bytes(&mut self, bytes: &[u8], after: After) {
        self.space(after);
        self.put("!!binary |");
        let encoded = scalar::base64(bytes);
        for line in encoded.as_bytes().chunks(BASE64_WIDTH) {
            self.line(after.indent());
            self.put(&String::from_utf8_lossy(line));
        }
    }
}

/// Where a shared collection lies in memory.
fn address(value: &Value) -> Option<usize> {
    match value {
        Value::Map(map) => Some(Arc::as_ptr(map).addr()),
        Value::List(items) => Some(items.address()),
        _ => None,
    }
}

fn count(value: &Value, anchors: &mut HashMap<usize, Anchor>) {
    if let Some(address) = address(value) {
        let anchor = anchors.entry(address).or_default();
        anchor.met += 1;
        if anchor.met > 1 {
            return;
        }
    }
    match value {
        Value::Map(map) => map.values().for_each(|value| count(value, anchors)),
        Value::List(items) => items.iter().for_each(|item| count(item, anchors)),
        _ => {}
    }
}
