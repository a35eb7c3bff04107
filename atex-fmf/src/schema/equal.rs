//! Equality as JSON has it: `1` is `1.0`, but not `true`.

use std::collections::HashSet;

use super::walk::{Stop, Walk};
use crate::value::Value;

/// Whether two values are the same in JSON.
pub(super) fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Bool(one), Value::Bool(other)) => one == other,
        (Value::Bool(_), _) | (_, Value::Bool(_)) => false,
        (Value::List(one) | Value::Tuple(one), Value::List(other) | Value::Tuple(other)) => {
            one.len() == other.len()
                && one.iter().zip(&**other).all(|(one, other)| equal(one, other))
        }
        (Value::Map(one), Value::Map(other)) => {
            let same = |key: &crate::map::Key, value| {
                other.get(key).is_some_and(|other| equal(value, other))
            };
            one.len() == other.len() && one.iter().all(|(key, value)| same(key, value))
        }
        _ => one == other,
    }
}

/// Whether no two of the items are the same.
pub(super) fn unique(walk: &mut Walk<'_>, items: &[Value]) -> Result<bool, Stop> {
    if items.iter().all(|item| item.as_str().is_some()) {
        let mut seen = HashSet::new();
        return Ok(items.iter().filter_map(Value::as_str).all(|text| seen.insert(text)));
    }
    for (index, item) in items.iter().enumerate() {
        walk.step(1 + index as u64 / 100)?;
        if items[..index].iter().any(|earlier| equal(earlier, item)) {
            return Ok(false);
        }
    }
    Ok(true)
}
