//! Values as YAML, in the block style that people use for metadata.

mod scalar;
mod writer;

use crate::map::{Key, Map};
use crate::value::Value;
use writer::{After, Writer};

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
        let mut writer = Writer::new(self, &Value::Null).at(column);
        writer.entry(key, value, column);
        writer.finish()
    }

    /// What follows the colon of a key of a map whose keys start in the given column, with line break. The line has
    /// `used` characters already.
    pub(crate) fn after_key(&self, value: &Value, column: usize, used: usize) -> String {
        let mut writer = Writer::new(self, &Value::Null);
        // The colon itself, so that there is a line that can end.
        writer.put(":");
        let mut writer = writer.at(used);
        writer.value(value, After::Key(column));
        writer.finish().split_off(1)
    }

    /// One item of a list whose dashes stand in the given column, from the dash on, with line break.
    pub(crate) fn item(&self, value: &Value, column: usize) -> String {
        let mut writer = Writer::new(self, &Value::Null).at(column);
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
