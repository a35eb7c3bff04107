//! `atex fmf init`: begins a metadata tree.

use anyhow::{Context, Result};
use atex_fmf::Tree;

use crate::args::InitOptions;
use crate::{exit_code, message};

/// Makes each folder the top of a tree, and says what was made.
pub(crate) fn run(options: &InitOptions) -> Result<u8> {
    for folder in &options.folders {
        let made = Tree::init(folder)
            .with_context(|| format!("cannot begin a metadata tree in {}", folder.display()))?;
        message::line(&format!("created {}", made.display()))?;
    }
    Ok(exit_code::PASSED)
}
