//! What people read on a terminal: texts of a given width, plain or with colours. Nothing here prints.

mod fit;
mod markdown;
mod review;
mod runs;
mod style;
mod summary;
mod timeline;

pub use fit::{columns, shorten};
pub use markdown::Markdown;
pub use review::ReviewText;
pub use runs::{RunsText, bytes_shown};
pub use style::Style;
pub use summary::SummaryText;
pub use timeline::TimelineText;
