//! Rules under `adjust`: those that can never be applied, and those that say something else than they seem to.

use std::collections::HashSet;

use crate::context::{Context, Expression, Operator, Rule, Version};
use crate::error::Location;
use crate::map::Map;
use crate::select::Climb;
use crate::tree::{Node, Tree};
use crate::value::Value;

use super::nearest::nearest;
use super::{Check, Finding, Findings};

/// Dimensions that contexts usually have.
const DIMENSIONS: [&str; 11] = [
    "arch",
    "collection",
    "component",
    "distro",
    "hypervisor",
    "initiator",
    "module",
    "product",
    "swtpm",
    "trigger",
    "variant",
];

/// Dimensions of which a system has one value.
const SINGLE: [&str; 2] = ["distro", "arch"];

/// The rules that a node has; what is no rule is left out.
pub(super) fn of(node: Node<'_>) -> Vec<&Map> {
    match node.get("adjust") {
        Some(Value::Map(rule)) => vec![rule],
        Some(Value::List(rules)) => rules.iter().filter_map(Value::as_map).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn check(tree: &Tree, context: Option<&Context>, findings: &mut Findings) {
    let nodes: Vec<Node<'_>> = tree.climb(Climb { whole: true, sort: true }).collect();
    let dimensions = dimensions(&nodes, context);
    let mut seen = HashSet::new();
    for node in nodes {
        let mut ended = false;
        for rule in of(node) {
            let when = rule.get("when");
            let origin = rule.entries().next().map(|(_, _, origin)| origin);
            let first = seen.insert((origin, when.map(Value::to_text), ended));
            if !first {
                ended |= ends(rule);
                continue;
            }
            let place = |key: &str| {
                let own = rule.origin(key).and_then(|origin| tree.locate(origin));
                own.or_else(|| origin.and_then(|origin| tree.locate(origin)))
            };
            let mut found: Vec<Finding> = Vec::new();
            if ended {
                let message = "this rule is never reached: one before it always holds and has 'continue: false'";
                found.push(Finding::new(Check::UnreachableRule, message).at(place("when")));
            }
            if let Some(Value::Str(text)) = when {
                found.extend(of_text(text, &dimensions, &place("when")));
            } else if when == Some(&Value::Bool(false)) {
                let message = "this rule never holds";
                found.push(Finding::new(Check::UnreachableRule, message).at(place("when")));
            }
            if rule.keys().all(|key| matches!(key.as_str(), Some("when" | "because" | "continue")))
                && rule.get("continue") != Some(&Value::Bool(false))
            {
                let message =
                    "this rule changes nothing: it has no key beside 'when' and 'because'";
                found.push(Finding::new(Check::UnreachableRule, message).at(place("when")));
            }
            for finding in found {
                findings.push(finding.node(node.name()));
            }
            ended |= ends(rule);
        }
    }
}

/// Whether nothing after this rule is ever reached.
fn ends(rule: &Map) -> bool {
    let always = match rule.get("when") {
        None | Some(Value::Bool(true)) => true,
        Some(Value::Str(text)) => text.trim() == "true",
        _ => false,
    };
    always && rule.get("continue") == Some(&Value::Bool(false))
}

/// Every dimension that is known: the usual ones, those of the context, of plans, and those that rules ask for often.
fn dimensions(nodes: &[Node<'_>], context: Option<&Context>) -> HashSet<String> {
    let mut known: HashSet<String> = DIMENSIONS.iter().map(|name| (*name).to_owned()).collect();
    known.extend(context.into_iter().flat_map(Context::dimensions).map(str::to_owned));
    for node in nodes {
        if let Some(Value::Map(context)) = node.get("context") {
            known.extend(context.keys().map(|key| key.value().to_text().into_owned()));
        }
    }
    known
}

fn of_text(text: &str, dimensions: &HashSet<String>, place: &Option<Location>) -> Vec<Finding> {
    // What cannot be parsed is found by adjusting.
    let Ok(rule) = Rule::parse(text) else { return Vec::new() };
    let mut found = Vec::new();
    let mut trap = |(message, hint): (String, &str)| {
        let finding = Finding::new(Check::RuleTrap, message).at(place.clone());
        found.push(if hint.is_empty() { finding } else { finding.hint(hint) });
    };
    if let Some(said) = trap_in_text(text) {
        trap(said);
    } else if let Some(said) = rule.alternatives().iter().flatten().find_map(trap_in) {
        trap(said);
    } else if rule.alternatives().iter().all(|all| never(all)) {
        let message = format!("'{}' never holds", text.trim());
        found.push(Finding::new(Check::UnreachableRule, message).at(place.clone()));
    }
    for expression in rule.alternatives().iter().flatten() {
        let (Expression::Defined { dimension, .. } | Expression::Compare { dimension, .. }) =
            expression
        else {
            continue;
        };
        if !dimensions.contains(dimension)
            && let Some(meant) = nearest(dimension, DIMENSIONS.into_iter())
        {
            let message = format!("the dimension '{dimension}' is in no context");
            let finding = Finding::new(Check::UnknownDimension, message).at(place.clone());
            found.push(finding.hint(format!("did you mean '{meant}'?")));
        }
    }
    found
}

/// What is ignored without a word.
fn trap_in_text(text: &str) -> Option<(String, &'static str)> {
    if text.trim().contains('\n') {
        let message = "a value ends at the end of the line: what follows is ignored".to_owned();
        return Some((message, "write the rule in one line, or fold the lines by '>'"));
    }
    let pieces = text.split(" or ").flat_map(|part| part.split(" and ")).map(str::trim);
    let constant = |piece: &&str| {
        ["true", "false"].iter().any(|word| piece.starts_with(word) && piece.len() > word.len())
    };
    let piece = pieces.into_iter().find(constant)?;
    Some((format!("'{piece}' means the first word alone: what follows is ignored"), ""))
}

/// Why an expression hardly means what it says.
fn trap_in(expression: &Expression) -> Option<(String, &'static str)> {
    let Expression::Compare { dimension, operator, values } = expression else { return None };
    let is_regex = matches!(operator, Operator::Matches | Operator::NotMatches);
    for value in values {
        let text = value.text();
        let said = format!("'{dimension}' is compared with '{text}'");
        let word = |word: &str| text.split_whitespace().any(|part| part == word);
        if ["AND", "OR", "&&", "||"].iter().any(|operator| word(operator)) {
            return Some((
                format!("{said}, all of it"),
                "'and' and 'or' are written in lower case",
            ));
        }
        if text.starts_with(['~', '<', '>', '!', '=']) {
            return Some((said, "operators are == != < <= > >= ~= ~!= ~< ~<= ~> ~>= ~ !~"));
        }
        if text.is_empty() {
            return Some((format!("'{dimension}' is compared with nothing"), "remove the comma"));
        }
        if is_regex {
            continue;
        }
        if text.contains(['\'', '"']) {
            return Some((format!("{said}, quotes included"), "values are written without quotes"));
        }
        if text.contains(['(', ')']) {
            return Some((format!("{said}, parentheses included"), "rules have no parentheses"));
        }
        if word("#") || text.contains(" #") {
            return Some((format!("{said}, all of it"), "rules have no comments"));
        }
        if text.contains(char::is_whitespace) {
            return Some((format!("{said}, all of it"), "values have no spaces"));
        }
    }
    let differs =
        matches!(operator, Operator::NotEqual | Operator::MinorNotEqual | Operator::NotMatches);
    (differs && values.len() > 1).then(|| {
        let message = format!("'{dimension}' always differs from one of several values");
        (message, "write one comparison for each value, joined by 'and'")
    })
}

/// Whether expressions can never hold together.
fn never(all: &[Expression]) -> bool {
    let compared = |wanted: &str| {
        all.iter()
            .any(|it| matches!(it, Expression::Compare { dimension, .. } if dimension == wanted))
    };
    all.iter().any(|expression| match expression {
        Expression::Constant(holds) => !holds,
        Expression::Defined { dimension, expected: false } => compared(dimension),
        Expression::Defined { .. } => false,
        Expression::Compare { dimension, operator, values } => {
            has_no_order(*operator, values) || contradicts(all, dimension, *operator, values)
        }
    })
}

/// A name alone is never less or greater than another version of it.
fn has_no_order(operator: Operator, values: &[Version]) -> bool {
    use Operator::{Greater, Less, MinorGreater, MinorLess};
    let strict = matches!(operator, Less | Greater | MinorLess | MinorGreater);
    strict && values.iter().all(|value| !value.text().contains([':', '-', '.']))
}

fn contradicts(all: &[Expression], name: &str, operator: Operator, values: &[Version]) -> bool {
    let is_equal = |operator| matches!(operator, Operator::Equal | Operator::MinorEqual);
    let first = |value: &Version| value.text().split([':', '-', '.']).next().map(str::to_lowercase);
    SINGLE.contains(&name)
        && is_equal(operator)
        && all.iter().any(|other| match other {
            Expression::Compare { dimension, operator, values: others } => {
                dimension == name
                    && is_equal(*operator)
                    && !values.iter().any(|a| others.iter().any(|b| first(a) == first(b)))
            }
            _ => false,
        })
}
