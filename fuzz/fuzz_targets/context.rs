//! Rules and contexts: each input is a rule, a newline, and a context.
#![no_main]

use atex_fmf::{Context, Rule};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (rule, context) = text.split_once('\n').unwrap_or((text, "distro == fedora-41"));
    let Ok(rule) = Rule::parse(rule) else { return };
    let Ok(context) = Context::parse(context) else { return };
    let _ = context.decide(&rule);
    let _ = context.case_sensitive(false).decide(&rule);
});
