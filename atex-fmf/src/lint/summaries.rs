//! Summaries that several tests have.

use std::collections::HashMap;

use crate::map::Origin;
use crate::tree::Node;
use crate::value::Value;

use super::{Check, Finding, Findings, Nodes};

pub(super) fn check(nodes: &Nodes<'_>, findings: &mut Findings) {
    let mut first: HashMap<&str, (Origin, Node<'_>)> = HashMap::new();
    for node in &nodes.tests {
        let Some(summary) = node.get("summary").and_then(Value::as_str) else { continue };
        // Tests that inherit one summary, or extend it, are meant to have it.
        let Some(origin) = node.data().origin("summary") else { continue };
        let (other, same) = *first.entry(summary.trim()).or_insert((origin, *node));
        if other != origin && !summary.trim().is_empty() {
            let message = format!("this is the summary of {}, too", same.name());
            let finding = Finding::new(Check::DuplicateSummary, message).node(node.name());
            findings.push(finding.at(node.locate("summary")));
        }
    }
}
