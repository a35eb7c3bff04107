//! Connections: the channels by which systems are reached. Each is useful without a provisioner.

#[cfg(any(feature = "ssh", feature = "podman", feature = "docker"))]
mod attempt;
#[cfg(any(feature = "podman", feature = "docker"))]
mod container;
#[cfg(feature = "local")]
mod local;
#[cfg(any(feature = "ssh", feature = "podman", feature = "docker"))]
mod shell;
#[cfg(feature = "ssh")]
mod ssh;

#[cfg(any(feature = "podman", feature = "docker"))]
pub use container::{Container, ContainerConnection};
#[cfg(any(feature = "podman", feature = "docker"))]
pub(crate) use container::{Guard, Way, main_program};
#[cfg(feature = "local")]
pub use local::LocalConnection;
#[cfg(feature = "hosts")]
pub(crate) use ssh::sweep;
#[cfg(feature = "ssh")]
pub use ssh::{Ssh, SshConnection};
