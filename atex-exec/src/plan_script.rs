//! [`PlanScript`]: a script that a plan wants run on every remote, before its tests or after them.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use atex_core::{Artifacts, Phase, PhaseAction};

/// How much of what a script printed last stands in an error, in bytes.
const LAST_WORDS: u64 = 1000;

/// A script of a step (`prepare` or `finish`) of a plan.
#[derive(Debug)]
pub(crate) struct PlanScript<'a> {
    step: &'static str,
    phase: &'a str,
    pub(crate) text: &'a str,
    /// The folder of its log: the step, its number in the step, and the name of its phase.
    pub(crate) log: String,
}

/// One thing that a step of a plan wants done.
#[derive(Debug)]
pub(crate) enum Task<'a> {
    Script(PlanScript<'a>),
    Install { packages: &'a [String], exclude: &'a [String] },
}

impl<'a> Task<'a> {
    /// What the phases of a step want, in order; without what nobody here knows how to do.
    pub(crate) fn all(step: &'static str, phases: &'a [Phase]) -> Vec<Self> {
        let mut tasks = Vec::new();
        let mut number = 0;
        for phase in phases {
            match &phase.action {
                PhaseAction::Shell { scripts } => tasks.extend(scripts.iter().map(|text| {
                    number += 1;
                    let log = format!("{step}-{number}-{}", phase.name.replace('/', "_"));
                    Self::Script(PlanScript { step, phase: &phase.name, text, log })
                })),
                PhaseAction::Install { packages, exclude } => {
                    tasks.push(Self::Install { packages, exclude });
                }
                _ => {}
            }
        }
        tasks
    }
}

impl PlanScript<'_> {
    /// What is said of one that failed.
    pub(crate) fn failure(
        &self,
        code: Option<i32>,
        note: Option<String>,
        artifacts: &Artifacts,
    ) -> String {
        let how = match code {
            Some(code) => format!("exited with {code}"),
            None => note.unwrap_or_else(|| "did not come to its end".into()),
        };
        match last_words(artifacts) {
            Some(words) => format!("{self} {how}; it printed last: {words}"),
            None => format!("{self} {how}"),
        }
    }
}

impl fmt::Display for PlanScript<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the script {:?} in '{}' of the plan", self.phase, self.step)
    }
}

/// The end of the output of a script.
fn last_words(artifacts: &Artifacts) -> Option<String> {
    let mut file = File::open(artifacts.files_dir().join("output.txt")).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_WORDS))).ok()?;
    let mut words = Vec::new();
    file.take(LAST_WORDS).read_to_end(&mut words).ok()?;
    let words = String::from_utf8_lossy(&words).trim().to_owned();
    (!words.is_empty()).then_some(words)
}
