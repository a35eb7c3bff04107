//! What an explicit tag makes of a scalar or a collection.

use crate::error::ErrorKind;
use crate::list::List;
use crate::map::Map;
use crate::value::Value;

use super::scalar;

/// The name of a tag.
#[derive(Debug)]
pub(crate) struct TagName {
    /// With what its handle stands for.
    pub(super) full: String,
    /// As it is in the text.
    pub(super) written: String,
}

/// The tags that are understood. Any other is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Str,
    Int,
    Float,
    Bool,
    Null,
    Binary,
    Timestamp,
    Seq,
    Map,
    Set,
    Omap,
    Pairs,
}

impl Tag {
    /// The meaning of a tag; `Ok(None)` for the lone `!`, which changes nothing.
    pub(super) fn find(tag: &TagName) -> Result<Option<Self>, String> {
        if tag.full == "!" {
            return Ok(None);
        }
        Ok(Some(match tag.full.strip_prefix("tag:yaml.org,2002:") {
            Some("str") => Self::Str,
            Some("int") => Self::Int,
            Some("float") => Self::Float,
            Some("bool") => Self::Bool,
            Some("null") => Self::Null,
            Some("binary") => Self::Binary,
            Some("timestamp") => Self::Timestamp,
            Some("seq") => Self::Seq,
            Some("map") => Self::Map,
            Some("set") => Self::Set,
            Some("omap") => Self::Omap,
            Some("pairs") => Self::Pairs,
            _ => return Err(format!("unknown tag '{}'", tag.written)),
        }))
    }

    /// A scalar with this tag.
    pub(super) fn scalar(self, text: &str) -> Result<Value, (ErrorKind, String)> {
        let wrong = |what: &str| (ErrorKind::Value, format!("'{text}' is {what}"));
        match self {
            Self::Str => Ok(Value::from(text)),
            Self::Null => Ok(Value::Null),
            Self::Int => scalar::int(text).map_err(|e| wrong(e.0)),
            Self::Float => scalar::float(text).map_err(|e| wrong(e.0)),
            Self::Bool => match text.to_ascii_lowercase().as_str() {
                "yes" | "y" | "true" | "on" => Ok(Value::Bool(true)),
                "no" | "n" | "false" | "off" => Ok(Value::Bool(false)),
                _ => Err(wrong("not a truth value")),
            },
            Self::Timestamp => match scalar::timestamp(text) {
                Some(value) => value.map_err(|e| wrong(e.0)),
                None => Err((ErrorKind::File, format!("'{text}' is not a timestamp"))),
            },
            Self::Binary => decode_base64(text)
                .map(|bytes| Value::Bytes(bytes.into()))
                .ok_or((ErrorKind::File, "the text is not valid base64".to_owned())),
            Self::Seq | Self::Omap | Self::Pairs => {
                Err((ErrorKind::File, "expected a sequence, but found a scalar".to_owned()))
            }
            Self::Map | Self::Set => {
                Err((ErrorKind::File, "expected a mapping, but found a scalar".to_owned()))
            }
        }
    }

    /// A sequence with this tag.
    pub(super) fn list(self, items: List) -> Result<Value, String> {
        let pair = |item: &Value| match item.as_map() {
            Some(map) if map.len() == 1 => {
                map.iter().next().map(|(key, value)| (key.clone(), value.clone()))
            }
            _ => None,
        };
        let pairs = || items.iter().map(pair).collect::<Option<Vec<_>>>();
        match self {
            Self::Seq => Ok(Value::List(items)),
            Self::Omap => {
                let pairs = pairs().ok_or("expected a sequence of maps with one key each")?;
                let count = pairs.len();
                let map: Map = pairs.into_iter().collect();
                if map.len() < count {
                    return Err("an ordered map has a duplicate key".to_owned());
                }
                Ok(map.into())
            }
            Self::Pairs => {
                let pairs = pairs().ok_or("expected a sequence of maps with one key each")?;
                let tuple = |(key, value): (crate::Key, Value)| {
                    Value::Tuple(vec![key.value().clone(), value].into())
                };
                Ok(Value::list(pairs.into_iter().map(tuple).collect()))
            }
            Self::Map | Self::Set => Err("expected a mapping, but found a sequence".to_owned()),
            _ => Err("expected a scalar, but found a sequence".to_owned()),
        }
    }

    /// A mapping with this tag.
    pub(super) fn map(self, map: Map) -> Result<Value, String> {
        match self {
            Self::Map => Ok(map.into()),
            Self::Set => Ok(Value::Set(map.keys().map(|k| k.value().clone()).collect())),
            Self::Seq | Self::Omap | Self::Pairs => {
                Err("expected a sequence, but found a mapping".to_owned())
            }
            _ => Err("expected a scalar, but found a mapping".to_owned()),
        }
    }
}

/// Characters outside the alphabet are skipped; a wrong number of characters is an error.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let (mut bits, mut count, mut padding) = (0u32, 0u32, 0u32);
    for c in text.bytes() {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                // Enough padding ends the data; what follows is ignored.
                if count >= 2 && count + padding >= 4 {
                    return Some(bytes);
                }
                continue;
            }
            _ => continue,
        };
        padding = 0;
        bits = bits << 6 | u32::from(digit);
        count += 1;
        if count > 1 {
            bytes.push((bits >> (8 - 2 * count)) as u8);
        }
        if count == 4 {
            (bits, count) = (0, 0);
        }
    }
    (count == 0).then_some(bytes)
}
