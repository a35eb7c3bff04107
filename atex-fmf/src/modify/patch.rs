//! Bringing a change of values into a text, so that everything else in it stays as it is.

use std::ops::Range;

use crate::emit::Emit;
use crate::map::{Key, Map};
use crate::value::Value;
use crate::yaml;

use super::layout::{Entry, Item, Kind, Place, layout, line_end, line_start};

/// The text with the lines of changed values replaced. None if that cannot be done, or does not read back as it should.
pub(super) fn patch(text: &str, old: &Map, new: &Map) -> Option<String> {
    let place = layout(text)?;
    let mut patch = Patch { text, edits: Vec::new() };
    let Kind::Map(column, entries) = &place.kind else { return None };
    patch.map((*column, entries), old, new)?;
    let patched = patch.apply()?;
    // The proof: whatever the text was like, this is now what it says.
    let Ok(Value::Map(read)) = yaml::load(&patched, 0) else { return None };
    identical_maps(&read, new).then_some(patched)
}

/// The change as replacements of parts of the text.
struct Patch<'t> {
    text: &'t str,
    edits: Vec<(Range<usize>, String)>,
}

impl Patch<'_> {
    fn apply(mut self) -> Option<String> {
        self.edits.sort_by_key(|(range, _)| range.start);
        let mut patched = String::with_capacity(self.text.len());
        let mut done = 0;
        for (range, text) in &self.edits {
            // Two changes of the same lines: which one comes first cannot be said.
            patched.push_str(self.text.get(done..range.start)?);
            patched.push_str(text);
            done = range.end;
        }
        patched.push_str(self.text.get(done..)?);
        Some(patched)
    }

    /// Changes a block map. None if it has to be written anew as a whole.
    fn map(&mut self, (column, entries): (usize, &[Entry]), old: &Map, new: &Map) -> Option<()> {
        // Merge keys make the map larger than what is written in it.
        if entries.len() != old.len() || self.merges(entries) {
            return None;
        }
        let mut kept: Vec<Option<usize>> = Vec::new();
        let mut next = 0;
        for key in new.keys() {
            let position = old.keys().position(|own| same_key(own, key));
            kept.push(position.filter(|position| *position >= next));
            next = kept.last().copied().flatten().map_or(next, |position| position + 1);
        }
        let first = kept.iter().copied().flatten().next()?;
        for (index, entry) in entries.iter().enumerate() {
            if !kept.contains(&Some(index)) {
                self.remove(entry.start, entry.value.range.end)?;
            }
        }
        let mut last = None;
        for ((key, value), kept) in new.iter().zip(&kept) {
            match kept {
                Some(index) => {
                    let before = old.values().nth(*index)?;
                    self.value(&entries[*index], column, (before, value));
                    last = Some(entries[*index].value.range.end);
                }
                None => {
                    let entry = Emit::new().entry(key, value, column);
                    self.insert(last, entries[first].start, column, &entry)?;
                }
            }
        }
        Some(())
    }

    fn merges(&self, entries: &[Entry]) -> bool {
        entries.iter().any(|entry| self.text[entry.start..].starts_with("<<"))
    }

    /// Changes the value of an entry.
    fn value(&mut self, entry: &Entry, column: usize, (old, new): (&Value, &Value)) {
        if identical(old, new) || self.inside(&entry.value, (old, new)) {
            return;
        }
        let rendering = Emit::new().after_key(new, column, self.column(entry.colon));
        self.replace(entry.colon, &entry.value, &rendering);
    }

    /// Changes only parts of a collection, if that is possible.
    fn inside(&mut self, place: &Place, values: (&Value, &Value)) -> bool {
        if place.marked {
            return false;
        }
        let checkpoint = self.edits.len();
        let done = match (&place.kind, values) {
            (Kind::Map(column, entries), (Value::Map(old), Value::Map(new))) => {
                self.map((*column, entries), old, new)
            }
            (Kind::List(column, items), (Value::List(old), Value::List(new))) => {
                self.list((*column, items), old, new)
            }
            _ => None,
        };
        if done.is_none() {
            self.edits.truncate(checkpoint);
        }
        done.is_some()
    }

    /// Changes a block list. None if it has to be written anew as a whole.
    fn list(
        &mut self,
        (column, items): (usize, &[Item]),
        old: &[Value],
        new: &[Value],
    ) -> Option<()> {
        if items.len() != old.len() || old.is_empty() || new.is_empty() {
            return None;
        }
        let same = |(a, b): &(&Value, &Value)| identical(a, b);
        let front = old.iter().zip(new).take_while(same).count();
        let back =
            old[front..].iter().rev().zip(new[front..].iter().rev()).take_while(same).count();
        let (old_end, new_end) = (old.len() - back, new.len() - back);
        let paired = old_end.min(new_end);
        for index in front..paired {
            let (item, values) = (&items[index], (&old[index], &new[index]));
            if !self.inside(&item.value, values) {
                let rendering = Emit::new().item(values.1, column);
                self.replace(item.start, &item.value, &rendering);
            }
        }
        for item in &items[paired..old_end] {
            self.remove(item.start, item.value.range.end)?;
        }
        let last = paired.checked_sub(1).map(|index| items[index].value.range.end);
        for value in &new[paired..new_end] {
            let item = Emit::new().item(value, column);
            self.insert(last, items[0].start, column, &item)?;
        }
        Some(())
    }

    fn column(&self, position: usize) -> usize {
        self.text[line_start(self.text, position)..position].chars().count()
    }

    /// Puts a rendering in place of everything from `start` to the end of a value; a comment in the first line, or after a
    /// value in one line, stays.
    fn replace(&mut self, start: usize, value: &Place, rendering: &str) {
        let rendering = rendering.strip_suffix('\n').unwrap_or(rendering);
        let (text, first_line) = (self.text, line_end(self.text, start));
        let end = value.range.end;
        let comment = match &value.kind {
            _ if end <= first_line => &text[end..first_line],
            Kind::Map(..) | Kind::List(..) => &text[start..first_line.min(value.range.start)],
            Kind::Block => &text[start..first_line],
            Kind::Leaf => "",
        };
        let comment = comment.find(" #").map_or("", |position| comment[position..].trim_end());
        let head = rendering.find('\n').unwrap_or(rendering.len());
        let heads = rendering.starts_with('\n') || is_header(&rendering[..head]);
        let position = if heads { head } else { rendering.len() };
        let text = format!("{}{comment}{}", &rendering[..position], &rendering[position..]);
        let end = if end <= first_line { first_line } else { end };
        self.edits.push((start..end, text));
    }

    /// Removes the lines of something; none if it shares its first line with something else.
    fn remove(&mut self, start: usize, end: usize) -> Option<()> {
        let from = line_start(self.text, start);
        if !self.text[from..start].trim().is_empty() {
            return None;
        }
        let end = line_end(self.text, end);
        // With the line break before it, so that what is inserted at the end of these lines is no part of them.
        let range = if from == 0 { 0..(end + 1).min(self.text.len()) } else { from - 1..end };
        self.edits.push((range, String::new()));
        Some(())
    }

    /// Inserts lines after what ends at `last`, or before what starts at `first`.
    fn insert(
        &mut self,
        last: Option<usize>,
        first: usize,
        column: usize,
        text: &str,
    ) -> Option<()> {
        let indent = " ".repeat(column);
        let edit = match last {
            Some(last) => {
                let end = line_end(self.text, last);
                (end..end, format!("\n{indent}{}", text.strip_suffix('\n').unwrap_or(text)))
            }
            None => {
                let start = line_start(self.text, first);
                if !self.text[start..first].trim().is_empty() {
                    return None;
                }
                (start..start, format!("{indent}{text}"))
            }
        };
        self.edits.push(edit);
        Some(())
    }
}

/// Whether a line ends with the header of a block scalar.
fn is_header(line: &str) -> bool {
    line.rsplit(' ').next().is_some_and(|word| {
        word.strip_prefix('|').is_some_and(|rest| {
            rest.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-'))
        })
    })
}

fn same_key(a: &Key, b: &Key) -> bool {
    identical(a.value(), b.value())
}

fn identical_maps(a: &Map, b: &Map) -> bool {
    a.len() == b.len()
        && a.iter().zip(b.iter()).all(|((a_key, a_value), (b_key, b_value))| {
            same_key(a_key, b_key) && identical(a_value, b_value)
        })
}

/// Whether two values are the same, types and order of keys included.
fn identical(a: &Value, b: &Value) -> bool {
    let all = |a: &[Value], b: &[Value]| {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| identical(a, b))
    };
    match (a, b) {
        (Value::Map(a), Value::Map(b)) => triomphe::Arc::ptr_eq(a, b) || identical_maps(a, b),
        (Value::List(a), Value::List(b))
        | (Value::Tuple(a), Value::Tuple(b))
        | (Value::Set(a), Value::Set(b)) => all(a, b),
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::DateTime(a), Value::DateTime(b)) => a.format(' ') == b.format(' '),
        _ => std::mem::discriminant(a) == std::mem::discriminant(b) && a == b,
    }
}
