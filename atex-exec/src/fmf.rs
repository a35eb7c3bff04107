//! [`FmfExecutor`]: runs FMF-described tests.

use std::path::PathBuf;
use std::sync::Arc;

use atex_core::{
    Artifacts, CancellationToken, Connection, Content, CopyOptions, Error, Executor, Outcome,
    PackedTree, Result, Session, Test, TestName, TestSuite, async_trait,
};
use indexmap::IndexMap;
use tokio::sync::OnceCell;

use crate::checkpoint::Log;
use crate::guest::{Debug, Guest, is_bash_variable};
use crate::limits::{Limits, within};
use crate::result::ResultSink;
use crate::run::{self, Run};
use crate::secret::Secrets;

/// Runs the tests of a suite as FMF describes them: the content of the suite is uploaded once per remote, and each test is
/// a bash script that runs in the folder of its `.fmf` file and reports through the control stream.
#[derive(Debug, Clone)]
pub struct FmfExecutor {
    suite: Arc<TestSuite>,
    environment: IndexMap<String, String>,
    work_base: Option<String>,
    exclude: Vec<PathBuf>,
    packed: Arc<OnceCell<PackedTree>>,
    limits: Limits,
    secrets: Secrets,
    debug: Debug,
}

impl FmfExecutor {
    /// An executor for the tests of this suite.
    pub fn new(suite: impl Into<Arc<TestSuite>>) -> Self {
        Self {
            suite: suite.into(),
            environment: IndexMap::new(),
            work_base: None,
            exclude: Vec::new(),
            packed: Arc::default(),
            limits: Limits::default(),
            secrets: Secrets::default(),
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

    /// With switches for debugging the protocol.
    #[must_use]
    pub fn debug(mut self, debug: Debug) -> Self {
        self.debug = debug;
        self
    }

    /// Removes what is on a remote.
    async fn finish(&self, connection: &dyn Connection, guest: &Guest) -> Result<()> {
        let what = || format!("removing the work folder on {}", connection.name());
        within(self.limits.finish, what, guest.stop(connection)).await
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
        for name in self.secrets.variables().keys() {
            if !is_bash_variable(name) {
                return Err(Error::Usage(format!("a secret cannot be named {name:?}")));
            }
        }
        let origin = connection.name();
        // Not given up half-way: a folder that was made, but of which we do not know, would stay for ever.
        let guest = within(
            self.limits.start,
            || format!("making a work folder on {origin}"),
            Guest::start(&*connection, self.work_base.as_deref()),
        )
        .await?;
        let upload = within(
            self.limits.upload,
            || format!("uploading the suite to {origin}"),
            self.upload(&*connection, &guest),
        );
        let uploaded = tokio::select! {
            uploaded = upload => uploaded,
            () = cancel.cancelled() => Err(Error::Cancelled),
        };
        if let Err(error) = uploaded {
            if let Err(left) = self.finish(&*connection, &guest).await {
                tracing::warn!(remote = origin, error = %left, "the work folder may be left behind");
            }
            return Err(error);
        }
        Ok(Box::new(FmfSession {
            executor: self.clone(),
            connection,
            guest,
            runs: 0,
            unfinished: None,
        }))
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
            runs: from.run,
            unfinished: Some(Unfinished { of: from.test, artifacts: artifacts.clone() }),
            connection,
        })))
    }
}

/// A remote with the suite on it.
#[derive(Debug)]
struct FmfSession {
    executor: FmfExecutor,
    connection: Arc<dyn Connection>,
    guest: Guest,
    runs: u32,
    /// A run that another controller began.
    unfinished: Option<Unfinished>,
}

/// A run that another controller began, and where what it collected lies.
#[derive(Debug)]
struct Unfinished {
    of: String,
    artifacts: Artifacts,
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
        all.extend(self.executor.secrets.variables().clone());
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
        let unfinished = self.unfinished.take();
        let resumes = unfinished.is_some_and(|unfinished| {
            unfinished.artifacts == *artifacts && unfinished.of == name.as_str()
        });
        let suite = Arc::clone(&self.executor.suite);
        let test = match suite.tests.get(name) {
            None => Err(format!("there is no test {name} in the suite")),
            Some(test) if has_nul(test) => Err(format!(
                "the script or a variable of {name} has a NUL byte, which no shell can hold"
            )),
            Some(test) => Ok(test),
        };
        let test = match test {
            Ok(test) => test,
            Err(why) => {
                let error = Error::Usage(why);
                run::refuse(artifacts, &error)?;
                return Err(error);
            }
        };
        if !resumes {
            self.runs += 1;
        }
        let environment = self.environment(name, self.runs);
        if let Some(too_long) = too_long(&environment) {
            let error = Error::Usage(format!("cannot run {name}: {too_long}"));
            run::refuse(artifacts, &error)?;
            return Err(error);
        }
        let run = Run {
            connection: &self.connection,
            guest: &self.guest,
            name,
            number: self.runs,
            test,
            environment: &environment,
            secrets: &self.executor.secrets,
            debug: self.executor.debug,
            limits: self.executor.limits,
        };
        if resumes { run.resume(artifacts, cancel).await } else { run.run(artifacts, cancel).await }
    }

    async fn stop(self: Box<Self>) -> Result<()> {
        self.executor.finish(&*self.connection, &self.guest).await
    }
}

/// What is wrong with a variable that is too long for any program to be given: Linux takes 128 KiB for each, with its name, `=`
/// and the NUL at its end (`MAX_ARG_STRLEN` in execve(2)).
fn too_long(environment: &IndexMap<String, String>) -> Option<String> {
    const MOST: usize = 128 << 10;
    let length = |(name, value): &(&String, &String)| name.len() + 1 + value.len() + 1;
    let found = environment.iter().find(|variable| length(variable) > MOST)?;
    Some(format!(
        "its variable {} has {} bytes, and no program can be given more than {}",
        found.0,
        found.1.len(),
        MOST - found.0.len() - 2
    ))
}

fn has_nul(test: &Test) -> bool {
    test.environment.values().chain([&test.script]).any(|text| text.contains('\0'))
}
