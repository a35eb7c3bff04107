//! [`FmfExecutor`]: runs FMF-described tests.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use atex_core::{
    Artifacts, CancellationToken, Connection, Content, CopyOptions, Error, Executor, PackedTree,
    Result, Session, Test, TestName, TestSuite, async_trait,
};
use indexmap::IndexMap;
use tokio::sync::OnceCell;

use crate::checkpoint::Log;
use crate::guest::{self, Debug, Guest, Owner, is_bash_variable};
use crate::hooks::{Ended, Hooks, Judgement};
use crate::limits::{Limits, within};
use crate::result::ResultSink;
use crate::run;
use crate::secret::Secrets;
use crate::server::Servers;
use crate::session::{FmfSession, Unfinished};
use crate::session_logs::SessionLogs;

/// A tree of so many bytes at most is sent with what makes the work folder: it costs less than a command of its own.
const SENT_ALONG: u64 = 64 << 10;

/// Runs the tests of a suite as FMF describes them: the content of the suite is uploaded once per remote, and each test is
/// a bash script that runs in the folder of its `.fmf` file and reports through the control stream.
#[derive(Debug, Clone)]
pub struct FmfExecutor {
    pub(crate) suite: Arc<TestSuite>,
    pub(crate) environment: IndexMap<String, String>,
    work_base: Option<String>,
    owner: Option<Owner>,
    beakerlib: bool,
    pub(crate) packages: bool,
    exclude: Vec<PathBuf>,
    session_logs: Option<PathBuf>,
    packed: Arc<OnceCell<PackedTree>>,
    pub(crate) limits: Limits,
    pub(crate) secrets: Secrets,
    pub(crate) debug: Debug,
    pub(crate) hooks: Hooks,
}

impl FmfExecutor {
    /// An executor for the tests of this suite.
    pub fn new(suite: impl Into<Arc<TestSuite>>) -> Self {
        Self {
            suite: suite.into(),
            environment: IndexMap::new(),
            work_base: None,
            owner: None,
            beakerlib: false,
            packages: true,
            exclude: Vec::new(),
            session_logs: None,
            packed: Arc::default(),
            limits: Limits::default(),
            secrets: Secrets::default(),
            debug: Debug::default(),
            hooks: Hooks::default(),
        }
    }

    /// With a variable for all tests, which wins over those of the plan and of the tests. (What tests themselves write into
    /// the plan's environment file wins over all.)
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// With all tests run as beakerlib tests; otherwise, those are that say `framework: beakerlib` in their metadata.
    ///
    /// A beakerlib test finds `BEAKERLIB_DIR`, `TESTID`, and the commands by which beakerlib reports, in its environment, whatever else
    /// sets them. Each of its phases is a result with a name, and it has failed when one of them has (`fail`, `warn` or
    /// `error`), unless it reported a result of its own. Beakerlib itself must be installed on the remote.
    #[must_use]
    pub fn beakerlib(mut self) -> Self {
        self.beakerlib = true;
        self
    }

    pub(crate) fn is_beakerlib(&self, test: &Test) -> bool {
        self.beakerlib || test.metadata.get("framework").is_some_and(|name| name == "beakerlib")
    }

    /// Makes the work folder on a remote in this folder; by default in its `TMPDIR`, else in `/var/tmp`.
    #[must_use]
    pub fn work_base(mut self, folder: impl Into<String>) -> Self {
        self.work_base = Some(folder.into());
        self
    }

    /// Marks what is put on remotes as that of a run, by a text that no other run has, so that another controller of the same run can
    /// [sweep](Executor::sweep) it.
    #[must_use]
    pub fn owner(mut self, run: impl Into<String>) -> Self {
        self.owner = Some(Owner::new(run));
        self
    }

    /// Installs no packages, neither what plans want nor what tests require and recommend: they find what is there.
    #[must_use]
    pub fn without_packages(mut self) -> Self {
        self.packages = false;
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

    /// Keeps what scripts in `prepare` and `finish` of the plan leave in this folder of this machine: `REMOTE/prepare-1-NAME/`, each as
    /// the artifacts of a test. Without it, nothing of them is kept; what one that failed printed last stands in its error.
    #[must_use]
    pub fn session_logs(mut self, folder: impl Into<PathBuf>) -> Self {
        self.session_logs = Some(folder.into());
        self
    }

    /// With a variable for all tests, like [`env`](Self::env), whose value nobody may see. It is in no list of processes and in no
    /// log. What a test reports of it, or prints, is stored with a `*` in place of each of its bytes; its output and its files
    /// hold it until the test has ended, though, and a test that encodes it first can give it away.
    ///
    /// Its name must be one that a shell can export, or [`start`](Executor::start) refuses it.
    #[must_use]
    pub fn secret(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.secrets.add(name.into(), value.into());
        self
    }

    /// With limits for the phases of a session and of a run.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// With a hook that says what a test counts as that came to its end by itself without a result of its own, instead of its exit code
    /// alone. It is called once, in a task of the runtime, which it must not hold up for long.
    #[must_use]
    pub fn judge(
        mut self,
        judge: impl Fn(&Ended<'_>) -> Judgement + Send + Sync + 'static,
    ) -> Self {
        self.hooks.judge = Some(Arc::new(judge));
        self
    }

    /// With a hook that is told of every test, before it starts, and of the file that all it prints will be appended to (and, for a moment at its end, a line that begins with a NUL and `atex-end`). Whoever opens the
    /// file then can follow the output to the end of the test, also when the file is moved or removed.
    #[must_use]
    pub fn follow(mut self, follow: impl Fn(&TestName, &Path) + Send + Sync + 'static) -> Self {
        self.hooks.follow = Some(Arc::new(follow));
        self
    }

    pub(crate) fn suite(mut self, suite: TestSuite) -> Self {
        self.suite = Arc::new(suite);
        self.packed = Arc::default();
        self
    }

    /// With switches for debugging the protocol.
    #[must_use]
    pub fn debug(mut self, debug: Debug) -> Self {
        self.debug = debug;
        self
    }

    /// Removes what is on a remote.
    pub(crate) async fn remove(&self, connection: &dyn Connection, guest: &Guest) -> Result<()> {
        let what = || format!("removing the work folder on {}", connection.name());
        within(self.limits.finish, what, guest.stop(connection)).await
    }

    /// Lays the content of the suite on the remote, unless it was sent along.
    async fn upload(
        &self,
        connection: &dyn Connection,
        guest: &Guest,
        tree: &PackedTree,
    ) -> Result<()> {
        if tree.bytes() <= SENT_ALONG {
            return Ok(());
        }
        let what = || format!("uploading the suite to {}", connection.name());
        within(self.limits.upload, what, connection.upload_packed(tree, &guest.tree())).await
    }

    /// Packs the content of the suite: once, for all remotes.
    async fn pack(&self) -> Result<PackedTree> {
        let options = CopyOptions::default().exclude(".git");
        let options = self.exclude.iter().fold(options, CopyOptions::exclude_path);
        let part = |content: &Content| (content.from.clone(), content.to.clone());
        PackedTree::pack(self.suite.content.iter().map(part).collect(), options).await
    }
}

/// What is sent of a tree with what makes the work folder: all of it, or nothing.
fn sent_along(tree: &PackedTree) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if tree.bytes() <= SENT_ALONG {
        let read = tree.open()?.read_to_end(&mut bytes);
        read.map_err(|error| Error::infra("reading what was packed", error))?;
    }
    Ok(bytes)
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
        for name in self.secrets.variables().keys() {
            if !is_bash_variable(name) {
                return Err(Error::Usage(format!("a secret cannot be named {name:?}")));
            }
        }
        let origin = connection.name();
        let what = || "packing the suite".to_owned();
        let packed = self.packed.get_or_try_init(|| self.pack());
        let tree = tokio::select! {
            tree = within(self.limits.upload, what, packed) => tree?,
            () = cancel.cancelled() => return Err(Error::Cancelled),
        };
        let along = sent_along(tree)?;
        // Not given up half-way: a folder that was made, but of which we do not know, would stay for ever.
        let (guest, server) = within(
            self.limits.start,
            || format!("making a work folder on {origin}"),
            Guest::start(&*connection, self.work_base.as_deref(), self.owner.as_ref(), &along),
        )
        .await?;
        let uploaded = tokio::select! {
            uploaded = self.upload(&*connection, &guest, tree) => uploaded,
            () = cancel.cancelled() => Err(Error::Cancelled),
        };
        if let Err(error) = uploaded {
            if let Err(left) = self.remove(&*connection, &guest).await {
                tracing::warn!(remote = origin, error = %left, "the work folder may be left behind");
            }
            return Err(error);
        }
        let servers = Servers::default();
        servers.keep(server);
        let logs = SessionLogs::new(self.session_logs.clone());
        let executor = self.clone();
        let mut session = Box::new(FmfSession {
            executor,
            connection,
            guest,
            servers,
            runs: 0,
            unfinished: None,
            lacking: false,
            logs,
            variables: Vec::new(),
            barriers: None,
        });
        match Box::pin(session.prepare(cancel)).await {
            Ok(()) => Ok(session),
            Err(error) => {
                session.end_unprepared().await;
                Err(error)
            }
        }
    }

    async fn resume(
        &self,
        connection: Arc<dyn Connection>,
        artifacts: &Artifacts,
        cancel: &CancellationToken,
    ) -> Result<Option<Box<dyn Session>>> {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let Some(from) = Log::read(artifacts)? else {
            Log::sweep(artifacts, &ResultSink::output_file(artifacts));
            return Ok(None);
        };
        let origin = connection.name();
        let found = within(
            self.limits.start,
            || format!("looking for the work folder on {origin}"),
            from.work.is_there(&*connection),
        )
        .await?;
        if !found {
            let error = Error::infra(origin, "the work folder of the test is gone");
            if let Some(from) = Log::roll_back(artifacts)? {
                run::abandon(artifacts, from, &self.secrets, &error)?;
            }
            return Err(error);
        }
        Ok(Some(Box::new(FmfSession {
            executor: self.clone(),
            guest: from.work.clone(),
            servers: Servers::default(),
            runs: from.run,
            unfinished: Some(Unfinished { of: from.test, artifacts: artifacts.clone() }),
            connection,
            lacking: true,
            variables: from.variables,
            barriers: None,
            logs: SessionLogs::new(self.session_logs.clone()),
        })))
    }

    /// Without an [owner](Self::owner), nothing is known to be ours, and nothing is removed.
    async fn sweep(&self, connection: &dyn Connection) -> Result<()> {
        let Some(owner) = &self.owner else { return Ok(()) };
        let what = || format!("removing what was left on {}", connection.name());
        let work = guest::sweep(connection, self.work_base.as_deref(), owner);
        within(self.limits.finish, what, work).await
    }
}
