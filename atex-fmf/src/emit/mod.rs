//! Values as YAML, in the block style that people use for metadata.

mod fold;
mod scalar;

use std::collections::HashMap;

use triomphe::Arc;

use crate::map::{Key, Map};
use crate::value::Value;
use scalar::Style;

/// Keys up to this length are written before their colon; longer ones, and those with line breaks, after a `?`.
const MAX_SIMPLE_KEY: usize = 122;

/// Line width of base64 data.
const BASE64_WIDTH: usize = 76;

/// How values are written as YAML.
///
/// What is written reads back as the same value: same types, same order of keys. Maps are indented by 4, items of lists by
/// 2, lines are folded at the width, strings are quoted only where they must be, several lines become a literal block.
///
/// ```
/// use atex_fmf::{Emit, Value};
/// let value = Value::from_yaml("{tag: [fast, '1'], environment: {LEVEL: 2}, description: \"a\\nb\\n\"}").unwrap();
/// let text = Emit::new().write(&value);
/// assert_eq!(text, "\
/// tag:
///   - fast
///   - '1'
/// environment:
///     LEVEL: 2
/// description: |
///     a
///     b
/// ");
/// ```
#[derive(Debug, Clone)]
#[must_use = "nothing is written before 'write' is called"]
pub struct Emit {
    width: usize,
    sort: bool,
    anchors: bool,
}

impl Default for Emit {
    fn default() -> Self {
        Self::new()
    }
}

impl Emit {
    /// Lines of 80 characters, keys in their order, no anchors.
    pub const fn new() -> Self {
        Self { width: 80, sort: false, anchors: false }
    }

    /// The width in characters after which lines are folded where they can be.
    pub const fn width(mut self, width: usize) -> Self {
        self.width = width;
        self
    }

    /// Whether the keys of the outermost map are sorted.
    pub const fn sort(mut self, sort: bool) -> Self {
        self.sort = sort;
        self
    }

    /// Whether maps and lists that share their memory are written once, with an anchor, and then as aliases of it.
    ///
    /// Without, the text of values that were read from a document with aliases may be much larger than that document.
    pub const fn anchors(mut self, anchors: bool) -> Self {
        self.anchors = anchors;
        self
    }

    /// The value as a document that ends with a line break.
    #[must_use]
    pub fn write(&self, value: &Value) -> String {
        let sorted;
        let value = match value {
            Value::Map(map) if self.sort => {
                sorted = sort_keys(map);
                &sorted
            }
            other => other,
        };
        let mut writer = Writer::new(self, value);
        writer.document(value);
        // Empty lines that somebody adds below would become part of the text.
        if writer.open_end == Some(writer.out.len()) {
            writer.out.push_str("...\n");
        }
        writer.finish()
    }

    /// A map as a document that ends with a line break.
    #[must_use]
    pub fn write_map(&self, map: &Map) -> String {
        self.write(&map.clone().into())
    }

    /// One entry of a map whose keys start in the given column (counted from 0), with line break, without indentation
    /// of its first line.
    pub(crate) fn entry(&self, key: &Key, value: &Value, column: usize) -> String {
        let mut writer = Writer::new(self, &Value::Null);
        writer.column = column;
        writer.entry(key, value, column);
        writer.finish()
    }

    /// What follows the colon of a key of a map whose keys start in the given column, with line break. The line has
    /// `used` characters already.
    pub(crate) fn after_key(&self, value: &Value, column: usize, used: usize) -> String {
        let mut writer = Writer::new(self, &Value::Null);
        // The colon itself, so that there is a line that can end.
        writer.out.push(':');
        writer.column = used;
        writer.value(value, After::Key(column));
        writer.finish().split_off(1)
    }

    /// One item of a list whose dashes stand in the given column, from the dash on, with line break.
    pub(crate) fn item(&self, value: &Value, column: usize) -> String {
        let mut writer = Writer::new(self, &Value::Null);
        writer.column = column;
        writer.item(value, column);
        writer.finish()
    }
}

impl Value {
    /// The value as YAML, as [`Emit::new`] writes it.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        Emit::new().write(self)
    }
}

fn sort_keys(map: &Map) -> Value {
    let mut entries: Vec<(Key, Value)> =
        map.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    entries.sort_by(|(a, _), (b, _)| a.value().to_text().cmp(&b.value().to_text()));
    entries.into_iter().collect::<Map>().into()
}

/// What a value comes after, which decides where its lines start.
#[derive(Debug, Clone, Copy)]
enum After {
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
struct Writer {
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
    fn new(options: &Emit, value: &Value) -> Self {
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

    fn finish(mut self) -> String {
        if !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        self.out
    }

    fn put(&mut self, text: &str) {
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

    fn document(&mut self, value: &Value) {
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

    fn entry(&mut self, key: &Key, value: &Value, column: usize) {
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

    fn item(&mut self, value: &Value, column: usize) {
        self.put("- ");
        self.value(value, After::Dash(column + 2));
    }

    fn value(&mut self, value: &Value, after: After) {
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
