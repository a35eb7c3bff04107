//! Filters over data with every type of value, as plain text and as patterns.
#![no_main]

use std::sync::LazyLock;

use atex_fmf::{Filter, Value};

static DATA: LazyLock<Value> = LazyLock::new(|| {
    let text = "{tag: [one, Two, 3], tier: '1', a: aaaaaaaaaaaaaaaaaaaaaaaaaaaaab, n: 1.5, m: {k: v}, e: [], z: ~}";
    Value::from_yaml(text).expect("the data are valid")
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    let filter = Filter::new(text);
    let _ = filter.matches_value(&DATA, Some("/some/name"));
    let _ = filter.clone().case_sensitive(false).matches_value(&DATA, None);
    // Compiling patterns takes most of the time: once for each input.
    let filter = filter.with_patterns(true);
    let _ = match text.len() % 2 {
        0 => filter.matches_value(&DATA, Some("/some/name")),
        _ => filter.case_sensitive(false).matches_value(&DATA, Some("/some/name")),
    };
});
