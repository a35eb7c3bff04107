//! What people read on a terminal: texts of a given width, plain or with colours. Nothing here prints.

mod fit;
mod style;
mod summary;
mod timeline;

pub use style::Style;
pub use summary::SummaryText;
pub use timeline::TimelineText;
