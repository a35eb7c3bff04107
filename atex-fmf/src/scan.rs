//! Reading the files of a tree: which ones, in which order, and all of them in parallel.

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, ErrorKind, Result};
use crate::root::included_names;
use crate::value::Value;
use crate::yaml::{self, Pool};

/// Files larger than this are refused.
const MAX_FILE_SIZE: u64 = 100 * 1024 * 1024;

/// Fewer files than this are read by one thread.
const PARALLEL_FILES: usize = 16;

/// Never more threads than this: reading files gains nothing from more.
const MAX_THREADS: usize = 8;

/// What scanning found, in order.
#[derive(Debug)]
pub(crate) enum Step {
    /// The next steps belong to this child.
    Enter(Box<str>),
    /// End of a directory.
    Leave,
    /// A file, and whether it is the content of the directory's own node, not of a child.
    Document { path: PathBuf, is_main: bool },
    /// Scanning cannot go on.
    Failed(Box<Error>),
}

/// The content of a file, or why it could not be read; unset as long as nobody has read it.
type Content = OnceLock<Result<Value, Box<Error>>>;

/// The steps of a scan, and the contents of its files in the same order.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) steps: std::vec::IntoIter<Step>,
    contents: std::vec::IntoIter<Content>,
}

impl Scan {
    /// The content of the next file, which is that of the given path.
    pub(crate) fn content(&mut self, path: &Path) -> Result<Value> {
        let content = self.contents.next().and_then(OnceLock::into_inner);
        let content = content.unwrap_or_else(|| Err(unreadable(path, "it was not read").into()));
        content.map_err(|error| *error)
    }

    /// How many files are still to come.
    pub(crate) fn files(&self) -> usize {
        self.contents.len()
    }
}

/// The name of the node that a file describes, if it is not that of its directory.
pub(crate) fn own_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.strip_suffix(".fmf").unwrap_or(&name).to_owned()
}

/// Walks the directories of one tree.
#[derive(Debug)]
pub(crate) struct Scanner {
    root: PathBuf,
    config: Option<Value>,
    included: Option<Vec<String>>,
    /// Targets of symbolic links to directories: each is entered through one link only.
    followed: HashSet<PathBuf>,
}

struct Entry {
    name: String,
    path: PathBuf,
    is_symlink: bool,
}

impl Scanner {
    pub(crate) fn new(root: PathBuf, config: Option<Value>) -> Self {
        Self { root, config, included: None, followed: HashSet::new() }
    }

    /// Scans a directory and everything below it. Files are numbered from `first` on.
    pub(crate) fn scan(&mut self, directory: &Path, first: usize) -> Scan {
        let mut steps = Vec::new();
        match self.walk(directory, &mut steps) {
            Ok(()) => steps.push(Step::Leave),
            Err(error) => steps.push(Step::Failed(error.into())),
        }
        steps.shrink_to_fit();
        let contents = read_documents(&steps, first);
        Scan { steps: steps.into_iter(), contents: contents.into_iter() }
    }

    fn walk(&mut self, directory: &Path, steps: &mut Vec<Step>) -> Result<()> {
        if ["/dev", "/proc", "/sys"].iter().any(|special| directory == Path::new(special)) {
            return Ok(());
        }
        let Ok(entries) = std::fs::read_dir(directory) else { return Ok(()) };
        let (mut files, mut directories) = (Vec::new(), Vec::new());
        for entry in entries.flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            let mut path = entry.path();
            // Most are kept as long as the tree.
            path.shrink_to_fit();
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_symlink = kind.is_symlink();
            if kind.is_dir() || (is_symlink && path.is_dir()) {
                directories.push(Entry { name, path, is_symlink });
            } else if name.ends_with(".fmf") {
                files.push(Entry { name, path, is_symlink });
            }
        }
        files.sort_unstable_by(|a, b| {
            (a.name != "main.fmf", &a.name).cmp(&(b.name != "main.fmf", &b.name))
        });
        directories.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        for file in files {
            if !self.is_read(&file.name)? {
                continue;
            }
            steps.push(Step::Document { path: file.path, is_main: file.name == "main.fmf" });
        }
        for directory in directories {
            if self.is_read(&directory.name)? && self.is_entered(&directory) {
                steps.push(Step::Enter(directory.name.into()));
                self.walk(&directory.path, steps)?;
                steps.push(Step::Leave);
            }
        }
        Ok(())
    }

    /// Hidden files and directories are read only if the configuration includes them.
    fn is_read(&mut self, name: &str) -> Result<bool> {
        if !name.starts_with('.') {
            return Ok(true);
        }
        if self.included.is_none() {
            let included = included_names(self.config.as_ref());
            self.included = Some(included.map_err(|error| {
                error.with_hint(format!("see {}", self.root.join(".fmf/config").display()))
            })?);
        }
        Ok(self.included.iter().flatten().any(|included| included == name))
    }

    fn is_entered(&mut self, directory: &Entry) -> bool {
        if directory.is_symlink {
            let target = directory.path.canonicalize().unwrap_or_else(|_| directory.path.clone());
            if !self.followed.insert(target) {
                return false;
            }
        }
        // A directory with a '.fmf' directory is the root of another tree.
        !directory.path.join(".fmf").is_dir()
    }
}

/// The contents of all documents. Each thread has the text of one file at a time.
fn read_documents(steps: &[Step], first: usize) -> Vec<Content> {
    let paths = steps.iter().filter_map(|step| match step {
        Step::Document { path, .. } => Some(path.as_path()),
        _ => None,
    });
    let documents: Vec<(&Path, Content)> = paths.map(|path| (path, Content::new())).collect();
    let next = AtomicUsize::new(0);
    let read = || {
        let mut pool = Pool::default();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some((path, content)) = documents.get(index) else { break };
            content.get_or_init(|| read_document(&mut pool, path, first + index).map_err(Box::new));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    let more = if documents.len() < PARALLEL_FILES { 0 } else { threads - 1 };
    std::thread::scope(|scope| {
        (0..more).for_each(|_| {
            scope.spawn(read);
        });
        read();
    });
    documents.into_iter().map(|(_, content)| content).collect()
}

fn read_document(pool: &mut Pool, path: &Path, index: usize) -> Result<Value> {
    let text = read_text(path)?;
    yaml::load_with(pool, &text, index).map_err(|error| error.in_file(path, &text))
}

/// The text of a file, with line breaks made uniform.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    let failed = |error| Error::io(format!("failed to read '{}'", path.display()), error);
    // Asked before opening: a pipe without a writer would block.
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(unreadable(path, "it is not a regular file"));
    }
    if metadata.len() > MAX_FILE_SIZE {
        let size = MAX_FILE_SIZE / (1024 * 1024);
        return Err(unreadable(path, &format!("it is larger than {size} MiB")));
    }
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    file.take(MAX_FILE_SIZE).read_to_end(&mut bytes).map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        unreadable(
            path,
            &format!("it is not UTF-8 from byte {} on", error.utf8_error().valid_up_to()),
        )
    })?;
    Ok(match yaml::normalize(&text) {
        std::borrow::Cow::Borrowed(same) if same.len() == text.len() => text,
        changed => changed.into_owned(),
    })
}

fn unreadable(path: &Path, reason: &str) -> Error {
    Error::new(ErrorKind::File, format!("failed to read '{}': {reason}", path.display()))
}
