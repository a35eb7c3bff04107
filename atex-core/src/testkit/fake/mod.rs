//! Scripted fakes of every trait, to test whatever uses the traits: they count, and fail, hang or panic when told to.
//!
//! They keep time with `tokio::time` alone, so a test under `#[tokio::test(start_paused = true)]` runs hours in no time. Build
//! one with its methods, keep a clone, and hand it over as an `Arc<dyn …>`: clones share their counts.
//!
//! ```
//! use atex_core::testkit::fake::{Fate, FakeProvisioner};
//! use atex_core::{Failure, Provisioner, Request};
//! use std::time::Duration;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
//! let pool = FakeProvisioner::new("lab")
//!     .max(2)
//!     .provision_time(Duration::from_secs(90))
//!     .provisions([Fate::Works, Fate::Fails(Failure::infra("out of memory"))]);
//! let remote = pool.provision(&Request::new("test")).await.unwrap();
//! assert_eq!(remote.name(), "lab-1");
//! pool.provision(&Request::new("test")).await.unwrap_err();
//! remote.release().await.unwrap();
//! assert_eq!((pool.counts().provisioned, pool.counts().failed, pool.counts().out), (1, 1, 0));
//! # });
//! ```

mod aggregator;
mod connection;
mod executor;
mod fate;
mod provisioner;
mod sink;
#[cfg(test)]
mod tests;

pub use aggregator::{FakeAggregator, Ingested};
pub use connection::FakeConnection;
pub use executor::{ExecutorCounts, FakeExecutor, FakeRun};
pub use fate::Fate;
pub use provisioner::{FakeProvisioner, FakeRemote, ProvisionerCounts};
pub use sink::RecordingSink;
