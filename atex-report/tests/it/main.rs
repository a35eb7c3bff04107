//! The crate from outside: what is stored, what is made of it, and what people see.
#![expect(clippy::unwrap_used, reason = "what the tests use to make their material may panic, too")]

#[cfg(feature = "html")]
mod browser;
mod causes;
mod compare;
mod conformance;
mod dataset;
#[cfg(feature = "csv")]
mod formats;
#[cfg(all(
    feature = "import",
    feature = "sqlite",
    feature = "gzip",
    feature = "xz",
    feature = "zstd"
))]
mod imports;
mod journal;
mod json_lines;
#[cfg(all(feature = "gzip", feature = "xz", feature = "zstd"))]
mod packed;
#[cfg(feature = "html")]
mod page;
#[cfg(feature = "html")]
mod page_in_browser;
#[cfg(feature = "reportportal")]
mod portal;
mod report;
mod review;
#[cfg(all(
    feature = "import",
    feature = "sqlite",
    feature = "gzip",
    feature = "xz",
    feature = "zstd"
))]
mod round_trip;
mod run;
mod several;
mod store;
mod text;
mod waivers;
