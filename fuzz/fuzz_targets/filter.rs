//! Filters over data with every type of value, as plain text and as patterns.
#![no_main]

use std::sync::LazyLock;

use atex_fmf::{Filter, Value};

static DATA: LazyLock<Value> = LazyLock::new(|| {
    let text = "{tag: [one, Two, 3], tier: '1', a: aaaaaaaaaaaaaaaaaaaaaaaaaaaaab, n: 1.5, m: {k: v}, e: [], z: ~}";
    Value::from_yaml(text).expect("the data are valid")
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    for patterns in [false, true] {
        let filter = Filter::new(text).with_patterns(patterns);
        let _ = filter.matches_value(&DATA, Some("/some/name"));
        let _ = filter.case_sensitive(false).matches_value(&DATA, None);
    }
});
