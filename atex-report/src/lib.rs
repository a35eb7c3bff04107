#![doc = include_str!("../README.md")]

mod aggregate;
mod cause;
mod compare;
mod conclusion;
mod dataset;
mod error;
mod export;
mod history;
#[cfg(feature = "import")]
mod import;
mod journal;
mod journal_reader;
mod json;
mod packing;
#[cfg(feature = "html")]
mod page;
#[cfg(feature = "reportportal")]
mod portal;
mod refile;
mod remote_report;
mod report;
mod retention;
mod review;
mod review_json;
mod select;
mod store;
mod test_report;
mod text;
mod timeline;
mod waive;
mod wire;

pub use aggregate::{Earlier, PackFiles, ResultsFile, ResultsFormat, ResultsPlan, Several};
pub use cause::{Cause, Causes};
pub use compare::{Change, Comparison, Item, Kind, Mark, Place, Slow};
pub use conclusion::{Conclusion, RunVerdict};
pub use dataset::{
    AttemptId, Dataset, DatasetAttempt, DatasetBuilder, DatasetRun, Dictionary, Key, KeySet,
    NewAttempt, NewRow, Row, RunBuilder, TestOutcome,
};
pub use error::StoreError;
pub use export::{Finished, FinishedTests};
pub use history::{History, PastOutcome, SystemTimes};
#[cfg(feature = "import")]
pub use import::{Import, ImportFormat, Imported};
pub use journal::Journal;
pub use journal_reader::{JournalReader, Torn};
pub use json::summary_json;
pub use packing::{PackFormat, Packing};
#[cfg(feature = "html")]
pub use page::{FileLayout, HtmlPage, LogTail};
#[cfg(feature = "reportportal")]
pub use portal::{LaunchPlan, Patience, Portal, PortalStatus, ReportPortal, Subtests, Token};
pub use remote_report::{LeftBehind, Release, RemoteReport};
pub use report::RunReport;
pub use retention::{Keep, Retention, StoredRun};
pub use review::{Asked, Review};
pub use select::Select;
pub use store::RunStore;
pub use test_report::{AttemptReport, Counts, TestReport};
pub use text::{
    Markdown, ReviewText, RunsText, Style, SummaryText, TimelineText, bytes_shown, columns, shorten,
};
pub use timeline::{RemoteLine, Span, SpanKind, Timeline};
pub use waive::{Blame, Pattern, Subtest, Use, Waived, WaivedTests, Waiver, WaiverError, Waivers};
pub use wire::{Entry, RunInfo};
