//! What should come out of the samples, compared with the journal of a run.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

/// Verdict and number of attempts, by test.
pub(super) type Expected = BTreeMap<String, (String, u64)>;

/// Reads the table: test, verdict and attempts, with tabs between them.
pub(super) fn parse(table: &str) -> Result<Expected> {
    let rows = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    rows.map(|row| {
        let mut cells = row.split('\t');
        let mut cell = || cells.next().with_context(|| format!("a cell is missing: {row}"));
        let (test, verdict, attempts) = (cell()?, cell()?, cell()?);
        let attempts = attempts.parse().with_context(|| format!("no number of attempts: {row}"))?;
        Ok((test.to_owned(), (verdict.to_owned(), attempts)))
    })
    .collect()
}

/// What the journal tells otherwise: a test with another verdict, a remote that was not given back or not replaced.
pub(super) fn differences(expected: &Expected, journal: &str) -> Result<Vec<String>> {
    let mut open = expected.clone();
    let mut differences = Vec::new();
    let (mut provisioned, mut released, mut finished) = (0_usize, 0, false);
    for line in journal.lines() {
        let entry: Value =
            serde_json::from_str(line).with_context(|| format!("no event: {line}"))?;
        match entry["event"].as_str() {
            Some("remote_provisioned") => provisioned += 1,
            Some("remote_released") => released += 1,
            Some("run_finished") => finished = true,
            Some("test_concluded") => differences.extend(conclusion(&entry, &mut open)),
            _ => {}
        }
    }
    differences.extend(open.keys().map(|test| format!("{test}: no verdict at all")));
    if provisioned != released {
        differences.push(format!("{provisioned} systems came, {released} were given back"));
    }
    if provisioned < 5 {
        differences.push(format!(
            "{provisioned} systems came; a destructive test should have cost one of four"
        ));
    }
    if !finished {
        differences.push("the run did not come to its end".to_owned());
    }
    Ok(differences)
}

fn conclusion(entry: &Value, open: &mut Expected) -> Option<String> {
    let test = entry["test"].as_str().unwrap_or_default();
    let got =
        (entry["verdict"].as_str().unwrap_or_default().to_owned(), entry["attempts"].as_u64()?);
    match open.remove(test) {
        Some(wanted) if wanted == got => None,
        Some((verdict, attempts)) => Some(format!(
            "{test}: {} after {} attempt(s), and not {verdict} after {attempts}",
            got.0, got.1
        )),
        None => Some(format!("{test}: not one of the samples, or concluded twice")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# test\tverdict\tattempts\n/a\tpassed\t1\n/b\tfailed\t2\n/c\tskipped\t1\n";

    fn journal(
        conclusions: &[(&str, &str, u64)],
        (provisioned, released): (usize, usize),
    ) -> String {
        let came = std::iter::repeat_n(r#"{"event":"remote_provisioned"}"#.to_owned(), provisioned);
        let went = std::iter::repeat_n(r#"{"event":"remote_released"}"#.to_owned(), released);
        let concluded = conclusions.iter().map(|(test, verdict, attempts)| {
            format!(r#"{{"event":"test_concluded","test":"{test}","verdict":"{verdict}","attempts":{attempts}}}"#)
        });
        let lines: Vec<String> = came.chain(concluded).chain(went).collect();
        lines.join("\n")
    }

    #[test]
    fn what_goes_as_designed_passes() {
        let conclusions = [("/a", "passed", 1), ("/b", "failed", 2), ("/c", "skipped", 1)];
        let journal = journal(&conclusions, (5, 5)) + "\n{\"event\":\"run_finished\"}\n";
        let differences = differences(&parse(TABLE).unwrap(), &journal).unwrap();
        assert_eq!(differences, Vec::<String>::new());
    }

    #[test]
    fn every_difference_is_named() {
        let conclusions = [("/a", "failed", 1), ("/b", "failed", 1), ("/d", "passed", 1)];
        let journal = journal(&conclusions, (4, 3));
        let differences = differences(&parse(TABLE).unwrap(), &journal).unwrap();
        insta::assert_snapshot!(differences.join("\n"), @r"
        /a: failed after 1 attempt(s), and not passed after 1
        /b: failed after 1 attempt(s), and not failed after 2
        /d: not one of the samples, or concluded twice
        /c: no verdict at all
        4 systems came, 3 were given back
        4 systems came; a destructive test should have cost one of four
        the run did not come to its end
        ");
    }

    #[test]
    fn the_table_of_the_samples_can_be_read() {
        let expected = parse(include_str!("../../../samples/shop-expected.tsv")).unwrap();
        assert_eq!(expected["/checkout/voucher"], ("failed".to_owned(), 2));
        assert!(parse("/a\tpassed\n").is_err());
    }
}
