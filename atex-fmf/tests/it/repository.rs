//! A git repository on disk, for tests, and a server for it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A repository with a work tree, in a directory that goes away with it.
pub(crate) struct Repository(tempfile::TempDir);

impl Repository {
    /// A repository with the default branch `main` and one commit of these files, and of `.fmf/version`.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        repository.git(&["init", "-q", "-b", "main"]);
        repository.commit(&[&[(".fmf/version", "1\n")], files].concat());
        repository
    }

    /// Adds or changes files; gives the name of the commit.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            let path = self.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", "change"]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(self.path(), arguments)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A url that goes through git's protocol, so that shallow clones are shallow.
    pub(crate) fn url(&self) -> String {
        format!("file://{}", self.path().display())
    }
}

/// Runs git apart from the configuration of whoever runs the tests; gives what it printed.
pub(crate) fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.org"])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// A git server on a free port, which ends with it.
pub(crate) struct Daemon {
    process: Child,
    port: u16,
}

impl Daemon {
    /// Serves the repositories below a folder.
    pub(crate) fn new(base: &Path) -> Self {
        let port = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap().port()
        };
        let program = PathBuf::from(git(base, &["--exec-path"])).join("git-daemon");
        let mut process = Command::new(program)
            .args(["--export-all", "--reuseaddr", "--verbose", "--listen=127.0.0.1"])
            .arg(format!("--port={port}"))
            .arg(format!("--base-path={}", base.display()))
            .arg(base)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Its first message comes when it listens.
        let mut messages = BufReader::new(process.stderr.take().unwrap());
        let mut first = String::new();
        messages.read_line(&mut first).unwrap();
        assert!(first.contains("Ready to rumble"), "{first}");
        std::thread::spawn(move || std::io::copy(&mut messages, &mut std::io::sink()));
        Self { process, port }
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("git://127.0.0.1:{}/{name}", self.port)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
