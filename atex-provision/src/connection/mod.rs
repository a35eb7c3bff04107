//! Connections: the channels by which systems are reached. Each is useful without a provisioner.

#[cfg(feature = "local")]
mod local;
#[cfg(feature = "ssh")]
mod ssh;

#[cfg(feature = "local")]
pub use local::LocalConnection;
#[cfg(feature = "ssh")]
pub use ssh::{Ssh, SshConnection};
