//! Lint: what is allowed in metadata, but hardly meant.

mod finding;
mod keys;
mod nearest;
mod plans;
mod rules;
mod scripts;
mod summaries;

use std::collections::HashSet;
use std::path::PathBuf;

use crate::context::Context;
use crate::error::Error;
use crate::select::Climb;
use crate::tree::{Node, Tree};
pub use finding::{Check, Finding};
pub(crate) use nearest::edit_distance;

/// Looks for mistakes in a tree that reading it does not refuse.
///
/// Tests are nodes with the key `test`, plans those with `discover` or `execute`. Rules under `adjust` are looked at in
/// every node, everything else in the nodes that selection takes.
///
/// ```
/// use atex_fmf::{Check, Lint, Tree, Value};
/// # fn main() -> atex_fmf::Result<()> {
/// let data = Value::from_yaml("{/a: {test: ./a.sh, reqiure: [git], adjust: {when: distro == 'rhel', tag: x}}}")?;
/// let findings = Lint::new().run(&Tree::from_map(data.as_map().unwrap())?);
/// let checks: Vec<Check> = findings.iter().map(|finding| finding.check).collect();
/// assert_eq!(checks, [Check::RuleTrap, Check::UnknownKey]);
/// assert_eq!(findings[1].hint.as_deref(), Some("did you mean 'require'?"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Lint {
    context: Option<Context>,
    skipped: Vec<Check>,
}

impl Lint {
    /// All checks, on the tree as it is written.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at the data as they are adjusted to this context.
    #[must_use]
    pub fn context(mut self, context: Context) -> Self {
        self.context = Some(context);
        self
    }

    /// Leaves a check out.
    #[must_use]
    pub fn skip(mut self, check: Check) -> Self {
        self.skipped.push(check);
        self
    }

    /// Everything that was found, in the order of files, lines and columns; each place once per check. The tree itself
    /// is not changed.
    #[must_use]
    pub fn run(&self, tree: &Tree) -> Vec<Finding> {
        let mut findings = Findings::default();
        rules::check(tree, self.context.as_ref(), &mut findings);
        // Rules that cannot be read at all, or do not fit the data, end adjusting.
        let mut adjusted = tree.clone();
        let adjusting = adjusted.adjust(self.context.as_ref().unwrap_or(&Context::new()));
        if let Err(error) = adjusting {
            findings.error(None, &error);
        }
        let tree = if self.context.is_some() { &adjusted } else { tree };
        let nodes = Nodes::of(tree);
        keys::check(&nodes, &mut findings);
        scripts::check(&nodes, &mut findings);
        summaries::check(&nodes, &mut findings);
        plans::check(&nodes, &mut findings);
        findings.sorted(&self.skipped)
    }
}

/// The nodes that selection takes, by what they are.
struct Nodes<'t> {
    tree: &'t Tree,
    tests: Vec<Node<'t>>,
    plans: Vec<Node<'t>>,
    stories: Vec<Node<'t>>,
}

impl<'t> Nodes<'t> {
    fn of(tree: &'t Tree) -> Self {
        let mut nodes = Self { tree, tests: Vec::new(), plans: Vec::new(), stories: Vec::new() };
        for node in tree.climb(Climb::default()) {
            if node.get("story").is_some() {
                nodes.stories.push(node);
            } else if node.get("test").is_some() {
                nodes.tests.push(node);
            } else if node.get("discover").is_some() || node.get("execute").is_some() {
                nodes.plans.push(node);
            }
        }
        nodes
    }
}

/// File, line and column.
type Place = (PathBuf, usize, usize);

/// What was found so far. Data are inherited: what is wrong at one place shows in many nodes, and is kept once.
#[derive(Default)]
struct Findings {
    found: Vec<Finding>,
    seen: HashSet<(Check, Option<Place>, String)>,
}

impl Findings {
    fn push(&mut self, finding: Finding) {
        let place = place(&finding);
        // Messages may name a node; the place is the same for all that inherit from there.
        let text = match &place {
            Some(_) => String::new(),
            None => finding.message.clone(),
        };
        if self.seen.insert((finding.check, place, text)) {
            self.found.push(finding);
        }
    }

    fn error(&mut self, node: Option<Node<'_>>, error: &Error) {
        let mut finding = Finding::from(error);
        finding.node = node.map(|node| node.name().to_owned());
        self.push(finding);
    }

    fn sorted(self, skipped: &[Check]) -> Vec<Finding> {
        let mut found = self.found;
        found.retain(|finding| !skipped.contains(&finding.check));
        found.sort_by_cached_key(|finding| {
            let place = place(finding);
            (place.is_none(), place, finding.check.name(), finding.message.clone())
        });
        found
    }
}

fn place(finding: &Finding) -> Option<Place> {
    let location = finding.location.as_ref()?;
    Some((location.path.clone(), location.line, location.column))
}
