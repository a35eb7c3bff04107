//! [`CommandExecutor`]: runs commands of a table as tests.

use std::sync::Arc;
use std::time::Duration;

use atex_core::{
    Artifacts, CancellationToken, Connection, Error, Executor, Result, Session, Test, TestName,
    TestSuite, async_trait,
};

use crate::fmf::FmfExecutor;
use crate::guest::quoted;
use crate::hooks::{Ended, Judgement};

/// Runs commands as tests: each a program with its arguments, which passes if it exits with 0, or as a [judge](Self::judge) says. What it
/// prints is the file `output.txt` of its result.
///
/// They are run as other tests are: on a remote, in an empty folder, and all that holds for those holds for them: they have a limit if one is
/// [set](Self::time_limit), a cut of the connection does not matter to them, and they may report by the control stream.
///
/// ```
/// use atex_core::TestName;
/// use atex_exec::{CommandExecutor, Judgement};
///
/// let commands = [("/kernel", vec!["uname", "-r"]), ("/load", vec!["cat", "/proc/loadavg"])];
/// let commands = commands.map(|(name, argv)| (TestName::new(name).unwrap(), argv));
/// let executor = CommandExecutor::new(commands).judge(|ended| {
///     let printed = std::fs::read_to_string(ended.output).unwrap_or_default();
///     if printed.contains("rc") { Judgement::Status("warn".into()) } else { Judgement::ExitCode(ended.exit_code) }
/// });
/// assert_eq!(executor.suite().tests.len(), 2);
/// ```
#[derive(Debug, Clone)]
pub struct CommandExecutor {
    suite: TestSuite,
    executor: FmfExecutor,
}

impl CommandExecutor {
    /// An executor for these commands, by the names of tests.
    pub fn new<A: Into<String>>(
        commands: impl IntoIterator<Item = (TestName, impl IntoIterator<Item = A>)>,
    ) -> Self {
        let tests = commands.into_iter().map(|(name, argv)| (name, test(argv)));
        let suite = TestSuite::new(tests);
        Self { executor: FmfExecutor::new(suite.clone()), suite }
    }

    /// The commands as tests, for whoever schedules them.
    pub fn suite(&self) -> &TestSuite {
        &self.suite
    }

    /// With a limit for each command; there is none by default.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        for test in self.suite.tests.values_mut() {
            test.duration = Some(limit);
        }
        self.executor = self.executor.suite(self.suite.clone());
        self
    }

    /// With a hook that judges what a command did, by its exit code and its output. It is called once for each command that came to its end, in
    /// a task of the runtime, which it must not hold up for long.
    #[must_use]
    pub fn judge(
        mut self,
        judge: impl Fn(&Ended<'_>) -> Judgement + Send + Sync + 'static,
    ) -> Self {
        self.executor = self.executor.judge(judge);
        self
    }

    /// With other settings of the executor that does the work.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(FmfExecutor) -> FmfExecutor) -> Self {
        self.executor = change(self.executor);
        self
    }
}

/// The test that becomes this command.
fn test<A: Into<String>>(argv: impl IntoIterator<Item = A>) -> Test {
    let words: Vec<String> = argv.into_iter().map(|word| quoted(&word.into())).collect();
    let mut test = Test::new(format!("exec -- {}", words.join(" ")));
    test.duration = Some(Test::TIME_LIMIT_MAX);
    test
}

#[async_trait]
impl Executor for CommandExecutor {
    async fn start(
        &self,
        connection: Arc<dyn Connection>,
        cancel: &CancellationToken,
    ) -> Result<Box<dyn Session>> {
        if let Some((name, _)) = self.suite.tests.iter().find(|(_, test)| test.script == "exec -- ")
        {
            return Err(Error::Usage(format!("there is no program in the command of {name}")));
        }
        self.executor.start(connection, cancel).await
    }

    async fn resume(
        &self,
        connection: Arc<dyn Connection>,
        artifacts: &Artifacts,
        cancel: &CancellationToken,
    ) -> Result<Option<Box<dyn Session>>> {
        self.executor.resume(connection, artifacts, cancel).await
    }

    async fn sweep(&self, connection: &dyn Connection) -> Result<()> {
        self.executor.sweep(connection).await
    }
}
