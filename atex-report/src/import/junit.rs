//! JUnit XML: ours, with what it does not lose, or of anybody.

use std::io::BufRead;
use std::time::Duration;

use atex_core::{Outcome, Verdict};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::pieces::Pieces;
use super::store_writer::{Found, StoreWriter};
use super::{Stop, json_lines};
use crate::aggregate::{Reported, Said};

/// The longest text that is kept of a failure.
const NOTE_MAX: usize = 64 << 10;

/// Where in the file we are.
#[derive(Default)]
struct State {
    suites: Vec<Suite>,
    case: Option<Case>,
    /// Whether what comes next is the text of a failure.
    in_failure: bool,
    line: usize,
}

/// What a suite of ours says about its results.
#[derive(Default)]
struct Suite {
    platform: Option<String>,
    test: Option<String>,
}

#[derive(Default)]
struct Case {
    name: String,
    class: String,
    took: Option<Duration>,
    /// `fail`, `error`, `skip`, by an element.
    status: Option<String>,
    message: Option<String>,
    text: String,
    /// The rest is in properties of ours.
    said_status: Option<String>,
    note: Option<String>,
    files: Vec<String>,
    exact: Option<String>,
    earlier: Vec<Outcome>,
}

pub(super) fn read(reader: impl BufRead, writer: &mut StoreWriter) -> Result<(), Stop> {
    let mut xml = Reader::from_reader(Pieces::new(reader));
    xml.config_mut().expand_empty_elements = true;
    let (mut state, mut buffer) = (State::default(), Vec::new());
    loop {
        buffer.clear();
        xml.get_mut().next_piece();
        let event = xml.read_event_into(&mut buffer);
        state.line = xml.get_ref().line();
        match event {
            Ok(Event::Eof) if state.suites.is_empty() && state.case.is_none() => return Ok(()),
            Ok(Event::Eof) => return Err(Stop::Torn(state.line)),
            Ok(event) => state.take(&event, writer)?,
            Err(quick_xml::Error::Io(error)) => return Err(Stop::io(state.line, &error)),
            Err(_) if xml.get_ref().is_at_end() => return Err(Stop::Torn(state.line)),
            Err(error) => return Err(Stop::mistake(state.line, format!("not XML: {error}"))),
        }
    }
}

impl State {
    fn take(&mut self, event: &Event<'_>, writer: &mut StoreWriter) -> Result<(), Stop> {
        match event {
            Event::Start(tag) => self.begin(tag),
            Event::End(tag) => match tag.name().0 {
                "testsuite" => {
                    self.suites.pop();
                    Ok(())
                }
                "testcase" => match self.case.take() {
                    Some(case) => self
                        .suites
                        .last()
                        .map_or(&Suite::default(), |suite| suite)
                        .end(case, self.line, writer),
                    None => Ok(()),
                },
                "properties" if self.case.is_none() => match self.suites.last() {
                    Some(suite) => suite.announce(writer),
                    None => Ok(()),
                },
                _ => {
                    self.in_failure = false;
                    Ok(())
                }
            },
            Event::Text(text) => {
                self.text(&text.xml10_content());
                Ok(())
            }
            Event::CData(text) => {
                self.text(&text.xml10_content());
                Ok(())
            }
            Event::GeneralRef(reference) => {
                let name = reference.xml10_content();
                let known = reference.resolve_char_ref().ok().flatten().map(String::from);
                let known = known.or_else(|| {
                    quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned)
                });
                self.text(&known.unwrap_or_default());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(case) = self.case.as_mut().filter(|_| self.in_failure) {
            let room = NOTE_MAX.saturating_sub(case.text.len());
            case.text.push_str(&text[..text.floor_char_boundary(room)]);
        }
    }

    fn begin(&mut self, tag: &BytesStart<'_>) -> Result<(), Stop> {
        let attribute = |name: &str| self.attribute(tag, name);
        let name = tag.name();
        match name.0 {
            "testsuite" => self.suites.push(Suite::default()),
            "testcase" => {
                let case = Case {
                    name: attribute("name")?.unwrap_or_default(),
                    class: attribute("classname")?.unwrap_or_default(),
                    took: attribute("time")?.as_deref().and_then(seconds),
                    ..Case::default()
                };
                self.case = Some(case);
            }
            "property" => {
                let (name, value) = (attribute("name")?, attribute("value")?);
                if let (Some(name), Some(value)) = (name, value) {
                    self.property(&name, value);
                }
            }
            "failure" | "error" | "skipped" => {
                let (message, kind) = (attribute("message")?, attribute("type")?);
                let status = match name.0 {
                    "failure" => "fail",
                    "skipped" => "skip",
                    _ if kind.as_deref() == Some("infra") => "infra",
                    _ => "error",
                };
                if let Some(case) = &mut self.case {
                    case.status = Some(status.to_owned());
                    case.message = message.or_else(|| case.message.take());
                    self.in_failure = true;
                }
            }
            "flakyFailure" | "rerunFailure" | "flakyError" | "rerunError" => {
                let verdict =
                    if name.0.ends_with("Failure") { Verdict::Failed } else { Verdict::Infra };
                let took = attribute("time")?.as_deref().and_then(seconds).unwrap_or_default();
                let note = attribute("message")?.filter(|note| !note.is_empty());
                if let Some(case) = &mut self.case {
                    case.earlier.push(Outcome::new(verdict, took).note(note));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn property(&mut self, name: &str, value: String) {
        match (&mut self.case, self.suites.last_mut(), name) {
            (Some(case), _, "atex.status") => case.said_status = Some(value),
            (Some(case), _, "atex.note") => case.note = Some(value),
            (Some(case), _, "atex.file") => case.files.push(value),
            (Some(case), _, "atex.result") => case.exact = Some(value),
            (None, Some(suite), "atex.platform") => suite.platform = Some(value),
            (None, Some(suite), "atex.test") => suite.test = Some(value),
            _ => {}
        }
    }

    fn attribute(&self, tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, Stop> {
        let found = tag.try_get_attribute(name);
        let value = found.map_err(|error| Stop::mistake(self.line, format!("not XML: {error}")))?;
        let Some(value) = value else { return Ok(None) };
        match value.normalized_value(XmlVersion::Explicit1_0) {
            Ok(value) => Ok(Some(value.into_owned())),
            Err(error) => Err(Stop::mistake(self.line, format!("not XML: {error}"))),
        }
    }
}

impl Suite {
    /// Says that there is such a test, also when no result of it comes.
    fn announce(&self, writer: &mut StoreWriter) -> Result<(), Stop> {
        let Some(test) = self.test.as_deref() else { return Ok(()) };
        writer.test(Found { platform: self.platform.as_deref(), test, ..Found::default() })?;
        Ok(())
    }

    /// Takes in a result.
    fn end(&self, case: Case, line: usize, writer: &mut StoreWriter) -> Result<(), Stop> {
        let (name, class) = (&case.name, &case.class);
        let foreign = if class.is_empty() { name.clone() } else { format!("{class}/{name}") };
        let platform = self.platform.as_deref().filter(|_| self.test.is_some());
        let test = self.test.as_deref().unwrap_or(&foreign);
        let found = Found { platform, test, took: case.took, ..Found::default() };
        for earlier in &case.earlier {
            writer.earlier(found, earlier.clone())?;
        }
        let exact = case.exact.as_deref().filter(|_| self.test.is_some());
        let one = match exact {
            Some(text) => json_lines::of_text(text)
                .map_err(|error| Stop::mistake(line, format!("not a result: {error}")))?,
            None => case.reported(self),
        };
        Ok(writer.add(found, one)?)
    }
}

impl Case {
    fn reported(&self, suite: &Suite) -> Reported<'_> {
        let said = |text: &String| Said::Text(text.clone().into());
        let ours = suite.test.is_some();
        let own = !ours || suite.platform.as_ref() == Some(&self.class);
        let status = match (&self.status, &self.said_status) {
            (Some(status), _) => Some(status.clone()),
            (None, None) => Some("pass".to_owned()),
            (None, Some(status)) => Some(status.clone()).filter(|status| !status.is_empty()),
        };
        let text = Some(self.text.trim().to_owned()).filter(|text| !text.is_empty());
        let message = self.message.clone().filter(|message| ours || !message.is_empty());
        Reported {
            status: status.as_ref().map(said),
            name: (!own).then(|| said(&self.name)),
            note: message.or(self.note.clone()).or(text).as_ref().map(said),
            files: self.files.iter().map(said).collect(),
        }
    }
}

/// A number of seconds, as programs write it: `1.234`, `1,234.5`.
fn seconds(text: &str) -> Option<Duration> {
    let number: f64 = text.replace(',', "").trim().parse().ok()?;
    // As much as a journal can hold, and more than any test runs.
    (0.0..1e12).contains(&number).then(|| Duration::from_secs_f64(number))
}
