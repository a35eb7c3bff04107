//! From what a document consists of to values: keys, merge keys, duplicates, anchors.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use crate::error::ErrorKind;
use crate::list::List;
use crate::map::{Entry, Key, Map, Origin};
use crate::value::Value;

use super::YamlError;
use super::mark::Span;
use super::parser::{Done, Form, Marks, Receiver};
use super::pool::Pool;
use super::scalar::{self, Plain};
use super::tag::{Tag, TagName};
use super::token::ScalarStyle;

/// Aliases may not make a document larger than this many values: a few lines could stand for billions.
const MAX_VALUES: u64 = 10_000_000;

/// The keys of a map up to this size are compared with each other, those of larger ones looked up.
const SEARCHED: usize = 16;

/// Builds the value of one document. Iterative, so that nesting never costs stack.
#[derive(Debug)]
pub(super) struct Composer<'t, 'p> {
    document: usize,
    pool: &'p mut Pool,
    open: Vec<Frame<'t>>,
    /// Items of the lists that are open, those of inner ones last.
    items: Vec<Value>,
    /// The same for entries of maps.
    entries: Vec<Entry>,
    anchors: HashMap<&'t str, Anchored>,
    root: Value,
}

#[derive(Debug)]
struct Anchored {
    value: Value,
    weight: u64,
    /// Whether it was written as a map, which is what a merge key may refer to.
    complete: bool,
}

/// A collection whose end has not come yet.
#[derive(Debug)]
struct Frame<'t> {
    content: Content,
    /// Where its items or entries begin.
    first: usize,
    tag: Option<Tag>,
    anchor: Option<&'t str>,
    span: Span,
    /// How many values it stands for once aliases are written out.
    weight: u64,
}

#[derive(Debug)]
enum Content {
    List,
    Map(OpenMap),
}

#[derive(Debug)]
struct OpenMap {
    key: Option<(PendingKey, Span)>,
    /// What `<<` brings in; none as long as there was no `<<` with content.
    merged: Option<Vec<Value>>,
}

#[derive(Debug)]
enum PendingKey {
    Merge,
    Key(Key),
}

/// A value on its way into its collection.
struct Item {
    value: Value,
    weight: u64,
    span: Span,
    /// `<<` or `=`: special as a key, an error as a value.
    special: Option<Plain>,
}

impl<'t, 'p> Composer<'t, 'p> {
    pub(super) fn new(document: usize, pool: &'p mut Pool) -> Self {
        let (open, anchors) = (Vec::new(), HashMap::new());
        let (items, entries) = (Vec::new(), Vec::new());
        Self { document, pool, open, items, entries, anchors, root: Value::Null }
    }

    pub(super) fn finish(self) -> Value {
        self.root
    }

    fn start(&mut self, content: Content, first: usize, marks: Marks<'t>) -> Done {
        let Marks { tag, anchor, span } = marks;
        let tag = find_tag(tag.as_ref(), &span)?;
        // Known from here on, so that a reference to itself is told from an unknown name.
        self.remember(anchor, &Value::Null, 0, false);
        self.open.push(Frame { content, first, tag, anchor, span, weight: 1 });
        Ok(())
    }

    fn remember(&mut self, anchor: Option<&'t str>, value: &Value, weight: u64, complete: bool) {
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, Anchored { value: value.clone(), weight, complete });
        }
    }

    /// Puts a finished value into the collection that is open, or makes it the document.
    fn place(&mut self, item: Item) -> Result<(), YamlError> {
        let Some(frame) = self.open.last_mut() else {
            reject_special(&item)?;
            self.root = item.value;
            return Ok(());
        };
        frame.weight = frame.weight.saturating_add(item.weight);
        match &mut frame.content {
            Content::List => {
                reject_special(&item)?;
                self.items.push(item.value);
                Ok(())
            }
            Content::Map(open) => match open.key.take() {
                None => {
                    let span = item.span;
                    open.key = Some((make_key(item, self.pool)?, span));
                    Ok(())
                }
                Some((PendingKey::Merge, key_span)) => open.merge(item, &key_span),
                Some((PendingKey::Key(key), key_span)) => {
                    reject_special(&item)?;
                    let origin = origin(self.document, &key_span);
                    self.entries.push(Entry { key, value: item.value, origin });
                    Ok(())
                }
            },
        }
    }

    fn build_map(&mut self, open: OpenMap, first: usize) -> Result<Map, YamlError> {
        let Some(merged) = &open.merged else {
            check_duplicates(&self.entries[first..])?;
            return Ok(Map::from_entries(self.entries.drain(first..).collect()));
        };
        let mut map = Map::new();
        // Later maps of the list first: earlier ones win, own entries win over all.
        for merged in merged.iter().rev() {
            for (key, value, origin) in merged.as_map().into_iter().flat_map(Map::entries) {
                map.insert_at(key.clone(), value.clone(), origin);
            }
        }
        for Entry { key, value, origin } in self.entries.drain(first..) {
            map.insert_at(key, value, origin);
        }
        Ok(map)
    }
}

impl<'t> Receiver<'t> for Composer<'t, '_> {
    fn scalar(&mut self, text: Cow<'t, str>, style: ScalarStyle, marks: Marks<'t>) -> Done {
        let Marks { tag, anchor, span } = marks;
        let mut special = None;
        let value = match find_tag(tag.as_ref(), &span)? {
            Some(tag) => tag
                .scalar(&text)
                .map_err(|(kind, message)| YamlError::new(message, &span).of_kind(kind))?,
            None if style != ScalarStyle::Plain => self.pool.text(&text),
            None => match scalar::resolve(&text) {
                Ok(Plain::Value(value)) => value,
                Ok(Plain::Text) => self.pool.text(&text),
                Ok(plain) => {
                    special = Some(plain);
                    self.pool.text(&text)
                }
                Err(impossible) => {
                    let message = format!("'{text}': {}", impossible.0);
                    return Err(YamlError::new(message, &span).of_kind(ErrorKind::Value));
                }
            },
        };
        self.remember(anchor, &value, 1, true);
        self.place(Item { value, weight: 1, span, special })
    }

    fn start_list(&mut self, _: Form, marks: Marks<'t>) -> Done {
        self.start(Content::List, self.items.len(), marks)
    }

    fn start_map(&mut self, _: Form, marks: Marks<'t>) -> Done {
        let map = OpenMap { key: None, merged: None };
        self.start(Content::Map(map), self.entries.len(), marks)
    }

    fn alias(&mut self, name: &'t str, span: Span) -> Done {
        let Some(target) = self.anchors.get(name) else {
            return Err(unknown(name, &span));
        };
        if !target.complete {
            let message = "a value that contains itself is not supported";
            return Err(YamlError::new(message, &span).of_kind(ErrorKind::Unsupported));
        }
        let (value, weight) = (target.value.clone(), target.weight);
        self.place(Item { value, weight, span, special: None })
    }

    fn end(&mut self, _: Span) -> Done {
        let Some(frame) = self.open.pop() else { return Ok(()) };
        let Frame { content, first, tag, anchor, span, weight } = frame;
        if weight > MAX_VALUES {
            let message = format!("aliases make more than {MAX_VALUES} values of this document");
            return Err(YamlError::new(message, &span).of_kind(ErrorKind::Limit));
        }
        let value = match content {
            Content::List => {
                let items = List::of(self.items.drain(first..));
                tag.unwrap_or(Tag::Seq).list(items)
            }
            Content::Map(open) => tag.unwrap_or(Tag::Map).map(self.build_map(open, first)?),
        }
        .map_err(|message| YamlError::new(message, &span))?;
        self.remember(anchor, &value, weight, true);
        self.place(Item { value, weight, span, special: None })
    }
}

pub(super) fn unknown(name: &str, span: &Span) -> YamlError {
    YamlError::new(format!("there is no anchor '&{name}' before this"), span)
}

fn origin(document: usize, span: &Span) -> Origin {
    Origin::new(document, span.start.line, span.start.column + 1)
}

fn check_duplicates(entries: &[Entry]) -> Result<(), YamlError> {
    let mut known = HashSet::new();
    let again = entries.iter().enumerate().find(|(index, entry)| {
        if entries.len() <= SEARCHED {
            entries[..*index].iter().any(|before| before.key == entry.key)
        } else {
            !known.insert(&entry.key)
        }
    });
    let Some((_, again)) = again else { return Ok(()) };
    let first = entries.iter().find(|entry| entry.key == again.key).unwrap_or(again);
    let (text, first) = (again.key.value().to_text(), first.origin);
    let (line, column) = (first.line(), first.column());
    Err(YamlError {
        kind: ErrorKind::File,
        message: format!("duplicate key '{text}', first defined in line {line}, column {column}"),
        line: again.origin.line(),
        column: again.origin.column(),
    })
}

impl OpenMap {
    fn merge(&mut self, item: Item, key_span: &Span) -> Result<(), YamlError> {
        if self.merged.as_ref().is_some_and(|merged| !merged.is_empty()) {
            return Err(YamlError::new("duplicate merge key '<<'", key_span));
        }
        let maps = match item.value {
            Value::Map(map) if map.is_empty() => Vec::new(),
            Value::Map(_) => vec![item.value],
            Value::List(items) => {
                if let Some(other) = items.iter().find(|item| item.as_map().is_none()) {
                    let message =
                        format!("expected maps to merge, but found '{}'", other.type_name());
                    return Err(YamlError::new(message, &item.span));
                }
                items.to_vec()
            }
            other => {
                let message = format!(
                    "expected a map or a list of maps after '<<', but found '{}'",
                    other.type_name()
                );
                return Err(YamlError::new(message, &item.span));
            }
        };
        // An empty map or list leaves everything as if there had been no '<<'.
        if maps.iter().any(|map| map.as_map().is_some_and(|map| !map.is_empty())) {
            self.merged = Some(maps);
        }
        Ok(())
    }
}

fn find_tag(tag: Option<&TagName>, span: &Span) -> Result<Option<Tag>, YamlError> {
    tag.map_or(Ok(None), |tag| Tag::find(tag).map_err(|message| YamlError::new(message, span)))
}

fn make_key(item: Item, pool: &mut Pool) -> Result<PendingKey, YamlError> {
    if matches!(item.special, Some(Plain::Merge)) {
        return Ok(PendingKey::Merge);
    }
    let value = match item.value {
        Value::List(items) => Value::Tuple(items),
        other => other,
    };
    if !value.is_hashable() {
        let message = format!("a '{}' cannot be a key", value.type_name());
        return Err(YamlError::new(message, &item.span));
    }
    Ok(PendingKey::Key(pool.key(value)))
}

fn reject_special(item: &Item) -> Result<(), YamlError> {
    match &item.special {
        None => Ok(()),
        Some(_) => {
            let text = item.value.as_str().unwrap_or_default();
            Err(YamlError::new(format!("'{text}' is not a value; quote it"), &item.span))
        }
    }
}
