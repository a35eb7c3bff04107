//! The examples of `docs/guide/reports.md`: the files are written, the commands run, and what they print is what the guide shows.

use std::fs;
use std::path::Path;

use crate::bench::Bench;

/// The blocks of the guide: their kind, and their text.
fn blocks(guide: &str) -> Vec<(&str, &str)> {
    guide.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect()
}

#[test]
fn the_guide_shows_what_is_printed() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/guide/reports.md");
    let guide = fs::read_to_string(&path).unwrap();
    let blocks = blocks(&guide);
    let bench = Bench::new(&[]);
    for (_, text) in blocks.iter().filter(|(kind, _)| *kind == "yaml") {
        let name = text.lines().next().unwrap().strip_prefix("# ").unwrap();
        bench.write(&format!("tree/{name}"), text);
    }
    for (run, disk) in [("old", ""), ("new", "disk 3 is broken")] {
        let arguments = format!("run --pool local,platform=x --progress none --out results/{run}");
        let mut command = bench.command(&arguments);
        let output = command.args(["-e", &format!("DISK={disk}")]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", bench.transcript(&arguments, &output));
    }
    let names = ["old", "new"].map(|run| {
        let info =
            fs::read_to_string(bench.path("tree/results").join(run).join("run.json")).unwrap();
        let info: serde_json::Value = serde_json::from_str(&info).unwrap();
        info["run"].as_str().unwrap().to_owned()
    });
    let normal = |text: &str| {
        let text = bench.normal(text);
        names.iter().fold(text, |text, name| text.replace(name, "RUN"))
    };
    let mut printed = guide.clone();
    for (_, text) in blocks.iter().filter(|(kind, _)| *kind == "console") {
        let command = text.lines().next().unwrap();
        let output = bench.command(command.strip_prefix("$ atex ").unwrap()).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
        let output = format!("{command}\n{}", String::from_utf8(output.stdout).unwrap());
        printed = printed.replacen(
            text,
            &names.iter().fold(output, |text, name| text.replace(name, "20261122-150405")),
            1,
        );
    }
    let shown = guide.replace("20261122-150405", "RUN");
    if normal(&printed.replace("20261122-150405", "RUN")) != normal(&shown) {
        // Copied over the guide, this is what it should be.
        let should = std::env::temp_dir().join("atex-guide-reports.md");
        fs::write(&should, &printed).unwrap();
        panic!("the guide shows something else: see {}", should.display());
    }
}
