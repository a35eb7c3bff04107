//! [`Bed`]: what both sides work on.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use atex_provision::testkit::Sshd;
use tempfile::TempDir;

use crate::Failure;

/// The bytes of the big file.
pub(crate) const FILE: u64 = 1 << 30;

const TESTS: &str = r#"
duration: 1h
/trivial:
    test: "true"
/results:
    test: cat "$BENCH/results" >&$ATEX_TEST_CONTROL
/many-results:
    test: for i in 1 2 3 4 5 6 7 8 9 10; do cat "$BENCH/results"; done >&$ATEX_TEST_CONTROL
/file:
    test: |
        r='{"status": "pass", "files": [{"name": "big", "length": 1073741824}]}'
        { printf 'result %d\n%s' "${#r}" "$r"; cat "$BENCH/file"; } >&$ATEX_TEST_CONTROL
/sleep:
    test: sleep 30
"#;

/// A tree of tests, what they send, and a server.
#[derive(Debug)]
pub(crate) struct Bed {
    dir: TempDir,
    pub(crate) sshd: Sshd,
}

impl Bed {
    pub(crate) fn new(scratch: &Path, sshd: Sshd) -> Result<Self, Failure> {
        // No start-up files of a shell on either side: they can cost more than everything else.
        let dir = tempfile::Builder::new().prefix("atex-bench-").tempdir_in(scratch)?;
        let home = dir.path().join("home");
        fs::create_dir_all(&home)?;
        sshd.configure_server(&format!(
            "SetEnv HOME={} BENCH={}",
            home.display(),
            dir.path().display()
        ))?;
        let bed = Self { dir, sshd };
        fs::create_dir_all(bed.tree().join(".fmf"))?;
        fs::write(bed.tree().join(".fmf/version"), "1\n")?;
        // The Python ATEX takes no variables on its command line: the tests find their data by their own text.
        let tests = TESTS.replace("$BENCH", &bed.path().display().to_string());
        fs::write(bed.tree().join("main.fmf"), tests)?;
        bed.write_results()?;
        let file = File::create(bed.file())?;
        file.set_len(FILE)?;
        let mut file = BufWriter::with_capacity(1 << 20, file);
        (0..1024).try_for_each(|_| file.write_all(&[b'x'; 1 << 20]))?;
        file.flush()?;
        Ok(bed)
    }

    /// 100,000 small results, ready to be sent.
    fn write_results(&self) -> Result<(), Failure> {
        let mut results = BufWriter::new(File::create(self.path().join("results"))?);
        for number in 0..100_000 {
            let json = format!(
                r#"{{"status": "pass", "name": "group{}/sub-{number:06}", "note": "some short note"}}"#,
                number % 97
            );
            write!(results, "result {}\n{json}", json.len())?;
        }
        Ok(results.flush()?)
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn tree(&self) -> PathBuf {
        self.path().join("tree")
    }

    /// The big file.
    pub(crate) fn file(&self) -> PathBuf {
        self.path().join("file")
    }
}
