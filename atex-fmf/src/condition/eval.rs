//! Evaluating an expression over the data of a node.

use crate::error::{ErrorKind, Result};
use crate::map::Map;
use crate::value::Value;

use super::format::{self, Piece};
use super::{Comparison, Expr, Kind, Loop, fail, operator};

/// Steps after which an evaluation is given up.
const MAX_STEPS: usize = 1_000_000;

/// What an expression can be: a value, or something that is only called.
#[derive(Debug, Clone)]
pub(super) enum Object {
    Value(Value),
    /// A built-in function or type.
    Builtin(&'static str),
    /// A method of a value.
    Method(Value, String),
    /// The type of a value, by its name.
    Type(&'static str),
    /// The module of regular expressions, or a function of it.
    Re(Option<&'static str>),
}

pub(super) fn evaluate(expression: &Expr, data: &Map) -> Result<bool> {
    let mut scope = Scope { data, bound: Vec::new(), steps: 0 };
    Ok(match scope.object(expression)? {
        Object::Value(value) => value.is_truthy(),
        Object::Builtin(_) | Object::Type(_) | Object::Method(..) | Object::Re(_) => true,
    })
}

pub(super) fn value(expression: &Expr, data: &Map) -> Result<Value> {
    Scope { data, bound: Vec::new(), steps: 0 }.value(expression)
}

/// The names that can be seen.
#[derive(Debug)]
pub(super) struct Scope<'d> {
    pub(super) data: &'d Map,
    /// Variables of comprehensions, innermost last.
    bound: Vec<(String, Value)>,
    steps: usize,
}

impl Scope<'_> {
    pub(super) fn step(&mut self, count: usize) -> Result<()> {
        self.steps += count;
        if self.steps > MAX_STEPS {
            return fail(ErrorKind::Limit, format!("given up after {MAX_STEPS} steps"));
        }
        Ok(())
    }

    pub(super) fn value(&mut self, expression: &Expr) -> Result<Value> {
        match self.object(expression)? {
            Object::Value(value) => Ok(value),
            Object::Builtin(name) => {
                fail(ErrorKind::Unsupported, format!("'{name}' can only be called"))
            }
            Object::Type(_) => {
                fail(ErrorKind::Unsupported, "a type can only be compared, or asked for its name")
            }
            Object::Method(_, name) => {
                fail(ErrorKind::Unsupported, format!("the method '{name}' can only be called"))
            }
            Object::Re(_) => {
                fail(ErrorKind::Unsupported, "'re' can only be used for its functions")
            }
        }
    }

    fn values(&mut self, expressions: &[Expr]) -> Result<Vec<Value>> {
        let mut values = Vec::with_capacity(expressions.len());
        for expression in expressions {
            match expression {
                Expr::Star(items) => {
                    let items = operator::iterate(&self.value(items)?)?;
                    self.step(items.len())?;
                    values.extend(items);
                }
                single => values.push(self.value(single)?),
            }
        }
        Ok(values)
    }

    fn truth(&mut self, expression: &Expr) -> Result<bool> {
        match self.object(expression)? {
            Object::Value(value) => Ok(value.is_truthy()),
            _ => Ok(true),
        }
    }

    pub(super) fn object(&mut self, expression: &Expr) -> Result<Object> {
        self.step(1)?;
        let value = match expression {
            Expr::Constant(value) => value.clone(),
            Expr::Name(name) => return self.name(name),
            Expr::List(items) => Value::list(self.values(items)?),
            Expr::Tuple(items) => Value::Tuple(self.values(items)?.into()),
            Expr::Set(items) => operator::set(self.values(items)?)?,
            Expr::Dict(entries) => self.dict(entries)?,
            Expr::And(parts) => return self.first(parts, false),
            Expr::Or(parts) => return self.first(parts, true),
            Expr::Not(inner) => Value::Bool(!self.truth(inner)?),
            Expr::Negate(inner) => operator::negate(&self.value(inner)?)?,
            Expr::Plus(inner) => operator::plus(&self.value(inner)?)?,
            Expr::Binary(left, binary, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                let result = operator::binary(*binary, &left, &right)?;
                self.step(operator::size(&result))?;
                result
            }
            Expr::Compare(first, rest) => self.compare(first, rest)?,
            Expr::Choice(parts) => {
                let [condition, then, otherwise] = &**parts;
                let chosen = if self.truth(condition)? { then } else { otherwise };
                return self.object(chosen);
            }
            Expr::Attribute(base, name) => {
                let base = self.object(base)?;
                return super::method::attribute(base, name);
            }
            Expr::Index(base, index) => {
                let (base, index) = (self.value(base)?, self.value(index)?);
                operator::index(&base, &index)?
            }
            Expr::Slice(base, parts) => self.slice(base, parts)?,
            Expr::Call(function, arguments, named) => {
                let function = self.object(function)?;
                return self.call(function, arguments, named);
            }
            Expr::Star(_) => return fail(ErrorKind::Syntax, "'*' cannot be used here"),
            Expr::Text(pieces) => self.text(pieces)?,
            Expr::Comprehension(kind, item, loops) => {
                let mut items = Vec::new();
                self.run_loops(loops, item, &mut items)?;
                match kind {
                    Kind::List => Value::list(items),
                    Kind::Set => operator::set(items)?,
                }
            }
        };
        Ok(Object::Value(value))
    }

    fn name(&self, name: &str) -> Result<Object> {
        if let Some((_, value)) = self.bound.iter().rev().find(|(bound, _)| bound == name) {
            return Ok(Object::Value(value.clone()));
        }
        if let Some(value) = self.data.get(name) {
            return Ok(Object::Value(value.clone()));
        }
        super::call::builtin(name)
    }

    /// `and` and `or` give the operand that decided.
    fn first(&mut self, parts: &[Expr], wanted: bool) -> Result<Object> {
        let mut last = Object::Value(Value::Null);
        for part in parts {
            last = self.object(part)?;
            let truth = !matches!(&last, Object::Value(value) if !value.is_truthy());
            if truth == wanted {
                break;
            }
        }
        Ok(last)
    }

    fn dict(&mut self, entries: &[(Expr, Expr)]) -> Result<Value> {
        let mut map = Map::new();
        for (key, value) in entries {
            let (key, value) = (self.value(key)?, self.value(value)?);
            if !key.is_hashable() {
                return fail(ErrorKind::Type, format!("a '{}' cannot be a key", key.type_name()));
            }
            map.insert(key.into(), value);
        }
        Ok(map.into())
    }

    fn slice(&mut self, base: &Expr, parts: &[Option<Expr>; 3]) -> Result<Value> {
        let base = self.value(base)?;
        let mut bounds = [None; 3];
        for (bound, part) in bounds.iter_mut().zip(parts) {
            if let Some(part) = part {
                *bound = operator::bound(&self.value(part)?)?;
            }
        }
        operator::slice(&base, bounds)
    }

    fn text(&mut self, pieces: &[Piece<Expr>]) -> Result<Value> {
        let mut out = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Field { field, conversion, spec } => {
                    let value = self.value(field)?;
                    self.step(operator::size(&value))?;
                    format::push(&mut out, &format::show(&value, *conversion, spec)?)?;
                }
            }
        }
        self.step(out.len() / 16)?;
        Ok(out.into())
    }

    fn compare(&mut self, first: &Expr, rest: &[(Comparison, Expr)]) -> Result<Value> {
        if let [(comparison, right)] = rest
            && let Object::Type(left) = self.object(first)?
        {
            return self.compare_type(left, *comparison, right);
        }
        let mut left = self.value(first)?;
        for (comparison, right) in rest {
            let right = self.value(right)?;
            self.step(operator::size(&left).min(operator::size(&right)))?;
            if !operator::compare(*comparison, &left, &right)? {
                return Ok(Value::Bool(false));
            }
            left = right;
        }
        Ok(Value::Bool(true))
    }

    /// A type is equal to itself, and may be one of several.
    fn compare_type(&mut self, left: &str, comparison: Comparison, right: &Expr) -> Result<Value> {
        let (many, wanted) = match comparison {
            Comparison::Equal | Comparison::Is => (false, true),
            Comparison::NotEqual | Comparison::IsNot => (false, false),
            Comparison::In => (true, true),
            Comparison::NotIn => (true, false),
            _ => return fail(ErrorKind::Type, "types have no order"),
        };
        let types = match right {
            Expr::Tuple(items) | Expr::List(items) | Expr::Set(items) if many => items.as_slice(),
            _ if many => {
                return fail(
                    ErrorKind::Unsupported,
                    "a type is only looked up in what is written there",
                );
            }
            single => std::slice::from_ref(single),
        };
        let mut found = false;
        for wanted in types {
            found |= match self.object(wanted)? {
                Object::Type(name) | Object::Builtin(name) => name == left,
                _ => false,
            };
        }
        Ok(Value::Bool(found == wanted))
    }

    fn run_loops(&mut self, loops: &[Loop], item: &Expr, items: &mut Vec<Value>) -> Result<()> {
        let Some((current, inner)) = loops.split_first() else {
            items.push(self.value(item)?);
            return Ok(());
        };
        let iterable = self.value(&current.iterable)?;
        for element in operator::iterate(&iterable)? {
            self.step(1)?;
            let depth = self.bound.len();
            self.bind(current, element)?;
            let mut wanted = true;
            for condition in &current.conditions {
                wanted = wanted && self.truth(condition)?;
            }
            if wanted {
                self.run_loops(inner, item, items)?;
            }
            self.bound.truncate(depth);
        }
        Ok(())
    }

    fn bind(&mut self, current: &Loop, element: Value) -> Result<()> {
        if !current.unpack {
            self.bound.extend(current.names.first().map(|name| (name.clone(), element)));
            return Ok(());
        }
        let parts = operator::iterate(&element)?;
        if parts.len() != current.names.len() {
            let message =
                format!("cannot unpack {} values into {} names", parts.len(), current.names.len());
            return fail(ErrorKind::Value, message);
        }
        self.bound.extend(current.names.iter().cloned().zip(parts));
        Ok(())
    }
}
