//! `atex discover`: lists tests.

use anyhow::Result;

use crate::args::{DiscoverFormat, DiscoverOptions};
use crate::{exit_code, message, selection};

/// Prints the names of the tests, or all that is known of them.
pub(crate) fn run(options: &DiscoverOptions) -> Result<u8> {
    let suite = selection::suite(&options.selection, &[])?;
    match options.format {
        DiscoverFormat::Names => {
            let names: String = suite.tests.keys().map(|name| format!("{name}\n")).collect();
            message::text(&names)?;
        }
        DiscoverFormat::Json => message::line(&serde_json::to_string_pretty(&suite)?)?,
    }
    if suite.tests.is_empty() {
        message::note("no tests were found; `atex fmf show` prints what the tree has");
    }
    Ok(exit_code::PASSED)
}
