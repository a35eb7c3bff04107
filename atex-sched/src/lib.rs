#![doc = include_str!("../README.md")]

mod action;
mod driver;
mod fleet;
mod leases;
mod plan;
mod queue;
mod scheduler;
mod simulate;
mod standing;
mod summary;

pub use action::{Action, Conclusion};
pub use driver::{Deadlines, Pool, Run};
pub use leases::OpenLeases;
pub use plan::{DESTRUCTIVE_TAG, Limits, Plan, PoolPlan, TestPlan};
pub use scheduler::Scheduler;
pub use simulate::{Deal, Delays, Simulation, Span, simulate, static_split};
pub use standing::Standing;
pub use summary::{LeftBehind, Summary};
