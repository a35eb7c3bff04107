//! A folder with an FMF tree, in which `atex` runs with an environment of its own.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// A folder with an FMF tree; what local remotes need lies in it too, so that leftovers show.
pub(crate) struct Bench {
    folder: TempDir,
}

impl Bench {
    /// A tree of these files; `.fmf/version` is there as well.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["tmp", "home", "tree/.fmf"] {
            fs::create_dir_all(bench.path(folder)).unwrap();
        }
        bench.write("tree/.fmf/version", "1\n");
        for (path, text) in files {
            bench.write(&format!("tree/{path}"), text);
        }
        bench
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// `atex` with arguments separated by blanks, started in the tree.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_atex"));
        command.args(arguments.split_whitespace()).current_dir(self.path("tree")).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.path("home")).env("TMPDIR", self.path("tmp"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn spawn(&self, arguments: &str) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    /// Runs `atex` to its end; a transcript of what it printed and its exit code.
    pub(crate) fn atex(&self, arguments: &str) -> String {
        self.transcript(arguments, &self.command(arguments).output().unwrap())
    }

    pub(crate) fn transcript(&self, arguments: &str, output: &Output) -> String {
        let mut text = format!("$ atex {arguments}\n");
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        write!(text, "{out}--- stderr\n{err}--- exit code {:?}\n", output.status.code()).unwrap();
        self.normal(&text)
    }

    /// A text without what differs from run to run: the folder, times, this machine.
    pub(crate) fn normal(&self, text: &str) -> String {
        let text = text.replace(&self.folder.path().display().to_string(), "FOLDER");
        text.split_inclusive([' ', '\n', ',', ':', '(', ')']).map(normal_word).collect()
    }

    /// The lines of `results.jsonl`, sorted.
    pub(crate) fn results(&self, out: &Path) -> Vec<String> {
        let text = fs::read_to_string(out.join("results.jsonl")).unwrap();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// Checks that no remote left anything.
    pub(crate) fn assert_clean(&self) {
        let left: Vec<_> = fs::read_dir(self.path("tmp"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

/// A word, with a time in it replaced: `1.2s`, `3m05s`.
fn normal_word(word: &str) -> String {
    let end = word.trim_end_matches([' ', '\n', ',', ':', '(', ')']);
    let is_time = end.ends_with('s')
        && end.starts_with(|c: char| c.is_ascii_digit())
        && end
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'm' | b's' | b'h'));
    if is_time { format!("TIME{}", &word[end.len()..]) } else { word.to_owned() }
}

impl Bench {
    /// Says that a test is skipped here, and why.
    #[expect(clippy::print_stderr, reason = "a test that is skipped must say so")]
    pub(crate) fn skipped(&self, test: &str, why: &str) {
        eprintln!("skipped: {test}: {why}");
    }
}

/// Kills what carries this variable in its environment.
pub(crate) fn kill_marked(mark: &str) {
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let environ = fs::read(entry.path().join("environ")).unwrap_or_default();
        if environ.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()) {
            Command::new("kill")
                .args(["-KILL", &entry.file_name().to_string_lossy()])
                .status()
                .unwrap();
        }
    }
}
