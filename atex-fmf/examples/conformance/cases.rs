//! Small trees made for one corner each: written to a temporary directory, opened, asked.

use std::path::{Path, PathBuf};

use atex_fmf::{Node, Tree, Value};
use serde_json::{Value as Json, json};

use crate::canon::{canon, canon_map, from_base64, uncanon};
use crate::{operations, tree};

/// The answer to one case.
pub(crate) fn run(case: &Json) -> Json {
    let Ok(directory) = tempfile::tempdir() else {
        return json!({"broken": "no temporary directory"});
    };
    let base = directory.path().canonicalize().unwrap_or_else(|_| directory.path().to_owned());
    if let Err(error) = write(case, &base) {
        return json!({"broken": error.to_string()});
    }
    ask(case, &base).unwrap_or_else(|error| tree::error(&error))
}

fn object<'c>(case: &'c Json, key: &str) -> impl Iterator<Item = (&'c String, &'c Json)> {
    case[key].as_object().into_iter().flatten()
}

fn write(case: &Json, base: &Path) -> std::io::Result<()> {
    for path in case["dirs"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        std::fs::create_dir_all(base.join(path))?;
    }
    for (path, content) in object(case, "files") {
        let path = base.join(path);
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        match content {
            Json::String(text) => std::fs::write(path, text)?,
            other => std::fs::write(path, from_base64(other["$bytes"].as_str().unwrap_or("")))?,
        }
    }
    for (path, target) in object(case, "symlinks") {
        let path = base.join(path);
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        let target = target.as_str().unwrap_or("").replace("<ROOT>", &base.to_string_lossy());
        std::os::unix::fs::symlink(target, path)?;
    }
    Ok(())
}

pub(crate) fn open(case: &Json, base: &Path) -> atex_fmf::Result<Tree> {
    if let Some(map) = case.get("tree_dict") {
        let map = uncanon(map);
        return Tree::from_map(map.as_map().unwrap_or(&atex_fmf::Map::new()));
    }
    if let Some(path) = case["path_arg"].as_str() {
        return Tree::open_from(base, path.replace("<ROOT>", &base.to_string_lossy()));
    }
    Tree::open_from(base, case["root"].as_str().unwrap_or(""))
}

pub(crate) fn find<'t>(tree: &'t Tree, args: &Json) -> Option<Node<'t>> {
    tree.find(args["node"].as_str().unwrap_or("/"))
}

fn ask(case: &Json, base: &Path) -> atex_fmf::Result<Json> {
    let args = &case["args"];
    let operation = case["op"].as_str().unwrap_or("tree");
    if operation == "split_pattern" {
        let source = args["source"].as_str().unwrap_or("");
        let (pattern, replacement) = atex_fmf::split_substitution(source)?;
        return Ok(json!({"pattern": pattern, "replacement": replacement}));
    }
    if operations::KNOWN.contains(&operation) {
        return operations::ask(case, base);
    }
    if operation == "node_ref" {
        return node_ref(args, base);
    }
    if operation == "validate" {
        return validate(case, base);
    }
    const KNOWN: [&str; 7] = ["tree", "find", "get", "item", "root", "copy", "original"];
    if !KNOWN.contains(&operation) {
        return Ok(json!({"missing": operation}));
    }
    let mut tree = open(case, base)?;
    let root: PathBuf = tree.root().unwrap_or(base).to_owned();
    let adjustments = || case["adjust"].as_array().into_iter().flatten();
    match operation {
        "tree" => tree::result(&mut tree, case, &root),
        "find" => {
            let found = tree.find(args["name"].as_str().unwrap_or("")).map(tree::record);
            Ok(json!({"found": found}))
        }
        "get" => Ok(find(&tree, args).map_or(Json::Null, |node| get(node, args))),
        "item" => Ok(item(tree.top(), args["key"].as_str().unwrap_or(""))),
        "root" => {
            let root = tree
                .root()
                .map(|root| root.to_string_lossy().replace(&*base.to_string_lossy(), "<ROOT>"));
            let version: Json =
                serde_json::from_str(&tree.version().to_string()).unwrap_or(Json::Null);
            Ok(json!({"root": root, "version": version, "config": canon(tree.config())}))
        }
        "copy" => {
            let Some(node) = find(&tree, args) else { return Ok(Json::Null) };
            let mut copy = tree.subtree(node.id());
            for step in adjustments() {
                tree::adjust(&mut copy, step)?;
            }
            let whole = atex_fmf::Climb { whole: true, sort: true };
            let records = |tree: &Tree| tree.climb(whole).map(tree::record).collect::<Json>();
            let parent = copy.top().parent().map(Node::name);
            Ok(json!({"original": records(&tree), "copy": records(&copy), "copy_parent": parent}))
        }
        _ => {
            for step in adjustments() {
                tree::adjust(&mut tree, step)?;
            }
            let nodes = tree.climb(atex_fmf::Climb { whole: true, sort: true });
            let own = nodes.map(|node| (node.name().to_owned(), canon_map(node.original_data())));
            Ok(json!({"original_data": own.collect::<serde_json::Map<_, _>>()}))
        }
    }
}

/// The node that a reference leads to, seen from the tree of the case.
#[cfg(feature = "git")]
fn node_ref(args: &Json, base: &Path) -> atex_fmf::Result<Json> {
    let text = args["reference"].to_string().replace("<ROOT>", &base.to_string_lossy());
    let given = uncanon(&serde_json::from_str(&text).unwrap_or(Json::Null));
    let reference = atex_fmf::Reference::from_map(given.as_map().unwrap_or(&Default::default()))?;
    let resolved = reference.resolve_from(base, &atex_fmf::Cache::new(base.join("cache")))?;
    Ok(json!({"node": tree::record(resolved.node())}))
}

#[cfg(not(feature = "git"))]
fn node_ref(_args: &Json, _base: &Path) -> atex_fmf::Result<Json> {
    Ok(json!({"missing": "node_ref"}))
}

/// How the data of a node follow a schema.
#[cfg(feature = "schema")]
fn validate(case: &Json, base: &Path) -> atex_fmf::Result<Json> {
    let args = &case["args"];
    let tree = open(case, base)?;
    let Some(node) = find(&tree, args) else { return Ok(json!({"broken": "no such node"})) };
    let mut schema = atex_fmf::Schema::new(uncanon(&args["schema"]))?;
    for (uri, contents) in args["store"].as_object().into_iter().flatten() {
        schema = schema.with_resource(uri, uncanon(contents));
    }
    let violations = node.validate(&schema)?;
    let errors: Json = violations.iter().map(|violation| json!(violation.message())).collect();
    Ok(json!({"result": violations.is_empty(), "errors": errors}))
}

#[cfg(not(feature = "schema"))]
fn validate(_case: &Json, _base: &Path) -> atex_fmf::Result<Json> {
    Ok(json!({"missing": "validate"}))
}

/// A value deep in the data, along keys and indexes.
fn get(node: Node<'_>, args: &Json) -> Json {
    let path = match &args["path"] {
        Json::Null => return json!({"value": canon_map(node.data())}),
        Json::Array(path) => path.clone(),
        single => vec![single.clone()],
    };
    let mut value = Value::from(node.data().clone());
    for step in path {
        let next = match &value {
            Value::Map(map) => map.get(&uncanon(&step)).cloned(),
            Value::List(items) => {
                let index = step.as_i64().and_then(|index| match index {
                    ..0 => items.len().checked_sub(index.unsigned_abs() as usize),
                    _ => usize::try_from(index).ok(),
                });
                match index.and_then(|index| items.get(index)) {
                    Some(item) => Some(item.clone()),
                    None => return json!({"error": "IndexError"}),
                }
            }
            _ => return json!({"error": "TypeError"}),
        };
        match next {
            Some(next) => value = next,
            None => return json!({"value": args["default"]}),
        }
    }
    json!({"value": canon(&value)})
}

fn item(node: Node<'_>, key: &str) -> Json {
    if let Some(name) = key.strip_prefix('/') {
        return match node.child(name) {
            Some(child) => json!({"node": child.name()}),
            None => json!({"error": "KeyError"}),
        };
    }
    match node.get(key) {
        Some(value) => json!({"value": canon(value)}),
        None => json!({"error": "KeyError"}),
    }
}
