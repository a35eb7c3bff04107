//! Where systems come from: backends that yield remotes, and the connections they are reached by.

mod connection;
#[cfg(any(feature = "local", feature = "hosts"))]
mod fleet;
#[cfg(feature = "local")]
mod local;

#[cfg(feature = "local")]
pub use connection::LocalConnection;
#[cfg(feature = "local")]
pub use local::{Local, this_machine};
