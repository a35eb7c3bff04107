//! What `atex plan` foretells of the demo, and what the demo takes.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{HISTORY, RUN};

/// Has `atex plan` foretell the demo by what is known of the one before, runs it again into a folder of its own in this one, and says how
/// near it came.
pub(super) fn comparison(
    atex: impl Fn() -> Command,
    arguments: &[String],
    out: &Path,
) -> Result<String> {
    let output = atex().arg("plan").args(&RUN[1..]).args(HISTORY).args(arguments).output();
    let output = output.context("cannot start atex")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let why = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "atex plan failed: {why}");
    let said = seconds_in(&said).with_context(|| format!("no time is in this plan:\n{said}"))?;
    println!("\n$ atex plan {} {}", RUN[1..].join(" "), HISTORY.join(" "));
    println!("says that it takes {said:.1} s; running it again to see...");
    let again = out.join("again");
    let mut run = atex();
    run.args(RUN).args(HISTORY).args(arguments).args(["--progress", "none", "--out"]).arg(&again);
    run.output().context("cannot start atex")?;
    let journal = again.join("journal.jsonl");
    let took = last_ms(&fs::read_to_string(journal).context("cannot read the journal")?)? / 1000.0;
    Ok(format!("It took {took:.1} s: {:.2} of that was foretold.", said / took))
}

/// When the last event of a journal was.
fn last_ms(journal: &str) -> Result<f64> {
    let last: Value = serde_json::from_str(journal.lines().next_back().context("no event")?)?;
    last["at_ms"].as_f64().context("an event without a time")
}

/// The time for all in the text of a plan: `9.8s`, `22s`, `1m05s`.
fn seconds_in(plan: &str) -> Option<f64> {
    let line = plan.lines().find_map(|line| line.strip_prefix("with these pools: "))?;
    let (time, _) = line.split_once(',')?;
    let (minutes, seconds) = time.split_once('m').unwrap_or(("0", time));
    Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.strip_suffix('s')?.parse::<f64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (time, seconds) in [("9.8s", 9.8), ("22s", 22.0), ("1m05s", 65.0)] {
            let plan =
                format!("24 tests\n\nwith these pools: {time}, machines held for 1m in all\n");
            assert_eq!(seconds_in(&plan), Some(seconds));
        }
        assert_eq!(seconds_in("nothing"), None);
    }
}
