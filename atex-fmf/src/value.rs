//! Metadata values: what a YAML document of a tree consists of.

use std::fmt;
use std::hash::{Hash, Hasher};

use arcstr::ArcStr;
use triomphe::Arc;

use crate::integer::Int;
use crate::list::List;
use crate::map::Map;
use crate::text;
use crate::time::{Date, DateTime};

/// A metadata value.
///
/// Cloning is cheap: strings and containers are shared, and copied only when a shared one is changed. Equality is that
/// of the format's rules: numbers are equal by value, whatever their type (`1`, `1.0` and `true`), containers deeply.
#[derive(Clone)]
pub enum Value {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer of any size.
    Int(Int),
    /// A floating-point number.
    Float(f64),
    /// A text.
    Str(ArcStr),
    /// A sequence.
    List(List),
    /// A mapping.
    Map(Arc<Map>),
    /// A day.
    Date(Date),
    /// A point in time.
    DateTime(Arc<DateTime>),
    /// Binary data.
    Bytes(Arc<Vec<u8>>),
    /// A set, in order of appearance, without duplicates.
    Set(List),
    /// A fixed sequence: a list used as a key, or an item of a list of pairs.
    Tuple(List),
}

impl Value {
    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The map, if it is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The truth value, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// Whether it is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The name of its type in messages, as FMF users know it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::List(_) => "list",
            Self::Map(_) => "dict",
            Self::Date(_) => "datetime.date",
            Self::DateTime(_) => "datetime.datetime",
            Self::Bytes(_) => "bytes",
            Self::Set(_) => "set",
            Self::Tuple(_) => "tuple",
        }
    }

    /// The value as text: strings as they are, `True`, `None`, `[1, 'x']` for the others.
    #[must_use]
    pub fn to_text(&self) -> std::borrow::Cow<'_, str> {
        text::to_text(self)
    }

    /// Whether a condition takes it as true: false are null, zero, and everything empty.
    #[must_use]
    pub fn is_truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Int(number) => number.as_i64() != Some(0),
            Self::Float(number) => *number != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::List(items) | Self::Set(items) | Self::Tuple(items) => !items.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::Date(_) | Self::DateTime(_) => true,
        }
    }

    /// A list of the given items.
    #[must_use]
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(items.into())
    }

    /// The number for arithmetic and comparison; truth values count as 0 and 1.
    pub(crate) fn as_number(&self) -> Option<Number> {
        match self {
            Self::Bool(value) => Some(Number::Int(i64::from(*value).into())),
            Self::Int(number) => Some(Number::Int(number.clone())),
            Self::Float(number) => Some(Number::Float(*number)),
            _ => None,
        }
    }

    /// Whether it may be a key of a map.
    pub(crate) fn is_hashable(&self) -> bool {
        match self {
            Self::List(_) | Self::Map(_) | Self::Set(_) => false,
            Self::Tuple(items) => items.iter().all(Self::is_hashable),
            _ => true,
        }
    }

    /// Hashes so that equal values hash equally, and a string hashes as its text does.
    pub(crate) fn hash_key<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Str(text) => text.hash(state),
            Self::Null => 0u8.hash(state),
            Self::Bool(_) | Self::Int(_) | Self::Float(_) => {
                if let Some(number) = self.as_number() {
                    number.to_f64().to_bits().hash(state);
                }
            }
            Self::Date(date) => date.hash(state),
            Self::DateTime(time) => time.hash(state),
            Self::Bytes(bytes) => bytes.hash(state),
            Self::Tuple(items) => items.iter().for_each(|item| item.hash_key(state)),
            // Not hashable; never keys. A constant keeps the promise all the same.
            Self::List(_) | Self::Map(_) | Self::Set(_) => 1u8.hash(state),
        }
    }
}

/// A number of either kind.
#[derive(Debug, Clone)]
pub(crate) enum Number {
    Int(Int),
    Float(f64),
}

impl Number {
    pub(crate) fn to_f64(&self) -> f64 {
        match self {
            // A negative zero equals zero, so it must not hash differently.
            Self::Float(number) => *number + 0.0,
            Self::Int(number) => number.to_f64(),
        }
    }

    pub(crate) fn compare(&self, other: &Self) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (a, b) => {
                let order = a.to_f64().partial_cmp(&b.to_f64())?;
                // Large integers lose digits as floats: settle an apparent tie exactly.
                Some(order.then_with(|| match (a.exact(), b.exact()) {
                    (Some(a), Some(b)) => a.cmp(&b),
                    _ => order,
                }))
            }
        }
    }

    fn exact(&self) -> Option<i128> {
        match self {
            Self::Int(number) => number.as_i64().map(i128::from),
            Self::Float(number) => (number.abs() < 1e30).then_some(*number as i128),
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Null, Self::Null) => true,
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            (Self::Date(a), Self::Date(b)) => a == b,
            (Self::DateTime(a), Self::DateTime(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Set(a), Self::Set(b)) => a.len() == b.len() && a.iter().all(|i| b.contains(i)),
            _ => match (self.as_number(), other.as_number()) {
                (Some(a), Some(b)) => a.compare(&b) == Some(std::cmp::Ordering::Equal),
                _ => false,
            },
        }
    }
}

impl Eq for Value {}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::repr(self))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number.into())
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Self::Map(Arc::new(map))
    }
}

impl From<Vec<Self>> for Value {
    fn from(items: Vec<Self>) -> Self {
        Self::list(items)
    }
}
