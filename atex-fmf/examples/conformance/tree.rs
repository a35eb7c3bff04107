//! What the corpus records about a tree: its nodes, decisions of adjusting, names that prunes yield.

use std::path::Path;

use atex_fmf::{Adjust, Climb, Context, Decision, Error, Node, Result, Selection, Tree, Undecided};
use serde_json::{Value as Json, json};

use crate::canon::{canon, canon_map, uncanon};

/// One node.
pub(crate) fn record(node: Node<'_>) -> Json {
    let keys: Json = node.data().keys().map(|key| canon(key.value())).collect();
    let mut record = json!({
        "name": node.name(),
        "keys": keys,
        "data": canon_map(node.data()),
        "sources": node.relative_sources(),
    });
    let mut directives = serde_json::Map::new();
    let given = node.directives();
    for (name, value) in [("inherit", given.inherit), ("select", given.select)] {
        if let Some(value) = value {
            directives.insert(name.to_owned(), json!(value));
        }
    }
    if !directives.is_empty() {
        record["directives"] = Json::Object(directives);
    }
    if node.is_selected() {
        record["selected"] = json!(true);
    }
    record
}

/// An error, as far as it is compared.
pub(crate) fn error(error: &Error) -> Json {
    json!({"error": error.kind().class(), "message": error.to_string()})
}

/// A context from a map of dimensions, or from a rule.
pub(crate) fn context(spec: &Json) -> Result<Context> {
    match spec {
        Json::Object(dimensions) => Ok(dimensions.iter().fold(Context::new(), |context, entry| {
            context.with_value(entry.0.as_str(), &uncanon(entry.1))
        })),
        other => Context::parse(other.as_str().unwrap_or_default()),
    }
}

/// One call of adjust; gives a mark per rule, by node.
pub(crate) fn adjust(tree: &mut Tree, spec: &Json) -> Result<Json> {
    let sensitive = spec["case_sensitive"].as_bool().unwrap_or(true);
    let context = context(&spec["context"])?.case_sensitive(sensitive);
    let mut decisions: Vec<(String, String)> = Vec::new();
    let mut options = Adjust::new().on_decision(|node, _, decision| {
        let mark = match decision {
            Decision::Applied => '+',
            Decision::NotApplied => '-',
            _ => '?',
        };
        match decisions.last_mut() {
            Some((name, marks)) if name == node.name() => marks.push(mark),
            _ => decisions.push((node.name().to_owned(), mark.to_string())),
        }
    });
    if let Some(key) = spec["key"].as_str() {
        options = options.key(key);
    }
    match spec["undecided"].as_str() {
        None | Some("skip") => {}
        Some("raise") => options = options.undecided(Undecided::Fail),
        // Other values cannot even be written with this interface: the same refusal.
        Some(_) => return Err(Tree::from_map(&atex_fmf::Map::new()).err().unwrap_or_else(never)),
    }
    if !spec["additional_rules"].is_null() {
        options = options.additional_rules(&uncanon(&spec["additional_rules"]));
    }
    if let Some(wanted) = spec["additional_rules_nodes"].as_array() {
        options =
            options.additional_rules_for(|node| wanted.iter().any(|name| name == node.name()));
    }
    tree.adjust_with(&context, options)?;
    Ok(json!(decisions))
}

fn never() -> Error {
    Context::parse("or").expect_err("a rule without expressions is none")
}

/// One prune; gives the names.
pub(crate) fn prune(tree: &Tree, spec: &Json, root: &str) -> Result<Json> {
    let texts = |key: &str| -> Vec<String> {
        let items = spec[key].as_array().into_iter().flatten();
        items.filter_map(Json::as_str).map(|text| text.replace("<ROOT>", root)).collect()
    };
    let mut selection = Selection::new()
        .whole(spec["whole"].as_bool().unwrap_or(false))
        .sort(spec["sort"].as_bool().unwrap_or(true));
    for key in texts("keys") {
        selection = selection.key(key);
    }
    for name in texts("names") {
        selection = selection.name(&name);
    }
    for source in texts("sources") {
        selection = selection.source(std::path::Path::new(root).join(source));
    }
    for filter in texts("filters") {
        selection = selection.filter(&filter);
    }
    for condition in texts("conditions") {
        selection = selection.condition(&condition);
    }
    tree.prune(&selection).map(|node| node.map(|node| json!(node.name()))).collect()
}

/// Everything that is stored about a tree after the steps of `spec`.
pub(crate) fn result(tree: &mut Tree, spec: &Json, root: &Path) -> Result<Json> {
    let mut result = json!({});
    let mut decisions = Vec::new();
    for step in spec["adjust"].as_array().into_iter().flatten() {
        decisions.push(adjust(tree, step)?);
    }
    if !decisions.is_empty() {
        result["decisions"] = json!(decisions);
    }
    let sort = spec["unsorted"].as_bool() != Some(true);
    result["nodes"] = tree.climb(Climb { whole: true, sort }).map(record).collect();
    if let Some(prunes) = spec["prunes"].as_array() {
        let root = root.to_string_lossy();
        let prune = |spec| prune(tree, spec, &root).unwrap_or_else(|error| self::error(&error));
        result["prunes"] = prunes.iter().map(prune).collect();
    }
    Ok(result)
}

/// Whether an answer agrees with what is expected. Of errors, the class counts; of raw errors, that there is one. The order of
/// violations of a schema follows that of its keys, which the corpus sorts: it does not count.
pub(crate) fn agrees(got: &Json, expected: &Json) -> bool {
    match (got.get("error"), expected.get("error")) {
        (None, None) => match (got.get("prunes"), expected.get("prunes")) {
            (Some(Json::Array(ours)), Some(Json::Array(theirs))) => {
                let rest = |json: &Json| {
                    let mut rest = json.clone();
                    rest.as_object_mut().map(|object| object.shift_remove("prunes"));
                    rest
                };
                ours.len() == theirs.len()
                    && ours.iter().zip(theirs).all(|(a, b)| agrees(a, b))
                    && rest(got) == rest(expected)
            }
            _ => match (got.get("errors"), expected.get("errors")) {
                (Some(Json::Array(ours)), Some(Json::Array(theirs))) => {
                    got["result"] == expected["result"] && sorted(ours) == sorted(theirs)
                }
                _ => got == expected,
            },
        },
        (Some(ours), Some(theirs)) => expected["fmf_error"] == json!(false) || ours == theirs,
        _ => false,
    }
}

fn sorted(items: &[Json]) -> Vec<String> {
    let mut texts: Vec<String> = items.iter().map(Json::to_string).collect();
    texts.sort();
    texts
}
