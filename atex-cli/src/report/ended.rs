//! What is said at the end of a run that just took place.

use std::path::Path;

use atex_report::{
    Asked, Conclusion, Dataset, Review, ReviewText, RunReport, RunStore, RunVerdict, Style,
    SummaryText, Waivers,
};

use super::printed;
use crate::message;

/// The summary of a run, as it was seen, and the word on it. Writes the page of the run into its folder, and where it was wanted.
pub(crate) fn said(
    store: &RunStore,
    seen: &RunReport,
    (waivers, wanted): (Option<&Waivers>, Option<&Path>),
) -> (String, RunVerdict) {
    let Some(dataset) = stored(store, seen) else {
        let summary = SummaryText::new(seen, message::width()).style(Style::Ansi);
        let summary = summary.artifacts(store.artifacts_dir()).to_string();
        return (summary, Conclusion::of(seen).verdict);
    };
    let asked = Asked { waivers, ..Asked::default() };
    let run = &dataset.runs()[0];
    let review = Review::of(&dataset, 0, &asked, printed::last_lines(store, &dataset, run));
    let more = ReviewText::new(&review, message::width()).part_of_suite();
    let mut text = super::text(&review, store, more);
    for page in wanted.map(Path::to_owned).into_iter().chain([store.dir().join(super::html::NAME)])
    {
        match super::html::write(&review, store, (&page, None)) {
            Ok(()) => text = format!("{}\nreport: {}", text.trim_end(), page.display()),
            // The run is what it is, with a page or without.
            Err(error) => message::note(&format!("warning: {error:#}")),
        }
    }
    (text, review.conclusion().verdict)
}

/// The run as it was stored; none if that is less than what was seen, as on a full disk.
fn stored(store: &RunStore, seen: &RunReport) -> Option<Dataset> {
    let mut dataset = Dataset::builder();
    if let Err(error) = dataset.add_store(store) {
        message::note(&format!("warning: the run cannot be read back: {error}"));
        return None;
    }
    let dataset = dataset.finish();
    let report = dataset.runs()[0].report()?;
    (report.is_finished() == seen.is_finished() && report.counts() == seen.counts())
        .then_some(dataset)
}
