//! The `atex` program as people use it: command in, output, exit code and files out.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod again;
mod bad_days;
mod bench;
mod discover;
mod executors;
mod gangs;
mod guide_reports;
mod habits;
mod known_faults;
mod lint;
mod lost_output;
mod platforms;
mod podman;
mod report;
mod resume;
mod run;
mod ssh;
mod stored;
