//! Connections: the channels by which systems are reached. Each is useful without a provisioner.

#[cfg(feature = "local")]
mod local;

#[cfg(feature = "local")]
pub use local::LocalConnection;
