//! [`FmfSession`]: a remote with a suite on it: what runs before its tests, between them, and after.

use std::sync::Arc;
use std::time::Duration;

use atex_core::{
    Artifacts, Barriers, CancellationToken, Connection, Error, Outcome, Result, Session, Test,
    TestName, async_trait,
};
use indexmap::IndexMap;

use crate::fmf::FmfExecutor;
use crate::guest::Guest;
use crate::hooks::Hooks;
use crate::limits::within;
use crate::packages::{self, Wanted};
use crate::plan_script::{PlanScript, Task};
use crate::run::{self, Run};
use crate::server::Servers;
use crate::session_logs::SessionLogs;

/// A remote with the suite on it.
#[derive(Debug)]
pub(crate) struct FmfSession {
    pub(crate) executor: FmfExecutor,
    pub(crate) connection: Arc<dyn Connection>,
    pub(crate) guest: Guest,
    pub(crate) servers: Servers,
    /// How many runs there were, of tests and of the plan's scripts.
    pub(crate) runs: u32,
    /// A run that another controller began.
    pub(crate) unfinished: Option<Unfinished>,
    /// Whether not all that tests require could be installed beforehand, so that each has to be asked for what it requires.
    pub(crate) lacking: bool,
    pub(crate) logs: SessionLogs,
    /// For the next run of a test alone.
    pub(crate) variables: Vec<(String, String)>,
    /// The same of where it waits for those that it runs together with.
    pub(crate) barriers: Option<Arc<dyn Barriers>>,
}

/// A run that another controller began, and where what it collected lies.
#[derive(Debug)]
pub(crate) struct Unfinished {
    pub(crate) of: String,
    pub(crate) artifacts: Artifacts,
}

/// What beakerlib tests read first.
const BEAKERLIB: &str = "/usr/share/beakerlib/beakerlib.sh";
/// What Red Hat's tests expect with it, where it can be had.
const BEAKERLIB_MORE: &str = "beakerlib-redhat";

impl FmfSession {
    /// The environment of a test, later wins: the plan's, what tells it about itself, its own, the executor's, the counters.
    fn environment(&self, name: &TestName, run: u32) -> IndexMap<String, String> {
        let suite = &self.executor.suite;
        let mut all = suite.environment.clone();
        all.insert("TMT_PLAN_ENVIRONMENT_FILE".into(), self.guest.plan_environment());
        all.insert("TMT_PLAN_DATA".into(), self.guest.plan_data());
        all.insert("TMT_TEST_NAME".into(), name.to_string());
        all.insert("RSTRNT_TASKNAME".into(), name.to_string());
        all.insert("TMT_TEST_METADATA".into(), self.guest.metadata(run));
        all.insert("TMT_TEST_DATA".into(), self.guest.test_data());
        all.extend(suite.tests.get(name).map(|test| test.environment.clone()).unwrap_or_default());
        self.add_executors(&mut all);
        if suite.tests.get(name).is_some_and(|test| self.executor.is_beakerlib(test)) {
            all.insert("BEAKERLIB_DIR".into(), self.guest.beakerlib(run));
            all.insert("BEAKERLIB_COMMAND_REPORT_RESULT".into(), "atex-report-result".into());
            all.insert("BEAKERLIB_COMMAND_SUBMIT_LOG".into(), "atex-file-submit".into());
            // Its journal in XML is for nobody here.
            all.insert("BEAKERLIB_JOURNAL".into(), "0".into());
            // Without one, it reports nothing. The same after a reboot, and for another controller.
            all.insert("TESTID".into(), self.guest.identity(run));
        }
        all
    }

    /// The environment of a script of the plan.
    fn plan_environment(&self) -> IndexMap<String, String> {
        let mut all = self.executor.suite.environment.clone();
        all.insert("TMT_PLAN_ENVIRONMENT_FILE".into(), self.guest.plan_environment());
        all.insert("TMT_PLAN_DATA".into(), self.guest.plan_data());
        self.add_executors(&mut all);
        all
    }

    fn add_executors(&self, all: &mut IndexMap<String, String>) {
        all.insert("TMT_TREE".into(), self.guest.tree());
        all.extend(self.executor.environment.clone());
        all.extend(self.executor.secrets.variables().clone());
    }

    /// Does what the plan wants before the first test.
    ///
    /// # Errors
    /// The first thing that failed; what comes after it is not done.
    pub(crate) async fn prepare(&mut self, cancel: &CancellationToken) -> Result<()> {
        let suite = Arc::clone(&self.executor.suite);
        let limit = self.executor.limits.prepare;
        for task in Task::all("prepare", &suite.prepare) {
            self.perform(task, limit, cancel).await?;
        }
        self.provide(cancel).await
    }

    /// Does one thing that the plan wants.
    async fn perform(
        &mut self,
        task: Task<'_>,
        limit: Duration,
        cancel: &CancellationToken,
    ) -> Result<()> {
        match task {
            // Boxed: it is as large as a whole run, and hardly ever there.
            Task::Script(script) => Box::pin(self.run_script(&script, limit, cancel)).await,
            Task::Install { packages, exclude } => {
                self.install(&Wanted::new().require(packages).exclude(exclude), cancel).await
            }
        }
    }

    /// Installs what all tests require and recommend, at once. What cannot be had is the trouble of those tests alone that require it.
    async fn provide(&mut self, cancel: &CancellationToken) -> Result<()> {
        let tests = &self.executor.suite.tests;
        let mut wanted = tests.values().fold(Wanted::new(), Wanted::of_test);
        if tests.values().any(|test| self.executor.is_beakerlib(test)) {
            // Those who have it elsewhere need none.
            wanted = wanted.recommend([BEAKERLIB]).accompany(BEAKERLIB, BEAKERLIB_MORE);
        }
        match self.install(&wanted, cancel).await {
            Err(error @ (Error::Failed { .. } | Error::Other { .. })) => {
                let remote = self.connection.name();
                tracing::warn!(remote, %error, "not all that tests require is there");
                self.lacking = true;
                Ok(())
            }
            installed => installed,
        }
    }

    /// Ends what could not be prepared, which is told by its own error.
    pub(crate) async fn end_unprepared(&mut self) {
        if let Err(left) = self.end().await {
            let remote = self.connection.name();
            tracing::warn!(remote, error = %left, "after a failed preparation");
        }
    }

    async fn install(&self, wanted: &Wanted, cancel: &CancellationToken) -> Result<()> {
        if !self.executor.packages || wanted.is_empty() {
            return Ok(());
        }
        self.servers.end().await;
        let limit = self.executor.limits.install;
        packages::install(&*self.connection, wanted, limit, cancel).await
    }

    /// Does what the plan wants after the last test, all of it, also when some fails; then removes what is on the remote.
    ///
    /// # Errors
    /// What failed first.
    pub(crate) async fn end(&mut self) -> Result<()> {
        self.servers.end().await;
        let done = match self.executor.suite.finish.is_empty() {
            true => Ok(()),
            false => {
                let limit = self.executor.limits.finish_scripts;
                let what = format!("the 'finish' of the plan on {}", self.connection.name());
                // Boxed: it is as large as a whole run, and hardly ever there.
                within(limit, || what, Box::pin(self.finish(limit))).await
            }
        };
        let removed = self.executor.remove(&*self.connection, &self.guest).await;
        done.and(removed)
    }

    /// Does what the plan wants after the last test, each script for at most this long; the first error.
    async fn finish(&mut self, limit: Duration) -> Result<()> {
        let (suite, never) = (Arc::clone(&self.executor.suite), CancellationToken::new());
        let mut done = Ok(());
        for task in Task::all("finish", &suite.finish) {
            done = done.and(self.perform(task, limit, &never).await);
        }
        done
    }

    /// Runs a script of the plan, as a test is run, with a log of its own.
    async fn run_script(
        &mut self,
        script: &PlanScript<'_>,
        limit: Duration,
        cancel: &CancellationToken,
    ) -> Result<()> {
        let (origin, what) = (self.connection.name().to_owned(), script.to_string());
        let mut test = Test::new(script.text);
        test.duration = Some(limit);
        let environment = self.plan_environment();
        if let Some(why) = unfit(&test, &environment) {
            return Err(Error::Usage(format!("cannot run {what}: {why}")));
        }
        let name = TestName::new(&script.log)
            .map_err(|error| Error::Usage(format!("cannot run {what}: {error}")))?;
        let artifacts = self.logs.folder(&origin, &script.log)?;
        self.runs += 1;
        // What it changes for those who log in is there for the tests.
        self.servers.end().await;
        let run = Run {
            connection: &self.connection,
            guest: &self.guest,
            servers: None,
            name: &name,
            number: self.runs,
            test: &test,
            environment: &environment,
            variables: &[],
            barriers: None,
            secrets: &self.executor.secrets,
            debug: self.executor.debug,
            limits: self.executor.limits,
            beakerlib: false,
            hooks: &Hooks::default(),
        };
        let outcome = run.run(&artifacts, cancel).await?;
        match outcome.exit_code {
            Some(0) => Ok(()),
            code => Err(Error::infra(origin, script.failure(code, outcome.note, &artifacts))),
        }
    }
}

#[async_trait]
impl Session for FmfSession {
    fn set_environment(&mut self, variables: Vec<(String, String)>) {
        self.variables = variables;
    }

    fn set_barriers(&mut self, barriers: Arc<dyn Barriers>) {
        self.barriers = Some(barriers);
    }

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
        if !resumes {
            self.runs += 1;
        }
        let mut environment = self.environment(name, self.runs);
        let (variables, barriers) = (std::mem::take(&mut self.variables), self.barriers.take());
        environment.extend(variables.iter().cloned());
        if barriers.is_some() {
            environment.insert("ATEX_BARRIERS".into(), self.guest.barriers(self.runs));
        }
        let test = match suite.tests.get(name) {
            None => Err(format!("there is no test {name} in the suite")),
            Some(test) => match unfit(test, &environment) {
                Some(why) => Err(format!("cannot run {name}: {why}")),
                None => Ok(test),
            },
        };
        let test = match test {
            Ok(test) => test,
            Err(why) => {
                let error = Error::Usage(why);
                run::refuse(artifacts, &error)?;
                return Err(error);
            }
        };
        if self.lacking && !resumes {
            let wanted = Wanted::new().of_test(test).without_recommended();
            if let Err(error) = self.install(&wanted, cancel).await {
                run::refuse(artifacts, &error)?;
                return Err(error);
            }
        }
        let run = Run {
            connection: &self.connection,
            guest: &self.guest,
            servers: Some(&self.servers),
            name,
            number: self.runs,
            test,
            environment: &environment,
            variables: &variables,
            barriers: barriers.as_deref(),
            secrets: &self.executor.secrets,
            debug: self.executor.debug,
            limits: self.executor.limits,
            beakerlib: self.executor.is_beakerlib(test),
            hooks: &self.executor.hooks,
        };
        if resumes { run.resume(artifacts, cancel).await } else { run.run(artifacts, cancel).await }
    }

    async fn stop(mut self: Box<Self>) -> Result<()> {
        self.end().await
    }
}

/// Why a script cannot be run with this environment, if it cannot.
fn unfit(test: &Test, environment: &IndexMap<String, String>) -> Option<String> {
    if environment.values().chain([&test.script]).any(|text| text.contains('\0')) {
        return Some(
            "its script or a variable of it has a NUL byte, which no shell can hold".into(),
        );
    }
    too_long(environment)
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
