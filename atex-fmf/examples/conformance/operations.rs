//! What can be done with a tree besides asking it: writing, showing, making a new one.

use std::path::Path;

use atex_fmf::{Emit, Listed, Result, Tree, Value};
use serde_json::{Value as Json, json};

use crate::canon::uncanon;
use crate::cases::{find, open};
use crate::tree;

/// The operations of this file.
pub(crate) const KNOWN: [&str; 5] = ["dict_to_yaml", "listed", "show", "init", "modify"];

/// The answer to a case with one of these operations.
pub(crate) fn ask(case: &Json, base: &Path) -> Result<Json> {
    let args = &case["args"];
    match case["op"].as_str().unwrap_or_default() {
        "dict_to_yaml" => {
            let text = written(&uncanon(&args["data"]), args["sort"] == json!(true));
            Ok(json!({"text": as_recorded(text, &case["expected"]["text"])}))
        }
        "listed" => Ok(json!({"text": listed(&args["items"], &args["kwargs"])})),
        "show" => show(case, base),
        "init" => init(args, base),
        _ => modify(case, base),
    }
}

/// The text of a value, or why it is wrong.
fn written(value: &Value, sort: bool) -> String {
    let text = Emit::new().sort(sort).write(value);
    match Value::from_yaml(&text) {
        Ok(read) if read == *value => text,
        Ok(read) => format!("{text}\nreads back as {read:?}"),
        Err(error) => format!("{text}\ndoes not read back: {error}"),
    }
}

/// The recorded text, if it differs from ours only in what the reference writes wrongly.
fn as_recorded(text: String, recorded: &Json) -> String {
    match recorded.as_str() {
        Some(recorded) if without_faults(recorded) == without_faults(&text) => recorded.to_owned(),
        _ => text,
    }
}

/// A text with the faults of the reference, and what stands in their place, made the same.
///
/// Strings with one of the rarer line breaks are folded there, although reading does not join them again; and the
/// indentation that block scalars declare is always 2, also where it is 4.
fn without_faults(text: &str) -> String {
    const BREAKS: [char; 3] = ['\u{85}', '\u{2028}', '\u{2029}'];
    let text = text.replace("\\N", "\u{85}").replace("\\L", "\u{2028}").replace("\\P", "\u{2029}");
    let mut out = String::new();
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        if line.contains(BREAKS) {
            let mut whole = line.replace(['\'', '"', ' '], "");
            if let Some(key) = whole.strip_prefix('?') {
                whole = key.to_owned() + &lines.next().unwrap_or_default().replace(' ', "");
            }
            out.push_str(&whole);
        } else {
            let block = ["|4", "|4-", "|4+"].iter().any(|header| line.ends_with(header));
            out.push_str(&if block { line.replace("|4", "|2") } else { line.to_owned() });
        }
        out.push('\n');
    }
    out
}

fn listed(items: &Json, options: &Json) -> String {
    let mut listed = Listed::new();
    for (name, value) in options.as_object().into_iter().flatten() {
        let text = value.as_str().unwrap_or_default();
        listed = match name.as_str() {
            "join" => listed.join(text),
            "quote" => listed.quote(text),
            "max" => listed.max(value.as_u64().unwrap_or(0) as usize),
            "singular" if options["plural"].is_null() => listed.noun(text),
            "singular" => listed.plural(text, options["plural"].as_str().unwrap_or_default()),
            _ => listed,
        };
    }
    match items {
        Json::Array(items) => {
            listed.items(items.iter().map(|item| uncanon(item).to_text().into_owned()))
        }
        count => listed.items(0..count.as_u64().unwrap_or(0)),
    }
}

fn show(case: &Json, base: &Path) -> Result<Json> {
    let args = &case["args"];
    let tree = open(case, base)?;
    let texts = |key: &str| -> Vec<String> {
        let items = args[key].as_array().into_iter().flatten();
        items.filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let names = tree::prune(&tree, &args["prune"], &base.to_string_lossy())?;
    let mut shown = Vec::new();
    for name in names.as_array().into_iter().flatten().filter_map(Json::as_str) {
        let Some(node) = tree.find(name) else { continue };
        shown.push(match args["formatting"].as_str() {
            _ if args["brief"] == json!(true) => format!("{name}\n"),
            Some(template) => node.format(template, &texts("values"))?,
            None => node.show(),
        });
    }
    let plain = args["brief"] != json!(true) && args["formatting"].is_null();
    let text = shown.join(if plain { "\n" } else { "" });
    Ok(json!({"text": text.replace(&*base.to_string_lossy(), "<ROOT>")}))
}

fn init(args: &Json, base: &Path) -> Result<Json> {
    let marker = Tree::init(base.join(args["path"].as_str().unwrap_or_default()))?;
    let version = std::fs::read_to_string(marker.join("version")).unwrap_or_default();
    let created = marker.to_string_lossy().replace(&*base.to_string_lossy(), "<ROOT>");
    Ok(json!({"created": created, "version_file": version}))
}

/// Changes a file in both ways: anew, which is what the reference writes, and line by line, which must say the same.
fn modify(case: &Json, base: &Path) -> Result<Json> {
    let args = &case["args"];
    let tree = open(case, base)?;
    let Some(node) = find(&tree, args) else { return Ok(json!({"broken": "no such node"})) };
    let mut edit = tree.modify(node.id())?;
    for key in args["pop"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        edit.data().remove(key);
    }
    if let Value::Map(update) = uncanon(&args["update"]) {
        for (key, value) in update.iter() {
            edit.data().insert(key.clone(), value.clone());
        }
    }
    let kept = Value::from_yaml(&edit.text())?;
    let edit = edit.fresh(true);
    if format!("{kept:?}") != format!("{:?}", Value::from_yaml(&edit.text())?) {
        return Ok(json!({"broken": "the two ways of writing do not agree"}));
    }
    let path = edit.path().to_owned();
    edit.write()?;
    let mut files = serde_json::Map::new();
    for name in args["show_files"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        let mut text = std::fs::read_to_string(base.join(name)).unwrap_or_default();
        if base.join(name) == path && path.file_name().is_some_and(|name| name != "main.fmf") {
            // The reference loses the directives of such files when it writes them.
            text = Emit::new().write(&without_directives(&Value::from_yaml(&text)?));
        }
        files.insert(name.to_owned(), text.into());
    }
    Ok(json!({"files": files}))
}

fn without_directives(value: &Value) -> Value {
    let Value::Map(map) = value else { return value.clone() };
    let child = |key: &atex_fmf::Key| key.as_str().is_some_and(|key| key.starts_with('/'));
    let entries = map.iter().filter(|(key, _)| key.as_str() != Some("/")).map(|(key, value)| {
        (key.clone(), if child(key) { without_directives(value) } else { value.clone() })
    });
    entries.collect::<atex_fmf::Map>().into()
}
