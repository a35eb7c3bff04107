//! Where systems come from: backends that yield remotes, and the connections that they are reached by.
#![cfg_attr(all(feature = "local", feature = "hosts"), doc = "", doc = include_str!("../README.md"))]

mod connection;
#[cfg(any(feature = "podman", feature = "docker"))]
mod containers;
#[cfg(any(feature = "local", feature = "hosts", feature = "podman", feature = "docker"))]
mod fleet;
#[cfg(feature = "hosts")]
mod hosts;
#[cfg(feature = "local")]
mod local;
#[cfg(feature = "local")]
mod mounts;
#[cfg(feature = "testkit")]
pub mod testkit;

#[cfg(feature = "local")]
pub use connection::LocalConnection;
#[cfg(any(feature = "podman", feature = "docker"))]
pub use connection::{Container, ContainerConnection};
#[cfg(feature = "ssh")]
pub use connection::{Ssh, SshConnection};
#[cfg(any(feature = "podman", feature = "docker"))]
pub use containers::{Containers, Image};
#[cfg(feature = "hosts")]
pub use hosts::{Host, Hosts, Inventory};
#[cfg(feature = "local")]
pub use local::{Local, this_machine};
