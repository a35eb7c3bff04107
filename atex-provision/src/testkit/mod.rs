//! What tests of remote systems need: an sshd of their own ([`Sshd`]), a whole machine ([`Machine`]), a container (`Podman`).

#[cfg(feature = "docker")]
mod docker;
mod ground;
mod machine;
mod need;
#[cfg(feature = "podman")]
mod podman;
mod sshd;
mod supervisor;
mod tool;

#[cfg(feature = "docker")]
pub use docker::docker_image;
pub use machine::Machine;
#[cfg(feature = "podman")]
pub use podman::{Podman, PodmanWords, TestImage};
pub use sshd::Sshd;
