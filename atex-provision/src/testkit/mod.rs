//! What tests of ssh need: an sshd of their own.

mod sshd;

pub use sshd::Sshd;
