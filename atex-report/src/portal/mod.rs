//! Results into ReportPortal: [`ReportPortal`] is an aggregator, [`Portal`] the server that it reports to.

mod client;
mod launch;
mod logs;
mod patience;
mod plan;
mod read;
mod status;

pub use self::client::{Portal, Token};
pub use self::launch::ReportPortal;
pub use self::patience::Patience;
pub use self::plan::{LaunchPlan, Subtests};
pub use self::status::PortalStatus;
