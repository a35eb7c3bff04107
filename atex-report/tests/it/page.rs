//! The HTML page as bytes: escaped, the same each time, folded when there is too much, whole or not there.

use std::fs;

use atex_report::{Asked, Dataset, FileLayout, HtmlPage, NewRow, Review};

use crate::dataset::{info, stored};

/// Texts that want to be more than text.
pub(crate) const HOSTILE: [&str; 6] = [
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "\u{202e}gnp.exe\u{2066}",
    "nul\u{0}and\u{1b}[31mred",
    "'\"&lt;&#39;--><!--",
    "__proto__",
];

/// A dataset whose every text is hostile.
pub(crate) fn hostile() -> Dataset {
    let mut dataset = Dataset::builder();
    let mut run = dataset.run(info(HOSTILE[0]));
    let long = "x".repeat(1 << 20);
    for (number, text) in HOSTILE.iter().copied().chain([long.as_str()]).enumerate() {
        let test = format!("/{number}/{text}");
        let id = run.attempt(text, &test, 1);
        let row = NewRow {
            subtest: Some(text),
            status: Some("fail"),
            note: Some(text),
            ..NewRow::default()
        };
        run.row(id, NewRow { files: &[text, "../../../etc/passwd"], ..row });
        run.row(id, NewRow { status: Some(text), ..NewRow::default() });
    }
    run.problem(HOSTILE[1]);
    run.finish();
    dataset.finish()
}

/// The page of the last run of a dataset, compared with all others.
pub(crate) fn page(dataset: &Dataset, change: impl FnOnce(HtmlPage<'_>) -> HtmlPage<'_>) -> String {
    let now = dataset.runs().len() - 1;
    let before: Vec<usize> = (0..now).collect();
    let review =
        Review::of(dataset, now, &Asked { before: &before, ..Asked::default() }, |_, _| None);
    let mut html = Vec::new();
    change(HtmlPage::new(&review)).write(&mut html).unwrap();
    String::from_utf8(html).unwrap()
}

#[test]
fn hostile_text_is_no_markup() {
    let html = page(&hostile(), |page| page.files_in(".", FileLayout::Files));
    assert_eq!(html.matches("<script").count(), 3, "data, script, starter");
    assert_eq!(html.matches("</script>").count(), 3);
    assert!(!html.contains("<img") && !html.contains('\u{202e}') && !html.contains('\u{0}'));
    assert!(html.contains("&lt;/script&gt;&lt;script&gt;document.title=&#39;owned&#39;"));
    assert!(html.contains("[U+202E]gnp.exe[U+2066]"));
    assert!(html.len() < 200_000, "{}: long texts are cut", html.len());
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let tmp = tempfile::tempdir().unwrap();
    let store = stored(&tmp.path().join("run"));
    let make = || {
        let mut dataset = Dataset::builder();
        dataset.add_store(&store).unwrap();
        page(&dataset.finish(), |page| page)
    };
    let html = make();
    assert!(html == make(), "two pages of one run differ");
    let begin = html.find("<main").unwrap();
    let end = html.find("</main>").unwrap();
    insta::assert_snapshot!(&html[begin..end]);
}

#[test]
fn too_much_is_folded_and_counted() {
    let mut dataset = Dataset::builder();
    let mut run = dataset.run(info("big"));
    let id = run.attempt("p", "/t", 1);
    for number in 0..5000 {
        let (subtest, status) =
            (format!("s{number}"), if number % 1000 == 0 { "fail" } else { "pass" });
        run.row(id, NewRow { subtest: Some(&subtest), status: Some(status), ..NewRow::default() });
    }
    run.finish();
    let dataset = dataset.finish();
    let (whole, folded) =
        (page(&dataset, |page| page), page(&dataset, |page| page.fold_above(4999)));
    assert!(folded.len() + 5000 < whole.len(), "{} {}", folded.len(), whole.len());
    // What is shown without the script counts all of them.
    assert!(folded.contains("<tr><th scope=\"row\">pass</th><td>4995</td></tr>"));
}

#[test]
fn a_page_that_cannot_be_written_leaves_the_one_before() {
    let tmp = tempfile::tempdir().unwrap();
    let dataset = hostile();
    let review = Review::of(&dataset, 0, &Asked::default(), |_, _| None);
    let path = tmp.path().join("page.html");
    HtmlPage::new(&review).save(&path).unwrap();
    let before = fs::read(&path).unwrap();
    // Where the new one is to be made, there is a folder.
    fs::create_dir(tmp.path().join("page.html.new")).unwrap();
    let error = HtmlPage::new(&review).save(&path).unwrap_err().to_string();
    assert_eq!(error, format!("cannot write {}", path.display()));
    assert!(fs::read(&path).unwrap() == before);
}
