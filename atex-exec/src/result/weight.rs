//! What a result weighs: how much memory its values take, known before they are made.

use serde_json::{Map, Value};

/// The most that a result may weigh, in bytes, by itself or merged of partial ones.
pub(crate) const MAX_WEIGHT: usize = 2 << 20;
/// The most that may be needed while it is parsed: its weight, and room for its longest text with escapes.
const MAX_PARSING: usize = MAX_WEIGHT + (1 << 20) + (64 << 10);
/// JSON up to this length weighs less than [`MAX_WEIGHT`], whatever it is: a byte of JSON makes 150 bytes of values at most
/// (lists in lists in lists do).
const LIGHT: usize = 12 << 10;
/// Deeper JSON is refused by the parser, which makes nothing of what follows.
const MAX_DEPTH: usize = 128;

const VALUE: usize = size_of::<Value>();
/// An entry of a map: its key, its value, and their hash.
const ENTRY: usize = size_of::<(usize, String, Value)>();

/// A list of so many values: it grows by doubling, from 4.
fn list(count: usize) -> usize {
    if count == 0 { 0 } else { (2 * count).max(4) * VALUE }
}

/// A map of so many keys, without their texts: a list of entries, and a table that leads to them, of which an eighth stays free.
fn map(count: usize) -> usize {
    if count == 0 {
        return 0;
    }
    let places = (count * 8 / 7 + 1).next_power_of_two().max(4);
    (2 * count).max(4) * ENTRY + places * (size_of::<usize>() + 1) + 16
}

/// A text of so many bytes, with what an allocator needs for itself.
fn text(length: usize) -> usize {
    if length == 0 { 0 } else { length + 16 }
}

/// What these fields weigh, in bytes; at most half of it is room to grow.
pub(super) fn of_fields(fields: &Map<String, Value>) -> usize {
    let below: usize = fields.iter().map(|(key, value)| text(key.len()) + of_value(value)).sum();
    map(fields.len()) + below
}

fn of_value(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(content) => text(content.len()),
        Value::Array(items) => list(items.len()) + items.iter().map(of_value).sum::<usize>(),
        Value::Object(fields) => of_fields(fields),
    }
}

/// What JSON comes to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Found {
    /// What its values weigh, at most.
    weight: usize,
    /// The length of the longest text with an escape.
    escaped: usize,
}

/// A list or map that has begun.
#[derive(Debug, Default, Clone, Copy)]
struct Open {
    is_map: bool,
    has_items: bool,
    commas: usize,
}

impl Open {
    fn weight(self) -> usize {
        let count = self.commas + usize::from(self.has_items);
        if self.is_map { map(count) } else { list(count) }
    }
}

/// At most how many bytes of memory the values of this JSON take. Nothing is allocated, and nothing checked: of what is no
/// JSON, it is what a parser makes before it finds that out.
pub fn weight(json: &[u8]) -> usize {
    scan(json).weight
}

fn scan(json: &[u8]) -> Found {
    let (mut open, mut depth, mut found) = ([Open::default(); MAX_DEPTH], 0, Found::default());
    let mut rest = json;
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            b' ' | b'\n' | b'\r' | b'\t' | b':' => continue,
            b',' => {
                if let Some(open) = open[..depth].last_mut() {
                    open.commas += 1;
                }
                continue;
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                found.weight += std::mem::take(&mut open[depth]).weight();
                continue;
            }
            _ => {}
        }
        if let Some(open) = open[..depth].last_mut() {
            open.has_items = true;
        }
        match byte {
            b'"' => {
                let (length, has_escapes) = text_length(rest);
                found.weight += text(length);
                found.escaped = found.escaped.max(if has_escapes { length } else { 0 });
                rest = rest.get(length + 1..).unwrap_or_default();
            }
            b'[' | b'{' if depth == MAX_DEPTH => break,
            b'[' | b'{' => {
                open[depth].is_map = *byte == b'{';
                depth += 1;
            }
            _ => {}
        }
    }
    found.weight += open[..depth].iter().map(|open| open.weight()).sum::<usize>();
    found
}

/// The length of a text up to its quote, and whether there are escapes in it.
fn text_length(text: &[u8]) -> (usize, bool) {
    let (mut at, mut has_escapes) = (0, false);
    loop {
        match text.get(at) {
            None | Some(b'"') => return (at.min(text.len()), has_escapes),
            Some(b'\\') => (at, has_escapes) = (at + 2, true),
            Some(_) => at += 1,
        }
    }
}

/// What is wrong with JSON that would take too much memory.
pub(super) fn refusal(json: &[u8]) -> Option<String> {
    if json.len() <= LIGHT {
        return None;
    }
    let Found { weight, escaped } = scan(json);
    let parsing = weight + 2 * escaped;
    if weight > MAX_WEIGHT {
        Some(too_heavy("its values take", weight, MAX_WEIGHT))
    } else if parsing > MAX_PARSING {
        Some(too_heavy("parsing it takes", parsing, MAX_PARSING))
    } else {
        None
    }
}

/// Says that something takes too much.
pub(super) fn too_heavy(what: &str, weight: usize, most: usize) -> String {
    let (weight, most) = (weight.div_ceil(1 << 10), most >> 10);
    format!("{what} {weight} KiB of memory (at most {most} are allowed; put more into a file)")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// JSON of many kinds, of about this length.
    fn shapes(length: usize) -> Vec<String> {
        let list = |item: &str| {
            let items = vec![item; (length / (item.len() + 1)).max(1)].join(",");
            format!("{{\"a\":[{items}]}}")
        };
        let keys = |key: &dyn Fn(usize) -> String| {
            let fields: Vec<String> = (0..length / 16).map(|n| format!("{:?}:0", key(n))).collect();
            format!("{{{}}}", fields.join(","))
        };
        let items = [
            "0",
            "[]",
            "{}",
            "[0]",
            "[[]]",
            "{\"\":0}",
            "{\"\":{}}",
            "\"\"",
            "\"a\"",
            "\"\\\"\"",
            "1e-300",
        ];
        let mut all: Vec<String> = items.iter().map(|item| list(item)).collect();
        all.push(keys(&|n| format!("{n:08}")));
        all.push(keys(&|n| "k".repeat(n % 60)));
        all.push(format!("{{\"a\":{}{}}}", "[".repeat(126), "]".repeat(126)));
        all.push(format!("{}0{}", "{\"\":".repeat(126), "}".repeat(126)));
        let deep = format!("{}{}", "[".repeat(124), "]".repeat(124));
        all.push(list(&deep));
        all.push(format!("{{\"a\":0.{}}}", "1".repeat(length)));
        all.push(format!("{{\"a\":\"{}\"}}", "\\n".repeat(length / 2)));
        all.push(format!("{{\"a\":{:?}}}", "x".repeat(length)));
        all
    }

    #[test]
    fn what_json_weighs_is_known_before_it_is_parsed() {
        for json in shapes(40_000) {
            let fields: Map<String, Value> = serde_json::from_str(&json).unwrap();
            let (before, after) = (weight(json.as_bytes()), of_fields(&fields));
            // Keys that come twice and escapes count before.
            assert!(after <= before, "{after} {before} {}", &json[..40]);
            let is_exact = !json.contains('\\') && !json.contains("\"\":0,");
            assert!(!is_exact || before < after * 2 + 100, "{after} {before} {}", &json[..40]);
            for cut in [1, json.len() / 2, json.len() - 1] {
                assert!(weight(&json.as_bytes()[..cut]) <= before);
            }
        }
    }

    #[test]
    fn short_json_is_never_too_heavy() {
        for json in shapes(LIGHT - 10) {
            assert!(
                weight(json.as_bytes()) <= MAX_WEIGHT,
                "{} {}",
                weight(json.as_bytes()),
                &json[..40]
            );
        }
    }
}
