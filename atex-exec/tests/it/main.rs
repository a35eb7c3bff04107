//! Real tests, run by the real executor on real systems.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod behaviours;
mod chaos;
mod command;
mod conformance;
mod cut;
mod few_sessions;
mod fmf;
mod hostile;
mod logged;
mod lossy;
mod noisy;
mod packages;
mod reboot;
mod resume;
mod secrets;
mod shortcut;
mod sweep;
mod systems;
