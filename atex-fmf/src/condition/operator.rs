//! Operators of conditions: arithmetic, comparison, membership, indexing.

use std::cmp::Ordering;

use crate::error::{ErrorKind, Result};
use crate::value::{Number, Value};

use super::{Binary, Comparison, fail};

/// Texts and lists made by repetition may not become longer than this.
const MAX_LENGTH: usize = 100_000;

/// How much work a value is.
pub(super) fn size(value: &Value) -> usize {
    match value {
        Value::Str(text) => text.len() / 16,
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => items.len(),
        Value::Map(map) => map.len(),
        _ => 0,
    }
}

/// A set of the given members, without duplicates.
pub(super) fn set(items: Vec<Value>) -> Result<Value> {
    let mut members = indexmap::IndexSet::new();
    for item in items {
        if !item.is_hashable() {
            return fail(ErrorKind::Type, format!("a '{}' cannot be in a set", item.type_name()));
        }
        members.insert(crate::Key::from(item));
    }
    Ok(Value::Set(members.into_iter().map(|key| key.value().clone()).collect()))
}

/// The elements that a loop over a value sees.
pub(super) fn iterate(value: &Value) -> Result<Vec<Value>> {
    match value {
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => Ok(items.to_vec()),
        Value::Map(map) => Ok(map.keys().map(|key| key.value().clone()).collect()),
        Value::Str(text) => Ok(text.chars().map(|c| c.to_string().into()).collect()),
        Value::Bytes(bytes) => Ok(bytes.iter().map(|byte| i64::from(*byte).into()).collect()),
        other => fail(ErrorKind::Type, format!("'{}' is not iterable", other.type_name())),
    }
}

pub(super) fn negate(value: &Value) -> Result<Value> {
    match value.as_number() {
        Some(Number::Int(number)) => Ok(Value::Int(number.negate())),
        Some(Number::Float(number)) => Ok(Value::Float(-number)),
        None => fail(ErrorKind::Type, format!("'-' cannot be used on '{}'", value.type_name())),
    }
}

pub(super) fn plus(value: &Value) -> Result<Value> {
    match value.as_number() {
        Some(Number::Int(number)) => Ok(Value::Int(number)),
        Some(Number::Float(number)) => Ok(Value::Float(number)),
        None => fail(ErrorKind::Type, format!("'+' cannot be used on '{}'", value.type_name())),
    }
}

pub(super) fn binary(operator: Binary, left: &Value, right: &Value) -> Result<Value> {
    if let (Some(a), Some(b)) = (left.as_number(), right.as_number()) {
        return arithmetic(operator, &a, &b, left, right);
    }
    match (operator, left, right) {
        (Binary::Add, Value::Str(a), Value::Str(b)) => Ok(format!("{a}{b}").into()),
        (Binary::Add, Value::List(a), Value::List(b)) => {
            Ok(Value::list(a.iter().chain(b.iter()).cloned().collect()))
        }
        (Binary::Add, Value::Tuple(a), Value::Tuple(b)) => {
            Ok(Value::Tuple(a.iter().chain(b.iter()).cloned().collect()))
        }
        (Binary::Multiply, sequence, Value::Int(count))
        | (Binary::Multiply, Value::Int(count), sequence) => {
            repeat(sequence, count.as_i64().unwrap_or(i64::MAX))
        }
        (Binary::Modulo, Value::Str(text), values) => super::format::percent(text, values),
        (_, Value::Set(a), Value::Set(b)) => set_operation(operator, a, b),
        _ => operand_error(operator, left, right),
    }
}

fn operand_error<T>(operator: Binary, left: &Value, right: &Value) -> Result<T> {
    let (left, right) = (left.type_name(), right.type_name());
    fail(ErrorKind::Type, format!("{operator:?} cannot be used on '{left}' and '{right}'"))
}

fn set_operation(operator: Binary, a: &[Value], b: &[Value]) -> Result<Value> {
    let keep = |from: &[Value], other: &[Value], inside: bool| -> Vec<Value> {
        from.iter().filter(|item| other.contains(item) == inside).cloned().collect()
    };
    let items = match operator {
        Binary::BitAnd => keep(a, b, true),
        Binary::Subtract => keep(a, b, false),
        Binary::BitOr => [a, &keep(b, a, false)].concat(),
        Binary::BitXor => [keep(a, b, false), keep(b, a, false)].concat(),
        _ => return fail(ErrorKind::Type, format!("{operator:?} cannot be used on sets")),
    };
    Ok(Value::Set(items.into()))
}

fn repeat(sequence: &Value, count: i64) -> Result<Value> {
    let length = match sequence {
        Value::Str(text) => text.len(),
        Value::List(items) | Value::Tuple(items) => items.len(),
        other => {
            return fail(ErrorKind::Type, format!("a '{}' cannot be repeated", other.type_name()));
        }
    };
    let count = usize::try_from(count).unwrap_or(0);
    if length.saturating_mul(count) > MAX_LENGTH {
        return fail(ErrorKind::Limit, "the repetition is too long");
    }
    Ok(match sequence {
        Value::Str(text) => text.repeat(count).into(),
        Value::List(items) => Value::list(cycle(items, count)),
        Value::Tuple(items) => Value::Tuple(cycle(items, count).into()),
        other => other.clone(),
    })
}

fn cycle(items: &[Value], count: usize) -> Vec<Value> {
    std::iter::repeat_n(items, count).flatten().cloned().collect()
}

fn arithmetic(
    operator: Binary,
    a: &Number,
    b: &Number,
    left: &Value,
    right: &Value,
) -> Result<Value> {
    if let (Number::Int(a), Number::Int(b)) = (a, b) {
        match operator {
            Binary::Add => return Ok(Value::Int(a.add(b))),
            Binary::Subtract => return Ok(Value::Int(a.subtract(b))),
            Binary::Divide => {}
            _ => return integers(operator, (a.as_i64(), b.as_i64()), left, right),
        }
    }
    let (a, b) = (a.to_f64(), b.to_f64());
    let is_division = matches!(operator, Binary::Divide | Binary::FloorDivide | Binary::Modulo);
    if is_division && b == 0.0 {
        return fail(ErrorKind::Value, "division by zero");
    }
    Ok(Value::Float(match operator {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide => a / b,
        Binary::FloorDivide => (a / b).floor(),
        Binary::Modulo => a - b * (a / b).floor(),
        Binary::Power => a.powf(b),
        Binary::BitAnd | Binary::BitOr | Binary::BitXor => {
            return operand_error(operator, left, right);
        }
    }))
}

fn integers(
    operator: Binary,
    operands: (Option<i64>, Option<i64>),
    left: &Value,
    right: &Value,
) -> Result<Value> {
    let (Some(a), Some(b)) = operands else {
        return fail(ErrorKind::Unsupported, "this is not supported for integers over 64 bits");
    };
    let is_bool = matches!((left, right), (Value::Bool(_), Value::Bool(_)));
    let result = match operator {
        Binary::FloorDivide | Binary::Modulo if b == 0 => {
            return fail(ErrorKind::Value, "division by zero");
        }
        Binary::Multiply => a.checked_mul(b),
        // Rounded towards minus infinity, and the rest has the sign of the divisor.
        Binary::FloorDivide => {
            a.checked_div(b).map(|q| q - i64::from((a % b != 0) && ((a < 0) != (b < 0))))
        }
        Binary::Modulo => {
            a.checked_rem(b).map(|r| if r != 0 && ((r < 0) != (b < 0)) { r + b } else { r })
        }
        Binary::Power if b < 0 && a == 0 => return fail(ErrorKind::Value, "division by zero"),
        Binary::Power if b < 0 => return Ok(Value::Float((a as f64).powf(b as f64))),
        Binary::Power => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        Binary::BitAnd => Some(a & b),
        Binary::BitOr => Some(a | b),
        Binary::BitXor => Some(a ^ b),
        Binary::Add | Binary::Subtract | Binary::Divide => None,
    };
    match result {
        Some(number)
            if is_bool && matches!(operator, Binary::BitAnd | Binary::BitOr | Binary::BitXor) =>
        {
            Ok(Value::Bool(number != 0))
        }
        Some(number) => Ok(number.into()),
        None => fail(ErrorKind::Unsupported, "the result does not fit into 64 bits"),
    }
}

pub(super) fn compare(comparison: Comparison, left: &Value, right: &Value) -> Result<bool> {
    match comparison {
        Comparison::Equal => Ok(left == right),
        Comparison::NotEqual => Ok(left != right),
        Comparison::In => contains(right, left),
        Comparison::NotIn => contains(right, left).map(|found| !found),
        Comparison::Is => identical(left, right),
        Comparison::IsNot => identical(left, right).map(|same| !same),
        Comparison::Less => ordered(left, right, |order| order == Ordering::Less),
        Comparison::LessOrEqual => ordered(left, right, |order| order != Ordering::Greater),
        Comparison::Greater => ordered(left, right, |order| order == Ordering::Greater),
        Comparison::GreaterOrEqual => ordered(left, right, |order| order != Ordering::Less),
    }
}

fn contains(container: &Value, item: &Value) -> Result<bool> {
    match (container, item) {
        (Value::Str(text), Value::Str(part)) => Ok(text.contains(&**part)),
        (Value::Str(_), other) => {
            fail(ErrorKind::Type, format!("a string cannot contain a '{}'", other.type_name()))
        }
        (Value::List(items) | Value::Tuple(items), item) => Ok(items.contains(item)),
        (Value::Set(_) | Value::Map(_), item) if !item.is_hashable() => {
            fail(ErrorKind::Type, format!("a '{}' cannot be a key", item.type_name()))
        }
        (Value::Set(items), item) => Ok(items.contains(item)),
        (Value::Map(map), item) => Ok(map.contains_key(item)),
        (other, _) => {
            fail(ErrorKind::Type, format!("'{}' cannot contain anything", other.type_name()))
        }
    }
}

/// Identity is only meaningful for the few values of which there is one each.
fn identical(left: &Value, right: &Value) -> Result<bool> {
    let single = |value: &Value| matches!(value, Value::Null | Value::Bool(_));
    if single(left) || single(right) {
        return Ok(std::mem::discriminant(left) == std::mem::discriminant(right) && left == right);
    }
    if std::mem::discriminant(left) != std::mem::discriminant(right) {
        return Ok(false);
    }
    fail(ErrorKind::Unsupported, "'is' can only be used with None, True and False; use '=='")
}

fn ordered(left: &Value, right: &Value, wanted: impl Fn(Ordering) -> bool) -> Result<bool> {
    if let (Value::Set(a), Value::Set(b)) = (left, right) {
        let within = |a: &[Value], b: &[Value]| a.iter().all(|item| b.contains(item));
        return Ok(match (within(a, b), within(b, a)) {
            (true, true) => wanted(Ordering::Equal),
            (true, false) => wanted(Ordering::Less),
            (false, true) => wanted(Ordering::Greater),
            (false, false) => false,
        });
    }
    Ok(order(left, right)?.is_some_and(wanted))
}

/// How two values are ordered; none if they are not, although they could be (not-a-number).
pub(super) fn order(left: &Value, right: &Value) -> Result<Option<Ordering>> {
    if let (Some(a), Some(b)) = (left.as_number(), right.as_number()) {
        return Ok(a.compare(&b));
    }
    match (left, right) {
        (Value::Str(a), Value::Str(b)) => Ok(Some(a.cmp(b))),
        (Value::Bytes(a), Value::Bytes(b)) => Ok(Some(a.cmp(b))),
        (Value::Date(a), Value::Date(b)) => Ok(Some(a.cmp(b))),
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            match a.iter().zip(b.iter()).find(|(a, b)| a != b) {
                Some((a, b)) => order(a, b),
                None => Ok(Some(a.len().cmp(&b.len()))),
            }
        }
        _ => {
            let (left, right) = (left.type_name(), right.type_name());
            fail(ErrorKind::Type, format!("'{left}' and '{right}' cannot be ordered"))
        }
    }
}

pub(super) fn index(base: &Value, index: &Value) -> Result<Value> {
    if let Value::Map(map) = base {
        if !index.is_hashable() {
            return fail(ErrorKind::Type, format!("a '{}' cannot be a key", index.type_name()));
        }
        return match map.get(index) {
            Some(value) => Ok(value.clone()),
            None => fail(ErrorKind::Filter, format!("there is no key {index:?}")),
        };
    }
    let Some(Number::Int(number)) = index.as_number() else {
        let (base, index) = (base.type_name(), index.type_name());
        return fail(ErrorKind::Type, format!("'{base}' cannot be indexed by '{index}'"));
    };
    if !matches!(base, Value::List(_) | Value::Tuple(_) | Value::Str(_) | Value::Bytes(_)) {
        return fail(ErrorKind::Type, format!("'{}' cannot be indexed", base.type_name()));
    }
    let items = iterate(base)?;
    let position = number.as_i64().map(|n| if n < 0 { n + items.len() as i64 } else { n });
    let item = position.and_then(|p| usize::try_from(p).ok()).and_then(|p| items.get(p));
    item.cloned()
        .map_or_else(|| fail(ErrorKind::Lookup, format!("index {index:?} is out of range")), Ok)
}

/// One bound of a slice.
pub(super) fn bound(value: &Value) -> Result<Option<i64>> {
    match value {
        Value::Null => Ok(None),
        Value::Int(number) => Ok(Some(number.as_i64().unwrap_or(i64::MAX))),
        other => fail(
            ErrorKind::Type,
            format!("a slice cannot begin or end at a '{}'", other.type_name()),
        ),
    }
}

pub(super) fn slice(base: &Value, [from, to, step]: [Option<i64>; 3]) -> Result<Value> {
    let step = step.unwrap_or(1);
    if step == 0 {
        return fail(ErrorKind::Value, "the step of a slice cannot be zero");
    }
    if matches!(base, Value::Map(_)) {
        // To Python, a slice is a key like any other, and no map has it.
        return fail(ErrorKind::Filter, "there is no such key");
    }
    if !matches!(base, Value::List(_) | Value::Tuple(_) | Value::Str(_)) {
        return fail(ErrorKind::Type, format!("'{}' cannot be sliced", base.type_name()));
    }
    let items = iterate(base)?;
    let length = items.len() as i64;
    let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let clamp = |bound: Option<i64>, default: i64| {
        bound.map_or(default, |bound| {
            (if bound < 0 { bound.saturating_add(length) } else { bound }).clamp(low, high)
        })
    };
    let (mut position, end) = if step > 0 {
        (clamp(from, 0), clamp(to, length))
    } else {
        (clamp(from, length - 1), clamp(to, -1))
    };
    let mut chosen = Vec::new();
    while (step > 0 && position < end) || (step < 0 && position > end) {
        chosen.extend(usize::try_from(position).ok().and_then(|p| items.get(p)).cloned());
        position = position.saturating_add(step);
    }
    Ok(match base {
        Value::Str(_) => chosen.iter().map(Value::to_text).collect::<String>().into(),
        Value::Tuple(_) => Value::Tuple(chosen.into()),
        _ => Value::list(chosen),
    })
}
