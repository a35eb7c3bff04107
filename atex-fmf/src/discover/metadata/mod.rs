//! What the keys of tests and plans mean, each with its type.

mod duration;
mod environment_file;
mod phase;
mod plan;
mod reader;
mod requirement;
mod test;

pub(crate) use duration::parse as parse_duration;
pub(crate) use environment_file::read as read_environment_file;
pub use phase::Phase;
pub(crate) use plan::KEYS as PLAN_KEYS;
pub use plan::PlanMetadata;
pub(crate) use reader::Reader;
pub use requirement::{Library, Requirement};
pub(crate) use test::KEYS as TEST_KEYS;
pub use test::{Framework, Interpretation, Restart, TestMetadata};

/// Keys that tests, plans and stories have in common.
pub(crate) const CORE_KEYS: [&str; 11] = [
    "adjust",
    "author",
    "contact",
    "description",
    "enabled",
    "id",
    "link",
    "order",
    "summary",
    "tag",
    "tier",
];
