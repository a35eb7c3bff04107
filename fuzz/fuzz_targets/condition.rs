//! Conditions over data with every type of value.
#![no_main]

use std::sync::LazyLock;

use atex_fmf::{Condition, Map, Value};

static DATA: LazyLock<Map> = LazyLock::new(|| {
    let text = "{tag: [one, Two, 3], tier: '1', a: aaaaaaaaaaaaaaaaab, n: 1.5, m: {k: v}, e: [], z: ~, d: 2024-02-29}";
    let value = Value::from_yaml(text).expect("the data are valid");
    value.as_map().expect("the data are a map").clone()
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(condition) = Condition::parse(text) {
        let _ = condition.evaluate(&DATA);
    }
});
