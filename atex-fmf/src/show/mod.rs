//! Nodes as text for people.

mod format;
mod pretty;

use crate::error::Result;
use crate::listed::Listed;
use crate::map::Map;
use crate::tree::Node;
use crate::value::Value;

impl Node<'_> {
    /// The node as text: its name, then a line `key: value` for each key, sorted. Lists of strings are put into words,
    /// other values are laid out over as many lines as they need. Ends with a line break.
    #[must_use]
    pub fn show(self) -> String {
        let mut text = format!("{}\n", self.name());
        let mut entries: Vec<(&str, &Value)> = self
            .data()
            .iter()
            .filter_map(|(key, value)| key.as_str().map(|key| (key, value)))
            .collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        for (key, value) in entries {
            text.push_str(&format!("{key}: {}\n", describe(value)));
        }
        text
    }

    /// The node as a template wants it.
    ///
    /// `template` has placeholders as Python's `str.format` knows them (`{}`, `{0}`, `{1:>10}`, `{{` for a brace), and `\n`
    /// for a line break. Each stands for one of the `values`: expressions in the language of a
    /// [`Condition`](crate::Condition), over `name`, `data`, `root` and `sources`.
    ///
    /// # Errors
    /// The template is malformed or has more placeholders than there are values, or a value cannot be evaluated.
    pub fn format<S: AsRef<str>>(self, template: &str, values: &[S]) -> Result<String> {
        let path = |path: &std::path::Path| Value::from(path.to_string_lossy().into_owned());
        let names: Map = [
            ("name".into(), self.name().into()),
            ("data".into(), self.data().clone().into()),
            ("root".into(), self.tree().root().map_or(Value::Null, path)),
            ("sources".into(), Value::list(self.sources().into_iter().map(path).collect())),
        ]
        .into_iter()
        .collect();
        let values: Result<Vec<Value>> = values
            .iter()
            .map(|value| crate::Condition::parse(value.as_ref())?.value(&names))
            .collect();
        format::format(&template.replace("\\n", "\n"), &values?)
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Str(text) => text.trim_end_matches('\n').to_owned(),
        Value::List(items) if items.iter().all(|item| item.as_str().is_some()) => {
            Listed::new().items(items.iter().filter_map(Value::as_str))
        }
        other => pretty::pretty(other),
    }
}
