//! Plans: looking one up, and what its `discover` sections, its environment, and the steps around its tests say.

use atex_core::{Phase, PhaseAction};
use indexmap::IndexMap;

use crate::context::{Context, Rule};
use crate::error::{Error, ErrorKind, Location, Result};
use crate::lint::edit_distance;
use crate::map::Map;
use crate::reference::Reference;
use crate::select::Climb;
use crate::tree::{Node, Tree};
use crate::value::Value;

use super::metadata::{Phase as ReadPhase, PlanMetadata, read_environment_file};

/// How many plans an error lists.
const MAX_LISTED: usize = 30;

/// One `discover` section: which tests it asks for.
#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) name: Option<String>,
    pub(super) names: Vec<String>,
    pub(super) filters: Vec<String>,
    pub(super) excludes: Vec<String>,
    /// The tree that the tests are in, if it is another one than that of the plan.
    pub(super) remote: Option<Reference>,
    /// Where that is written.
    pub(super) location: Option<Location>,
    /// The section counts only where one of these rules holds, or cannot be decided; without any, always.
    pub(super) when: Vec<Rule>,
}

impl Section {
    /// Whether the section counts in a context.
    pub(super) fn counts(&self, context: &Context) -> Result<bool> {
        counts(&self.when, context)
    }
}

/// Whether one of these rules holds in a context, or cannot be decided; without any, always.
fn counts(when: &[Rule], context: &Context) -> Result<bool> {
    for rule in when {
        if context.decide(rule)? != Some(false) {
            return Ok(true);
        }
    }
    Ok(when.is_empty())
}

/// Whether a phase that changes systems is done: where one of these rules holds, as in tmt; without any, always. What is made for others does harm
/// where nobody knows what it runs on.
fn is_done(when: &[Rule], context: &Context) -> Result<bool> {
    for rule in when {
        if context.decide(rule)? == Some(true) {
            return Ok(true);
        }
    }
    Ok(when.is_empty())
}

/// The plan with the given full name.
pub(super) fn find<'t>(tree: &'t Tree, name: &str) -> Result<Node<'t>> {
    let Some(node) = tree.find(name) else { return Err(unknown(tree, name)) };
    if node.get("test").is_some() {
        let error = Error::new(ErrorKind::Reference, format!("'{name}' is a test, not a plan"));
        return Err(error.at(node.locate("test")));
    }
    let children: Vec<&str> = node.children().map(Node::name).collect();
    if !children.is_empty() {
        let message = format!("'{name}' stands for several plans: {}", list(&children));
        return Err(Error::new(ErrorKind::Reference, message).with_hint("name one of them"));
    }
    Ok(node)
}

fn list(names: &[&str]) -> String {
    let shown = names.iter().take(MAX_LISTED).copied().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(MAX_LISTED) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}

fn unknown(tree: &Tree, name: &str) -> Error {
    let is_plan = |node: &Node<'_>| {
        node.get("test").is_none()
            && (node.get("discover").is_some() || node.get("execute").is_some())
    };
    let mut plans: Vec<&str> =
        tree.climb(Climb::default()).filter(is_plan).map(Node::name).collect();
    let root = tree.root().map(|root| format!(" in {}", root.display())).unwrap_or_default();
    let message = match plans.as_slice() {
        [] => format!("there is no plan '{name}'{root}, and no other plan either"),
        plans => format!("there is no plan '{name}'{root}; there are: {}", list(plans)),
    };
    let error = Error::new(ErrorKind::Reference, message);
    // Plans of the same last part are what people mean most often.
    let distance = |plan: &str| {
        let same_end = plan.rsplit('/').next() == name.rsplit('/').next();
        if same_end { 1 } else { edit_distance(plan, name) }
    };
    plans.sort_by_key(|plan| distance(plan));
    match plans.first() {
        Some(nearest) if distance(nearest) <= 1 + name.chars().count() / 4 => {
            error.with_hint(format!("did you mean '{nearest}'?"))
        }
        _ => error,
    }
}

/// The sections of a plan that discover FMF tests.
pub(super) fn sections(plan: Node<'_>) -> Result<Vec<Section>> {
    let discover = plan.get("discover");
    let maps: Vec<&Map> = match discover {
        None => Vec::new(),
        Some(Value::Map(map)) => vec![map],
        Some(Value::List(items)) => {
            let maps: Option<Vec<&Map>> = items.iter().map(Value::as_map).collect();
            maps.ok_or_else(|| super::wrong(plan, "discover", "must be a map or a list of maps"))?
        }
        Some(other) => {
            let found = other.type_name();
            let message = format!("must be a map or a list of maps, got '{found}'");
            return Err(super::wrong(plan, "discover", &message));
        }
    };
    let is_fmf = |map: &&Map| map.get("how").is_none_or(|how| how.as_str() == Some("fmf"));
    let fmf: Vec<&Map> = maps.into_iter().filter(is_fmf).collect();
    if fmf.is_empty() {
        let message = format!("plan {} has no 'discover' section with 'how: fmf'", plan.name());
        return Err(Error::new(ErrorKind::Format, message).at(plan.locate("discover")));
    }
    let single = fmf.len() == 1;
    let mut sections: Vec<Section> = Vec::with_capacity(fmf.len());
    for map in fmf {
        let section = section(plan, map)?;
        let at = |error: Error, key| {
            error.at(map.origin(key).and_then(|origin| plan.tree().locate(origin)))
        };
        match &section.name {
            None if !single => {
                let message = "has several sections: each of them needs a 'name'";
                let error = at(super::wrong_without_place(plan, message), "how");
                return Err(error.at(plan.locate("discover")));
            }
            Some(name) if sections.iter().any(|other| other.name.as_ref() == Some(name)) => {
                let message = format!("has two sections named '{name}'");
                return Err(at(super::wrong_without_place(plan, &message), "name"));
            }
            _ => sections.push(section),
        }
    }
    Ok(sections)
}

fn section(plan: Node<'_>, map: &Map) -> Result<Section> {
    let error = |kind, key: &str, message: String| {
        let location = map.origin(key).and_then(|origin| plan.tree().locate(origin));
        let message = format!("'discover' of {}: {message}", plan.name());
        Error::new(kind, message).at(location)
    };
    let name = match map.get("name") {
        None => None,
        Some(Value::Str(name)) => {
            if name.is_empty() || name.contains('/') || matches!(&**name, "." | "..") {
                let message = format!("the name '{name}' cannot be that of a directory");
                return Err(error(ErrorKind::Format, "name", message));
            }
            Some(name.to_string())
        }
        Some(other) => {
            let message = format!("'name' must be a string, got '{}'", other.type_name());
            return Err(error(ErrorKind::Format, "name", message));
        }
    };
    let texts = |key: &str| match map.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(value) => super::texts(value).ok_or_else(|| {
            let message = format!("'{key}' must be a string or a list of strings");
            error(ErrorKind::Format, key, message)
        }),
    };
    Ok(Section {
        name,
        names: texts("test")?,
        filters: texts("filter")?,
        excludes: texts("exclude")?,
        remote: remote(map)
            .map_err(|cause| error(cause.kind(), "url", cause.message().to_owned()))?,
        location: map.origin("url").and_then(|origin| plan.tree().locate(origin)),
        when: rules(map)
            .map_err(|cause| error(cause.kind(), "when", cause.message().to_owned()))?,
    })
}

/// The tree of a section with a `url`. Its own `name` is that of the section, not of a node.
fn remote(map: &Map) -> Result<Option<Reference>> {
    if map.get("url").is_none_or(Value::is_null) {
        return Ok(None);
    }
    let keys = ["url", "ref", "path"].into_iter();
    let given = keys.filter_map(|key| Some((key.into(), map.get(key)?.clone())));
    Reference::from_map(&given.collect()).map(Some)
}

fn rules(map: &Map) -> Result<Vec<Rule>> {
    match map.get("when") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::List(rules)) => rules.iter().map(Rule::from_value).collect(),
        Some(rule) => Rule::from_value(rule).map(|rule| vec![rule]),
    }
}

fn environment_files(plan: Node<'_>) -> Result<Vec<String>> {
    match plan.get("environment-file") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(value) => super::texts(value).ok_or_else(|| {
            super::wrong(plan, "environment-file", "must be a string or a list of strings")
        }),
    }
}

/// The variables that a plan sets for its tests: those of files, then a map, or a list of maps. Later ones win.
pub(super) fn environment(plan: Node<'_>) -> Result<IndexMap<String, String>> {
    let maps: Option<Vec<&Map>> = match plan.get("environment") {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Map(map)) => Some(vec![map]),
        Some(Value::List(items)) => items.iter().map(Value::as_map).collect(),
        Some(_) => None,
    };
    let wrong = |message: &str, location| {
        super::wrong_without_place(plan, message).at(location).at(plan.locate("environment"))
    };
    let maps =
        maps.ok_or_else(|| wrong("has an 'environment' that is no map of variables", None))?;
    let mut environment = IndexMap::new();
    // What stands in the plan itself wins over files.
    for name in environment_files(plan)? {
        environment.extend(read_environment_file(plan, &name)?);
    }
    for map in maps {
        environment.extend(super::variables(map, wrong, plan.tree())?);
    }
    Ok(environment)
}

/// What a plan does before and after its tests, in a context: its phases, in their order.
pub(super) fn around(plan: Node<'_>, context: &Context) -> Result<(Vec<Phase>, Vec<Phase>)> {
    let ((prepare, finish), errors) = PlanMetadata::read_around(plan);
    match errors.into_iter().next() {
        Some(error) => Err(error),
        None => Ok((phases("prepare", prepare, context)?, phases("finish", finish, context)?)),
    }
}

/// The phases of a step that count in a context. One that does not say `how` runs shell scripts.
fn phases(step: &str, read: Vec<ReadPhase>, context: &Context) -> Result<Vec<Phase>> {
    let mut kept = Vec::with_capacity(read.len());
    for (number, phase) in read.into_iter().enumerate() {
        if !is_done(&phase.when, context)? {
            continue;
        }
        let action = match phase.how.as_deref() {
            None | Some("shell") => PhaseAction::Shell { scripts: phase.script },
            Some("install") => {
                PhaseAction::Install { packages: phase.package, exclude: phase.exclude }
            }
            Some(how) => PhaseAction::Unknown { how: how.to_owned() },
        };
        let name = phase.name.unwrap_or_else(|| format!("{step}-{}", number + 1));
        kept.push((phase.order, Phase { name, action }));
    }
    kept.sort_by_key(|(order, _)| *order);
    Ok(kept.into_iter().map(|(_, phase)| phase).collect())
}
