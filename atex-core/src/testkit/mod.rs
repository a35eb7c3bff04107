//! What a backend is checked with: conformance suites for every trait, and scripted fakes that count and can fail.

pub mod conformance;
pub mod fake;
