//! [`Yaml`]: a YAML document a test.

use std::io::{self, Write};

use super::shape::{Buffer, Shape, Told};
use super::source::{Reported, Said, Stop, said};

#[derive(Debug)]
pub(super) struct Yaml;

/// What is said of the test itself, by all results that have no name: the last status and note.
#[derive(Default)]
struct Own {
    status: Option<Said<'static>>,
    note: Option<Said<'static>>,
}

impl Shape for Yaml {
    fn name(&self) -> &'static str {
        "YAML documents"
    }

    fn write(&self, told: &Told<'_>, out: &mut dyn Write) -> Result<(), Stop> {
        let mut own = Own::default();
        let (mut files, mut subtests) = (Buffer::default(), Buffer::default());
        told.source.each(|one| {
            match one.subtest() {
                Some(_) => subtest(told, one, &mut subtests)?,
                None => {
                    own.add(one);
                    list(&told.files(one), "", &mut files)?;
                }
            }
            Ok(())
        })?;
        write!(out, "---\nplatform: ")?;
        scalar(&told.record.platform, out)?;
        write!(out, "\nname: ")?;
        scalar(told.name, out)?;
        writeln!(out)?;
        field("status", own.status.as_ref(), "", out)?;
        // What was too much to keep is read again.
        section("files", &files, out, |out| {
            told.source.each(|one| match one.subtest() {
                Some(_) => Ok(()),
                None => Ok(list(&told.files(one), "", out)?),
            })
        })?;
        field("note", own.note.as_ref(), "", out)?;
        section("subtests", &subtests, out, |out| {
            told.source.each(|one| match one.subtest() {
                Some(_) => Ok(subtest(told, one, out)?),
                None => Ok(()),
            })
        })
    }
}

impl Own {
    fn add(&mut self, one: &Reported<'_>) {
        if let Some(status) = said(&one.status) {
            self.status = Some(kept(status));
        }
        if let Some(note) = said(&one.note) {
            self.note = Some(kept(note));
        }
    }
}

fn kept(what: &Said<'_>) -> Said<'static> {
    match what {
        Said::Text(text) => Said::Text(text.clone().into_owned().into()),
        Said::Other(value) => Said::Other(value.clone()),
    }
}

/// A key with what belongs below it, if there is anything.
fn section(
    key: &str,
    buffer: &Buffer,
    out: &mut dyn Write,
    again: impl FnOnce(&mut dyn Write) -> Result<(), Stop>,
) -> Result<(), Stop> {
    match buffer.bytes() {
        Some([]) => Ok(()),
        Some(bytes) => {
            writeln!(out, "{key}:")?;
            Ok(out.write_all(bytes)?)
        }
        None => {
            writeln!(out, "{key}:")?;
            again(out)
        }
    }
}

fn subtest(told: &Told<'_>, one: &Reported<'_>, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "- name: ")?;
    one.name.iter().try_for_each(|name| value(name, out))?;
    writeln!(out)?;
    field("status", said(&one.status), "  ", out)?;
    let files = told.files(one);
    if !files.is_empty() {
        writeln!(out, "  files:")?;
        list(&files, "  ", out)?;
    }
    field("note", said(&one.note), "  ", out)
}

fn field(key: &str, what: Option<&Said<'_>>, indent: &str, out: &mut dyn Write) -> io::Result<()> {
    let Some(what) = what else { return Ok(()) };
    write!(out, "{indent}{key}: ")?;
    value(what, out)?;
    writeln!(out)
}

fn list(items: &[Said<'_>], indent: &str, out: &mut dyn Write) -> io::Result<()> {
    items.iter().try_for_each(|item| {
        write!(out, "{indent}- ")?;
        value(item, out)?;
        writeln!(out)
    })
}

fn value(what: &Said<'_>, out: &mut dyn Write) -> io::Result<()> {
    match what {
        Said::Text(text) => scalar(text, out),
        Said::Other(other) => flow(other, out),
    }
}

/// Any value, in flow style.
fn flow(value: &serde_json::Value, out: &mut dyn Write) -> io::Result<()> {
    use serde_json::Value::{Array, Bool, Null, Number, Object, String};
    match value {
        Null => write!(out, "null"),
        Bool(_) => write!(out, "{value}"),
        // Readers of YAML 1.1 take `1e5` for a text: a number has a point there.
        Number(number) if number.is_f64() => {
            write!(out, "{:?}", Float(number.as_f64().unwrap_or(0.0)))
        }
        Number(number) => write!(out, "{number}"),
        String(text) => quoted(text, out),
        Array(items) => {
            write!(out, "[")?;
            for (index, item) in items.iter().enumerate() {
                write!(out, "{}", if index > 0 { ", " } else { "" })?;
                flow(item, out)?;
            }
            write!(out, "]")
        }
        Object(entries) => {
            write!(out, "{{")?;
            for (index, (key, item)) in entries.iter().enumerate() {
                write!(out, "{}", if index > 0 { ", " } else { "" })?;
                quoted(key, out)?;
                write!(out, ": ")?;
                flow(item, out)?;
            }
            write!(out, "}}")
        }
    }
}

/// A number with a point and, if it has an exponent, the sign of that.
struct Float(f64);

impl std::fmt::Debug for Float {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{:?}", self.0);
        match text.split_once('e') {
            Some((digits, exponent)) => {
                let point = if digits.contains('.') { "" } else { ".0" };
                let sign = if exponent.starts_with('-') { "" } else { "+" };
                write!(f, "{digits}{point}e{sign}{exponent}")
            }
            None => f.write_str(&text),
        }
    }
}

/// A text, without quotes where nobody can take it for anything else.
fn scalar(text: &str, out: &mut dyn Write) -> io::Result<()> {
    if is_plain(text) { out.write_all(text.as_bytes()) } else { quoted(text, out) }
}

/// Whether every reader of YAML, 1.1 or 1.2, takes these characters, unquoted, for just this text. Says no more often than it
/// must.
fn is_plain(text: &str) -> bool {
    let starts = |c: u8| c.is_ascii_alphabetic() || c == b'/';
    let inside = |c: u8| {
        c.is_ascii_alphanumeric()
            || matches!(c, b'/' | b'_' | b'-' | b'.' | b'+' | b'@' | b'(' | b')' | b' ')
    };
    let bytes = text.as_bytes();
    bytes.first().copied().is_some_and(starts)
        && bytes.last() != Some(&b' ')
        && bytes.iter().copied().all(inside)
        && !is_a_word_of_yaml(text)
}

/// Words that some readers take for something else than a text.
fn is_a_word_of_yaml(text: &str) -> bool {
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    text.len() <= 5 && WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// A text in quotes: on one line, pure ASCII.
fn quoted(text: &str, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| !(' '..='~').contains(&c) || c == '"' || c == '\\') {
        out.write_all(&rest.as_bytes()[..at])?;
        let mut chars = rest[at..].chars();
        match chars.next() {
            Some('\n') => write!(out, "\\n")?,
            Some('\t') => write!(out, "\\t")?,
            Some(c @ ('"' | '\\')) => write!(out, "\\{c}")?,
            Some(c) if (c as u32) < 0x100 => write!(out, "\\x{:02X}", c as u32)?,
            Some(c) if (c as u32) < 0x10000 => write!(out, "\\u{:04X}", c as u32)?,
            Some(c) => write!(out, "\\U{:08X}", c as u32)?,
            None => {}
        }
        rest = chars.as_str();
    }
    out.write_all(rest.as_bytes())?;
    out.write_all(b"\"")
}
