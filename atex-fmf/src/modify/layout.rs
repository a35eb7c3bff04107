//! Where in a text the parts of its block collections lie.

use std::borrow::Cow;
use std::ops::Range;

use crate::yaml::{self, Done, Form, Marks, Receiver, ScalarStyle, Span};

/// Where a value lies.
#[derive(Debug)]
pub(super) struct Place {
    /// From its first byte to the end of its content; comments and blank lines after it do not belong to it.
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
    /// Whether it has an anchor or a tag.
    pub(super) marked: bool,
}

/// What a value looks like in the text.
#[derive(Debug)]
pub(super) enum Kind {
    /// Something that is only replaced as a whole: a scalar, a collection in brackets, an alias.
    Leaf,
    /// A literal or folded block.
    Block,
    /// A block map, its keys in this column.
    Map(usize, Vec<Entry>),
    /// A block list, its dashes in this column.
    List(usize, Vec<Item>),
}

/// An entry of a block map.
#[derive(Debug)]
pub(super) struct Entry {
    /// The start of the key.
    pub(super) start: usize,
    /// The end of the colon.
    pub(super) colon: usize,
    pub(super) value: Place,
}

/// An item of a block list.
#[derive(Debug)]
pub(super) struct Item {
    /// The start of the dash.
    pub(super) start: usize,
    pub(super) value: Place,
}

/// The layout of a document; none if it has something in it that is not understood here.
pub(super) fn layout(text: &str) -> Option<Place> {
    let mut events = Events(Vec::new());
    yaml::parse(text, &mut events).ok()?;
    let mut reader = Reader { text, events: events.0.into_iter() };
    let first = reader.events.next()?;
    reader.place(first, 0)
}

/// What a document consists of, in a list.
struct Events(Vec<(Event, Span)>);

enum Event {
    Scalar(ScalarStyle, Mark),
    List(Form, Mark),
    Map(Form, Mark),
    End,
    Alias,
}

/// Whether there is an anchor or a tag.
type Mark = bool;

impl Events {
    fn push(&mut self, event: Event, span: Span) -> Done {
        self.0.push((event, span));
        Ok(())
    }
}

fn is_marked(marks: &Marks<'_>) -> Mark {
    marks.anchor.is_some() || marks.tag.is_some()
}

impl<'t> Receiver<'t> for Events {
    fn scalar(&mut self, _: Cow<'t, str>, style: ScalarStyle, marks: Marks<'t>) -> Done {
        self.push(Event::Scalar(style, is_marked(&marks)), marks.span)
    }

    fn start_list(&mut self, form: Form, marks: Marks<'t>) -> Done {
        self.push(Event::List(form, is_marked(&marks)), marks.span)
    }

    fn start_map(&mut self, form: Form, marks: Marks<'t>) -> Done {
        self.push(Event::Map(form, is_marked(&marks)), marks.span)
    }

    fn end(&mut self, span: Span) -> Done {
        self.push(Event::End, span)
    }

    fn alias(&mut self, _: &'t str, span: Span) -> Done {
        self.push(Event::Alias, span)
    }
}

struct Reader<'t> {
    text: &'t str,
    events: std::vec::IntoIter<(Event, Span)>,
}

impl Reader<'_> {
    /// The value that starts with this event; `after` is where its key or dash ends.
    fn place(&mut self, (event, span): (Event, Span), after: usize) -> Option<Place> {
        let range = span.bytes();
        let place = match event {
            Event::Scalar(style, marked) => {
                let (kind, range) = match style {
                    ScalarStyle::Block => (Kind::Block, after..self.block_end(after, &range)?),
                    // An empty value is nowhere; its place is where it could be.
                    _ if range.is_empty() => (Kind::Leaf, after..after),
                    _ => (Kind::Leaf, range),
                };
                Place { range, kind, marked }
            }
            Event::Alias => Place { range, kind: Kind::Leaf, marked: false },
            Event::Map(Form::Block, marked) => {
                let entries = self.entries()?;
                let end = entries.last().map_or(range.end, |entry| entry.value.range.end);
                let start = entries.first().map_or(range.start, |entry| entry.start);
                Place { range: start..end, kind: Kind::Map(self.column(start), entries), marked }
            }
            Event::List(Form::Block, marked) => {
                let items = self.items(range.start)?;
                let end = items.last().map_or(range.end, |item| item.value.range.end);
                let kind = Kind::List(self.column(range.start), items);
                Place { range: range.start..end, kind, marked }
            }
            Event::Map(Form::Flow, marked) | Event::List(Form::Flow, marked) => {
                let end = self.skip()?;
                Place { range: range.start..end, kind: Kind::Leaf, marked }
            }
            Event::End => return None,
        };
        Some(place)
    }

    fn entries(&mut self) -> Option<Vec<Entry>> {
        let mut entries = Vec::new();
        loop {
            let (event, span) = self.events.next()?;
            let Event::Scalar(..) = event else {
                return matches!(event, Event::End).then_some(entries);
            };
            let key = span.bytes();
            // Keys after a question mark have their colon elsewhere; an anchor or tag comes before the text.
            let rest = self.text.get(key.end..)?;
            let colon = key.end + rest.len() - rest.trim_start_matches([' ', '\t']).len() + 1;
            let start = match entries.last() {
                Some(Entry { value, .. }) => self.next_start(value.range.end)?,
                None => key.start,
            };
            if self.text.as_bytes().get(colon - 1) != Some(&b':') || start != key.start {
                return None;
            }
            let next = self.events.next()?;
            let value = self.place(next, colon)?;
            entries.push(Entry { start, colon, value });
        }
    }

    fn items(&mut self, first: usize) -> Option<Vec<Item>> {
        let mut items: Vec<Item> = Vec::new();
        loop {
            let next = self.events.next()?;
            if matches!(next.0, Event::End) {
                return Some(items);
            }
            let start = match items.last() {
                Some(Item { value, .. }) => self.next_start(value.range.end)?,
                None => first,
            };
            if self.text.as_bytes().get(start) != Some(&b'-') {
                return None;
            }
            let value = self.place(next, start + 1)?;
            items.push(Item { start, value });
        }
    }

    /// Where something starts again after the end of a value.
    fn next_start(&self, end: usize) -> Option<usize> {
        let mut position = line_end(self.text, end) + 1;
        loop {
            let line = self.text.get(position..)?;
            let content = line.trim_start_matches([' ', '\t']);
            if !content.starts_with(['#', '\n']) {
                return Some(position + line.len() - content.len());
            }
            position = line_end(self.text, position) + 1;
        }
    }

    /// Skips a collection in brackets; gives its end.
    fn skip(&mut self) -> Option<usize> {
        let mut depth = 1;
        loop {
            let (event, span) = self.events.next()?;
            match event {
                Event::Map(..) | Event::List(..) => depth += 1,
                Event::End => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(span.end.byte);
            }
        }
    }

    /// The end of the last line of a block scalar, whose header starts after `after`.
    fn block_end(&self, after: usize, content: &Range<usize>) -> Option<usize> {
        let header = &self.text[after..line_end(self.text, after)];
        let header = header.split(" #").next().unwrap_or_default();
        let whole = self.text.get(after..content.end.max(line_end(self.text, after)))?;
        // What follows the last line break is the indentation of something else, unless the text ends there.
        let lines = match whole.rfind('\n') {
            Some(last) if content.end < self.text.len() || whole.ends_with('\n') => &whole[..last],
            _ => whole,
        };
        let lines = if header.contains('+') { lines } else { lines.trim_end() };
        Some(after + lines.len())
    }

    fn column(&self, position: usize) -> usize {
        position - self.text[..position].rfind('\n').map_or(0, |newline| newline + 1)
    }
}

/// The end of the line that a position is in.
pub(super) fn line_end(text: &str, position: usize) -> usize {
    text[position..].find('\n').map_or(text.len(), |length| position + length)
}

/// The start of the line that a position is in.
pub(super) fn line_start(text: &str, position: usize) -> usize {
    text[..position].rfind('\n').map_or(0, |newline| newline + 1)
}
