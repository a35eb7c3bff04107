//! Compares this crate with a corpus of recorded answers, part by part.

use std::path::{Path, PathBuf};

use atex_fmf::{Error, Filter, Rule, Tree};
use serde_json::{Value as Json, json};

use crate::canon::uncanon;
use crate::{cases, tree};

/// How far one part of the corpus agrees.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) total: usize,
    /// One text for each question that was answered differently.
    pub(crate) differences: Vec<String>,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}/{}", self.name, self.total - self.differences.len(), self.total)
    }
}

/// The difference that a row of a table shows, if there is one.
type Check = fn(&Json) -> Option<String>;

/// Compares everything that there is in a folder; parts that are missing there are left out.
pub(crate) fn compare(folder: &Path) -> Vec<Part> {
    let mut parts = Vec::new();
    let tables: [(&str, Check); 3] = [("cases", case), ("rules", rule), ("filters", filter)];
    for (name, check) in tables {
        let part = |total, differences| Part { name: name.to_owned(), total, differences };
        match read(&folder.join(format!("cases/{name}.json"))) {
            Ok(None) => {}
            Ok(Some(Json::Array(rows))) => {
                parts.push(part(rows.len(), rows.iter().filter_map(check).collect()));
            }
            Ok(Some(_)) => parts.push(part(1, vec!["is no list".to_owned()])),
            Err(error) => parts.push(part(1, vec![error])),
        }
    }
    for repository in listing(&folder.join("corpus")) {
        let mut part = Part {
            name: format!(
                "corpus {}",
                repository.file_name().unwrap_or_default().to_string_lossy()
            ),
            total: 0,
            differences: Vec::new(),
        };
        for file in listing(&repository.join("expect")) {
            match read(&file) {
                Ok(expectations) => {
                    corpus_tree(&repository, &expectations.unwrap_or_default(), &mut part);
                }
                Err(error) => {
                    part.total += 1;
                    part.differences.push(error);
                }
            }
        }
        parts.push(part);
    }
    parts
}

/// What a file has; none if there is no such file.
fn read(path: &Path) -> Result<Option<Json>, String> {
    match std::fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
        Ok(text) => {
            let json = serde_json::from_slice(&text);
            json.map(Some).map_err(|error| format!("{} is broken: {error}", path.display()))
        }
    }
}

fn listing(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    paths.sort();
    paths
}

fn case(row: &Json) -> Option<String> {
    let got = cases::run(row);
    let answers = ["expected", "expected_with_libyaml", "expected_without_aliasing"];
    let agrees = answers.iter().filter_map(|key| row.get(key)).any(|e| tree::agrees(&got, e));
    (!agrees).then(|| format!("{}\n  got      {got}\n  expected {}", row["name"], row["expected"]))
}

fn class(error: &Error) -> Json {
    json!(error.kind().class())
}

fn table_row(row: &Json, got: Json) -> Option<String> {
    (got != row["expected"]).then(|| format!("{row}\n  got {got}"))
}

fn rule(row: &Json) -> Option<String> {
    let decide = || {
        let sensitive = row["case_sensitive"].as_bool().unwrap_or(true);
        let context = tree::context(&row["context"])?.case_sensitive(sensitive);
        context.matches(&Rule::from_value(&uncanon(&row["rule"]))?)
    };
    table_row(row, decide().map_or_else(|error| class(&error), |matches| json!(matches)))
}

fn filter(row: &Json) -> Option<String> {
    let filter = Filter::new(row["filter"].as_str().unwrap_or(""))
        .with_patterns(row["regexp"].as_bool().unwrap_or(false))
        .case_sensitive(row["sensitive"].as_bool().unwrap_or(true));
    let got = filter.matches_value(&uncanon(&row["data"]), row["name"].as_str());
    table_row(row, got.map_or_else(|error| class(&error), |matches| json!(matches)))
}

fn corpus_tree(repository: &Path, expectations: &Json, part: &mut Part) {
    let relative = expectations["root"].as_str().unwrap_or("");
    let root = repository.join("tree").join(relative);
    let mut first: Option<Json> = None;
    for run in expectations["runs"].as_array().into_iter().flatten() {
        let got = Tree::open(&root).and_then(|mut tree| {
            let root = tree.root().unwrap_or(&root).to_owned();
            tree::result(&mut tree, &run["spec"], &root)
        });
        let got = match (got, &first) {
            (Ok(got), Some(first)) => changed(got, first),
            (Ok(got), None) => got,
            (Err(error), _) => tree::error(&error),
        };
        part.total += 1;
        if !tree::agrees(&got, &run["expected"]) {
            let difference = first_difference(&got, &run["expected"]);
            part.differences.push(format!("{relative} {}: {difference}", run["name"]));
        }
        first.get_or_insert(got);
    }
}

/// Later runs list only nodes that differ from the first run; runs with prunes list none.
fn changed(mut got: Json, first: &Json) -> Json {
    let (Some(before), Some(object)) = (first["nodes"].as_array(), got.as_object_mut()) else {
        return got;
    };
    let by_name: std::collections::HashMap<_, _> =
        before.iter().filter_map(|node| Some((node["name"].as_str()?, node))).collect();
    if by_name.len() != before.len() {
        return got;
    }
    let nodes = object.shift_remove("nodes");
    if !object.contains_key("prunes") {
        let nodes = nodes.as_ref().and_then(Json::as_array).into_iter().flatten();
        let differs =
            |node: &&Json| node["name"].as_str().and_then(|name| by_name.get(name)) != Some(node);
        object.insert("changed".to_owned(), nodes.filter(differs).cloned().collect());
    }
    got
}

/// The first place where two answers differ.
fn first_difference(got: &Json, expected: &Json) -> String {
    match (got, expected) {
        (Json::Object(ours), Json::Object(theirs)) => {
            for (key, value) in theirs {
                match ours.get(key) {
                    None => return format!(".{key} is missing; got {}", shorten(got)),
                    Some(own) if own != value => {
                        return format!(".{key}{}", first_difference(own, value));
                    }
                    Some(_) => {}
                }
            }
            format!(" has more keys: {}", shorten(got))
        }
        (Json::Array(ours), Json::Array(theirs)) => {
            let differs = |index: &usize| ours.get(*index) != theirs.get(*index);
            let index = (0..theirs.len().max(ours.len())).find(differs).unwrap_or(0);
            let item = |items: &[Json]| items.get(index).cloned().unwrap_or(json!("nothing"));
            format!("[{index}]{}", first_difference(&item(ours), &item(theirs)))
        }
        _ => format!(" got {}, expected {}", shorten(got), shorten(expected)),
    }
}

fn shorten(json: &Json) -> String {
    json.to_string().chars().take(300).collect()
}
