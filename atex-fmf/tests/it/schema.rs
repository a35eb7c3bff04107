//! Nodes held against schemas.

use crate::sample::Sample;
use atex_fmf::{Schema, Value};

#[test]
fn violations_point_at_the_value() {
    let sample = Sample::new(&[
        ("main.fmf", "duration: 5m\ntag: [a, 1]\n"),
        ("d.fmf", "environment:\n  A: 1\n  B: x\n/sub:\n  summary: 7\n"),
    ]);
    let tree = sample.open().unwrap();
    let schema = Value::from_yaml(
        "{$schema: 'http://json-schema.org/draft-07/schema#', required: [test],
          properties: {
            duration: {pattern: '^\\d+$'}, summary: {$ref: /schemas/common#/definitions/text},
            tag: {items: {$ref: /schemas/common#/definitions/text}},
            environment: {additionalProperties: {type: string}}}}",
    );
    let common = Value::from_yaml("definitions: {text: {type: string}}");
    let schema = Schema::new(schema.unwrap()).unwrap();
    let schema = schema.with_resource("/schemas/common", common.unwrap());
    let violations = tree.find("/d/sub").unwrap().validate(&schema).unwrap();
    let shown: Vec<String> =
        violations.iter().map(|violation| sample.relative(&violation.to_string())).collect();
    insta::assert_snapshot!(shown.join("\n"), @r"
    'test' is a required property
    ROOT/main.fmf:1:1: '5m' does not match '^\\d+$'
    ROOT/d.fmf:5:3: 7 is not of type 'string'
    ROOT/main.fmf:2:1: 1 is not of type 'string'
    ROOT/d.fmf:2:3: 1 is not of type 'string'
    ");
}
