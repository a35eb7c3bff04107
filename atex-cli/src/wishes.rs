//! What metadata say to the scheduler: `extra-needs`, `extra-priority`, `extra-group`, `extra-label`, `extra-together` and `extra-role`.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};
use atex_core::{Facts, Test, TestName, TestSuite};
use atex_fmf::{Context, Rule};
use atex_sched::{Needs, TestPlan, Together};
use serde_json::Value;

/// What the metadata of all tests say to the scheduler.
pub(crate) struct Wishes {
    /// The needs that there are, by their text: those of the same text are the same.
    needs: HashMap<String, Needs>,
}

impl Wishes {
    /// Reads them all, so that no mistake is found when the run goes on already.
    pub(crate) fn read<'a>(suites: impl Iterator<Item = &'a TestSuite>) -> Result<Self> {
        let mut needs = HashMap::new();
        for (name, test) in suites.flat_map(|suite| &suite.tests) {
            Self::check(name, test, &mut needs)
                .with_context(|| format!("cannot use the metadata of {name}"))?;
        }
        Ok(Self { needs })
    }

    fn check(name: &TestName, test: &Test, needs: &mut HashMap<String, Needs>) -> Result<()> {
        if let Some(text) = needs_of(test)?
            && !needs.contains_key(&text)
        {
            needs.insert(text.clone(), parse(&text)?);
        }
        priority(test)?;
        for key in ["extra-group", "extra-label"] {
            word(test, key)?;
        }
        together(name, test)?;
        Ok(())
    }

    /// Completes what the plan says of a test.
    pub(crate) fn complete(&self, plan: &mut TestPlan, test: &Test) {
        let needs = needs_of(test).ok().flatten();
        plan.needs = needs.and_then(|text| self.needs.get(&text).cloned());
        plan.priority = priority(test).unwrap_or_default();
        plan.group = word(test, "extra-group").ok().flatten().map(Into::into);
        plan.label = word(test, "extra-label").ok().flatten().map(Into::into);
        plan.together = together(&plan.name, test).ok().flatten();
    }
}

/// `distro == rhel-9 and arch == x86_64`; several in a list must all hold.
fn needs_of(test: &Test) -> Result<Option<String>> {
    let part = |value: &Value| match value {
        Value::String(text) => Ok(text.trim().to_owned()),
        other => bail!("extra-needs must be a rule like 'distro == rhel-9', got {other}"),
    };
    Ok(match test.metadata.get("extra-needs") {
        None | Some(Value::Null) => None,
        Some(Value::Array(parts)) => {
            let parts = parts.iter().map(part).collect::<Result<Vec<_>>>()?;
            (!parts.is_empty()).then(|| parts.join("; "))
        }
        Some(one) => Some(part(one)?),
    })
}

fn parse(text: &str) -> Result<Needs> {
    let rules = text.split("; ").map(|rule| {
        let rule = Rule::parse(&with_numbers(rule))?;
        // Malformed regular expressions are only looked at when there is something to match.
        let any =
            rule.dimensions().fold(Context::new(), |any, dimension| any.with(dimension, ["x"]));
        any.decide(&rule)?;
        Ok(rule)
    });
    let rules = rules.collect::<atex_fmf::Result<Vec<Rule>>>().context("extra-needs is no rule")?;
    Ok(Needs::new(text, move |facts| met(&rules, facts)))
}

/// Whether all rules hold. One that says something of a dimension that is not known cannot be decided; one that compares what cannot
/// be compared (another distribution) does not hold.
fn met(rules: &[Rule], facts: &Facts) -> Option<bool> {
    let known = facts.iter().filter(|(_, values)| !values.is_empty());
    let context = known.fold(Context::new(), |context, (dimension, values)| {
        context.with(dimension, values.iter().map(|value| with_numbers(value)))
    });
    let mut all = Some(true);
    for rule in rules {
        match context.decide(rule).ok().flatten() {
            Some(true) => {}
            Some(false) => return Some(false),
            None if rule.dimensions().all(|dimension| !facts.get(dimension).is_empty()) => {
                return Some(false);
            }
            None => all = None,
        }
    }
    all
}

/// Context rules compare versions of one thing (`rhel-9`), and a bare number is a thing without version. Here a number is a version of
/// "number", on both sides, so that `memory >= 4096` means what it says.
fn with_numbers(text: &str) -> String {
    let is_word = |char: char| char.is_alphanumeric() || "._-".contains(char);
    let mut all = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let other = rest.find(is_word).unwrap_or(rest.len());
        all.push_str(&rest[..other]);
        rest = &rest[other..];
        let end = rest.find(|char| !is_word(char)).unwrap_or(rest.len());
        if end > 0 && rest[..end].bytes().all(|byte| byte.is_ascii_digit()) {
            all.push_str("number-");
        }
        all.push_str(&rest[..end]);
        rest = &rest[end..];
    }
    all
}

/// A whole number, 0 if there is none.
fn priority(test: &Test) -> Result<i64> {
    match test.metadata.get("extra-priority") {
        None | Some(Value::Null) => Ok(0),
        Some(Value::String(text)) => text
            .trim()
            .parse()
            .with_context(|| format!("extra-priority must be a number, got {text:?}")),
        Some(value) => value
            .as_i64()
            .with_context(|| format!("extra-priority must be a whole number, got {value}")),
    }
}

fn word<'a>(test: &'a Test, key: &str) -> Result<Option<&'a str>> {
    match test.metadata.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text.trim())),
        Some(other) => bail!("{key} must be a name, got {other}"),
    }
}

/// The role is the last part of the name, unless it is said.
fn together(name: &TestName, test: &Test) -> Result<Option<Together>> {
    let Some(gang) = word(test, "extra-together")? else { return Ok(None) };
    let last = name.as_str().rsplit('/').next().unwrap_or_default();
    let role = word(test, "extra-role")?.unwrap_or(last);
    if role.contains([' ', '=']) {
        bail!("extra-role must be one word, got {role:?}");
    }
    Ok(Some(Together { gang: gang.into(), role: role.into() }))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use serde_json::json;

    use super::*;

    fn test(metadata: Value) -> Test {
        let mut test = Test::new("true");
        test.metadata = metadata.as_object().unwrap().clone();
        test
    }

    #[test]
    fn needs_are_decided_by_facts() {
        let facts = |text: &str| {
            let pairs = text.split_whitespace().map(|pair| pair.split_once('=').unwrap());
            pairs.fold(Facts::new(), |facts, (dimension, value)| facts.with(dimension, value))
        };
        let cases = [
            ("distro == rhel-9 and arch == x86_64", "distro=rhel-9.6 arch=x86_64"),
            ("distro == rhel-9 and arch == x86_64", "distro=rhel-9.6 arch=aarch64"),
            ("distro == rhel-9 and arch == x86_64", "arch=aarch64"),
            ("distro == rhel-9 and arch == x86_64", "arch=x86_64"),
            ("distro >= rhel-9", "distro=fedora-42"),
            ("distro >= rhel-9", "distro=rhel-10.0"),
            ("memory >= 4096", "memory=16384"),
            ("memory >= 4096", "memory=512"),
            ("arch == x86_64, aarch64", "arch=s390x"),
            ("tag == gpu; tag == fast", "tag=gpu tag=fast"),
            ("tag == gpu; tag == fast", "tag=gpu"),
        ];
        let mut text = String::new();
        for (needs, system) in cases {
            let met = match parse(needs).unwrap().met_by(&facts(system)) {
                Some(true) => "yes",
                Some(false) => "no",
                None => "perhaps",
            };
            writeln!(text, "{needs} | {system}: {met}").unwrap();
        }
        insta::assert_snapshot!(text, @r#"
        distro == rhel-9 and arch == x86_64 | distro=rhel-9.6 arch=x86_64: yes
        distro == rhel-9 and arch == x86_64 | distro=rhel-9.6 arch=aarch64: no
        distro == rhel-9 and arch == x86_64 | arch=aarch64: no
        distro == rhel-9 and arch == x86_64 | arch=x86_64: perhaps
        distro >= rhel-9 | distro=fedora-42: no
        distro >= rhel-9 | distro=rhel-10.0: yes
        memory >= 4096 | memory=16384: yes
        memory >= 4096 | memory=512: no
        arch == x86_64, aarch64 | arch=s390x: no
        tag == gpu; tag == fast | tag=gpu tag=fast: yes
        tag == gpu; tag == fast | tag=gpu: no
        "#);
    }

    #[test]
    fn mistakes_are_found_before_anything_runs() {
        let cases = [
            json!({"extra-needs": "distro = "}),
            json!({"extra-needs": "distro ~ (x"}),
            json!({"extra-needs": 9}),
            json!({"extra-priority": "high"}),
            json!({"extra-priority": 1.5}),
            json!({"extra-group": ["a"]}),
            json!({"extra-together": "net", "extra-role": "a server"}),
        ];
        let mut text = String::new();
        for metadata in cases {
            let name = TestName::new("/a").unwrap();
            let suite = TestSuite::new([(name, test(metadata))]);
            match Wishes::read([&suite].into_iter()) {
                Ok(_) => writeln!(text, "fine").unwrap(),
                Err(error) => writeln!(text, "{error:#}").unwrap(),
            }
        }
        insta::assert_snapshot!(text, @r#"
        cannot use the metadata of /a: extra-needs is no rule: cannot parse the expression 'distro ==' of a rule
        cannot use the metadata of /a: extra-needs is no rule: invalid regular expression '(x': missing ), unterminated subpattern
        cannot use the metadata of /a: extra-needs must be a rule like 'distro == rhel-9', got 9
        cannot use the metadata of /a: extra-priority must be a number, got "high": invalid digit found in string
        cannot use the metadata of /a: extra-priority must be a whole number, got 1.5
        cannot use the metadata of /a: extra-group must be a name, got ["a"]
        cannot use the metadata of /a: extra-role must be one word, got "a server"
        "#);
    }

    #[test]
    fn the_plan_has_what_the_metadata_say() {
        let metadata = json!({
            "extra-needs": ["arch == x86_64", "memory > 9"], "extra-priority": "-5",
            "extra-group": "g", "extra-label": "l", "extra-together": "net",
        });
        let name = TestName::new("/net/server").unwrap();
        let suite = TestSuite::new([(name.clone(), test(metadata))]);
        let mut plan = TestPlan::new(name.clone());
        Wishes::read([&suite].into_iter()).unwrap().complete(&mut plan, &suite.tests[&name]);
        let together = plan.together.unwrap();
        let said = format!(
            "{} | {} | {:?} {:?} | {} {}",
            plan.needs.unwrap(),
            plan.priority,
            plan.group,
            plan.label,
            together.gang,
            together.role
        );
        insta::assert_snapshot!(said, @r#"arch == x86_64; memory > 9 | -5 | Some("g") Some("l") | net server"#);
    }
}
