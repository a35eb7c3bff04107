//! The scheduler in scripts and over all short histories, and its driver with fakes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop right there")]

mod driver;
mod model;
mod policies;
mod promises;
mod resumption;
mod scenarios;
mod script;
mod simulate;
mod staffing;
