//! Plans: filters, names and exclusions that no test of the tree passes, alone or together.

use std::collections::HashSet;

use crate::discover::metadata::PlanMetadata;
use crate::filter::Filter;
use crate::map::{Key, Map};
use crate::pyregex::Regex;
use crate::tree::Node;
use crate::value::Value;

use super::{Check, Finding, Findings, Nodes};

pub(super) fn check(nodes: &Nodes<'_>, findings: &mut Findings) {
    let candidates = Candidates::of(nodes);
    for plan in &nodes.plans {
        let (metadata, _) = PlanMetadata::read(*plan);
        for phase in metadata.discover {
            let is_local =
                ["url", "path", "dist-git-source"].iter().all(|key| !phase.data.contains_key(*key));
            let is_fmf = phase.how.as_deref().is_none_or(|how| how == "fmf");
            if is_local && is_fmf && phase.when.is_empty() {
                section(*plan, &phase.data, &candidates, findings);
            }
        }
    }
}

/// Data of the tests that a plan may select, with the values that keys have if nobody sets them.
struct Candidates<'t> {
    tests: Vec<(&'t str, Map)>,
    /// Keys that rules under `adjust` change: nothing can be said about these.
    adjusted: HashSet<String>,
}

impl<'t> Candidates<'t> {
    fn of(nodes: &Nodes<'t>) -> Self {
        let mut adjusted = HashSet::new();
        for node in &nodes.tests {
            for rule in super::rules::of(*node) {
                let keys = rule.keys().filter_map(Key::as_str);
                adjusted
                    .extend(keys.map(|key| key.trim_end_matches(['+', '<', '-', '~']).to_owned()));
            }
        }
        let tests = nodes.tests.iter().map(|node| (node.name(), enriched(*node)));
        Self { tests: tests.collect(), adjusted }
    }
}

/// The data as filters of plans see them: with defaults, the name, and both spellings of truth values.
fn enriched(node: Node<'_>) -> Map {
    let mut data = node.data().clone();
    data.insert("name".into(), node.name().into());
    for (key, default) in [("enabled", true), ("manual", false), ("tty", false)] {
        let flag = data.get(key).and_then(Value::as_bool).unwrap_or(default);
        let spellings = [flag.to_string(), Value::from(flag).to_text().into_owned()];
        data.insert(
            key.into(),
            Value::list(spellings.iter().map(|text| text.as_str().into()).collect()),
        );
    }
    for key in ["tag", "component", "contact", "require", "recommend"] {
        if !data.contains_key(key) {
            data.insert(key.into(), Value::list(Vec::new()));
        }
    }
    for (key, default) in [
        ("tier", "None"),
        ("framework", "shell"),
        ("result", "respect"),
        ("duration", "5m"),
        ("order", "50"),
    ] {
        if !data.contains_key(key) {
            data.insert(key.into(), default.into());
        }
    }
    data
}

fn section(plan: Node<'_>, map: &Map, candidates: &Candidates<'_>, findings: &mut Findings) {
    let texts = |key: &str| map.get(key).and_then(crate::discover::texts).unwrap_or_default();
    let locate = |key: &str| {
        let own = map.origin(key).and_then(|origin| plan.tree().locate(origin));
        own.or_else(|| plan.locate("discover"))
    };
    // Variables are filled in when the plan runs.
    let (names, filters, excludes) = (texts("test"), texts("filter"), texts("exclude"));
    let all = names.iter().chain(&filters).chain(&excludes);
    let is_open = all.into_iter().any(|text| text.contains('$'));
    let dimensions = filters.iter().flat_map(|filter| Filter::new(filter).dimensions());
    let is_adjusted = dimensions.into_iter().any(|name| candidates.adjusted.contains(&name));
    if is_open || candidates.tests.is_empty() && names.is_empty() && filters.is_empty() {
        return;
    }
    let mut dead = false;
    let mut found = |key: &str, what: String| {
        let finding = Finding::new(Check::DeadFilter, what).node(plan.name()).at(locate(key));
        findings.push(finding);
    };
    for name in &names {
        if let Ok(regex) = Regex::new(name)
            && !candidates.tests.iter().any(|(test, _)| regex.search(test).unwrap_or(true))
        {
            found("test", format!("no test has a name with '{name}'"));
            dead = true;
        }
    }
    for filter in &filters {
        let passes = |(name, data): &(&str, Map)| passes(filter, name, data);
        if !is_adjusted && !candidates.tests.iter().any(passes) {
            found("filter", format!("no test passes the filter '{filter}'"));
            dead = true;
        }
    }
    if dead || is_adjusted {
        return;
    }
    let excluded: Vec<Regex> = excludes.iter().filter_map(|text| Regex::new(text).ok()).collect();
    let included: Vec<Regex> = names.iter().filter_map(|text| Regex::new(text).ok()).collect();
    let selected = candidates.tests.iter().any(|(name, data)| {
        let has = |regex: &Regex| regex.search(name).unwrap_or(true);
        (included.is_empty() || included.iter().any(has))
            && !excluded.iter().any(has)
            && filters.iter().all(|filter| passes(filter, name, data))
    });
    if !selected {
        let message = format!("the plan {} selects no test", plan.name());
        let finding = Finding::new(Check::EmptyPlan, message).node(plan.name());
        findings.push(finding.at(plan.locate("discover")));
    }
}

fn passes(filter: &str, name: &str, data: &Map) -> bool {
    let filter = Filter::new(filter).with_patterns(true);
    match filter.matches(data, Some(name)) {
        Ok(passes) => passes,
        // A key that a test has not; whatever else is wrong is not this check's business.
        Err(error) => error.kind() != crate::ErrorKind::Filter,
    }
}
