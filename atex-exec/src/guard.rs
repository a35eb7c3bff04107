//! [`StopGuard`]: a test does not outlive a run that nobody wants any more.

use std::sync::Arc;

use atex_core::{Command, Connection};

/// Ends a test whose run was dropped half-way, unless it was disarmed.
pub(crate) struct StopGuard {
    pub(crate) connection: Arc<dyn Connection>,
    pub(crate) stop: Option<Command>,
}

impl Drop for StopGuard {
    fn drop(&mut self) {
        // Without a runtime, the connection is about to go as well, and the time limit on the remote holds.
        if let (Some(stop), Ok(runtime)) = (self.stop.take(), tokio::runtime::Handle::try_current())
        {
            let connection = Arc::clone(&self.connection);
            runtime.spawn(async move {
                if let Ok(mut teller) = connection.spawn(stop).await {
                    teller.wait().await.ok();
                }
            });
        }
    }
}
