//! The results of a run as a list: a line each, for people or for programs.

use anyhow::{Result, anyhow};
use atex_core::display::one_line;
use atex_report::{Dataset, Pattern, Review, Row, Select};
use serde_json::{Value, json};

use super::options::SelectOptions;
use crate::message;

/// The longest name or note on a line, in characters.
const TEXT_MAX: usize = 300;
/// Lines are printed together up to so many bytes.
const CHUNK: usize = 1 << 16;

/// Prints the results that are wanted; how many there were.
pub(super) fn print(review: &Review<'_>, options: &SelectOptions, as_json: bool) -> Result<usize> {
    let select = select(review.dataset, options)?;
    unknown_statuses(review.dataset, options);
    let (mut text, mut count) = (String::new(), 0);
    for (number, row) in select.rows(review.run) {
        count += 1;
        text.push_str(&match as_json {
            true => message::json_text(&json_line(review, number, &row))?,
            false => line(review, number, &row),
        });
        text.push('\n');
        if text.len() > CHUNK {
            message::text(&text)?;
            text.clear();
        }
    }
    message::text(&text)?;
    Ok(count)
}

/// Says which statuses nobody has and nobody knows: they are easily mistaken for verdicts.
fn unknown_statuses(dataset: &Dataset, options: &SelectOptions) {
    const KNOWN: [&str; 7] = ["pass", "fail", "info", "warn", "skip", "error", "infra"];
    let statuses: Vec<String> =
        dataset.statuses().iter().take(20).map(|(_, one)| one_line(one, 20)).collect();
    for status in options.status.iter().map(|status| status.trim()) {
        if dataset.statuses().find(status).is_none() && !KNOWN.contains(&status) {
            let (status, there) = (one_line(status, 40), statuses.join(", "));
            message::note(&format!("note: no result is '{status}'; there are: {there}"));
        }
    }
}

fn select(dataset: &Dataset, options: &SelectOptions) -> Result<Select> {
    let mut select =
        if options.subtests { Select::tests().and_subtests() } else { Select::tests() };
    if !options.status.is_empty() {
        let wanted = |status: &str| options.status.iter().any(|one| one.trim() == status);
        select = select.status(dataset, wanted);
    }
    let patterns = |texts: &[String], make: fn(&str) -> Result<Pattern, String>| {
        let one =
            |text: &String| make(text).map_err(|why| anyhow!("cannot understand '{text}': {why}"));
        texts.iter().map(one).collect::<Result<Vec<Pattern>>>()
    };
    let any = |patterns: Vec<Pattern>| {
        move |text: &str| patterns.iter().any(|pattern| pattern.matches(text))
    };
    if !options.platform.is_empty() {
        select = select.platform(dataset, any(patterns(&options.platform, Pattern::glob)?));
    }
    if !options.tests.is_empty() {
        select = select.test(dataset, any(patterns(&options.tests, Pattern::regex)?));
    }
    Ok(select)
}

/// `fail  rhel-9  /net/dns: ipv6  got no answer`
fn line(review: &Review<'_>, number: usize, row: &Row) -> String {
    let (dataset, attempt) = (review.dataset, review.run.attempt(row.attempt));
    let status = row.status.map_or("", |status| dataset.statuses().text(status));
    let color = match status {
        "pass" => "32",
        "fail" | "error" => "1;31",
        "infra" | "warn" => "1;33",
        _ => "0",
    };
    let shown = |text: &str| one_line(text, TEXT_MAX);
    let mut line = format!("\x1b[{color}m{:<5}\x1b[0m", one_line(status, 20));
    line.push_str(&format!("  {}", shown(dataset.platforms().text(attempt.platform))));
    line.push_str(&format!("  {}", shown(dataset.tests().text(attempt.test))));
    let subtest =
        row.subtest.map(|subtest| format!(": {}", shown(dataset.subtests().text(subtest))));
    line.extend(subtest);
    line.extend(row.note.map(|note| format!("  {}", shown(dataset.notes().text(note)))));
    let waiver = review.waived.of_row(number).and_then(|by| review.waivers?.iter().nth(by));
    line.extend(waiver.map(|waiver| format!("  ({})", shown(&waiver.because()))));
    line
}

fn json_line(review: &Review<'_>, number: usize, row: &Row) -> Value {
    let (dataset, attempt) = (review.dataset, review.run.attempt(row.attempt));
    let waiver = review.waived.of_row(number).and_then(|by| review.waivers?.iter().nth(by));
    let cause = review.causes.of_row(number).and_then(|cause| review.causes.iter().nth(cause));
    json!({
        "platform": dataset.platforms().text(attempt.platform),
        "test": dataset.tests().text(attempt.test),
        "attempt": attempt.number,
        "subtest": row.subtest.map(|subtest| dataset.subtests().text(subtest)),
        "status": row.status.map(|status| dataset.statuses().text(status)),
        "note": row.note.map(|note| dataset.notes().text(note)),
        "files": dataset.files_of(row),
        "system": attempt.guest.map(|guest| dataset.guests().text(guest)),
        "waived": waiver.map(|waiver| waiver.line),
        "cause": cause.map(|cause| cause.text.as_str()),
    })
}
