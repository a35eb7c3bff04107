//! Conditions: Python expressions over the data of a node, evaluated safely.

mod atom;
mod call;
mod eval;
mod format;
mod lexer;
mod method;
mod operator;
mod parser;

use crate::error::{Error, ErrorKind, Result};
use crate::map::Map;
use crate::value::Value;

/// A parsed condition, like `'fast' in tag and int(tier) < 3`.
///
/// The keys of a node's data are its names. It can look at data, but not change anything, open anything, or run
/// forever: there are no assignments, no imports but `re`, and a limit of steps. What Python could evaluate and this
/// cannot is an error ([`ErrorKind::Unsupported`]), never silently false.
///
/// ```
/// use atex_fmf::{Condition, Value};
/// let data = Value::from_yaml("{tag: [fast], tier: '2'}").unwrap();
/// let condition = Condition::parse("'fast' in tag and int(tier) < 3").unwrap();
/// assert!(condition.evaluate(data.as_map().unwrap()).unwrap());
/// ```
#[derive(Debug, Clone)]
pub struct Condition {
    text: String,
    expression: Expr,
}

/// An expression.
#[derive(Debug, Clone)]
enum Expr {
    Constant(Value),
    Name(String),
    List(Vec<Self>),
    Tuple(Vec<Self>),
    Set(Vec<Self>),
    Dict(Vec<(Self, Self)>),
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Negate(Box<Self>),
    Plus(Box<Self>),
    Binary(Box<Self>, Binary, Box<Self>),
    /// A chain: each comparison is between neighbours.
    Compare(Box<Self>, Vec<(Comparison, Self)>),
    /// condition, then, else
    Choice(Box<[Self; 3]>),
    Attribute(Box<Self>, String),
    Index(Box<Self>, Box<Self>),
    Slice(Box<Self>, Box<[Option<Self>; 3]>),
    Call(Box<Self>, Vec<Self>, Vec<(String, Self)>),
    Comprehension(Kind, Box<Self>, Vec<Loop>),
    /// `*items` in a list, a tuple or a set.
    Star(Box<Self>),
    /// An f-string.
    Text(Vec<format::Piece<Self>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    List,
    Set,
}

/// One `for … in … if …` of a comprehension.
#[derive(Debug, Clone)]
struct Loop {
    names: Vec<String>,
    /// Whether items are unpacked: `for k, v in …`, or `for x, in …`.
    unpack: bool,
    iterable: Expr,
    conditions: Vec<Expr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
    BitAnd,
    BitOr,
    BitXor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    Is,
    IsNot,
}

impl Condition {
    /// Parses a condition.
    ///
    /// # Errors
    /// The text is no expression ([`ErrorKind::Syntax`]), or uses something that is not supported here
    /// ([`ErrorKind::Unsupported`]).
    pub fn parse(text: &str) -> Result<Self> {
        let expression = parser::parse(text).map_err(|error| in_condition(error, text))?;
        Ok(Self { text: text.to_owned(), expression })
    }

    /// The condition as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the condition is true for the data.
    ///
    /// # Errors
    /// A name or a key does not exist ([`ErrorKind::Filter`]: the condition cannot be applied to such data), or the
    /// evaluation fails: wrong types, an index out of range, a division by zero, too many steps.
    pub fn evaluate(&self, data: &Map) -> Result<bool> {
        let result = eval::evaluate(&self.expression, data);
        result.map_err(|error| in_condition(error, &self.text))
    }

    /// The value of the expression, whatever it is.
    pub(crate) fn value(&self, data: &Map) -> Result<Value> {
        let result = eval::value(&self.expression, data);
        result.map_err(|error| in_condition(error, &self.text))
    }
}

fn in_condition(error: Error, text: &str) -> Error {
    Error::new(error.kind(), format!("condition '{text}': {}", error.message()))
}

fn fail<T>(kind: ErrorKind, message: impl Into<String>) -> Result<T> {
    Err(Error::new(kind, message))
}
