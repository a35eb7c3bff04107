//! A result as it stands in a file of results, read without keeping any of it.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// One line of the `results` of an attempt. Keys that are none of these are left out.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct ArtifactLine<'a> {
    #[serde(borrow)]
    pub(super) status: Text<'a>,
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) note: Text<'a>,
    #[serde(borrow)]
    pub(super) files: Names<'a>,
}

/// One line of the results of a whole run: platform, status, test, subtest, files, note.
#[derive(Debug, serde::Deserialize)]
pub(super) struct RunLine<'a>(
    #[serde(borrow)] pub(super) Text<'a>,
    #[serde(borrow)] pub(super) Text<'a>,
    #[serde(borrow)] pub(super) Text<'a>,
    #[serde(borrow)] pub(super) Text<'a>,
    #[serde(borrow)] pub(super) Names<'a>,
    #[serde(borrow)] pub(super) Text<'a>,
);

/// A text; of any other value, its JSON, because tests may report what they like; of `null`, nothing.
#[derive(Debug, Default)]
pub(super) struct Text<'a>(pub(super) Option<Cow<'a, str>>);

/// The names of files. Entries that are no texts are left out.
#[derive(Debug, Default)]
pub(super) struct Names<'a>(pub(super) Vec<Cow<'a, str>>);

impl Text<'_> {
    pub(super) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

fn shown<'de, E>(value: impl Into<Value>) -> Result<Text<'de>, E> {
    Ok(Text(Some(Cow::Owned(value.into().to_string()))))
}

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(text.to_owned()))))
    }

    fn visit_unit<E>(self) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Text<'de>, E> {
        shown(value)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Text<'de>, E> {
        shown(value)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Text<'de>, E> {
        shown(value)
    }

    fn visit_f64<E>(self, value: f64) -> Result<Text<'de>, E> {
        shown(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<Text<'de>, A::Error> {
        shown(Value::deserialize(SeqAccessDeserializer::new(values))?)
    }

    fn visit_map<A: MapAccess<'de>>(self, values: A) -> Result<Text<'de>, A::Error> {
        shown(Value::deserialize(MapAccessDeserializer::new(values))?)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Names<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of names of files")
    }

    fn visit_unit<E>(self) -> Result<Names<'de>, E> {
        Ok(Names::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Names<'de>, A::Error> {
        let mut names = Vec::new();
        while let Some(Text(name)) = values.next_element()? {
            names.extend(name);
        }
        Ok(Names(names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_test_reports_is_text() {
        let line = r#"{"x": [1], "status": "f\u00e4il", "name": {"a": [1, "b"]}, "note": -1.5, "files": ["a", 7, null]}"#;
        let line: ArtifactLine<'_> = serde_json::from_str(line).unwrap();
        assert_eq!(line.status.get(), Some("fäil"));
        assert_eq!(line.name.get(), Some(r#"{"a":[1,"b"]}"#));
        assert_eq!(line.note.get(), Some("-1.5"));
        assert_eq!(line.files.0, ["a", "7"]);
        let line: RunLine<'_> =
            serde_json::from_str(r#"["p", "pass", "/t", null, [], null]"#).unwrap();
        assert_eq!((line.2.get(), line.3.get(), line.5.get()), (Some("/t"), None, None));
        let empty: ArtifactLine<'_> = serde_json::from_str("{}").unwrap();
        assert_eq!(empty.status.get(), None);
    }
}
