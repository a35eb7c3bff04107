//! What tests of remote systems need: an sshd of their own ([`Sshd`]), a whole machine ([`Machine`]), a container (`Podman`).

mod ground;
mod machine;
mod need;
#[cfg(feature = "podman")]
mod podman;
mod sshd;
mod supervisor;
mod tool;

pub use machine::Machine;
#[cfg(feature = "podman")]
pub use podman::{Podman, PodmanWords, TestImage};
pub use sshd::Sshd;
