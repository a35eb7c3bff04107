//! Any text as a YAML document, and as the content of a tree.
#![no_main]

use atex_fmf::{Tree, Value};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(value) = Value::from_yaml(text) else { return };
    let _ = value.to_text();
    if let Value::Map(map) = &value {
        let _ = Tree::from_map(map);
    }
    drop(value);
});
