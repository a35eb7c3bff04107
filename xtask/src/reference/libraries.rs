//! [`Libraries`]: repositories of this machine, which git takes for those that tests name.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Where the trees that are compared look for libraries.
const SERVER: &str = "https://github.com/beakerlib/";

/// The repository of a library that tests require, and discover tests in: a stand-in for `yum`, with what they use of it.
const YUM: [(&str, &str); 4] = [
    (".fmf/version", "1\n"),
    ("common-functions/main.fmf", "test: ./runtest.sh\nframework: shell\nrecommend: [yum-utils]\n"),
    ("common-functions/lib.sh", "yumlibIsDnf5() { command -v dnf5; }\n"),
    ("common-functions/runtest.sh", "#!/bin/bash\n. ./lib.sh\nyumlibIsDnf5\necho \"dnf5: $?\"\n"),
];

/// Repositories of this machine, in the place of a server that cannot be reached.
#[derive(Debug)]
pub(super) struct Libraries {
    repositories: PathBuf,
    cache: PathBuf,
}

impl Libraries {
    /// Makes them in `dir`, anew.
    pub(super) fn make(dir: &Path) -> Result<Self> {
        if dir.exists() {
            fs::remove_dir_all(dir).with_context(|| format!("cannot remove {}", dir.display()))?;
        }
        let this = Self { repositories: dir.join("repositories"), cache: dir.join("cache") };
        let yum = this.repositories.join("yum");
        for (path, text) in YUM {
            let path = yum.join(path);
            fs::create_dir_all(path.parent().unwrap_or(&yum))?;
            fs::write(&path, text)?;
            if path.extension().is_some_and(|extension| extension == "sh") {
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
            }
        }
        for words in
            [&["init", "-q", "-b", "main"][..], &["add", "."], &["commit", "-q", "-m", "."]]
        {
            let who = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost"];
            let mut git = Command::new("git");
            git.arg("-C").arg(&yum).args(who).args(words).stdin(Stdio::null());
            let output = git.output().context("cannot start git")?;
            let said = String::from_utf8_lossy(&output.stderr);
            ensure!(output.status.success(), "git {}: {}", words.join(" "), said.trim());
        }
        Ok(this)
    }

    /// Has a program, and whatever it starts, find them in the place of the server's; with a cache of its own.
    pub(super) fn show_to(&self, program: &mut Command) {
        let here = format!("url.file://{}/.insteadOf", self.repositories.display());
        program.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", here);
        program.env("GIT_CONFIG_VALUE_0", SERVER);
        program.env("XDG_CACHE_HOME", &self.cache).env("LIBRARIES", &self.repositories);
    }
}
