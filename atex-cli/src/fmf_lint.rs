//! `atex fmf lint`: says what is hardly meant in the metadata tree.

use std::io::ErrorKind::NotFound;

use anyhow::{Context, Result, bail};
use atex_fmf::{Check, Finding, Lint, Tree};
use serde_json::Value;

use crate::args::{LintFormat, LintOptions};
use crate::{exit_code, message, selection};

/// Prints what was found.
pub(crate) fn run(options: &LintOptions) -> Result<u8> {
    if let Err(error) = options.root.metadata()
        && error.kind() == NotFound
    {
        bail!("there is no folder {}", options.root.display());
    }
    let findings = match Tree::open(&options.root) {
        Ok(tree) => lint(options)?.run(&tree),
        // Without a place in a file it is not the metadata that are wrong.
        Err(error) if error.location().is_none() => {
            return Err(error).context("cannot read the metadata tree");
        }
        Err(error) => vec![Finding::from(&error)],
    };
    match options.format {
        LintFormat::Text => show(&findings)?,
        LintFormat::Json => {
            let findings: Vec<Value> = findings.iter().map(Finding::to_json).collect();
            message::line(&serde_json::to_string_pretty(&findings)?)?;
        }
    }
    Ok(if findings.is_empty() { exit_code::PASSED } else { exit_code::FAILED })
}

fn lint(options: &LintOptions) -> Result<Lint> {
    let mut lint = Lint::new();
    if !options.context.is_empty() {
        lint = lint.context(selection::context(&options.context));
    }
    for name in &options.skip {
        let Some(check) = Check::from_name(name) else {
            let names = Check::ALL.map(Check::name).join(", ");
            bail!("there is no check '{name}'; there are: {names}");
        };
        lint = lint.skip(check);
    }
    Ok(lint)
}

fn show(findings: &[Finding]) -> Result<()> {
    for finding in findings {
        message::line(&finding.to_string())?;
        if let Some(snippet) = finding.snippet() {
            message::line(&snippet)?;
        }
        if let Some(hint) = &finding.hint {
            message::line(&format!("  hint: {hint}"))?;
        }
    }
    if !findings.is_empty() {
        message::note(&format!("{} found", findings.len()));
    }
    Ok(())
}
