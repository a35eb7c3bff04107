//! Waiting until the systemd of a container has started what it has to.

use std::time::Duration;

use atex_core::{Command, Connection, ConnectionExt, Error, Result, Status};

/// How long to leave systemd alone that does not listen yet.
const PAUSE: Duration = Duration::from_millis(100);

/// What `systemctl is-system-running` means to us.
#[derive(Debug, PartialEq, Eq)]
enum State {
    Up,
    NotYet,
    GoingDown(String),
}

/// Waits until everything was started, or failed to: that is no trouble of ours. Where there is no systemctl, there is nothing to wait for.
pub(super) async fn wait(connection: &dyn Connection, limit: Duration) -> Result<()> {
    let up = async {
        loop {
            let ask = Command::new("systemctl").args(["is-system-running", "--wait"]);
            let output = match connection.output(ask).await {
                Err(Error::Spawn { .. }) => return Ok(()),
                output => output?,
            };
            if matches!(output.status, Status::Code(126 | 127)) {
                return Ok(());
            }
            match state_of(&String::from_utf8_lossy(&output.stdout)) {
                State::Up => return Ok(()),
                State::GoingDown(state) => {
                    return Err(Error::infra(connection.name(), format!("its systemd is {state}")));
                }
                State::NotYet => tokio::time::sleep(PAUSE).await,
            }
        }
    };
    let what = || format!("the start of systemd in {}", connection.name());
    let waited = tokio::time::timeout(limit, up).await;
    waited.unwrap_or_else(|_| Err(Error::Timeout { what: what(), limit }))
}

/// The words are those of `systemctl(1)`. Before it listens, and while it does not know itself, it says nothing, or `offline` or
/// `unknown`.
fn state_of(said: &str) -> State {
    match said.trim() {
        "running" | "degraded" => State::Up,
        state @ ("maintenance" | "stopping") => State::GoingDown(state.to_owned()),
        _ => State::NotYet,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_that_failed_are_not_waited_for() {
        for (said, expected) in [
            ("running\n", State::Up),
            ("degraded\n", State::Up),
            ("starting\n", State::NotYet),
            ("initializing\n", State::NotYet),
            ("offline\n", State::NotYet),
            ("", State::NotYet),
            ("stopping\n", State::GoingDown("stopping".to_owned())),
            ("maintenance\n", State::GoingDown("maintenance".to_owned())),
        ] {
            assert_eq!(state_of(said), expected, "{said:?}");
        }
    }
}
