//! `atex fmf show`: prints the metadata tree.

use anyhow::{Context, Result};
use atex_fmf::{Climb, Tree};
use serde_json::Value;

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
    let nodes: Vec<Value> = tree.climb(climb).map(atex_fmf::Node::to_json).collect();
    match options.format {
        ShowFormat::Json => message::line(&serde_json::to_string_pretty(&nodes)?)?,
        ShowFormat::Yaml => message::text(&serde_saphyr::to_string(&nodes)?)?,
    }
    Ok(exit_code::PASSED)
}
