//! [`PlanMetadata`]: everything that the keys of a plan say.

use indexmap::IndexMap;

use crate::error::{Error, Result};
use crate::tree::Node;
use crate::value::Value;

use super::{Phase, Reader, phase};

/// Keys that only plans have.
pub(crate) const KEYS: [&str; 15] = [
    "cleanup",
    "context",
    "discover",
    "environment",
    "environment-file",
    "execute",
    "finish",
    "gate",
    "import",
    "login",
    "path",
    "prepare",
    "provision",
    "reboot",
    "report",
];

/// The metadata of a plan, with the types that their keys have.
///
/// ```
/// use atex_fmf::{PlanMetadata, Tree, Value};
/// # fn main() -> atex_fmf::Result<()> {
/// let data = Value::from_yaml("{/p: {discover: {how: fmf}, prepare: [{how: shell, script: date}]}}")?;
/// let tree = Tree::from_map(data.as_map().unwrap())?;
/// let plan = PlanMetadata::of(tree.find("/p").unwrap())?;
/// assert_eq!(plan.discover[0].how.as_deref(), Some("fmf"));
/// assert_eq!(plan.prepare[0].script, ["date"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct PlanMetadata {
    /// What it is for, in one line.
    pub summary: Option<String>,
    /// What it is for, at length.
    pub description: Option<String>,
    /// Who looks after it.
    pub contact: Vec<String>,
    /// Whether it is in use.
    pub enabled: bool,
    /// Its tags.
    pub tag: Vec<String>,
    /// Its tier.
    pub tier: Option<String>,
    /// Where it stands among plans: lower numbers first, 50 by default.
    pub order: i64,
    /// Which tests it runs.
    pub discover: Vec<Phase>,
    /// Where they run.
    pub provision: Vec<Phase>,
    /// What is done before.
    pub prepare: Vec<Phase>,
    /// How they run.
    pub execute: Vec<Phase>,
    /// What is done after.
    pub finish: Vec<Phase>,
    /// How results are shown.
    pub report: Vec<Phase>,
    /// What is cleaned up at the end.
    pub cleanup: Vec<Phase>,
    /// Variables for its tests.
    pub environment: IndexMap<String, String>,
    /// Files with more variables, from the root of the tree; `environment` wins over them.
    pub environment_file: Vec<String>,
    /// Dimensions that it adds to the context.
    pub context: IndexMap<String, Vec<String>>,
    /// What it decides about.
    pub gate: Vec<String>,
}

impl PlanMetadata {
    /// Reads the metadata of a node.
    ///
    /// # Errors
    /// The first key whose value has a wrong type, with its place.
    pub fn of(node: Node<'_>) -> Result<Self> {
        let (metadata, errors) = Self::read(node);
        errors.into_iter().next().map_or(Ok(metadata), Err)
    }

    /// Reads the metadata of a node, together with everything that is wrong with them: what is, counts as absent.
    #[must_use]
    pub fn read(node: Node<'_>) -> (Self, Vec<Error>) {
        let mut reader = Reader::of_node(node);
        let r = &mut reader;
        let metadata = Self {
            summary: r.text("summary"),
            description: r.text("description"),
            contact: r.texts("contact"),
            enabled: r.flag("enabled", true),
            tag: r.texts("tag"),
            tier: r.scalar("tier"),
            order: r.integer("order").unwrap_or(50),
            discover: phase::read(r, "discover", fmf_section),
            provision: phase::read(r, "provision", |_| {}),
            prepare: phase::read(r, "prepare", |_| {}),
            execute: phase::read(r, "execute", |_| {}),
            finish: phase::read(r, "finish", |_| {}),
            report: phase::read(r, "report", |_| {}),
            cleanup: phase::read(r, "cleanup", |_| {}),
            environment: r.environment("environment"),
            environment_file: r.texts("environment-file"),
            context: context(r),
            gate: r.texts("gate"),
        };
        (metadata, reader.into_errors())
    }
}

impl PlanMetadata {
    /// Reads what a plan does before its tests, and after them, together with what is wrong there.
    pub(crate) fn read_around(node: Node<'_>) -> ((Vec<Phase>, Vec<Phase>), Vec<Error>) {
        let mut reader = Reader::of_node(node);
        let prepare = phase::read(&mut reader, "prepare", |_| {});
        let finish = phase::read(&mut reader, "finish", |_| {});
        ((prepare, finish), reader.into_errors())
    }
}

/// What a section that discovers FMF tests says has types of its own.
fn fmf_section(reader: &mut Reader<'_>) {
    if reader.map().get("how").is_none_or(|how| how.as_str() == Some("fmf")) {
        for key in ["test", "filter", "exclude"] {
            reader.texts(key);
        }
        for key in ["url", "path"] {
            reader.text(key);
        }
        reader.scalar("ref");
    }
}

fn context(reader: &mut Reader<'_>) -> IndexMap<String, Vec<String>> {
    let mut context = IndexMap::new();
    match reader.value("context") {
        None => {}
        Some(Value::Map(map)) => {
            for (key, value) in map.iter() {
                let values = match value {
                    Value::List(items) => items.iter().map(Value::to_text).collect(),
                    other => vec![other.to_text()],
                };
                let values = values.into_iter().map(std::borrow::Cow::into_owned).collect();
                context.insert(key.value().to_text().into_owned(), values);
            }
        }
        Some(other) => {
            let found = other.type_name();
            reader.wrong("context", &format!("must be a map of dimensions, got '{found}'"));
        }
    }
    context
}
