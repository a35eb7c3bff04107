//! Metadata values in the canonical JSON of the corpus, both ways.

use atex_fmf::{Map, Value};
use serde_json::{Value as Json, json};

/// The canonical JSON of a value.
pub(crate) fn canon(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(number) => match number.as_i64() {
            Some(number) => json!(number),
            None => serde_json::from_str(&number.to_string()).unwrap_or(Json::Null),
        },
        Value::Float(number) if number.is_finite() => json!(number),
        Value::Float(_) => json!({"$float": value.to_text()}),
        Value::Str(text) => json!(&**text),
        Value::Date(date) => json!({"$date": date.to_string()}),
        Value::DateTime(_) => json!({"$datetime": value.to_json()}),
        Value::Bytes(bytes) => json!({"$bytes": base64(bytes)}),
        Value::List(items) => items.iter().map(canon).collect(),
        Value::Tuple(items) => json!({"$tuple": items.iter().map(canon).collect::<Json>()}),
        Value::Set(items) => {
            let mut items: Vec<Json> = items.iter().map(canon).collect();
            items.sort_by_key(Json::to_string);
            json!({"$set": items})
        }
        Value::Map(map) => canon_map(map),
    }
}

/// The canonical JSON of a map.
pub(crate) fn canon_map(map: &Map) -> Json {
    if map.keys().all(|key| key.as_str().is_some()) {
        let entry = |(key, value): (&atex_fmf::Key, &Value)| {
            (key.as_str().unwrap_or_default().to_owned(), canon(value))
        };
        return Json::Object(map.iter().map(entry).collect());
    }
    let entry = |(key, value): (&atex_fmf::Key, &Value)| json!([canon(key.value()), canon(value)]);
    json!({"$map": map.iter().map(entry).collect::<Json>()})
}

/// A value from canonical JSON, as far as questions need it.
pub(crate) fn uncanon(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => (*value).into(),
        Json::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => Value::list(items.iter().map(uncanon).collect()),
        Json::Object(object) => {
            if let Some(Json::Array(entries)) = object.get("$map") {
                let entry = |entry: &Json| (uncanon(&entry[0]).into(), uncanon(&entry[1]));
                return entries.iter().map(entry).collect::<Map>().into();
            }
            if let Some(Json::String(date)) = object.get("$date") {
                return Value::from_yaml(date).unwrap_or(Value::Null);
            }
            let entry = |(key, value): (&String, &Json)| (key.as_str().into(), uncanon(value));
            object.iter().map(entry).collect::<Map>().into()
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        for index in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * index) & 63) as usize];
            out.push(if index <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

/// Bytes from base64 without blanks.
pub(crate) fn from_base64(text: &str) -> Vec<u8> {
    match Value::from_yaml(&format!("!!binary {text}")) {
        Ok(Value::Bytes(bytes)) => bytes.to_vec(),
        _ => Vec::new(),
    }
}
