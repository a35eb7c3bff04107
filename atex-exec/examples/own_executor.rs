//! An executor of one's own: tests are checks in Rust, without any script: `cargo run -p atex-exec --example own_executor`.
#![expect(clippy::print_stdout, reason = "an example, which talks to whoever tries it")]

use std::sync::Arc;
use std::time::Instant;

use atex_core::{
    Artifacts, CancellationToken, Connection, ConnectionExt, Error, Executor, Outcome, Result,
    Session, TestName, Verdict, async_trait,
};
use atex_provision::LocalConnection;

/// Checks how much room there is on a system: the name of a test is the folder, its limit is ours.
#[derive(Debug, Clone)]
struct RoomExecutor {
    /// How many percent may be used.
    most: u8,
}

/// A system; nothing has to be prepared there.
#[derive(Debug)]
struct RoomSession {
    connection: Arc<dyn Connection>,
    most: u8,
}

#[async_trait]
impl Executor for RoomExecutor {
    async fn start(
        &self,
        connection: Arc<dyn Connection>,
        _: &CancellationToken,
    ) -> Result<Box<dyn Session>> {
        Ok(Box::new(RoomSession { connection, most: self.most }))
    }
}

#[async_trait]
impl Session for RoomSession {
    async fn run(
        &mut self,
        test: &TestName,
        artifacts: &Artifacts,
        cancel: &CancellationToken,
    ) -> Result<Outcome> {
        let began = Instant::now();
        let folder = [test.as_str()];
        let asked = self.connection.script("df --output=pcent -- \"$1\" | tail -n 1", &folder);
        let used = tokio::select! {
            used = asked => used,
            () = cancel.cancelled() => Err(Error::Cancelled),
        };
        let (verdict, status, note) = match &used {
            Err(error) => (Verdict::Infra, "infra", error.to_string()),
            Ok(used) => match used.trim().trim_end_matches('%').parse::<u8>() {
                Ok(percent) if percent <= self.most => {
                    (Verdict::Passed, "pass", used.trim().into())
                }
                _ => (Verdict::Failed, "fail", format!("used: {}", used.trim())),
            },
        };
        let result = serde_json::json!({"status": status, "note": note});
        let path = artifacts.results_file();
        std::fs::write(&path, format!("{result}\n")).map_err(Error::io("cannot write", &path))?;
        used?;
        Ok(Outcome::new(verdict, began.elapsed()).note(Some(note)))
    }

    async fn stop(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("own-executor-{}", std::process::id()));
    let (connection, cancel) = (LocalConnection::new("here", "/"), CancellationToken::new());
    let mut session = RoomExecutor { most: 99 }.start(Arc::new(connection), &cancel).await?;
    for test in ["/", "/tmp"] {
        let artifacts = Artifacts::create(&folder, "here", test, 1)?;
        let outcome = session.run(&TestName::new(test)?, &artifacts, &cancel).await?;
        println!("{test}: {} ({})", outcome.verdict, outcome.note.unwrap_or_default());
    }
    session.stop().await?;
    Ok(std::fs::remove_dir_all(folder)?)
}
