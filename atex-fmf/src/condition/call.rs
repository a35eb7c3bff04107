//! The functions of conditions.

use triomphe::Arc;

use crate::error::{ErrorKind, Result};
use crate::pyregex::Regex;
use crate::root::parse_int;
use crate::value::{Number, Value};

use super::eval::{Object, Scope};
use super::{Expr, fail, operator};

/// Functions and types that can be used.
const SUPPORTED: [&str; 26] = [
    "__import__",
    "abs",
    "all",
    "any",
    "bool",
    "dict",
    "enumerate",
    "float",
    "globals",
    "int",
    "isinstance",
    "len",
    "list",
    "locals",
    "max",
    "min",
    "range",
    "repr",
    "reversed",
    "round",
    "set",
    "sorted",
    "str",
    "sum",
    "tuple",
    "type",
];

/// Names that Python knows and conditions cannot use: an error of their own, because "unknown name" would be a silent no.
const UNSUPPORTED: [&str; 45] = [
    "ascii",
    "bin",
    "breakpoint",
    "bytearray",
    "bytes",
    "callable",
    "chr",
    "classmethod",
    "compile",
    "complex",
    "copyright",
    "credits",
    "delattr",
    "dir",
    "divmod",
    "eval",
    "exec",
    "exit",
    "filter",
    "format",
    "frozenset",
    "getattr",
    "hasattr",
    "hash",
    "help",
    "hex",
    "id",
    "input",
    "issubclass",
    "iter",
    "license",
    "map",
    "memoryview",
    "next",
    "object",
    "oct",
    "open",
    "ord",
    "pow",
    "print",
    "property",
    "quit",
    "setattr",
    "vars",
    "zip",
];

/// Looks up a name that is not in the data.
pub(super) fn builtin(name: &str) -> Result<Object> {
    if let Some(known) = SUPPORTED.iter().find(|known| **known == name) {
        return Ok(Object::Builtin(known));
    }
    if UNSUPPORTED.contains(&name) {
        return fail(ErrorKind::Unsupported, format!("'{name}' is not supported"));
    }
    fail(ErrorKind::Filter, format!("name '{name}' is not defined"))
}

impl Scope<'_> {
    pub(super) fn call(
        &mut self,
        function: Object,
        arguments: &[Expr],
        named: &[(String, Expr)],
    ) -> Result<Object> {
        if let Object::Builtin("isinstance") = function {
            return self.is_instance(arguments).map(|found| Object::Value(Value::Bool(found)));
        }
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.value(argument)?);
        }
        let mut options = Vec::with_capacity(named.len());
        for (name, argument) in named {
            options.push((name.as_str(), self.value(argument)?));
        }
        self.step(values.iter().map(operator::size).sum())?;
        let value = match function {
            Object::Builtin("__import__") => return import(&values),
            Object::Builtin("locals" | "globals") => self.data.clone().into(),
            Object::Builtin("type") => {
                return match values.as_slice() {
                    [value] if options.is_empty() => Ok(Object::Type(value.type_name())),
                    _ => fail(ErrorKind::Unsupported, "type() takes one value here"),
                };
            }
            Object::Method(Value::Str(text), name) if name == "format" => {
                super::format::format(&text, &values, &options)?
            }
            Object::Builtin("sorted") => sorted(&values, &options)?,
            _ if !options.is_empty() => {
                let name = options.first().map_or("", |(name, _)| name);
                return fail(
                    ErrorKind::Unsupported,
                    format!("the argument '{name}' is not supported"),
                );
            }
            Object::Builtin(name) => call_builtin(name, &values)?,
            Object::Method(base, name) => super::method::call(&base, &name, &values)?,
            Object::Re(Some(name)) => search(name, &values)?,
            Object::Type(_) => {
                return fail(ErrorKind::Unsupported, "the type of a value cannot be called");
            }
            Object::Re(None) => return fail(ErrorKind::Type, "a module cannot be called"),
            Object::Value(value) => {
                return fail(ErrorKind::Type, format!("'{}' cannot be called", value.type_name()));
            }
        };
        self.step(operator::size(&value))?;
        Ok(Object::Value(value))
    }

    fn is_instance(&mut self, arguments: &[Expr]) -> Result<bool> {
        let [value, types] = arguments else {
            return fail(ErrorKind::Type, "isinstance() takes a value and a type");
        };
        let value = self.value(value)?;
        let types = match types {
            Expr::Tuple(types) => types.as_slice(),
            single => std::slice::from_ref(single),
        };
        for wanted in types {
            let (Object::Builtin(wanted) | Object::Type(wanted)) = self.object(wanted)? else {
                return fail(ErrorKind::Unsupported, "isinstance() only knows the basic types");
            };
            // A truth value is an integer too.
            if value.type_name() == wanted || (wanted == "int" && value.as_bool().is_some()) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn import(values: &[Value]) -> Result<Object> {
    match values {
        [Value::Str(name)] if &**name == "re" => Ok(Object::Re(None)),
        _ => fail(ErrorKind::Unsupported, "only 're' can be imported"),
    }
}

/// Functions of the module of regular expressions; a match is only good for its truth.
fn search(name: &str, values: &[Value]) -> Result<Value> {
    let [Value::Str(pattern), Value::Str(text)] = values else {
        return fail(
            ErrorKind::Unsupported,
            format!("re.{name}() takes a pattern and a text here"),
        );
    };
    let found = match name {
        "search" => Regex::new(pattern)?.search(text)?,
        "match" => Regex::new(pattern)?.matches_start(text)?,
        _ => {
            // Checked as it is first: a stray bracket must not be closed by what is put around it.
            Regex::new(pattern)?;
            Regex::new(&format!("(?:{pattern})\\Z"))?.matches_start(text)?
        }
    };
    Ok(if found { Value::Bool(true) } else { Value::Null })
}

fn call_builtin(name: &str, values: &[Value]) -> Result<Value> {
    match (name, values) {
        ("str", []) => Ok("".into()),
        ("str", [value]) => Ok(value.to_text().into_owned().into()),
        ("repr", [value]) => Ok(format!("{value:?}").into()),
        ("bool", []) => Ok(false.into()),
        ("bool", [value]) => Ok(value.is_truthy().into()),
        ("int", []) => Ok(0.into()),
        ("int", [value]) => int(value),
        ("float", []) => Ok(Value::Float(0.0)),
        ("float", [value]) => float(value),
        ("len", [value]) => length(value),
        ("abs", [value]) => match operator::order(value, &0.into())? {
            Some(std::cmp::Ordering::Less) => operator::negate(value),
            _ => operator::plus(value),
        },
        ("round", [Value::Int(number)]) => Ok(Value::Int(number.clone())),
        ("round", [Value::Float(number)]) if number.is_finite() => {
            int(&Value::Float(number.round_ties_even()))
        }
        ("any", [value]) => Ok(operator::iterate(value)?.iter().any(Value::is_truthy).into()),
        ("all", [value]) => Ok(operator::iterate(value)?.iter().all(Value::is_truthy).into()),
        ("list", []) => Ok(Value::list(Vec::new())),
        ("list", [value]) => Ok(Value::list(operator::iterate(value)?)),
        ("tuple", []) => Ok(Value::Tuple(Vec::new().into())),
        ("tuple", [value]) => Ok(Value::Tuple(operator::iterate(value)?.into())),
        ("set", []) => operator::set(Vec::new()),
        ("set", [value]) => operator::set(operator::iterate(value)?),
        ("dict", []) => Ok(crate::Map::new().into()),
        ("dict", [Value::Map(map)]) => Ok(Value::Map(Arc::clone(map))),
        ("reversed", [value]) => {
            Ok(Value::list(operator::iterate(value)?.into_iter().rev().collect()))
        }
        ("sum", [value]) => operator::iterate(value)?
            .iter()
            .try_fold(Value::from(0), |sum, item| operator::binary(super::Binary::Add, &sum, item)),
        ("enumerate", [value]) => Ok(enumerate(operator::iterate(value)?)),
        ("range", _) => range(values),
        ("min" | "max", [value]) => extreme(name, operator::iterate(value)?),
        ("min" | "max", [_, _, ..]) => extreme(name, values.to_vec()),
        _ => fail(
            ErrorKind::Unsupported,
            format!("{name}() cannot be called with {} such arguments", values.len()),
        ),
    }
}

fn int(value: &Value) -> Result<Value> {
    let bad = || fail(ErrorKind::Value, format!("{value:?} is not an integer"));
    match value {
        Value::Str(text) => parse_int(text).map(Value::Int).map_or_else(bad, Ok),
        other => match other.as_number() {
            Some(Number::Int(number)) => Ok(Value::Int(number)),
            Some(Number::Float(number)) if number.is_finite() && number.abs() < 9e18 => {
                Ok((number.trunc() as i64).into())
            }
            Some(Number::Float(_)) => bad(),
            None => {
                fail(ErrorKind::Type, format!("'{}' cannot be made an integer", other.type_name()))
            }
        },
    }
}

fn float(value: &Value) -> Result<Value> {
    if let Some(number) = value.as_number() {
        return Ok(Value::Float(number.to_f64()));
    }
    let Value::Str(text) = value else {
        return fail(ErrorKind::Type, format!("'{}' cannot be made a number", value.type_name()));
    };
    let plain = text.trim();
    let underscores_fine =
        !plain.starts_with('_') && !plain.ends_with('_') && !plain.contains("__");
    match plain.replace('_', "").parse() {
        Ok(number) if underscores_fine => Ok(Value::Float(number)),
        _ => fail(ErrorKind::Value, format!("{value:?} is not a number")),
    }
}

fn length(value: &Value) -> Result<Value> {
    let length = match value {
        Value::Str(text) => text.chars().count(),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => items.len(),
        Value::Map(map) => map.len(),
        Value::Bytes(bytes) => bytes.len(),
        other => return fail(ErrorKind::Type, format!("'{}' has no length", other.type_name())),
    };
    Ok((length as i64).into())
}

fn enumerate(items: Vec<Value>) -> Value {
    let pair = |(index, item)| Value::Tuple(vec![Value::from(index as i64), item].into());
    Value::list(items.into_iter().enumerate().map(pair).collect())
}

fn range(values: &[Value]) -> Result<Value> {
    let mut bounds = Vec::new();
    for value in values {
        let Value::Int(number) = value else {
            return fail(ErrorKind::Type, "range() takes integers");
        };
        bounds.push(number.as_i64().unwrap_or(i64::MAX));
    }
    let (from, to) = match bounds.as_slice() {
        [to] => (0, *to),
        [from, to] => (*from, *to),
        _ => return fail(ErrorKind::Unsupported, "range() takes one or two integers here"),
    };
    if to.saturating_sub(from) > 100_000 {
        return fail(ErrorKind::Limit, "the range is too long");
    }
    Ok(Value::list((from..to).map(Value::from).collect()))
}

fn extreme(name: &str, items: Vec<Value>) -> Result<Value> {
    let wanted = if name == "min" { std::cmp::Ordering::Less } else { std::cmp::Ordering::Greater };
    let mut items = items.into_iter();
    let Some(mut best) = items.next() else {
        return fail(ErrorKind::Value, format!("{name}() of nothing"));
    };
    for item in items {
        if operator::order(&item, &best)? == Some(wanted) {
            best = item;
        }
    }
    Ok(best)
}

fn sorted(values: &[Value], options: &[(&str, Value)]) -> Result<Value> {
    let [value] = values else { return fail(ErrorKind::Type, "sorted() takes one value") };
    let mut reverse = false;
    for (name, option) in options {
        match *name {
            "reverse" => reverse = option.is_truthy(),
            _ => {
                return fail(
                    ErrorKind::Unsupported,
                    format!("the argument '{name}' is not supported"),
                );
            }
        }
    }
    let mut items = operator::iterate(value)?;
    let mut failure = None;
    items.sort_by(|a, b| {
        let order = operator::order(a, b).unwrap_or_else(|error| {
            failure = Some(error);
            None
        });
        let order = order.unwrap_or(std::cmp::Ordering::Equal);
        if reverse { order.reverse() } else { order }
    });
    failure.map_or(Ok(Value::list(items)), Err)
}
