//! The `atex` program.
fn main() {}
