//! `results.yaml` of tmt: a list of results, each of a test.

use std::io::BufRead;
use std::time::Duration;

use granit_parser::Event;
use serde_json::{Map, Value};

use super::Stop;
use super::store_writer::{Found, StoreWriter};
use super::yaml::{Yaml, named, text};
use crate::aggregate::{Reported, Said};

pub(super) fn read(reader: impl BufRead, writer: &mut StoreWriter) -> Result<(), Stop> {
    let mut yaml = Yaml::new(reader);
    loop {
        match yaml.next()? {
            Event::StreamEnd => return Ok(()),
            Event::DocumentStart(..) | Event::DocumentEnd => {}
            Event::SequenceStart(..) => list(&mut yaml, writer)?,
            other => {
                let what = format!("a list of results is expected, found {}", named(&other));
                return Err(Stop::mistake(yaml.line, what));
            }
        }
    }
}

fn list(yaml: &mut Yaml<impl BufRead>, writer: &mut StoreWriter) -> Result<(), Stop> {
    loop {
        let event = match yaml.next()? {
            Event::SequenceEnd => return Ok(()),
            event => event,
        };
        let line = yaml.line;
        let Value::Object(mut result) = yaml.value(event)? else {
            return Err(Stop::mistake(line, "a result is a map"));
        };
        let Some(test) = result.remove("name").map(text) else {
            return Err(Stop::mistake(line, "a result has no 'name'"));
        };
        let platform = platform(&result);
        let took = result.get("duration").and_then(Value::as_str).and_then(duration);
        let found =
            Found { platform: platform.as_deref(), test: &test, took, files_as_named: true };
        let subresults = result.remove("subresult").or_else(|| result.remove("subresults"));
        if let Some(Value::Array(subresults)) = subresults {
            for subresult in subresults {
                let Value::Object(mut map) = subresult else { continue };
                let name = map.remove("name").map(text).unwrap_or_default();
                let mut one = reported(map);
                one.name = Some(Said::Text(name.into()));
                writer.add(Found { took: None, ..found }, one)?;
            }
        }
        writer.add(found, reported(result))?;
    }
}

/// What of a result or subresult goes into ours.
fn reported(mut result: Map<String, Value>) -> Reported<'static> {
    let said = |value: Value| Said::Text(text(value).into());
    let note = match result.remove("note") {
        Some(Value::Array(notes)) if notes.is_empty() => None,
        // A line for each, as tmt shows them.
        Some(Value::Array(notes)) => {
            Some(Said::Text(notes.into_iter().map(text).collect::<Vec<_>>().join("\n").into()))
        }
        Some(Value::Null) | None => None,
        Some(note) => Some(said(note)),
    };
    let logs = match result.remove("log") {
        Some(Value::Array(logs)) => logs.into_iter().map(said).collect(),
        _ => Vec::new(),
    };
    let status = result.remove("result").filter(|status| !status.is_null()).map(said);
    Reported { status, name: None, note, files: logs }
}

/// What a result ran on: `fedora-42@x86_64` of its context, else the name of its guest.
fn platform(result: &Map<String, Value>) -> Option<String> {
    let first = |key: &str| match result.get("context")?.get(key)? {
        Value::Array(values) => values.first()?.as_str(),
        value => value.as_str(),
    };
    let guest = || result.get("guest")?.get("name")?.as_str().map(str::to_owned);
    match (first("distro"), first("arch")) {
        (Some(distro), Some(arch)) => Some(format!("{distro}@{arch}")),
        (Some(distro), None) => Some(distro.to_owned()),
        _ => guest(),
    }
}

/// `HH:MM:SS`.
fn duration(text: &str) -> Option<Duration> {
    let mut parts = text.splitn(3, ':').map(|part| part.parse::<u64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let seconds =
        hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(seconds)?;
    // As much as a journal can hold, and more than any test runs.
    (seconds < 1 << 40).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        let cases = [
            ("00:01:05", Some(65)),
            ("100:00:00", Some(360_000)),
            ("1:2", None),
            ("a:b:c", None),
            ("99999999999999999999:0:0", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(duration(text), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
