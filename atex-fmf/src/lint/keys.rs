//! Keys: that somebody knows them, and that their values have the right types.

use std::collections::{HashMap, HashSet};

use crate::discover::metadata::{CORE_KEYS, PLAN_KEYS, PlanMetadata, TEST_KEYS, TestMetadata};
use crate::map::{Map, Origin};
use crate::tree::Node;

use super::nearest::nearest;
use super::{Check, Finding, Findings, Nodes};

/// Keys of stories, and of the format itself.
const OTHER_KEYS: [&str; 9] = [
    "coverage",
    "documented",
    "example",
    "implemented",
    "priority",
    "story",
    "title",
    "verified",
    "nickname",
];

/// Keys of rules under `adjust`.
const RULE_KEYS: [&str; 3] = ["when", "because", "continue"];

/// A key that is written so often is a convention of the tree.
const OWN_CONVENTION: usize = 3;

pub(super) fn check(nodes: &Nodes<'_>, findings: &mut Findings) {
    unknown(nodes, findings);
    let typed = nodes.tests.iter().map(|node| (node, TestMetadata::read(*node).1));
    let plans = nodes.plans.iter().map(|node| (node, PlanMetadata::read(*node).1));
    for (node, errors) in typed.chain(plans) {
        for error in errors {
            let mut finding = Finding::from(&error).node(node.name());
            finding.check = Check::WrongType;
            findings.push(finding);
        }
    }
}

fn known() -> impl Iterator<Item = &'static str> {
    CORE_KEYS.into_iter().chain(TEST_KEYS).chain(PLAN_KEYS).chain(OTHER_KEYS)
}

fn unknown(nodes: &Nodes<'_>, findings: &mut Findings) {
    let known_keys: HashSet<&str> = known().collect();
    // Where each unknown key is written, and a node that has it.
    let mut places: HashMap<&str, Vec<(Origin, Node<'_>)>> = HashMap::new();
    let mut seen = HashSet::new();
    let all = nodes.tests.iter().chain(&nodes.plans).chain(&nodes.stories);
    for node in all {
        let rules = super::rules::of(*node);
        for (map, is_rule) in
            std::iter::once((node.data(), false)).chain(rules.into_iter().map(|rule| (rule, true)))
        {
            for (key, origin) in keys(map, is_rule) {
                let is_known = known_keys.contains(key) || key.starts_with("extra-");
                if !is_known && seen.insert((key, origin)) {
                    places.entry(key).or_default().push((origin, *node));
                }
            }
        }
    }
    for (key, places) in places {
        let meant = nearest(key, known());
        if meant.is_none() && places.len() >= OWN_CONVENTION {
            continue;
        }
        for (origin, node) in places {
            let message = format!("nobody knows the key '{key}'");
            let hint = match meant {
                _ if RULE_KEYS.contains(&key) => {
                    format!("'{key}' belongs into a rule, below 'adjust'")
                }
                Some(meant) => format!("did you mean '{meant}'?"),
                None => format!("keys of your own begin with 'extra-': 'extra-{key}'"),
            };
            let finding = Finding::new(Check::UnknownKey, message).node(node.name()).hint(hint);
            findings.push(finding.at(nodes.tree.locate(origin)));
        }
    }
}

/// The keys of a node or a rule, with the suffixes that rules have still.
fn keys(map: &Map, is_rule: bool) -> impl Iterator<Item = (&str, Origin)> {
    map.entries().filter_map(move |(key, _, origin)| {
        let key = key.as_str()?;
        let key = if is_rule { key.trim_end_matches(['+', '<', '-', '~']) } else { key };
        let of_rules = is_rule && RULE_KEYS.contains(&key);
        (!of_rules).then_some((key, origin))
    })
}
