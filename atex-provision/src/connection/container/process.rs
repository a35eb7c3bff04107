//! A program in a container: how it is waited for, and how it is killed.

use std::sync::Arc;

use atex_core::{Error, Process, Result, Status, async_trait};
use tokio::sync::watch;

use super::guard::Guard;

#[derive(Debug, Clone)]
enum Ended {
    Status(Status),
    NotStarted(String),
    Lost(String),
}

#[derive(Debug)]
pub(super) struct ContainerProcess {
    origin: String,
    token: String,
    program: String,
    guard: Arc<Guard>,
    ended: watch::Receiver<Option<Ended>>,
}

impl ContainerProcess {
    /// Follows a program to its end, also when nobody waits for it any more.
    pub(super) fn follow(
        tool: tokio::process::Child,
        guard: Arc<Guard>,
        (token, program): (String, String),
        origin: &str,
    ) -> Self {
        let (tell, ended) = watch::channel(None);
        guard.tasks().spawn(follow(tool, Arc::clone(&guard), token.clone(), tell));
        Self { origin: origin.to_owned(), token, program, guard, ended }
    }
}

async fn follow(
    mut tool: tokio::process::Child,
    guard: Arc<Guard>,
    token: String,
    tell: watch::Sender<Option<Ended>>,
) {
    let exited = tool.wait().await;
    // What the tool exits with may be the program's word or its own. The program's is in the container.
    let ended = match guard.end(&token).await.as_deref() {
        Some("killed") => Ended::Status(Status::Killed),
        Some("running") => Ended::Lost("its streams were cut; it was killed".to_owned()),
        Some("none") => Ended::NotStarted(match exited {
            Ok(status) => format!("the tool ended with {}", Status::from(status)),
            Err(error) => error.to_string(),
        }),
        Some(code) => match code.parse() {
            Ok(code) => Ended::Status(Status::Code(code)),
            Err(_) => Ended::Lost(format!("{code:?} is said to be its exit code")),
        },
        None => Ended::Lost(guard.ended().await),
    };
    tell.send_replace(Some(ended));
}

#[async_trait]
impl Process for ContainerProcess {
    async fn wait(&mut self) -> Result<Status> {
        let ended = match self.ended.wait_for(Option::is_some).await {
            Ok(ended) => ended.clone(),
            Err(_) => None,
        };
        let origin = self.origin.clone();
        match ended {
            Some(Ended::Status(status)) => Ok(status),
            Some(Ended::Lost(why)) => Err(Error::Lost { origin, source: why.into() }),
            Some(Ended::NotStarted(why)) => {
                Err(Error::Spawn { origin, program: self.program.clone(), source: why.into() })
            }
            None => Err(Error::NotConnected { origin }),
        }
    }

    fn start_kill(&mut self) -> Result<()> {
        self.guard.kill(&self.token);
        Ok(())
    }
}

impl Drop for ContainerProcess {
    fn drop(&mut self) {
        if self.ended.borrow().is_none() {
            self.guard.kill(&self.token);
        }
    }
}
