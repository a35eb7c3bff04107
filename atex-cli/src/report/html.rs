//! The report as one HTML file.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use atex_report::{FileLayout, HtmlPage, Review, RunStore};

use super::printed;

/// What the page of a run is called in its folder.
pub(crate) const NAME: &str = "report.html";

/// A run that goes on and is looked at once: how often its page looks whether it was written again.
const REFRESH: Duration = Duration::from_secs(10);

/// Writes the page, with links to the files of the run, wherever it lies. It says how often it will be written again, if somebody does that.
pub(crate) fn write(
    review: &Review<'_>,
    store: &RunStore,
    (path, every): (&Path, Option<Duration>),
) -> Result<()> {
    let goes_on = !review.report().is_finished() && store.goes_on()?;
    let page = HtmlPage::new(review).tails(printed::ends(store, review));
    let page = match link(store, path) {
        Some(folder) => page.files_in(folder, layout(store)),
        None => page,
    };
    let every = every.unwrap_or(REFRESH).as_secs().try_into().unwrap_or(u32::MAX);
    let page = if goes_on { page.refresh(every) } else { page };
    page.save(path)?;
    Ok(())
}

/// Which of the two places of files is there.
fn layout(store: &RunStore) -> FileLayout {
    let artifacts = std::fs::read_dir(store.artifacts_dir());
    match artifacts.is_ok_and(|mut entries| entries.next().is_some()) {
        true => FileLayout::Artifacts,
        false => FileLayout::Files,
    }
}

/// The folder of the run, as a link from the page.
fn link(store: &RunStore, page: &Path) -> Option<String> {
    let parent = match page.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let (from, to) =
        (std::fs::canonicalize(parent).ok()?, std::fs::canonicalize(store.dir()).ok()?);
    let steps: Option<Vec<String>> = relative(&from, &to)
        .components()
        .map(|step| step.as_os_str().to_str().map(encoded))
        .collect();
    steps.map(|steps| steps.join("/"))
}

/// The way from one folder to another; both are absolute and without `..`.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(to.components().skip(common)).collect();
    if way.as_os_str().is_empty() { PathBuf::from(".") } else { way }
}

/// A step of a path, as links have it.
fn encoded(step: &str) -> String {
    let mut text = String::new();
    for byte in step.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// The runs in the order in which they began.
pub(super) fn by_start(runs: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let started = |dir: &PathBuf| {
        let store =
            RunStore::open(dir).with_context(|| format!("cannot report {}", dir.display()))?;
        Ok((store.info().started, dir.clone()))
    };
    let mut all = runs.iter().map(started).collect::<Result<Vec<_>>>()?;
    all.sort();
    Ok(all.into_iter().map(|(_, dir)| dir).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_from_the_page_to_the_run() {
        let table = [
            ("/a/b", "/a/b", "."),
            ("/a", "/a/b/c", "b/c"),
            ("/a/b", "/a/c", "../c"),
            ("/a/b/c", "/a", "../.."),
            ("/", "/x", "x"),
        ];
        for (from, to, way) in table {
            assert_eq!(relative(Path::new(from), Path::new(to)), Path::new(way), "{from} {to}");
        }
        assert_eq!(encoded("a b?#%ž"), "a%20b%3F%23%25%C5%BE");
    }
}
