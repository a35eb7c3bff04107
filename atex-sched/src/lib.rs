#![doc = include_str!("../README.md")]

mod action;
mod demand;
mod driver;
mod fleet;
mod forecast;
mod leases;
mod needs;
mod plan;
mod policy;
mod queue;
mod scheduler;
mod simulate;
mod standing;
mod states;
mod summary;

pub use action::{Action, Conclusion, Peer};
pub use driver::{Deadlines, Pool, Run};
pub use forecast::{Forecast, forecast};
pub use leases::OpenLeases;
pub use needs::Needs;
pub use plan::{DESTRUCTIVE_TAG, Limits, Plan, PoolPlan, TestIndex, TestPlan, Together};
pub use policy::{
    Affinity, AfterTest, Bespoke, Candidate, Ended, Kin, Order, Policy, Rank, RemoteView, Standard,
    Waiting,
};
pub use scheduler::Scheduler;
pub use simulate::{Deal, Delays, Simulation, Span, simulate, static_split};
pub use standing::Standing;
pub use summary::{LeftBehind, Summary};
