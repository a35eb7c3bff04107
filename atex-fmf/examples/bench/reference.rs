//! The same steps by the reference implementation, in a Python interpreter that has it.

use std::path::Path;
use std::process::Command;

use crate::Failure;
use crate::measure::Times;

/// Start-up and imports are over before the clock starts.
const SCRIPT: &str = r#"
import os, sys, time
os.environ["COLOR"] = "0"
import fmf
from ruamel.yaml import YAML
parser = "libyaml" if "CParser" in repr(YAML(typ="safe").Parser) else "pure Python"
print(parser, "fmf", getattr(fmf, "__version__", ""), sep="\t")
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    tree = fmf.Tree(sys.argv[1])
    loaded = time.perf_counter()
    tree.adjust(fmf.Context(distro="rhel-9.6", arch="x86_64"))
    adjusted = time.perf_counter()
    chosen = len(list(tree.prune(keys=["test"], filters=["tier: 1"])))
    selected = time.perf_counter()
    nodes = sum(1 for _ in tree.climb(whole=True))
    print(loaded - start, adjusted - loaded, selected - adjusted, nodes, chosen, sep="\t")
"#;

#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) name: String,
    pub(crate) times: Times,
    pub(crate) nodes: usize,
    pub(crate) chosen: usize,
}

pub(crate) fn measure(python: &Path, tree: &Path, runs: usize) -> Result<Reference, Failure> {
    let output =
        Command::new(python).args(["-c", SCRIPT]).arg(tree).arg(runs.to_string()).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let text = String::from_utf8(output.stdout)?;
    let mut lines = text.lines();
    let parser = lines.next().and_then(|line| line.split('\t').next()).unwrap_or_default();
    let mut least: Option<Reference> = None;
    for line in lines {
        let numbers: Vec<f64> = line.split('\t').flat_map(str::parse).collect();
        let [load, adjust, select, nodes, chosen] = numbers[..] else { return Err(line.into()) };
        let times = Times { load, adjust, select };
        let best = least.map_or(times, |least| least.times.least(times));
        let name = format!("reference, {parser}");
        least =
            Some(Reference { name, times: best, nodes: nodes as usize, chosen: chosen as usize });
    }
    least.ok_or_else(|| "the reference printed nothing".into())
}
