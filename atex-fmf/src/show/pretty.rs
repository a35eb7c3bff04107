//! Values laid out over lines, in the way of Python's pretty-printer: 80 columns, keys sorted, a column per depth.

use std::cmp::Ordering;

use crate::map::{Key, Map};
use crate::text;
use crate::value::Value;

const WIDTH: usize = 80;

/// The value in literal notation; what does not fit in a line goes over several.
pub(super) fn pretty(value: &Value) -> String {
    let mut out = String::new();
    // Rows of a long container are no top level: only a text alone is put in parentheses.
    layout(&mut out, value, Space { indent: 0, allowance: 0, top: true });
    out
}

/// Where a value may be written.
#[derive(Debug, Clone, Copy)]
struct Space {
    /// The column it starts in.
    indent: usize,
    /// Characters that follow it in its last line.
    allowance: usize,
    top: bool,
}

fn layout(out: &mut String, value: &Value, space: Space) {
    let text = text::repr(&sorted(value));
    let room = WIDTH.saturating_sub(space.indent + space.allowance);
    if text.chars().count() <= room {
        out.push_str(&text);
        return;
    }
    let inner = |extra: usize| Space { allowance: space.allowance + extra, top: false, ..space };
    match value {
        Value::Map(map) => {
            out.push('{');
            entries(out, map, inner(1));
            out.push('}');
        }
        Value::List(list) => {
            out.push('[');
            items(out, list, inner(1));
            out.push(']');
        }
        Value::Tuple(list) => {
            let close = if list.len() == 1 { ",)" } else { ")" };
            out.push('(');
            items(out, list, inner(close.len()));
            out.push_str(close);
        }
        Value::Set(list) => {
            let mut list = list.to_vec();
            list.sort_by(order);
            out.push('{');
            items(out, &list, inner(1));
            out.push('}');
        }
        Value::Str(string) => long_text(out, string, space),
        _ => out.push_str(&text),
    }
}

fn items(out: &mut String, items: &[Value], space: Space) {
    let indent = space.indent + 1;
    for (index, item) in items.iter().enumerate() {
        let last = index + 1 == items.len();
        if index > 0 {
            new_line(out, ",", indent);
        }
        let allowance = if last { space.allowance } else { 1 };
        layout(out, item, Space { indent, allowance, top: false });
    }
}

fn entries(out: &mut String, map: &Map, space: Space) {
    let mut entries: Vec<(&Key, &Value)> = map.iter().collect();
    entries.sort_by(|(a, _), (b, _)| order(a.value(), b.value()));
    let count = entries.len();
    for (index, (key, value)) in entries.into_iter().enumerate() {
        if index > 0 {
            new_line(out, ",", space.indent + 1);
        }
        let key = text::repr(key.value());
        out.push_str(&key);
        out.push_str(": ");
        let indent = space.indent + 3 + key.chars().count();
        let allowance = if index + 1 == count { space.allowance } else { 1 };
        layout(out, value, Space { indent, allowance, top: false });
    }
}

fn new_line(out: &mut String, end: &str, indent: usize) {
    out.push_str(end);
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

/// A text over several lines: each a literal of its own, cut after line breaks and blanks.
fn long_text(out: &mut String, string: &str, space: Space) {
    let (indent, allowance) = match space.top {
        true => (space.indent + 1, space.allowance + 1),
        false => (space.indent, space.allowance),
    };
    let room = WIDTH.saturating_sub(indent);
    let literal = |text: &str| text::repr(&Value::from(text));
    let length = |text: &str| literal(text).chars().count();
    let mut chunks: Vec<String> = Vec::new();
    let lines = split(string, is_line_end);
    for (index, line) in lines.iter().enumerate() {
        let last_line = index + 1 == lines.len();
        let less = if last_line { allowance } else { 0 };
        if length(line) <= room.saturating_sub(less) {
            chunks.push(literal(line));
            continue;
        }
        let parts = split(line, |c, next| c.is_whitespace() && !next.is_whitespace());
        let mut current = String::new();
        for (index, part) in parts.iter().enumerate() {
            let less = if last_line && index + 1 == parts.len() { allowance } else { 0 };
            if length(&format!("{current}{part}")) > room.saturating_sub(less) {
                if !current.is_empty() {
                    chunks.push(literal(&current));
                }
                current.clear();
            }
            current.push_str(part);
        }
        if !current.is_empty() {
            chunks.push(literal(&current));
        }
    }
    let parentheses = space.top && chunks.len() > 1;
    out.push_str(if parentheses { "(" } else { "" });
    for (index, chunk) in chunks.iter().enumerate() {
        if index > 0 {
            new_line(out, "", indent);
        }
        out.push_str(chunk);
    }
    out.push_str(if parentheses { ")" } else { "" });
}

/// Cuts a text after each character for which, seen with the next one, `ends` holds.
fn split(text: &str, ends: impl Fn(char, char) -> bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((_, c)) = chars.next() {
        let Some((position, next)) = chars.peek().copied() else { break };
        if ends(c, next) {
            parts.push(&text[start..position]);
            start = position;
        }
    }
    parts.push(&text[start..]);
    parts
}

fn is_line_end(c: char, next: char) -> bool {
    match c {
        '\r' => next != '\n',
        '\n' | '\x0b' | '\x0c' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}' => true,
        _ => false,
    }
}

/// The value with the keys of all its maps, and the items of its sets, in order.
fn sorted(value: &Value) -> Value {
    let all = |items: &[Value]| items.iter().map(sorted).collect::<Vec<Value>>();
    match value {
        Value::Map(map) => {
            let mut entries: Vec<(Key, Value)> =
                map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            entries.sort_by(|(a, _), (b, _)| order(a.value(), b.value()));
            entries.into_iter().collect::<Map>().into()
        }
        Value::List(items) => Value::list(all(items)),
        Value::Tuple(items) => Value::Tuple(all(items).into()),
        Value::Set(items) => {
            let mut items = items.to_vec();
            items.sort_by(order);
            Value::Set(items.into())
        }
        other => other.clone(),
    }
}

/// Values of one kind by their order, others by the name of their type.
fn order(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Tuple(a), Value::Tuple(b)) => {
            let different = a.iter().zip(b.iter()).map(|(a, b)| order(a, b));
            different.fold(Ordering::Equal, Ordering::then).then(a.len().cmp(&b.len()))
        }
        _ => match (a.as_number(), b.as_number()) {
            (Some(a), Some(b)) => {
                a.compare(&b).unwrap_or_else(|| a.to_f64().total_cmp(&b.to_f64()))
            }
            _ => type_name(a).cmp(type_name(b)),
        },
    }
}

/// Numbers of all types are ordered among each other, so they have one name here.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) | Value::Float(_) => "int",
        other => other.type_name(),
    }
}
