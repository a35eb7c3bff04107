//! [`Source`]: the results of a test, as they are read; [`Reported`]: one of them.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use atex_core::bounded_lines::{BoundedLines, Next};
use atex_core::{Artifacts, Error};
use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::layout::open_regular;

/// What a test said under one key: nearly always a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said<'a> {
    Text(Cow<'a, str>),
    Other(Value),
}

/// What of a result goes into the results of all tests. A key that came twice counts as it came last.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Reported<'a> {
    pub(crate) status: Option<Said<'a>>,
    pub(crate) name: Option<Said<'a>>,
    pub(crate) note: Option<Said<'a>>,
    pub(crate) files: Vec<Said<'a>>,
}

impl Said<'_> {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Other(_) => None,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Other(Value::Null))
    }

    /// As it is, if it is a text; any other value as JSON.
    pub(crate) fn shown(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Other(value) => Cow::Owned(value.to_string()),
        }
    }
}

/// Whether it says anything: neither absent nor `null`.
pub(crate) fn said<'a, 'b>(what: &'b Option<Said<'a>>) -> Option<&'b Said<'a>> {
    what.as_ref().filter(|what| !what.is_null())
}

impl Reported<'_> {
    /// The same, on its own.
    #[cfg(feature = "reportportal")]
    pub(crate) fn to_owned(&self) -> Reported<'static> {
        let owned = |what: &Said<'_>| match what {
            Said::Text(text) => Said::Text(text.clone().into_owned().into()),
            Said::Other(value) => Said::Other(value.clone()),
        };
        Reported {
            status: self.status.as_ref().map(owned),
            name: self.name.as_ref().map(owned),
            note: self.note.as_ref().map(owned),
            files: self.files.iter().map(owned).collect(),
        }
    }

    /// Whether it is a result of a subtest: its name says something. The empty text is none, as in the Python ATEX.
    pub(crate) fn subtest(&self) -> Option<&Said<'_>> {
        said(&self.name).filter(|name| name.text() != Some(""))
    }
}

impl Serialize for Said<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => text.serialize(serializer),
            Self::Other(value) => value.serialize(serializer),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Said<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SaidVisitor)
    }
}

struct SaidVisitor;

impl<'de> Visitor<'de> for SaidVisitor {
    type Value = Said<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Said::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Said::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Said::Other(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Said::Other(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Said::Other(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Said::Other(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Said::Other(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(de::value::SeqAccessDeserializer::new(seq)).map(Said::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(de::value::MapAccessDeserializer::new(map)).map(Said::Other)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Reported<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReportedVisitor)
    }
}

/// A result as it stands in a file of the results of all tests: platform, status, test, subtest, files, note.
#[derive(Debug, serde::Deserialize)]
#[serde(expecting = "[platform, status, test, subtest, [files], note]")]
pub(crate) struct FiledLine<'a>(
    #[serde(borrow)] Said<'a>,
    #[serde(borrow)] Said<'a>,
    #[serde(borrow)] Said<'a>,
    #[serde(borrow)] Said<'a>,
    #[serde(borrow)] FileList<'a>,
    #[serde(borrow)] Said<'a>,
);

impl<'a> FiledLine<'a> {
    /// The platform, the test, and the result.
    pub(crate) fn into_parts(self) -> (Said<'a>, Said<'a>, Reported<'a>) {
        let Self(platform, status, test, name, FileList(files), note) = self;
        let keep = |what: Said<'a>| (!what.is_null()).then_some(what);
        let reported = Reported { status: keep(status), name: keep(name), note: keep(note), files };
        (platform, test, reported)
    }
}

struct ReportedVisitor;

impl<'de> Visitor<'de> for ReportedVisitor {
    type Value = Reported<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a result, an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut reported = Reported::default();
        while let Some(Key(key)) = map.next_key()? {
            match &*key {
                "status" => reported.status = Some(map.next_value()?),
                "name" => reported.name = Some(map.next_value()?),
                "note" => reported.note = Some(map.next_value()?),
                "files" => reported.files = map.next_value::<FileList<'_>>()?.0,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(reported)
    }
}

struct Key<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Key<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(SaidVisitor)? {
            Said::Text(text) => Ok(Self(text)),
            Said::Other(_) => Err(de::Error::custom("a key that is no text")),
        }
    }
}

/// The files of a result; none, if it is no list.
#[derive(Debug)]
struct FileList<'a>(Vec<Said<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for FileList<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FileListVisitor)
    }
}

struct FileListVisitor;

impl<'de> Visitor<'de> for FileListVisitor {
    type Value = FileList<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of files")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut files = Vec::new();
        while let Some(file) = seq.next_element()? {
            files.push(file);
        }
        Ok(FileList(files))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(FileList(Vec::new()))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(FileList(Vec::new()))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(FileList(Vec::new()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(FileList(Vec::new()))
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(FileList(Vec::new()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(FileList(Vec::new()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(FileList(Vec::new()))
    }
}

/// The results of a test. They can be read several times.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
}

/// Whether a result could not be read or what was made of it not be written.
#[derive(Debug)]
pub(crate) enum Stop {
    Read(Error),
    Write(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

impl Stop {
    /// The error, of what was written to this file.
    pub(crate) fn into_error(self, written: &Path) -> Error {
        match self {
            Self::Read(error) => error,
            Self::Write(error) => Error::io("cannot write", written)(error),
        }
    }
}

impl Source {
    pub(crate) fn of(artifacts: &Artifacts) -> Self {
        Self { path: artifacts.results_file() }
    }

    /// Reads all results, one after the other, into the same memory.
    pub(crate) fn each(
        &self,
        mut take: impl FnMut(&Reported<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let io = |error| Stop::Read(Error::io("cannot read", &self.path)(error));
        let file: File = open_regular(&self.path).map_err(io)?;
        let mut lines =
            BoundedLines::new(BufReader::with_capacity(1 << 16, file), Artifacts::RESULT_MAX);
        loop {
            let parsed = match lines.next_line().map_err(io)? {
                Next::End => return Ok(()),
                Next::Whole(text) | Next::Torn(text) => {
                    match serde_json::from_slice::<Reported<'_>>(text) {
                        Ok(reported) => {
                            take(&reported)?;
                            continue;
                        }
                        Err(error) => format!("not a result: {error}"),
                    }
                }
                Next::TooLong => {
                    format!("the result is longer than {} bytes", Artifacts::RESULT_MAX)
                }
            };
            let place = format!("{}:{}", self.path.display(), lines.number());
            return Err(Stop::Read(Error::infra(place, parsed)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn anything_may_be_said() {
        let text = r#"{"status": "a\nb", "name": {"x": [1, 2.5, null, true]}, "note": null, "files": ["f", 5, null], "more": {}}"#;
        let reported: Reported<'_> = serde_json::from_str(text).unwrap();
        assert_eq!(reported.status, Some(Said::Text("a\nb".into())));
        assert_eq!(reported.name, Some(Said::Other(json!({"x": [1, 2.5, null, true]}))));
        assert!(reported.note.as_ref().unwrap().is_null());
        assert_eq!(
            reported.files,
            [Said::Text("f".into()), Said::Other(json!(5)), Said::Other(Value::Null)]
        );
        for odd in ["null", "5", "-5", "1.5", "true", "\"f\"", "{\"a\": [1]}"] {
            let text = format!("{{\"note\": 1, \"files\": {odd}, \"note\": 2}}");
            let reported: Reported<'_> = serde_json::from_str(&text).unwrap();
            assert_eq!(reported.files, []);
            assert_eq!(reported.note, Some(Said::Other(json!(2))), "the last one counts");
        }
        serde_json::from_str::<Reported<'_>>("[]").unwrap_err();
        let line = r#"["p", "pass", "/t", null, null, 5]"#;
        let line: FiledLine<'_> = serde_json::from_str(line).unwrap();
        let (platform, test, reported) = line.into_parts();
        assert_eq!((platform.text(), test.text()), (Some("p"), Some("/t")));
        assert_eq!((reported.name, reported.files), (None, vec![]));
        assert_eq!(reported.note.unwrap().shown(), "5");
    }
}
