//! The documents that references lead to, and the way there.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::draft::Draft;
use super::{uri, wrong};
use crate::error::{Error, Result};
use crate::value::Value;

/// The documents of a schema, by address.
#[derive(Debug, Clone, Default)]
pub(super) struct Registry {
    roots: HashMap<String, Resource>,
    /// What is found within the documents; looked for when a reference needs it.
    inner: OnceLock<Inner>,
}

#[derive(Debug, Clone, Default)]
struct Inner {
    resources: HashMap<String, Resource>,
    /// By address and name; whether the name is a dynamic one.
    anchors: HashMap<(String, String), (Resource, bool)>,
}

/// A schema that has an address.
#[derive(Debug, Clone)]
struct Resource {
    contents: Value,
    draft: Draft,
}

/// Where references are seen from: an address, and those that were passed on the way here, latest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    base: Arc<str>,
    passed: Option<Arc<Passed>>,
}

#[derive(Debug)]
struct Passed {
    base: Arc<str>,
    earlier: Option<Arc<Self>>,
}

/// What a reference leads to.
#[derive(Debug)]
pub(super) struct Found<'r> {
    pub(super) schema: &'r Value,
    pub(super) scope: Scope,
}

impl Scope {
    /// The scope within a schema, which may have an address of its own.
    pub(super) fn within(&self, schema: &Value, draft: Draft) -> Result<Self> {
        Ok(match draft.id(schema)? {
            Some(id) => Self { base: uri::join(&self.base, id).into(), ..self.clone() },
            None => self.clone(),
        })
    }

    fn at(&self, base: &str) -> Self {
        let mut passed = self.passed.clone();
        if !self.base.is_empty() && (passed.is_none() || base != &*self.base) {
            passed = Some(Arc::new(Passed { base: Arc::clone(&self.base), earlier: passed }));
        }
        Self { base: base.into(), passed }
    }

    fn passed(&self) -> impl Iterator<Item = &str> {
        let mut next = self.passed.as_deref();
        std::iter::from_fn(move || {
            let passed = next?;
            next = passed.earlier.as_deref();
            Some(&*passed.base)
        })
    }
}

impl Registry {
    /// The registry that knows the schema itself.
    pub(super) fn new(root: &Value, draft: Draft) -> Result<Self> {
        let mut registry = Self::default();
        let id = draft.id(root)?.unwrap_or_default().to_owned();
        registry.roots.insert(id, Resource { contents: root.clone(), draft });
        Ok(registry)
    }

    /// Adds a document; the schema itself stays, also under the same address.
    pub(super) fn add(&mut self, uri: &str, contents: Value) {
        let draft = Draft::declared(&contents).ok().flatten().unwrap_or(Draft::D4);
        let key = uri.trim_end_matches('#').to_owned();
        self.roots.entry(key).or_insert(Resource { contents, draft });
        self.inner = OnceLock::new();
    }

    /// Where the root of a schema is seen from.
    pub(super) fn scope(root: &Value, draft: Draft) -> Result<Scope> {
        Ok(Scope { base: draft.id(root)?.unwrap_or_default().into(), passed: None })
    }

    /// Follows a reference.
    pub(super) fn lookup(&self, scope: &Scope, reference: &str) -> Result<Found<'_>> {
        let (uri, fragment) = match reference.strip_prefix('#') {
            Some(fragment) => (scope.base.to_string(), fragment.to_owned()),
            None => {
                let joined = uri::join(&scope.base, reference);
                let (uri, fragment) = uri::without_fragment(&joined);
                (uri.to_owned(), fragment.to_owned())
            }
        };
        let resource = self.resource(&uri).ok_or_else(|| nowhere(reference))?;
        let scope = scope.at(&uri);
        if fragment.is_empty() {
            return Ok(Found { schema: &resource.contents, scope });
        }
        if fragment.starts_with('/') {
            return pointer(resource, &fragment, scope);
        }
        let (named, dynamic) = self.anchor(&uri, &fragment).ok_or_else(|| nowhere(reference))?;
        if *dynamic {
            return self.latest(named, &fragment, scope);
        }
        Ok(Found { schema: &named.contents, scope })
    }

    /// The outermost schema on the way here that has the same dynamic name.
    fn latest<'r>(&'r self, named: &'r Resource, name: &str, scope: Scope) -> Result<Found<'r>> {
        let on_the_way = scope.passed().filter_map(|uri| self.anchor(uri, name));
        let last = on_the_way.filter(|(_, dynamic)| *dynamic).last();
        let resource = last.map_or(named, |(resource, _)| resource);
        let scope = scope.within(&resource.contents, resource.draft)?;
        Ok(Found { schema: &resource.contents, scope })
    }

    /// What `$recursiveRef` leads to: the outermost document on the way here of those that extend each other.
    pub(super) fn recursive(&self, scope: &Scope) -> Result<Found<'_>> {
        let extends = |schema: &Value| {
            schema
                .as_map()
                .and_then(|map| map.get("$recursiveAnchor"))
                .is_some_and(Value::is_truthy)
        };
        let mut found = self.lookup(scope, "#")?;
        if extends(found.schema) {
            for uri in scope.passed() {
                let next = self.lookup(scope, uri)?;
                if !extends(next.schema) {
                    break;
                }
                found = next;
            }
        }
        Ok(found)
    }

    fn resource(&self, uri: &str) -> Option<&Resource> {
        self.roots.get(uri).or_else(|| self.inner().resources.get(uri))
    }

    fn anchor(&self, uri: &str, name: &str) -> Option<&(Resource, bool)> {
        let named = |uri: &str| self.inner().anchors.get(&(uri.to_owned(), name.to_owned()));
        named(uri).or_else(|| {
            let resource = self.resource(uri)?;
            named(resource.draft.id(&resource.contents).ok().flatten()?)
        })
    }

    fn inner(&self) -> &Inner {
        self.inner.get_or_init(|| {
            let mut inner = Inner::default();
            let roots = self.roots.iter().map(|(uri, root)| (uri.clone(), root.clone()));
            let mut open: Vec<(String, Resource)> = roots.collect();
            while let Some((uri, resource)) = open.pop() {
                inner.enter(uri, &resource, &mut open);
            }
            inner
        })
    }
}

impl Inner {
    /// Notes the names of a schema, and the schemas in it.
    fn enter(&mut self, mut uri: String, resource: &Resource, open: &mut Vec<(String, Resource)>) {
        let Resource { contents, draft } = resource;
        let Some(map) = contents.as_map() else { return };
        if let Ok(Some(id)) = draft.id(contents) {
            uri = uri::join(&uri, id);
            self.resources.insert(uri.clone(), resource.clone());
        }
        for (name, dynamic) in draft.anchors(map) {
            let key = (uri.clone(), name.to_owned());
            self.anchors.insert(key, (resource.clone(), dynamic));
        }
        for contents in schemas_in(contents, *draft) {
            let draft = Draft::declared(contents).ok().flatten().unwrap_or(*draft);
            open.push((uri.clone(), Resource { contents: contents.clone(), draft }));
        }
    }
}

/// The schemas directly within a schema.
fn schemas_in(schema: &Value, draft: Draft) -> Vec<&Value> {
    let Some(map) = schema.as_map() else { return Vec::new() };
    let places = draft.places();
    let mut found = Vec::new();
    for (key, value) in map.iter() {
        let Some(key) = key.as_str() else { continue };
        let either = places.either.contains(&key);
        let extra =
            draft <= Draft::D4 && ["additionalItems", "additionalProperties"].contains(&key);
        match value {
            Value::List(items) if either || places.list.contains(&key) => {
                found.extend(items.iter());
            }
            Value::Map(map) if places.map.contains(&key) || key == "dependencies" && either => {
                found.extend(map.values());
            }
            Value::Map(_) if either || extra || places.value.contains(&key) => found.push(value),
            _ => {}
        }
    }
    found.retain(|schema| schema.as_map().is_some());
    found
}

/// The place in a document that a pointer leads to.
fn pointer<'r>(resource: &'r Resource, pointer: &str, mut scope: Scope) -> Result<Found<'r>> {
    let draft = resource.draft;
    let mut schema = &resource.contents;
    let decoded = uri::unquoted(pointer.trim_start_matches('/'));
    let decoded = if pointer.starts_with("//") { format!("/{decoded}") } else { decoded };
    let mut keys: Vec<String> = Vec::new();
    for segment in decoded.split('/') {
        let key = segment.replace("~1", "/").replace("~0", "~");
        let next = match schema {
            Value::Map(map) => map.get(key.as_str()),
            Value::List(items) => segment.parse().ok().and_then(|index: usize| items.get(index)),
            _ => None,
        };
        schema = next.ok_or_else(|| nowhere(pointer))?;
        keys.push(key);
        if is_schema(&keys, schema, draft) {
            scope = scope.within(schema, draft)?;
            keys.clear();
        }
    }
    Ok(Found { schema, scope })
}

/// Whether keys that lead away from a schema lead to another.
fn is_schema(keys: &[String], value: &Value, draft: Draft) -> bool {
    let places = draft.places();
    let legacy: &[&str] =
        if draft <= Draft::D4 { &["additionalItems", "additionalProperties"] } else { &[] };
    let mut keys = keys.iter().map(String::as_str);
    while let Some(key) = keys.next() {
        if places.either.contains(&key) && value.as_map().is_some() {
            return true;
        }
        let single = places.value.contains(&key) || legacy.contains(&key);
        let several = places.list.contains(&key) || places.map.contains(&key);
        if !(single || several && keys.next().is_some()) {
            return false;
        }
    }
    true
}

fn nowhere(reference: &str) -> Error {
    wrong(format!("the reference '{reference}' leads nowhere"))
        .with_hint("nothing is fetched: other documents have to be given along with the schema")
}
