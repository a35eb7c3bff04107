//! `atex fmf show`: prints the metadata tree.

use anyhow::{Context, Result};
use atex_fmf::{Climb, Emit, Map, Node, Tree, Value};

use crate::args::{ShowFormat, ShowOptions};
use crate::{exit_code, message, selection};

/// Prints the nodes as an array of name, data and sources.
pub(crate) fn run(options: &ShowOptions) -> Result<u8> {
    let mut tree = Tree::open(&options.root).context("cannot read the metadata tree")?;
    if !options.context.is_empty() {
        tree.adjust(&selection::context(&options.context))
            .context("cannot adjust the metadata tree")?;
    }
    let climb = Climb { whole: options.whole, ..Climb::default() };
    let nodes = tree.climb(climb);
    match options.format {
        ShowFormat::Json => {
            let nodes: Vec<serde_json::Value> = nodes.map(Node::to_json).collect();
            message::line(&serde_json::to_string_pretty(&nodes)?)?;
        }
        ShowFormat::Yaml => {
            let nodes = Value::list(nodes.map(described).collect());
            message::text(&Emit::new().write(&nodes))?;
        }
    }
    Ok(exit_code::PASSED)
}

/// The same as in JSON, but with the values that only metadata have.
fn described(node: Node<'_>) -> Value {
    let sources = node.relative_sources().into_iter().map(Value::from).collect();
    let entries: [(&str, Value); 3] = [
        ("name", node.name().into()),
        ("data", node.data().clone().into()),
        ("sources", Value::list(sources)),
    ];
    entries.into_iter().map(|(key, value)| (key.into(), value)).collect::<Map>().into()
}
