//! Contexts and the rules decided in them: `distro == rhel-9 and arch != s390x`.

mod rule;
mod version;

use indexmap::IndexMap;

use crate::error::{Error, ErrorKind, Result};
use crate::pyregex::Regex;
use crate::value::Value;
pub use rule::Rule;
pub(crate) use rule::{Expression, Operator};
pub(crate) use version::{Version, fold};

/// The circumstances that rules are decided in: dimensions, each with its values.
///
/// ```
/// use atex_fmf::{Context, Rule};
/// let context = Context::new().with("distro", ["rhel-9.6"]).with("arch", ["x86_64"]);
/// let decided = |rule: &str| context.decide(&Rule::parse(rule).unwrap()).unwrap();
/// assert_eq!(decided("distro >= rhel-9 and arch != s390x"), Some(true));
/// assert_eq!(decided("distro < fedora-41"), None, "another distribution: nothing can be said");
/// assert_eq!(decided("trigger == commit"), None, "an unknown dimension");
/// ```
#[derive(Debug, Clone, Default)]
pub struct Context {
    dimensions: IndexMap<String, Vec<Version>>,
    case_insensitive: bool,
}

impl Context {
    /// A context without any dimension.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a dimension. Without values it is defined, but nothing about it can be decided.
    #[must_use]
    pub fn with<V: Into<String>>(
        mut self,
        dimension: impl Into<String>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values = values.into_iter().map(|value| Version::new(&value.into())).collect();
        self.dimensions.insert(dimension.into(), values);
        self
    }

    /// Sets a dimension to a metadata value: a list gives several values, anything else one, as text.
    #[must_use]
    pub fn with_value(self, dimension: impl Into<String>, value: &Value) -> Self {
        match value {
            Value::List(items) => self.with(dimension, items.iter().map(|item| item.to_text())),
            other => self.with(dimension, [other.to_text()]),
        }
    }

    /// Whether upper and lower case make a difference; they do by default. Regular expressions are not affected.
    #[must_use]
    pub fn case_sensitive(mut self, on: bool) -> Self {
        self.case_insensitive = !on;
        self
    }

    /// Reads a context from a rule like `distro == rhel-9 and arch == x86_64, aarch64`.
    ///
    /// # Errors
    /// The text is no rule, or not one that only says which values dimensions have.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Error::new(ErrorKind::InvalidContext, format!("invalid context '{text}': {what}"))
        };
        let rule = Rule::parse(text)?;
        let [expressions] = rule.alternatives() else {
            return Err(wrong("'or' makes no sense here"));
        };
        let mut context = Self::new();
        for expression in expressions {
            let Expression::Compare { dimension, operator: Operator::Equal, values } = expression
            else {
                return Err(wrong("only '==' says what a dimension is"));
            };
            let values = values.iter().map(|value| value.text().to_owned());
            context = context.with(dimension.clone(), values);
        }
        Ok(context)
    }

    /// The names of the dimensions.
    pub fn dimensions(&self) -> impl Iterator<Item = &str> {
        self.dimensions.keys().map(String::as_str)
    }

    /// Decides a rule; none if this context does not say enough to decide it.
    ///
    /// # Errors
    /// A regular expression of the rule is malformed.
    pub fn decide(&self, rule: &Rule) -> Result<Option<bool>> {
        let mut any_unknown = false;
        for expressions in rule.alternatives() {
            match self.all(expressions)? {
                Some(true) => return Ok(Some(true)),
                Some(false) => {}
                None => any_unknown = true,
            }
        }
        Ok(if any_unknown { None } else { Some(false) })
    }

    /// Decides a rule; that it cannot be decided is an error.
    ///
    /// # Errors
    /// The rule cannot be decided ([`ErrorKind::CannotDecide`]), or a regular expression in it is malformed.
    pub fn matches(&self, rule: &Rule) -> Result<bool> {
        self.decide(rule)?.ok_or_else(|| {
            let message = format!("cannot decide '{}' in this context", rule.text());
            Error::new(ErrorKind::CannotDecide, message)
        })
    }

    fn all(&self, expressions: &[Expression]) -> Result<Option<bool>> {
        let mut any_unknown = false;
        for expression in expressions {
            match self.expression(expression)? {
                Some(false) => return Ok(Some(false)),
                Some(true) => {}
                None => any_unknown = true,
            }
        }
        Ok(if any_unknown { None } else { Some(true) })
    }

    fn expression(&self, expression: &Expression) -> Result<Option<bool>> {
        let (dimension, operator, values) = match expression {
            Expression::Constant(value) => return Ok(Some(*value)),
            Expression::Defined { dimension, expected } => {
                return Ok(Some(self.dimensions.contains_key(dimension) == *expected));
            }
            Expression::Compare { dimension, operator, values } => (dimension, *operator, values),
        };
        let Some(own) = self.dimensions.get(dimension) else { return Ok(None) };
        let mut decided = None;
        // One true pair makes the whole true.
        for left in own {
            for right in values {
                match self.compare(left, operator, right)? {
                    Some(true) => return Ok(Some(true)),
                    Some(false) => decided = Some(false),
                    None => {}
                }
            }
        }
        Ok(decided)
    }

    fn compare(&self, left: &Version, operator: Operator, right: &Version) -> Result<Option<bool>> {
        use std::cmp::Ordering::{Equal, Greater, Less};
        let insensitive = self.case_insensitive;
        let equal = |minor| left.equals(right, minor, insensitive);
        let order = |minor| left.order(right, minor, insensitive);
        Ok(match operator {
            Operator::Equal => equal(false),
            Operator::NotEqual => equal(false).map(|equal| !equal),
            Operator::MinorEqual => equal(true),
            Operator::MinorNotEqual => equal(true).map(|equal| !equal),
            Operator::Less => order(false).map(|order| order == Less),
            Operator::LessOrEqual => order(false).map(|order| order != Greater),
            Operator::Greater => order(false).map(|order| order == Greater),
            Operator::GreaterOrEqual => order(false).map(|order| order != Less),
            Operator::MinorLess => order(true).map(|order| order == Less),
            Operator::MinorLessOrEqual => order(true).map(|order| matches!(order, Less | Equal)),
            Operator::MinorGreater => order(true).map(|order| order == Greater),
            Operator::MinorGreaterOrEqual => order(true).map(|order| order != Less),
            Operator::Matches => Some(Regex::new(right.text())?.search(left.text())?),
            Operator::NotMatches => Some(!Regex::new(right.text())?.search(left.text())?),
        })
    }
}
