//! [`FmfExecutor`]: runs FMF-described tests.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use atex_core::{
    Artifacts, CancellationToken, Connection, Content, CopyOptions, Error, Executor, Outcome,
    PackedTree, Result, Session, TestName, TestSuite, async_trait,
};
use indexmap::IndexMap;
use tokio::sync::OnceCell;

use crate::guest::{Debug, Guest};
use crate::run::{self, Run};

/// Runs the tests of a suite as FMF describes them: the content of the suite is uploaded once per remote, and each test is
/// a bash script that runs in the folder of its `.fmf` file and reports through the control stream.
#[derive(Debug, Clone)]
pub struct FmfExecutor {
    suite: Arc<TestSuite>,
    environment: IndexMap<String, String>,
    work_base: Option<String>,
    exclude: Vec<PathBuf>,
    packed: Arc<OnceCell<PackedTree>>,
    reconnect_limit: Duration,
    debug: Debug,
}

impl FmfExecutor {
    /// How long a connection that was cut may take to come back, unless said otherwise.
    pub const RECONNECT_LIMIT: Duration = Duration::from_secs(120);

    /// An executor for the tests of this suite.
    pub fn new(suite: impl Into<Arc<TestSuite>>) -> Self {
        Self {
            suite: suite.into(),
            environment: IndexMap::new(),
            work_base: None,
            exclude: Vec::new(),
            packed: Arc::default(),
            reconnect_limit: Self::RECONNECT_LIMIT,
            debug: Debug::default(),
        }
    }

    /// With a variable for all tests, which wins over those of the plan and of the tests. (What tests themselves write into
    /// the plan's environment file wins over all.)
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Makes the work folder on a remote in this folder; by default in its `TMPDIR`, else in `/var/tmp`.
    #[must_use]
    pub fn work_base(mut self, folder: impl Into<String>) -> Self {
        self.work_base = Some(folder.into());
        self
    }

    /// Leaves this file or folder of this machine out of what is uploaded, should it lie in the content of
    /// the suite: as where a run is recorded, which changes while it is uploaded.
    #[must_use]
    pub fn exclude(mut self, path: impl Into<PathBuf>) -> Self {
        self.exclude.push(path.into());
        self.packed = Arc::default();
        self
    }

    /// How long a connection that is cut under a test may take to come back, before the test counts as lost with its remote.
    /// The test goes on meanwhile, and nothing of what it says or prints is lost.
    #[must_use]
    pub fn reconnect_limit(mut self, limit: Duration) -> Self {
        self.reconnect_limit = limit;
        self
    }

    /// With switches for debugging the protocol.
    #[must_use]
    pub fn debug(mut self, debug: Debug) -> Self {
        self.debug = debug;
        self
    }

    /// Lays the content of the suite on the remote.
    async fn upload(&self, connection: &dyn Connection, guest: &Guest) -> Result<()> {
        let tree = self.packed.get_or_try_init(|| self.pack()).await?;
        connection.upload_packed(tree, &guest.tree()).await
    }

    /// Packs the content of the suite: once, for all remotes.
    async fn pack(&self) -> Result<PackedTree> {
        let options = CopyOptions::default().exclude(".git");
        let options = self.exclude.iter().fold(options, CopyOptions::exclude_path);
        let part = |content: &Content| (content.from.clone(), content.to.clone());
        PackedTree::pack(self.suite.content.iter().map(part).collect(), options).await
    }
}

#[async_trait]
impl Executor for FmfExecutor {
    async fn start(
        &self,
        connection: Arc<dyn Connection>,
        cancel: &CancellationToken,
    ) -> Result<Box<dyn Session>> {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        // Not given up half-way: a folder that was made, but of which we do not know, would stay for ever.
        let guest = Guest::start(&*connection, self.work_base.as_deref()).await?;
        let uploaded = tokio::select! {
            uploaded = self.upload(&*connection, &guest) => uploaded,
            () = cancel.cancelled() => Err(Error::Cancelled),
        };
        if let Err(error) = uploaded {
            if let Err(left) = guest.stop(&*connection).await {
                tracing::warn!(remote = connection.name(), error = %left, "the work folder may be left behind");
            }
            return Err(error);
        }
        Ok(Box::new(FmfSession { executor: self.clone(), connection, guest, runs: 0 }))
    }
}

/// A remote with the suite on it.
#[derive(Debug)]
struct FmfSession {
    executor: FmfExecutor,
    connection: Arc<dyn Connection>,
    guest: Guest,
    runs: u32,
}

impl FmfSession {
    /// The environment of a test, later wins: the plan's, what tells it about itself, its own, the executor's, the counters.
    fn environment(&self, name: &TestName, run: u32) -> IndexMap<String, String> {
        let suite = &self.executor.suite;
        let mut all = suite.environment.clone();
        all.insert("TMT_PLAN_ENVIRONMENT_FILE".into(), self.guest.plan_environment());
        all.insert("TMT_TEST_NAME".into(), name.to_string());
        all.insert("TMT_TEST_METADATA".into(), self.guest.metadata(run));
        all.extend(suite.tests.get(name).map(|test| test.environment.clone()).unwrap_or_default());
        all.insert("TMT_TREE".into(), self.guest.tree());
        all.extend(self.executor.environment.clone());
        all.insert("TMT_REBOOT_COUNT".into(), "0".into());
        all.insert("TMT_TEST_RESTART_COUNT".into(), "0".into());
        all
    }
}

#[async_trait]
impl Session for FmfSession {
    async fn run(
        &mut self,
        name: &TestName,
        artifacts: &Artifacts,
        cancel: &CancellationToken,
    ) -> Result<Outcome> {
        let suite = Arc::clone(&self.executor.suite);
        let Some(test) = suite.tests.get(name) else {
            let error = Error::Usage(format!("there is no test {name} in the suite"));
            run::refuse(artifacts, &error)?;
            return Err(error);
        };
        let texts = test.environment.values().chain([&test.script]);
        if texts.into_iter().any(|text| text.contains('\0')) {
            let error = Error::Usage(format!(
                "the script or a variable of {name} has a NUL byte, which no shell can hold"
            ));
            run::refuse(artifacts, &error)?;
            return Err(error);
        }
        self.runs += 1;
        let environment = self.environment(name, self.runs);
        let run = Run {
            connection: &self.connection,
            guest: &self.guest,
            number: self.runs,
            test,
            environment: &environment,
            debug: self.executor.debug,
            reconnect_limit: self.executor.reconnect_limit,
        };
        run.run(artifacts, cancel).await
    }

    async fn stop(self: Box<Self>) -> Result<()> {
        self.guest.stop(&*self.connection).await
    }
}
