//! What tests of remote systems need: an sshd of their own ([`Sshd`]), or a whole machine ([`Machine`]).

mod ground;
mod machine;
mod sshd;
mod supervisor;
mod tool;

pub use machine::Machine;
pub use sshd::Sshd;
