//! Discovery: the tests that a plan, or a selection, asks for.

mod library;
pub(crate) mod metadata;
mod plan;
mod remote;
mod test;

use atex_core::{TestName, TestSuite};

use crate::context::Context;
use crate::error::{Error, ErrorKind, Location, Result};
use crate::pyregex::Regex;
use crate::reference::Cache;
use crate::select::Selection;
use crate::tree::{Node, Tree};
use crate::value::Value;
use library::Libraries;
use plan::Section;
pub use remote::LibraryHost;

/// What to discover in a tree; without any restriction, all of its tests.
///
/// A test is a node that selection takes (without children, unless its directive says otherwise) and that has the key
/// `test`, is not disabled (`enabled`), not `manual`, and no `story`. Tests come in the order of their names.
///
/// A plan restricts this by its `discover` sections. Names given here are added to the `test` of each section (one of
/// all of them must be found), filters and conditions must hold besides those of the section, and what either side
/// excludes is excluded. If sections have names, these are put before the names of their tests.
///
/// ```
/// use atex_fmf::{Context, Discover, Tree, Value};
/// # fn main() -> atex_fmf::Result<()> {
/// # let directory = tempfile::tempdir().unwrap();
/// # std::fs::create_dir(directory.path().join(".fmf")).unwrap();
/// # std::fs::write(directory.path().join(".fmf/version"), "1\n").unwrap();
/// # std::fs::write(directory.path().join("main.fmf"), "/plan: {discover: {how: fmf}}\n/a: {test: ./a.sh}\n").unwrap();
/// # let path = directory.path();
/// let tree = Tree::open(path)?;
/// let suite = Discover::new().plan("/plan").exclude("slow").run(&tree)?;
/// assert_eq!(suite.tests["/a"].script, "./a.sh");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Discover {
    plan: Option<String>,
    names: Vec<String>,
    excludes: Vec<String>,
    filters: Vec<String>,
    conditions: Vec<String>,
    context: Context,
    without_libraries: bool,
    cache: Option<Cache>,
    library_host: LibraryHost,
}

impl Discover {
    /// All tests.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The full name of the plan to follow.
    #[must_use]
    pub fn plan(mut self, name: impl Into<String>) -> Self {
        self.plan = Some(name.into());
        self
    }

    /// A regular expression that is found in the name of a test; of several, one must be.
    #[must_use]
    pub fn name(mut self, pattern: impl Into<String>) -> Self {
        self.names.push(pattern.into());
        self
    }

    /// A regular expression that must not be found in the name of a test.
    #[must_use]
    pub fn exclude(mut self, pattern: impl Into<String>) -> Self {
        self.excludes.push(pattern.into());
        self
    }

    /// A filter; see [`Filter`](crate::Filter).
    #[must_use]
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filters.push(filter.into());
        self
    }

    /// A condition; see [`Condition`](crate::Condition).
    #[must_use]
    pub fn condition(mut self, condition: impl Into<String>) -> Self {
        self.conditions.push(condition.into());
        self
    }

    /// The context that the tree is adjusted to first; an empty one by default.
    #[must_use]
    pub fn context(mut self, context: Context) -> Self {
        self.context = context;
        self
    }

    /// Where trees and libraries of other repositories are kept; without it, a plan or a test that needs one is an error.
    #[must_use]
    pub fn cache(mut self, cache: Cache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Where libraries in the short form `library(NICK/NAME)` lie; by default, the public ones of beakerlib.
    #[must_use]
    pub fn library_host(mut self, host: LibraryHost) -> Self {
        self.library_host = host;
        self
    }

    /// Whether libraries that tests require are resolved; they are by default. If not, `require` and `recommend` stay
    /// as they are written.
    ///
    /// Each library becomes content of the suite, at `libs/NICK/NAME` below the folder of its section, and what it
    /// requires and recommends itself is added to the lists of the test. A library is asked for by `library(NICK/NAME)` (see
    /// [`Discover::library_host`]), by a map with `url`, or `path`, and `name`, or by a map with `nick` and `name` alone,
    /// which means a node of the tree of the tests.
    #[must_use]
    pub fn libraries(mut self, on: bool) -> Self {
        self.without_libraries = !on;
        self
    }

    /// Discovers the tests. The tree itself is not changed.
    ///
    /// The suite's content is the directory of the tree, laid once as the root, or once per named section; for a section
    /// with a `url`, that of the other tree; then the folders of libraries. What comes later lies over what comes
    /// earlier. What was fetched belongs to the cache, and stays unchanged there. Blocks while repositories are fetched.
    ///
    /// # Errors
    /// There is no such plan, or it cannot be followed; metadata of a test are of a wrong type; a pattern, filter or
    /// condition is wrong. Errors point to the line in the metadata where there is one.
    pub fn run(&self, tree: &Tree) -> Result<TestSuite> {
        let root = tree.root().ok_or_else(|| {
            Error::new(ErrorKind::General, "a tree without a directory has no tests to run")
        })?;
        let mut tree = tree.clone();
        tree.adjust(&self.context)?;
        let mut suite = TestSuite::default();
        let sections = match &self.plan {
            None => vec![Section::default()],
            Some(name) => {
                let plan = plan::find(&tree, name)?;
                suite.environment = plan::environment(plan)?;
                (suite.prepare, suite.finish) = plan::around(plan, &self.context)?;
                plan::sections(plan)?
            }
        };
        for section in sections {
            if !section.counts(&self.context)? {
                continue;
            }
            let remote = match &section.remote {
                None => None,
                Some(reference) => Some(
                    self.remote_tree(reference)
                        .map_err(|error| error.at(section.location.clone()))?,
                ),
            };
            let tree = remote.as_ref().unwrap_or(&tree);
            suite = suite.with_content(tree.root().unwrap_or(root), prefix(&section));
            self.add_tests(tree, &section, &mut suite)?;
        }
        Ok(suite)
    }

    fn add_tests(&self, tree: &Tree, section: &Section, suite: &mut TestSuite) -> Result<()> {
        let prefix = prefix(section);
        let mut libraries = Libraries::new(self, tree, prefix);
        for node in self.nodes(tree, section)? {
            let (name, mut test) = test::from_node(node, prefix)?;
            if !self.without_libraries {
                let all = libraries.requirements(node)?;
                test.metadata.insert("require".to_owned(), all.require.into());
                test.metadata.insert("recommend".to_owned(), all.recommend.into());
            }
            suite.tests.insert(name, test);
        }
        suite.content.extend(libraries.into_content());
        Ok(())
    }

    /// The nodes of the tests that one section asks for.
    fn nodes<'t>(&self, tree: &'t Tree, section: &Section) -> Result<Vec<Node<'t>>> {
        let mut selection = Selection::new().key("test");
        for name in section.names.iter().chain(&self.names) {
            selection = selection.name(name);
        }
        for filter in section.filters.iter().chain(&self.filters) {
            selection = selection.filter(filter);
        }
        for condition in &self.conditions {
            selection = selection.condition(condition);
        }
        selection.check()?;
        let excludes = section.excludes.iter().chain(&self.excludes);
        let excludes: Vec<Regex> =
            excludes.map(|pattern| Regex::new(pattern)).collect::<Result<_>>()?;
        let mut nodes = Vec::new();
        for node in tree.prune(&selection) {
            let node = node?;
            if is_test(node) && !any_found(&excludes, node.name())? {
                nodes.push(node);
            }
        }
        Ok(nodes)
    }
}

/// What the names of a section's tests, and its folder, begin with; empty without a name.
fn prefix(section: &Section) -> &str {
    section.name.as_deref().unwrap_or_default()
}

fn is_test(node: Node<'_>) -> bool {
    let is_set = |key| node.get(key).is_some_and(Value::is_truthy);
    node.get("enabled").is_none_or(Value::is_truthy) && !is_set("manual") && !is_set("story")
}

fn any_found(patterns: &[Regex], text: &str) -> Result<bool> {
    for pattern in patterns {
        if pattern.search(text)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A mistake in the value of a node's key.
fn wrong(node: Node<'_>, key: &str, what: &str) -> Error {
    let message = format!("'{key}' of {} {what}", node.name());
    Error::new(ErrorKind::Format, message).at(node.locate(key))
}

/// A mistake in a plan, whose place the caller knows better.
fn wrong_without_place(plan: Node<'_>, what: &str) -> Error {
    Error::new(ErrorKind::Format, format!("plan {} {what}", plan.name()))
}

/// One text, or a list of texts.
pub(crate) fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Str(text) => Some(vec![text.to_string()]),
        Value::List(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// Variables of an environment: scalars, as text.
fn variables(
    map: &crate::Map,
    wrong: impl Fn(&str, Option<Location>) -> Error,
    tree: &Tree,
) -> Result<Vec<(String, String)>> {
    let mut variables = Vec::with_capacity(map.len());
    for (key, value, origin) in map.entries() {
        let name = key.value().to_text().into_owned();
        let location = || tree.locate(origin);
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(wrong(&format!("has a variable '{name}', which is no name"), location()));
        }
        if matches!(value, Value::List(_) | Value::Map(_) | Value::Set(_) | Value::Bytes(_)) {
            let found = value.type_name();
            let message =
                format!("has a variable '{name}' that must be a text or a number, got '{found}'");
            return Err(wrong(&message, location()));
        }
        let text = value.to_text();
        if text.contains('\0') {
            return Err(wrong(&format!("has a NUL character in '{name}'"), location()));
        }
        variables.push((name, text.into_owned()));
    }
    Ok(variables)
}

fn test_name(name: &str, node: Node<'_>) -> Result<TestName> {
    TestName::new(name).map_err(|error| {
        Error::new(ErrorKind::Format, "this node cannot be a test")
            .with_source(error)
            .at(node.locate("test"))
    })
}
