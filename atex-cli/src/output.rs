//! `--results`: from what was typed to where results go.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use atex_core::Aggregator;
use atex_report::{
    LaunchPlan, PackFiles, PackFormat, Packing, Portal, ReportPortal, ResultsFormat, ResultsPlan,
    RunReport, RunStore, Subtests, Token,
};

use crate::message;

/// One `--results`, taken apart: `FORMAT[:FILE][,KEY=VALUE]…`.
#[derive(Debug, PartialEq, Eq)]
struct OutputSpec<'a> {
    format: &'a str,
    target: Option<&'a str>,
    settings: Vec<(&'a str, &'a str)>,
}

/// What stands for a server in the place of a format.
const PORTAL: &str = "reportportal";

/// What the formats are called.
const FORMATS: [(&str, ResultsFormat, &str); 5] = [
    ("jsonl", ResultsFormat::JsonLines, "jsonl"),
    ("yaml", ResultsFormat::Yaml, "yaml"),
    ("junit", ResultsFormat::Junit, "xml"),
    ("csv", ResultsFormat::Csv, "csv"),
    ("sqlite", ResultsFormat::Sqlite, "sqlite"),
];

/// Looks for mistakes before anything begins.
pub(crate) fn check(typed: &[String]) -> Result<()> {
    for typed in typed {
        let spec = OutputSpec::parse(typed);
        let checked = spec.and_then(|spec| spec.check());
        checked.with_context(|| format!("cannot use --results {typed}"))?;
    }
    Ok(())
}

/// Begins all of them.
pub(crate) async fn outputs(
    typed: &[String],
    store: &RunStore,
) -> Result<Vec<Arc<dyn Aggregator>>> {
    let mut outputs = Vec::new();
    for typed in typed {
        let made = async { OutputSpec::parse(typed)?.make(store).await };
        outputs.push(made.await.with_context(|| format!("cannot use --results {typed}"))?);
    }
    Ok(outputs)
}

/// Begins all of them again, with the tests on which there is a last word, for a run that was killed: what it had written is
/// removed. Tells what was not taken in.
pub(crate) async fn again(
    typed: &[String],
    (store, report): (&RunStore, &RunReport),
) -> Result<Vec<Arc<dyn Aggregator>>> {
    for typed in typed {
        let removed = OutputSpec::parse(typed).and_then(|spec| spec.remove(store));
        removed.with_context(|| format!("cannot go on with --results {typed}"))?;
    }
    let outputs = outputs(typed, store).await?;
    for output in &outputs {
        for failure in store.refile(report, output.as_ref()).await {
            message::note(&format!("warning: {failure}"));
        }
    }
    Ok(outputs)
}

/// Where a stored run goes.
pub(crate) enum Export {
    /// Into a file, with the files of tests in a folder or without.
    File { plan: ResultsPlan, path: PathBuf, files: Option<PathBuf> },
    /// To a server.
    Launch(Portal, Box<LaunchPlan>),
}

/// What was typed for an export: as for `--results`, with the file and the folder of files apart.
pub(crate) fn parse_export(
    typed: &str,
    (out, files): (Option<&Path>, Option<&Path>),
) -> Result<Export> {
    let mut spec = OutputSpec::parse(typed)?;
    if spec.format == PORTAL && (out.is_some() || files.is_some()) {
        bail!("{PORTAL} is a server: there is nothing to write for --out or --files");
    }
    let files = files.map(|files| files.to_str().context("--files is no text")).transpose()?;
    spec.settings.extend(files.map(|files| ("files", files)));
    spec.check()?;
    if spec.format == PORTAL {
        let (portal, plan) = spec.launch()?;
        return Ok(Export::Launch(portal, Box::new(plan)));
    }
    let path = out.map(PathBuf::from).or_else(|| spec.target.map(PathBuf::from));
    let path = path.context("which file? name it with --out")?;
    Ok(Export::File { plan: spec.plan()?, path, files: spec.setting("files").map(PathBuf::from) })
}

/// The format, and how it is compressed: `jsonl`, `yaml.gz`.
fn parse_format(typed: &str) -> Result<(ResultsFormat, Option<Packing>)> {
    let packing = PackFormat::of_name(typed);
    let name =
        packing.map_or(typed, |packing| typed.strip_suffix(packing.suffix()).unwrap_or(typed));
    match FORMATS.iter().find(|(known, ..)| *known == name) {
        Some((_, ResultsFormat::Sqlite, _)) if packing.is_some() => {
            bail!("a database cannot be compressed while it is written")
        }
        Some((_, format, _)) => Ok((*format, packing.map(Packing::new))),
        None => {
            let names = FORMATS.map(|(name, ..)| name).join(", ");
            bail!(
                "there is no format {typed:?}; there are: {names}; with .gz, .xz or .zst, compressed"
            )
        }
    }
}

impl<'a> OutputSpec<'a> {
    fn parse(typed: &'a str) -> Result<Self> {
        let mut parts = typed.split(',');
        let head = parts.next().unwrap_or_default();
        let (format, target) = match head.split_once(':') {
            Some((format, target)) => (format, Some(target)),
            None => (head, None),
        };
        if target == Some("") {
            bail!("a file is missing after `{format}:`");
        }
        let settings = parts
            .map(|part| match part.split_once('=') {
                // An empty suffix means something.
                Some((key, value)) if !key.is_empty() && (!value.is_empty() || key == "suffix") => {
                    Ok((key, value))
                }
                _ => bail!("expected KEY=VALUE, found {part:?}"),
            })
            .collect::<Result<_>>()?;
        Ok(Self { format, target, settings })
    }

    fn setting(&self, key: &str) -> Option<&'a str> {
        self.settings.iter().find(|(own, _)| *own == key).map(|(_, value)| *value)
    }

    fn check(&self) -> Result<()> {
        const KNOWN: [&str; 7] =
            ["files", "level", "pack", "suffix", "exclude", "duplicates", "limit"];
        if self.format == PORTAL {
            return self.launch().map(drop);
        }
        parse_format(self.format)?;
        for (key, _) in &self.settings {
            if !KNOWN.contains(key) {
                bail!("{} has no setting {key:?}; there are: {}", self.format, KNOWN.join(", "));
            }
        }
        if self.setting("pack").is_none()
            && let Some(key) = ["suffix", "exclude"].iter().find(|key| self.setting(key).is_some())
        {
            bail!("{key} says how files are compressed: it needs pack=gz, pack=xz or pack=zst");
        }
        if self.setting("pack").is_some() && self.setting("files").is_none() {
            bail!("pack compresses files: it needs files=DIR");
        }
        self.plan().map(drop)
    }

    /// All but the file.
    fn plan(&self) -> Result<ResultsPlan> {
        let (format, packing) = parse_format(self.format)?;
        let level =
            self.setting("level").map(str::parse).transpose().context("level is a number")?;
        if level.is_some() && packing.is_none() && self.setting("pack").is_none() {
            bail!("level says how hard to compress, and nothing is compressed");
        }
        let at_level = |packing: Packing| match level {
            Some(level) => packing.level(level),
            None => Ok(packing),
        };
        let plan = ResultsPlan::new(format);
        let packing = packing.map(at_level).transpose()?;
        let plan = packing.into_iter().fold(plan, ResultsPlan::packed);
        let plan = self.setting("files").into_iter().fold(plan, ResultsPlan::files);
        let plan = match self.setting("limit").map(str::parse::<u64>) {
            None => plan,
            Some(Ok(megabytes)) if format == ResultsFormat::Junit => {
                plan.size_limit(megabytes.saturating_mul(1 << 20))
            }
            Some(_) => bail!("limit is the size of a JUnit file, in MiB"),
        };
        let plan = match self.setting("duplicates") {
            None | Some("no") => plan,
            Some("yes") => plan.allow_duplicates(),
            Some(other) => bail!("duplicates is yes or no, found {other:?}"),
        };
        let Some(pack) = self.setting("pack") else { return Ok(plan) };
        let Some(format) = PackFormat::of_name(&format!(".{pack}")) else {
            bail!("pack is gz, xz or zst, found {pack:?}");
        };
        let files = PackFiles::new(at_level(Packing::new(format))?);
        let files = self.setting("suffix").into_iter().fold(files, PackFiles::with_suffix);
        let excluded = self.settings.iter().filter(|(key, _)| *key == "exclude");
        let files = excluded.fold(files, |files, (_, name)| files.exclude(*name));
        Ok(plan.pack_files(files))
    }

    fn path(&self, store: &RunStore) -> PathBuf {
        match self.target {
            Some(target) => PathBuf::from(target),
            None => store.dir().join(self.file_name()),
        }
    }

    async fn make(&self, store: &RunStore) -> Result<Arc<dyn Aggregator>> {
        if self.format == PORTAL {
            let (portal, plan) = self.launch()?;
            let launch = ReportPortal::start(portal, plan.started(store.info().started)).await?;
            message::note(&format!("{}: launch {}", launch.name(), launch.launch()));
            return Ok(Arc::new(launch));
        }
        Ok(Arc::new(self.plan()?.create(self.path(store))?))
    }

    /// A launch of ReportPortal. Who we are there is in the environment alone: arguments can be seen by everybody, and are kept with
    /// the run.
    fn launch(&self) -> Result<(Portal, LaunchPlan)> {
        const KNOWN: [&str; 6] = ["url", "project", "rerun_of", "flat", "subtests", "attribute"];
        for (key, _) in &self.settings {
            if *key == "token" {
                bail!("the token belongs into the environment, as ATEX_REPORTPORTAL_TOKEN");
            }
            if !KNOWN.contains(key) {
                bail!("{PORTAL} has no setting {key:?}; there are: {}", KNOWN.join(", "));
            }
        }
        let portal = Portal::new(
            &self.known_of("url")?,
            self.known_of("project")?,
            Token::new(self.known_of("token")?),
        )?;
        let mut plan = LaunchPlan::new(self.target.unwrap_or("atex"));
        plan = self.setting("rerun_of").into_iter().fold(plan, LaunchPlan::rerun_of);
        plan = self.setting("flat").into_iter().fold(plan, LaunchPlan::flat);
        plan = match self.setting("subtests") {
            None | Some("all") => plan,
            Some("failed") => plan.subtests(Subtests::NotPassed),
            Some(other) => bail!("subtests is all or failed, found {other:?}"),
        };
        for (_, value) in self.settings.iter().filter(|(key, _)| *key == "attribute") {
            plan = match value.split_once(':') {
                Some((key, value)) => plan.attribute(Some(key), value),
                None => plan.attribute(None, *value),
            };
        }
        Ok((portal, plan))
    }

    /// What was typed for ReportPortal, or stands in the environment: under our name, or under that of tmt's plugin.
    fn known_of(&self, key: &str) -> Result<String> {
        let name = key.to_ascii_uppercase();
        let names =
            [format!("ATEX_REPORTPORTAL_{name}"), format!("TMT_PLUGIN_REPORT_REPORTPORTAL_{name}")];
        let typed = self.setting(key).map(str::to_owned);
        let found = typed.or_else(|| names.iter().find_map(|name| std::env::var(name).ok()));
        found.with_context(|| format!("{PORTAL} needs {} in the environment", names[0]))
    }

    /// Removes what a run wrote that was killed: the file, what a database has beside it, and the files of tests.
    fn remove(&self, store: &RunStore) -> Result<()> {
        if self.format == PORTAL {
            // What is there stays there, and another launch has all of it.
            return Ok(());
        }
        let path = self.path(store);
        for suffix in ["", "-wal", "-shm"] {
            let mut path = path.clone().into_os_string();
            path.push(suffix);
            gone(fs::remove_file(path))?;
        }
        self.setting("files").map_or(Ok(()), |files| gone(fs::remove_dir_all(files)))
    }

    /// The name in the folder of the run, unless another file is named. What is there already keeps its name.
    fn file_name(&self) -> String {
        let (name, packed) = match PackFormat::of_name(self.format) {
            Some(packing) => {
                let suffix = packing.suffix();
                (self.format.strip_suffix(suffix).unwrap_or(self.format), suffix)
            }
            None => (self.format, ""),
        };
        let known = FORMATS.iter().find(|(known, ..)| *known == name);
        format!("results.{}{packed}", known.map_or(name, |(_, _, extension)| extension))
    }
}

fn gone(removed: io::Result<()>) -> Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_checked() {
        let good = [
            "jsonl.gz",
            "jsonl.xz:r.jsonl.xz,level=9",
            "yaml:r.yaml,files=f,duplicates=yes",
            "jsonl.zst,files=f,pack=gz,suffix=,exclude=a,exclude=b,level=3",
            "sqlite:r.db",
            "junit,files=f,limit=10",
            "csv.gz",
        ];
        for typed in good {
            check(&[typed.to_owned()]).unwrap();
        }
        let bad = [
            "xml",
            "jsonl:",
            "jsonl,level=3",
            "jsonl.gz,level=10",
            "jsonl,pack=gz",
            "jsonl,files=f,suffix=.z",
            "jsonl,files=f,pack=bz2",
            "jsonl,colour=red",
            "jsonl,files",
            "sqlite.gz",
            "yaml,duplicates=maybe",
            "yaml,limit=10",
            "junit,limit=big",
        ];
        let shown = bad.map(|typed| {
            let error = check(&[typed.to_owned()]).unwrap_err();
            format!("{typed}: {}", error.root_cause())
        });
        insta::assert_snapshot!(shown.join("\n"));
    }

    #[test]
    fn files_have_names_by_default() {
        for (typed, name) in [
            ("junit.xz", "results.xml.xz"),
            ("jsonl.zst", "results.jsonl.zst"),
            ("sqlite", "results.sqlite"),
        ] {
            assert_eq!(OutputSpec::parse(typed).unwrap().file_name(), name);
        }
    }
}
