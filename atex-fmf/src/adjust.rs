//! Adjusting data to a context: the rules under the key `adjust`.

use std::collections::HashMap;
use std::fmt;

use arcstr::ArcStr;

use crate::context::{Context, Rule};
use crate::error::{Error, ErrorKind, Result};
use crate::map::Map;
use crate::tree::{Node, NodeId, Tree};
use crate::value::Value;

/// What to do with a rule that the context cannot decide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Undecided {
    /// Leave the rule out.
    #[default]
    Skip,
    /// Report [`ErrorKind::CannotDecide`].
    Fail,
}

/// Whether a rule was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// It holds, and was applied.
    Applied,
    /// It does not hold.
    NotApplied,
    /// It cannot be decided.
    Undecided,
}

type OnDecision<'a> = Box<dyn FnMut(Node<'_>, &Map, Decision) + 'a>;
type WantsAdditional<'a> = Box<dyn FnMut(Node<'_>) -> bool + 'a>;

/// How [`Tree::adjust_with`] adjusts. The default is what [`Tree::adjust`] does.
#[derive(Default)]
pub struct Adjust<'a> {
    key: Option<String>,
    undecided: Undecided,
    additional: Vec<Value>,
    wants_additional: Option<WantsAdditional<'a>>,
    on_decision: Option<OnDecision<'a>>,
}

impl<'a> Adjust<'a> {
    /// The default: key `adjust`, undecided rules are skipped.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks for rules under another key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// What to do with rules that cannot be decided.
    #[must_use]
    pub fn undecided(mut self, undecided: Undecided) -> Self {
        self.undecided = undecided;
        self
    }

    /// Rules that are applied to every node after its own: a map, or a list of maps.
    #[must_use]
    pub fn additional_rules(mut self, rules: &Value) -> Self {
        self.additional = match rules {
            Value::List(items) => items.to_vec(),
            rule => vec![rule.clone()],
        };
        self
    }

    /// Applies additional rules only to nodes for which this answers true.
    #[must_use]
    pub fn additional_rules_for(mut self, wanted: impl FnMut(Node<'_>) -> bool + 'a) -> Self {
        self.wants_additional = Some(Box::new(wanted));
        self
    }

    /// Told about every rule that was looked at, after it was decided, and before it is applied.
    #[must_use]
    pub fn on_decision(mut self, told: impl FnMut(Node<'_>, &Map, Decision) + 'a) -> Self {
        self.on_decision = Some(Box::new(told));
        self
    }
}

impl fmt::Debug for Adjust<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adjust")
            .field("key", &self.key)
            .field("undecided", &self.undecided)
            .field("additional", &self.additional)
            .finish_non_exhaustive()
    }
}

impl Tree {
    /// Adjusts the tree from its top on: applies the rules under `adjust` that hold in the context to the data of
    /// their node. Adjusting twice applies everything twice.
    ///
    /// # Errors
    /// A rule is malformed, or its content does not fit the data. What was adjusted before stays so.
    pub fn adjust(&mut self, context: &Context) -> Result<()> {
        self.adjust_with(context, Adjust::new())
    }

    /// As [`Tree::adjust`], with options.
    ///
    /// # Errors
    /// As [`Tree::adjust`]; with [`Undecided::Fail`] also if a rule cannot be decided.
    pub fn adjust_with(&mut self, context: &Context, options: Adjust<'_>) -> Result<()> {
        self.adjust_node(NodeId(self.top), context, options)
    }

    /// As [`Tree::adjust_with`], for one node and what is below it. A node that is not in this tree is left alone.
    ///
    /// # Errors
    /// As [`Tree::adjust_with`].
    pub fn adjust_node(
        &mut self,
        node: NodeId,
        context: &Context,
        options: Adjust<'_>,
    ) -> Result<()> {
        if self.node(node).is_none() {
            return Ok(());
        }
        let order = self.descendants(node.0);
        let mut run = Run { tree: self, context, options, rules: HashMap::new() };
        order.into_iter().try_for_each(|index| run.node(index))
    }
}

struct Run<'r, 'a> {
    tree: &'r mut Tree,
    context: &'r Context,
    options: Adjust<'a>,
    /// What was decided for a text: rules are inherited, so that the same text comes again and again.
    rules: HashMap<ArcStr, Option<bool>>,
}

impl Run<'_, '_> {
    fn node(&mut self, index: u32) -> Result<()> {
        let key = self.options.key.clone().unwrap_or_else(|| "adjust".to_owned());
        let key = key.as_str();
        // The rules alone are held on to: data that nobody else has can then be changed in place.
        let data = &self.tree.record(index).data;
        let (rules, origin) = (data.get(key).cloned(), data.origin(key).unwrap_or_default());
        let result = match rules {
            None => Ok(()),
            Some(Value::List(rules)) => self.rules(index, &rules),
            Some(rule @ Value::Map(_)) => self.rules(index, std::slice::from_ref(&rule)),
            Some(other) => {
                let message = format!(
                    "invalid adjust rules in '{}': should be a map or a list of maps, got '{}'",
                    self.tree.record(index).name,
                    other.type_name()
                );
                Err(Error::new(ErrorKind::Format, message))
            }
        };
        result.map_err(|error| self.tree.point_at(error, origin))?;
        if self.options.additional.is_empty() {
            return Ok(());
        }
        let node = Node { tree: self.tree, index };
        if self.options.wants_additional.as_mut().is_none_or(|wanted| wanted(node)) {
            let additional = std::mem::take(&mut self.options.additional);
            let result = self.rules(index, &additional);
            self.options.additional = additional;
            result?;
        }
        Ok(())
    }

    fn rules(&mut self, index: u32, rules: &[Value]) -> Result<()> {
        for rule in rules {
            let Value::Map(rule) = rule else {
                let found = rule.type_name();
                let message = format!("an adjust rule must be a map, got '{found}'");
                return Err(Error::new(ErrorKind::Format, message));
            };
            let goes_on = match rule.get("continue") {
                None => true,
                Some(Value::Bool(goes_on)) => *goes_on,
                Some(other) => {
                    let found = other.to_text();
                    let message = format!(
                        "the 'continue' of an adjust rule must be true or false, got '{found}'"
                    );
                    return Err(self.at(Error::new(ErrorKind::Format, message), rule, "continue"));
                }
            };
            let decided = self.decide(rule).map_err(|error| self.at(error, rule, "when"))?;
            let decision = match decided {
                Some(true) => Decision::Applied,
                Some(false) => Decision::NotApplied,
                None => Decision::Undecided,
            };
            if let Some(told) = &mut self.options.on_decision {
                told(Node { tree: self.tree, index }, rule, decision);
            }
            match decision {
                Decision::Applied => {
                    self.apply(index, rule)?;
                    if !goes_on {
                        break;
                    }
                }
                Decision::NotApplied => {}
                Decision::Undecided => self.undecided(index, rule)?,
            }
        }
        Ok(())
    }

    fn at(&self, error: Error, rule: &Map, key: &str) -> Error {
        match rule.origin(key) {
            Some(origin) => self.tree.point_at(error, origin),
            None => error,
        }
    }

    fn decide(&mut self, rule: &Map) -> Result<Option<bool>> {
        let Some(when) = rule.get("when") else { return Ok(Some(true)) };
        let Value::Str(text) = when else {
            return self.context.decide(&Rule::from_value(when)?);
        };
        if let Some(known) = self.rules.get(text) {
            return Ok(*known);
        }
        let decided = self.context.decide(&Rule::parse(text)?)?;
        self.rules.insert(text.clone(), decided);
        Ok(decided)
    }

    fn apply(&mut self, index: u32, rule: &Map) -> Result<()> {
        let mut changes = rule.clone();
        for key in ["when", "because", "continue"] {
            changes.remove(key);
        }
        // Taken out of the node, so that data which nobody else shares are changed in place.
        let mut data = std::mem::take(&mut self.tree.nodes[index as usize].data);
        let result = self.tree.merge_into(index, Map::to_mut(&mut data), &changes);
        self.tree.nodes[index as usize].data = data;
        result
    }

    fn undecided(&self, index: u32, rule: &Map) -> Result<()> {
        match self.options.undecided {
            Undecided::Skip => Ok(()),
            Undecided::Fail => {
                let when = rule.get("when").map(Value::to_text).unwrap_or_default();
                let name = &self.tree.record(index).name;
                let message = format!("cannot decide '{when}' in '{name}'");
                Err(self.at(Error::new(ErrorKind::CannotDecide, message), rule, "when"))
            }
        }
    }
}
