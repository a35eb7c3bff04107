//! The YAML of a file of waivers, as values that know where they stand.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Marker, Parser, ScalarStyle, options};

use super::error::{Mistake, Place};

/// A value and where it begins.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) at: Place,
    pub(super) content: Content,
}

/// What a value is. An alias is the value that it stands for, which is shared and never written out.
#[derive(Debug)]
pub(super) enum Content {
    /// A text, as it is written; plain ones may mean something else, too.
    Text {
        text: String,
        plain: bool,
    },
    List(Vec<Rc<Node>>),
    Map(Vec<(Rc<Node>, Rc<Node>)>),
}

impl Node {
    /// Whether it is `null`, `~` or nothing at all.
    pub(super) fn is_null(&self) -> bool {
        let null = |text: &str| matches!(text, "" | "~" | "null" | "Null" | "NULL");
        matches!(&self.content, Content::Text { text, plain: true } if null(text))
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self.content {
            Content::Text { .. } if self.is_null() => "nothing",
            Content::Text { .. } => "a text",
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
        }
    }
}

/// A collection whose end has not come yet.
struct Open {
    at: Place,
    anchor: usize,
    is_map: bool,
    items: Vec<Rc<Node>>,
}

/// The one document of a text; `None` for one without any.
pub(super) fn read(text: &str) -> Result<Option<Rc<Node>>, Mistake> {
    let (mut open, mut root): (Vec<Open>, Option<Rc<Node>>) = (Vec::new(), None);
    let mut anchors: HashMap<usize, Rc<Node>> = HashMap::new();
    for next in Parser::new_from_str_with_options(text, options! { emit_comments: false }) {
        let (event, span) =
            next.map_err(|error| Mistake::new(place(error.marker()), error.info()))?;
        let at = place(&span.start);
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                (Rc::new(Node { at, content: Content::Text { text: text.into(), plain } }), anchor)
            }
            Event::SequenceStart(_, anchor, _) => {
                open.push(Open { at, anchor, is_map: false, items: Vec::new() });
                continue;
            }
            Event::MappingStart(_, anchor, _) => {
                open.push(Open { at, anchor, is_map: true, items: Vec::new() });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(ended) => {
                    (Rc::new(Node { at: ended.at, content: ended.content() }), ended.anchor)
                }
                None => continue,
            },
            Event::Alias(id) => match anchors.get(&id) {
                Some(node) => (Rc::clone(node), 0),
                None => {
                    return Err(Mistake::new(at, "an alias cannot stand for what it is a part of"));
                }
            },
            _ => continue,
        };
        if anchor > 0 {
            anchors.insert(anchor, Rc::clone(&node));
        }
        match open.last_mut() {
            Some(outer) => outer.items.push(node),
            None if root.is_some() => {
                return Err(Mistake::new(
                    node.at,
                    "a second document: all waivers belong into one",
                ));
            }
            None => root = Some(node),
        }
    }
    Ok(root)
}

impl Open {
    fn content(&self) -> Content {
        let items = self.items.iter().map(Rc::clone);
        match self.is_map {
            false => Content::List(items.collect()),
            true => {
                let pairs = self.items.chunks_exact(2);
                Content::Map(pairs.map(|pair| (Rc::clone(&pair[0]), Rc::clone(&pair[1]))).collect())
            }
        }
    }
}

fn place(marker: &Marker) -> Place {
    Place { line: marker.line().max(1), column: marker.col() + 1 }
}
