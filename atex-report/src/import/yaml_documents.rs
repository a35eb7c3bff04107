//! YAML documents, one a test: `platform`, `name`, `status`, `files`, `note`, `subtests`.

use std::io::BufRead;

use granit_parser::Event;
use serde_json::Value;

use super::Stop;
use super::store_writer::{Found, StoreWriter};
use super::yaml::{Yaml, named, text};
use crate::aggregate::{Reported, Said};

/// What has been read of a document.
#[derive(Default)]
struct Document {
    platform: Option<String>,
    name: Option<String>,
    own: Reported<'static>,
}

pub(super) fn read(reader: impl BufRead, writer: &mut StoreWriter) -> Result<(), Stop> {
    let mut yaml = Yaml::new(reader);
    loop {
        match yaml.next()? {
            Event::StreamEnd => return Ok(()),
            Event::MappingStart(..) => document(&mut yaml, writer)?,
            Event::DocumentStart(..) | Event::DocumentEnd => {}
            other => {
                let what = format!("a test is a map, found {}", named(&other));
                return Err(Stop::mistake(yaml.line, what));
            }
        }
    }
}

fn document(yaml: &mut Yaml<impl BufRead>, writer: &mut StoreWriter) -> Result<(), Stop> {
    let mut document = Document::default();
    loop {
        let key = match yaml.next()? {
            Event::MappingEnd => break,
            event => text(yaml.value(event)?),
        };
        let event = yaml.next()?;
        if key == "subtests" && matches!(event, Event::SequenceStart(..)) {
            subtests(yaml, &document, writer)?;
            continue;
        }
        let value = yaml.value(event)?;
        match &*key {
            "platform" => document.platform = Some(text(value)),
            "name" => document.name = Some(text(value)),
            _ => set(&mut document.own, &key, value),
        }
    }
    let own = std::mem::take(&mut document.own);
    let found = document.found(yaml.line)?;
    if own == Reported::default() {
        // Nothing was said of the test itself, or nothing at all.
        writer.test(found)?;
        return Ok(());
    }
    Ok(writer.add(found, own)?)
}

impl Document {
    /// Where its results belong. The name has to come before them: nothing of a test is held.
    fn found(&self, line: usize) -> Result<Found<'_>, Stop> {
        let Some(test) = self.name.as_deref() else {
            return Err(Stop::mistake(line, "a test needs a 'name', before its subtests"));
        };
        Ok(Found { platform: self.platform.as_deref(), test, ..Found::default() })
    }
}

fn subtests(
    yaml: &mut Yaml<impl BufRead>,
    document: &Document,
    writer: &mut StoreWriter,
) -> Result<(), Stop> {
    loop {
        let event = match yaml.next()? {
            Event::SequenceEnd => return Ok(()),
            event => event,
        };
        let Value::Object(map) = yaml.value(event)? else {
            return Err(Stop::mistake(yaml.line, "a subtest is a map"));
        };
        let mut one = Reported::default();
        map.into_iter().for_each(|(key, value)| set(&mut one, &key, value));
        writer.add(document.found(yaml.line)?, one)?;
    }
}

/// Takes over what a result says under a key.
pub(super) fn set(one: &mut Reported<'static>, key: &str, value: Value) {
    let said = |value| match value {
        Value::Null => None,
        Value::String(text) => Some(Said::Text(text.into())),
        other => Some(Said::Other(other)),
    };
    match (key, value) {
        ("status", value) => one.status = said(value),
        ("name", value) => one.name = said(value),
        ("note", value) => one.note = said(value),
        ("files", Value::Array(files)) => one.files = files.into_iter().filter_map(said).collect(),
        _ => {}
    }
}
