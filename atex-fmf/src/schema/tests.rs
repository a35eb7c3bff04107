//! Paths of violations, and schemas that ask too much.

use super::Schema;
use crate::error::{ErrorKind, Result};
use crate::value::Value;

fn messages(schema: &str, data: &str) -> Result<Vec<String>> {
    let schema = Schema::new(Value::from_yaml(schema)?)?;
    let data = Value::from_yaml(data)?;
    let violations = schema.validate(data.as_map().unwrap())?;
    Ok(violations.iter().map(|violation| format!("{:?} {violation}", violation.path())).collect())
}

#[test]
fn violations_know_their_path() {
    let schema = "properties: {a: {items: {type: string}}}\nadditionalProperties: {type: integer}";
    let found = messages(schema, "a: [x, 1]\nb: y").unwrap();
    assert_eq!(found, ["['a', 1] 1 is not of type 'string'", "['b'] 'y' is not of type 'integer'"]);
}

#[test]
fn a_path_is_left_after_a_try() {
    let schema = "properties: {a: {anyOf: [{properties: {b: {type: string}}}]}, c: {enum: [1]}}";
    let found = messages(schema, "a: {b: 1}\nc: 2").unwrap();
    assert_eq!(
        found,
        ["['a'] {'b': 1} is not valid under any of the given schemas", "['c'] 2 is not one of [1]"]
    );
}

#[test]
fn schemas_that_ask_forever_are_given_up() {
    let kind = |schema: &str| messages(schema, "a: 1").map_err(|error| error.kind());
    assert_eq!(kind("$ref: '#'"), Err(ErrorKind::Limit));
    let mut schema = "definitions: {d0: {type: string}".to_owned();
    for level in 1..40 {
        let before = level - 1;
        let reference = format!("{{$ref: '#/definitions/d{before}'}}");
        schema.push_str(&format!(", d{level}: {{allOf: [{reference}, {reference}]}}"));
    }
    schema.push_str("}\nproperties: {a: {not: {not: {$ref: '#/definitions/d39'}}}}");
    assert_eq!(kind(&schema).map(|_| ()), Ok(()), "a try ends at the first violation");
    let schema =
        schema.replace("not: {not: {$ref", "anyOf: [{$ref").replace("d39'}}}}", "d39'}]}}");
    assert_eq!(kind(&schema), Err(ErrorKind::Limit));
}

#[test]
fn deep_data_are_followed() {
    let schema = "properties: {a: {$ref: '#'}}\nadditionalProperties: false";
    let mut data = "{}".to_owned();
    for _ in 0..60 {
        data = format!("{{a: {data}}}");
    }
    assert_eq!(messages(schema, &data).unwrap(), [""; 0]);
}
