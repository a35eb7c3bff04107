//! [`Phase`]: one of the things that a step of a plan does.

use crate::context::Rule;
use crate::map::Map;

use super::Reader;

/// One phase of a step of a plan: `how` it is done, and whatever else its kind of phase understands.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Phase {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Its kind: `shell`, `install`, `fmf`, …; none if the plan leaves it to the default.
    pub how: Option<String>,
    /// What it is for.
    pub summary: Option<String>,
    /// Where it stands among the phases of its step: lower numbers first, 50 by default.
    pub order: i64,
    /// In which contexts it takes part: one of these rules must hold; without rules, always.
    pub when: Vec<Rule>,
    /// On which guests, by name or role; without any, on all.
    pub guests: Vec<String>,
    /// Scripts to run (`how: shell`).
    pub script: Vec<String>,
    /// Packages to install (`how: install`).
    pub package: Vec<String>,
    /// Packages that are not to be installed (`how: install`).
    pub exclude: Vec<String>,
    /// All of its keys.
    pub data: Map,
}

/// The phases of a step; `check` looks at keys that only this step has.
pub(super) fn read(reader: &mut Reader<'_>, step: &str, check: fn(&mut Reader<'_>)) -> Vec<Phase> {
    let maps = reader.maps(step, "a map");
    let mut phases = Vec::with_capacity(maps.len());
    for map in maps {
        let mut inner = reader.inner(step, map);
        check(&mut inner);
        phases.push(phase(&mut inner));
        reader.join(inner);
    }
    phases
}

fn phase(reader: &mut Reader<'_>) -> Phase {
    let mut when = Vec::new();
    for text in reader.texts("when") {
        match Rule::parse(&text) {
            Ok(rule) => when.push(rule),
            Err(error) => reader.wrong("when", &format!("is no rule: {error}")),
        }
    }
    Phase {
        name: reader.text("name"),
        how: reader.text("how"),
        summary: reader.text("summary"),
        order: reader.integer("order").unwrap_or(50),
        when,
        guests: reader.texts("where"),
        script: reader.texts("script"),
        package: reader.texts("package"),
        exclude: reader.texts("exclude"),
        data: reader.map().clone(),
    }
}
