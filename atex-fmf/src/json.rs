//! Metadata as JSON, for `show` and other programs.

use crate::tree::Node;
use crate::value::Value;

impl Value {
    /// The value as JSON. What JSON does not have becomes text: dates, keys that are no strings, infinite numbers,
    /// integers over 64 bits; bytes become text as far as they are UTF-8.
    ///
    /// Values shared through anchors are written out, so that the result may be larger than the metadata.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(*value),
            Self::Int(number) => match number.as_i64() {
                Some(number) => number.into(),
                None => number.to_string().into(),
            },
            Self::Float(number) => serde_json::Number::from_f64(*number)
                .map_or_else(|| self.to_text().into(), Json::Number),
            Self::Str(text) => Json::String(text.to_string()),
            Self::Bytes(bytes) => String::from_utf8_lossy(bytes).into(),
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => {
                items.iter().map(Self::to_json).collect()
            }
            Self::Map(map) => Json::Object(
                map.iter()
                    .map(|(key, value)| (key.value().to_text().into(), value.to_json()))
                    .collect(),
            ),
            Self::Date(date) => date.to_string().into(),
            Self::DateTime(time) => time.format('T').into(),
        }
    }
}

impl Node<'_> {
    /// The node as JSON: `{"name": …, "data": {…}, "sources": […]}`, sources relative to the root of the tree.
    #[must_use]
    pub fn to_json(self) -> serde_json::Value {
        let data: serde_json::Map<_, _> = self
            .data()
            .iter()
            .map(|(key, value)| (key.value().to_text().into_owned(), value.to_json()))
            .collect();
        serde_json::json!({
            "name": self.name(),
            "data": data,
            "sources": self.relative_sources(),
        })
    }

    /// The files that contributed, ancestors' files first, relative to the root of the tree where they are in it.
    #[must_use]
    pub fn relative_sources(self) -> Vec<String> {
        let relative = |path: &std::path::Path| {
            let root = self.tree().root();
            let path = root.and_then(|root| path.strip_prefix(root).ok()).unwrap_or(path);
            path.to_string_lossy().into_owned()
        };
        self.sources().into_iter().map(relative).collect()
    }
}
