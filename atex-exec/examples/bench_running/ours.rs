//! [`Session`]: our side of every measurement.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use atex_core::{Artifacts, CancellationToken, Connection, Executor, Test, TestName, TestSuite};
use atex_exec::FmfExecutor;
use atex_provision::LocalConnection;

use crate::Failure;
use crate::bed::Bed;

/// What a test is run over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    Local,
    Ssh,
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::Ssh => "ssh",
        })
    }
}

/// The tests of the bed, as discovery would give them.
pub(crate) fn suite(bed: &Bed) -> TestSuite {
    let text = fs::read_to_string(bed.tree().join("main.fmf")).unwrap_or_default();
    let mut tests: Vec<(TestName, Test)> = Vec::new();
    for block in text.split("\n/").skip(1) {
        let Some((name, body)) = block.split_once(":\n") else { continue };
        let script = body.trim().trim_start_matches("test:").trim().trim_start_matches('|');
        let mut test = Test::new(script.trim().trim_matches('"'));
        test.duration = Some(Duration::from_secs(3600));
        if let Ok(name) = TestName::new(format!("/{name}")) {
            tests.push((name, test));
        }
    }
    TestSuite::new(tests).with_content(bed.tree(), "")
}

/// A session on one system.
pub(crate) struct Session {
    session: Box<dyn atex_core::Session>,
    out: PathBuf,
}

impl Session {
    pub(crate) async fn start(bed: &Bed, over: Over) -> Result<Self, Failure> {
        let connection = connect(bed, over, 0).await?;
        Self::over(bed, connection, 0).await
    }

    /// A session over a connection that is there.
    pub(crate) async fn over(
        bed: &Bed,
        connection: Arc<dyn Connection>,
        number: usize,
    ) -> Result<Self, Failure> {
        let executor = FmfExecutor::new(suite(bed)).work_base(bed.path().to_string_lossy());
        let session = executor.start(connection, &CancellationToken::new()).await?;
        Ok(Self { session, out: bed.path().join(format!("out-{number}")) })
    }

    /// Runs a test; how long it took.
    pub(crate) async fn run(&mut self, test: &str) -> Result<Duration, Failure> {
        fs::remove_dir_all(&self.out).ok();
        let artifacts = Artifacts::at(&self.out)?;
        let began = Instant::now();
        let outcome =
            self.session.run(&TestName::new(test)?, &artifacts, &CancellationToken::new()).await?;
        let took = began.elapsed();
        if outcome.exit_code != Some(0) {
            return Err(format!("{test}: {outcome:?}").into());
        }
        Ok(took)
    }

    pub(crate) async fn median(&mut self, test: &str, count: usize) -> Result<Duration, Failure> {
        let mut times = Vec::new();
        for _ in 0..count {
            times.push(self.run(test).await?);
        }
        times.sort();
        Ok(times[count / 2])
    }

    /// How many results the last test reported.
    pub(crate) fn lines(&self) -> Result<usize, Failure> {
        let results = fs::read(self.out.join("results"))?;
        Ok(results.iter().filter(|byte| **byte == b'\n').count())
    }

    /// Checks that the big file came as a whole.
    pub(crate) fn expect_size(&self, size: u64) -> Result<(), Failure> {
        let found = fs::metadata(self.out.join("files/big"))?.len();
        if found == size { Ok(()) } else { Err(format!("{found} bytes came, not {size}").into()) }
    }

    pub(crate) async fn stop(self) -> Result<(), Failure> {
        fs::remove_dir_all(&self.out).ok();
        Ok(self.session.stop().await?)
    }
}

/// A connection; several at once stand for several systems.
pub(crate) async fn connect(
    bed: &Bed,
    over: Over,
    number: usize,
) -> Result<Arc<dyn Connection>, Failure> {
    Ok(match over {
        Over::Ssh => Arc::new(bed.sshd.ssh().connect().await?),
        Over::Local => {
            let root: &Path = &bed.path().join(format!("system-{number}"));
            fs::create_dir_all(root.join("tmp"))?;
            Arc::new(LocalConnection::new(format!("local-{number}"), root))
        }
    })
}
