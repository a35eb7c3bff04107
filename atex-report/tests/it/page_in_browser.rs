//! The HTML page in a real browser: what it shows, how it filters, what keys and addresses do, and that hostile text is text.

use std::fs;
use std::path::PathBuf;

use atex_report::{Asked, Dataset, FileLayout, HtmlPage, LogTail, NewRow, Review, Waivers};
use serde_json::{Value, json};

use crate::browser::{Browser, missing};
use crate::dataset::{info, stored};
use crate::page::{HOSTILE, hostile, page};

/// A browser that has opened this page, at a desk.
fn opened(html: &str) -> (Browser, PathBuf, tempfile::TempDir) {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("page.html");
    fs::write(&path, html).unwrap();
    let mut browser = Browser::start();
    browser.resize(1400, 900);
    browser.open(&path, "");
    (browser, path, tmp)
}

impl Browser {
    /// The cells of the rows that can be seen.
    fn rows(&mut self, cell: &str) -> Vec<String> {
        let cells = self.ask(&format!(
            "[...document.querySelectorAll('.window .c-{cell}')].map((one) => one.textContent)"
        ));
        serde_json::from_value(cells).unwrap()
    }

    fn count(&mut self) -> String {
        self.text("output.count")
    }

    fn text(&mut self, selector: &str) -> String {
        let text =
            self.ask(&format!("document.querySelector({})?.textContent ?? ''", json!(selector)));
        text.as_str().unwrap().replace('\u{202f}', " ")
    }

    fn click(&mut self, selector: &str) {
        self.ask(&format!("void document.querySelector({}).click()", json!(selector)));
    }

    fn filter(&mut self, text: &str) {
        self.ask(&format!(
            "(() => {{ const q = document.getElementById('q'); q.value = {}; q.dispatchEvent(new Event('input')); }})()",
            json!(text)
        ));
    }
}

/// Three platforms, four tests with three results each; what is not `x86_64` fails in `/net`.
fn small() -> Dataset {
    let mut dataset = Dataset::builder();
    for run in ["before", "now"] {
        let mut of = dataset.run(info(run));
        for platform in ["rhel-9@x86_64", "rhel-9@s390x", "centos-10@x86_64"] {
            for test in ["/net/dns", "/net/dhcp/six", "/disk/raid", "/smoke"] {
                let id = of.attempt(platform, test, 1);
                let broken = test.starts_with("/net") && platform.contains("s390x") && run == "now";
                let status = if broken { "fail" } else { "pass" };
                let note = broken.then(|| format!("no answer after {} s", test.len()));
                for subtest in [Some("first"), Some("second, and \"last\""), None] {
                    let files: &[&str] = if subtest.is_none() { &["output.txt"] } else { &[] };
                    let note = subtest.and(note.as_deref());
                    of.row(
                        id,
                        NewRow { subtest, status: Some(status), note, files, ..NewRow::default() },
                    );
                }
            }
        }
        of.finish();
    }
    dataset.finish()
}

#[test]
fn filters_facets_and_addresses_show_the_same() {
    if missing() {
        return;
    }
    let (mut browser, path, _tmp) =
        opened(&page(&small(), |page| page.files_in("run", FileLayout::Files)));
    assert_eq!(browser.text(".verdict"), "failed");
    assert_eq!(browser.count(), "36 of 36 results");
    let filters = [
        ("status:fail", "6"),
        ("-status:fail", "30"),
        ("platform:rhel-9*", "24"),
        ("platform:rhel", "24"),
        ("platform:rhel-9@x86_64,centos*", "24"),
        ("test:/net", "18"),
        ("test:/net/d", "18"),
        ("test:/net/dns", "9"),
        ("subtest:none", "12"),
        ("subtest:\"second, and ?last?\"", "12"),
        ("answer", "4"),
        ("answer six", "2"),
        ("/ANS.ER|smoke/", "13"),
        ("-/net/ platform:s390x", "6"),
        ("note:/after 8/", "2"),
        ("file:output", "12"),
        ("change:new_failure", "4"),
        ("cause:1", "4"),
        ("verdict:failed", "6"),
        ("took:>1s", "0"),
        ("nonsense:x", "36"),
    ];
    for (filter, count) in filters {
        browser.filter(filter);
        assert_eq!(browser.count(), format!("{count} of 36 results"), "{filter}");
    }
    assert!(browser.text(".problem").contains("there is no field “nonsense”"));
    browser.filter("");
    // Clicks make the same language, and the address has it.
    browser.click("[data-facet=test] [data-value='/net']");
    browser.click("[data-facet=status] [data-value=fail]");
    assert_eq!(browser.ask("document.getElementById('q').value"), "test:/net status:fail");
    assert_eq!(browser.count(), "6 of 36 results");
    let hash = browser.ask("location.hash");
    browser.open(&path, hash.as_str().unwrap());
    assert_eq!(browser.count(), "6 of 36 results");
    // A link of an older page.
    let old = "?q=status%20%3D%20'fail'%20AND%20platform%20LIKE%20'%25s390x'%20AND%20subtest%20IS%20NOT%20NULL";
    browser.open(&path, old);
    assert_eq!(browser.count(), "4 of 36 results");
    assert_eq!(browser.complaints, [""; 0]);
}

#[test]
fn keys_and_details() {
    if missing() {
        return;
    }
    let (mut browser, path, _tmp) =
        opened(&page(&small(), |page| page.files_in("run", FileLayout::Files)));
    browser.press("f");
    assert_eq!(browser.count(), "6 of 36 results");
    for _ in 0..3 {
        browser.press("j");
    }
    browser.press("k");
    assert_eq!(browser.text(".details h2"), "second, and \"last\"");
    assert_eq!(browser.text(".details .note"), "no answer after 13 s");
    let hash = browser.ask("location.hash");
    browser.press("j");
    let link = browser.ask("document.querySelector('.files a').getAttribute('href')");
    assert_eq!(link, "run/files/rhel-9%40s390x/net/dhcp/six/output.txt");
    browser.press("Escape");
    assert_eq!(browser.ask("document.querySelector('.details').hidden"), true);
    browser.press("Escape");
    assert_eq!(browser.count(), "36 of 36 results");
    browser.press("/");
    browser.press("x");
    assert_eq!(browser.ask("document.activeElement.id + document.activeElement.value"), "qx");
    browser.press("Escape");
    browser.press("?");
    assert_eq!(browser.ask("document.querySelector('dialog').open"), true);
    // The address of a result finds it again.
    browser.open(&path, hash.as_str().unwrap());
    assert_eq!(browser.text(".details h2"), "second, and \"last\"");
    assert_eq!(browser.complaints, [""; 0]);
}

#[test]
fn every_view_shows_its_part() {
    if missing() {
        return;
    }
    let dataset = small();
    let waivers =
        "- test: /net/dns\n  reason: \"<b>known</b>\"\n- test: /nowhere\n  reason: never\n";
    let waivers = Waivers::parse("w.yaml".as_ref(), waivers).unwrap();
    let asked = Asked { before: &[0], waivers: Some(&waivers), ..Asked::default() };
    let review = Review::of(&dataset, 1, &asked, |_, _| None);
    let mut html = Vec::new();
    HtmlPage::new(&review).write(&mut html).unwrap();
    let (mut browser, _path, _tmp) = opened(&String::from_utf8(html).unwrap());
    browser.click("[data-view=matrix]");
    let cells = "[...document.querySelectorAll('.matrix tbody tr')].map((row) => row.textContent.replace(/\\s+/g, ' '))";
    let expected = json!([
        "▾ disk 1✓✓✓",
        "raid✓✓✓",
        "▾ net 2✓✗6✓",
        "▾ dhcp 1✓✗3✓",
        "six✓✗3✓",
        "dns✓✗3✓",
        "smoke✓✓✓"
    ]);
    assert_eq!(browser.ask(cells), expected);
    browser.click(".matrix td .v-failed");
    assert_eq!(browser.count(), "6 of 36 results");
    assert_eq!(
        browser.ask("document.getElementById('q').value"),
        "test:/net platform:rhel-9@s390x"
    );
    // The same, run by run: what did not fail before does now.
    browser.filter("");
    browser.click("[data-view=matrix]");
    browser.click("[data-by=run]");
    let heads = "[...document.querySelectorAll('.matrix thead th')].map((one) => one.textContent)";
    assert_eq!(browser.ask(heads), json!(["Test", "before", "now"]));
    let cells = "[...document.querySelectorAll('.matrix tbody tr')].map((row) => [...row.querySelectorAll('td')].map((one) => one.textContent[0]).join(''))";
    assert_eq!(browser.ask(cells), json!(["✓✓", "✓✓", "✓✗", "✓✗", "✓✗", "✓✗", "✓✓"]));
    browser.pictures("matrix");
    browser.click("[data-view=causes]");
    assert!(
        browser.text(".causes h2").starts_with("2 failures, 1 cause"),
        "{}",
        browser.text(".causes h2")
    );
    browser.click("[data-view=changes]");
    browser.click("[data-kind=new_failure]");
    assert_eq!(browser.count(), "4 of 36 results");
    browser.click("[data-view=waivers]");
    assert!(browser.text(".causes").contains("<b>known</b>"));
    assert!(browser.text(".causes .odd").contains("matched nothing"));
    browser.pictures("waivers");
    // As if there were no waivers: nothing is marked, and the address says so.
    assert_eq!(browser.text(".reason"), "1 of 12 tests failed, 1 waived");
    browser.click("[data-view=results]");
    browser.filter("waived:yes");
    assert_eq!(browser.count(), "3 of 36 results");
    browser.click("#waivers");
    assert_eq!(browser.text(".reason"), "2 of 12 tests failed");
    assert_eq!(browser.count(), "0 of 36 results");
    assert!(browser.ask("location.hash").as_str().unwrap().contains("waivers=off"));
    browser.click("#waivers");
    assert_eq!(browser.count(), "3 of 36 results");
    assert_eq!(browser.complaints, [""; 0]);
}

#[test]
fn hostile_text_is_shown_as_text() {
    if missing() {
        return;
    }
    let (mut browser, _path, _tmp) =
        opened(&page(&hostile(), |page| page.files_in(".", FileLayout::Files)));
    assert!(browser.text("h1").starts_with("</script><script>document.title"));
    let subtests = browser.rows("subtest");
    assert!(subtests.iter().any(|text| text == HOSTILE[1]), "{subtests:?}");
    assert!(subtests.iter().any(|text| text == "[U+202E]gnp.exe[U+2066]"), "{subtests:?}");
    assert!(subtests.iter().any(|text| text == "nul␀and␛[31mred"), "{subtests:?}");
    let rows =
        browser.ask("document.querySelectorAll('.window [data-at]').length").as_u64().unwrap();
    for place in 0..rows {
        browser
            .ask(&format!("void document.querySelectorAll('.window [data-at]')[{place}].click()"));
        let links = browser.ask(
            "[...document.querySelectorAll('.files a')].map((one) => one.getAttribute('href'))",
        );
        let links: Vec<String> = serde_json::from_value(links).unwrap();
        assert!(
            links.iter().all(|link| link.starts_with("./files/") && !link.contains("..")),
            "{links:?}"
        );
    }
    for view in ["matrix", "causes", "results"] {
        browser.click(&format!("[data-view={view}]"));
        assert_eq!(
            browser.ask("document.querySelectorAll('img, iframe, b b').length"),
            0,
            "{view}"
        );
    }
    assert_ne!(browser.ask("document.title"), "owned");
    assert_eq!(browser.complaints, [""; 0]);
}

#[test]
fn a_run_that_took_place_is_clicked_through() {
    if missing() {
        return;
    }
    let tmp = tempfile::tempdir().unwrap();
    let store = stored(&tmp.path().join("run"));
    let mut dataset = Dataset::builder();
    dataset.add_store(&store).unwrap();
    let (mut browser, _path, _tmp) = opened(&page(&dataset.finish(), |page| page));
    assert_eq!(browser.count(), "2 of 4 results");
    browser.filter("attempt:all flaky:yes");
    assert_eq!(browser.count(), "4 of 4 results");
    browser.click(".window [data-at]");
    assert_eq!(browser.ask("document.querySelectorAll('.details .attempts tbody tr').length"), 2);
    browser.pictures("run");
    browser.click("[data-view=timeline]");
    assert_eq!(browser.ask("document.querySelectorAll('.timeline svg g').length"), 2);
    assert!(
        browser.text(".timeline").contains("The end waited for vm-1"),
        "{}",
        browser.text(".timeline")
    );
    browser.click("[data-view=infra]");
    assert!(browser.text(".causes").contains("no space left on device"));
    assert_eq!(browser.complaints, [""; 0]);
}

/// A run with tags and times, whose failing test left a log.
fn with_logs() -> Dataset {
    let mut dataset = Dataset::builder();
    let mut run = dataset.run(info("logs"));
    for (number, test) in (0_u64..).zip(["/slow/one", "/slow/two", "/quick"]) {
        let id = run.attempt("p", test, 1);
        let status = if number == 1 { "fail" } else { "pass" };
        let took = Some(std::time::Duration::from_millis(10 + 40_000 * (2 - number)));
        let row = NewRow { status: Some(status), files: &["output.txt"], ..NewRow::default() };
        run.row(id, NewRow { took, ..row });
        run.tag(test, if number < 2 { "long" } else { "smoke" });
    }
    run.tag("/slow/one", "smoke");
    run.finish();
    dataset.finish()
}

#[test]
fn logs_are_carried_and_looked_into() {
    if missing() {
        return;
    }
    let dataset = with_logs();
    let log = |text: &str| LogTail { file: "output.txt".to_owned(), text: text.to_owned() };
    let html = page(&dataset, |page| {
        page.files_in(".", FileLayout::Files)
            .tails(|_, _| Some(log("before\n\u{1b}[31m<b>it broke</b>\u{202e}\n")))
    });
    let (mut browser, path, _tmp) = opened(&html);
    let folder = path.with_file_name("files/p/slow/two");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("output.txt"), "the whole <script>document.title='owned'</script> log")
        .unwrap();
    browser.filter("status:fail");
    browser.click(".window [data-at]");
    assert_eq!(browser.text(".details .log"), "before\n<b>it broke</b>[U+202E]");
    browser.pictures("details");
    // A frame tells us when it has loaded, but not what: it may be asked nothing.
    let seen = "new Promise((done) => { document.querySelector('.files a').click(); document.querySelector('iframe').addEventListener('load', () => done(document.querySelector('iframe').contentDocument === null)); })";
    assert_eq!(browser.ask(seen), true);
    browser.pictures("viewer");
    browser.click(".viewer button");
    assert_eq!(browser.ask("document.querySelectorAll('dialog').length"), 0);
    // What passed carries nothing.
    browser.filter("status:pass");
    browser.click(".window [data-at]");
    assert_eq!(browser.ask("document.querySelectorAll('.log').length"), 0);
    assert_ne!(browser.ask("document.title"), "owned");
    assert_eq!(browser.complaints, [""; 0]);
}

#[test]
fn facets_tell_of_tags_and_times() {
    if missing() {
        return;
    }
    let (mut browser, _path, _tmp) = opened(&page(&with_logs(), |page| page));
    let facets = "new Promise((done) => { const look = () => document.body.dataset.facets === 'new' ? done([...document.querySelectorAll('[data-facet]')].map((one) => one.textContent.replace(/\\s+/g, ' '))) : requestAnimationFrame(look); look(); })";
    let all = browser.ask(facets);
    let expected = json!([
        "Statuspass2fail1",
        "Test/quick1/slow2",
        "Taglong2smoke2",
        "Tookunder 0.1 s110 s to 1 min11 to 10 min1"
    ]);
    assert_eq!(all, expected);
    browser.click("[data-facet=tag] [data-value=smoke]");
    assert_eq!(browser.count(), "2 of 3 results");
    for (filter, count) in [
        ("took:<100ms", 1),
        ("took:10s..1m,1m..10m", 2),
        ("took:>1m", 1),
        ("-took:>1m", 2),
        ("tag:long -tag:smoke", 1),
        ("tag:none", 0),
    ] {
        browser.filter(filter);
        assert_eq!(browser.count(), format!("{count} of 3 results"), "{filter}");
    }
    assert_eq!(browser.complaints, [""; 0]);
}

#[test]
fn a_live_page_loads_itself_again_and_stays_where_it_was() {
    if missing() {
        return;
    }
    let many = |run: &str, count: u32| {
        let mut dataset = Dataset::builder();
        let mut of = dataset.run(info(run));
        let id = of.attempt("p", "/t", 1);
        for number in 0..count {
            let subtest = format!("s{number:05}");
            let row = NewRow { subtest: Some(&subtest), status: Some("pass"), ..NewRow::default() };
            of.row(id, row);
        }
        of.finish();
        dataset.finish()
    };
    let (mut browser, path, _tmp) = opened(&page(&many("run", 2000), |page| page.refresh(1)));
    browser.filter("subtest:s");
    browser.ask("document.querySelector('.search input').blur()");
    browser.ask("new Promise((done) => { const s = document.querySelector('.scroller'); s.addEventListener('scroll', () => requestAnimationFrame(() => requestAnimationFrame(() => done(1)))); s.scrollTop = 28 * 100; })");
    let first = "Number(document.querySelector('.window .row').getAttribute('aria-rowindex'))";
    let before = browser.ask(first);
    assert!(before.as_u64().unwrap() > 90, "{before}");
    // Meanwhile there are more of them, and the run is over.
    let more = page(&many("run", 3000), |page| page);
    let beside = path.with_extension("new");
    fs::write(&beside, more).unwrap();
    fs::rename(&beside, &path).unwrap();
    browser.reloaded();
    while browser.count() != "3 000 of 3 000 results" {
        browser.reloaded();
    }
    assert_eq!(browser.ask("document.getElementById('q').value"), "subtest:s");
    assert_eq!(browser.ask(first), before);
    assert_eq!(browser.ask("document.querySelectorAll('.live').length"), 0);
    assert_eq!(browser.complaints, [""; 0]);
}

#[test]
fn who_does_not_see_is_told_everything() {
    if missing() {
        return;
    }
    let (mut browser, _path, _tmp) = opened(&page(&small(), |page| page));
    browser.resize(1700, 900);
    browser.press("f");
    browser.press("j");
    let tree = browser.accessible();
    let has = |role: &str, name: &str| {
        assert!(
            tree.iter().any(|node| node.0 == role && node.1.contains(name)),
            "{role} {name}: {tree:?}"
        );
    };
    for (role, name) in [
        ("heading", "now"),
        ("table", "Results"),
        ("columnheader", "Status"),
        ("row", ""),
        ("cell", "fail"),
        ("tab", "Matrix"),
        ("searchbox", "Filter"),
        ("complementary", "Details"),
        ("complementary", "Filters"),
        ("StaticText", "of 36 results"),
    ] {
        has(role, name);
    }
    let nameless = ["button", "link", "textbox", "searchbox", "checkbox", "tab", "image"];
    let nameless: Vec<_> = tree
        .iter()
        .filter(|node| nameless.contains(&node.0.as_str()) && node.1.is_empty())
        .collect();
    assert!(nameless.is_empty(), "{nameless:?}");
}

/// How long the list of many is, and what filters find in it.
#[test]
fn a_great_many_results_are_scrolled_and_filtered() {
    if missing() {
        return;
    }
    let full = std::env::var("ATEX_TEST_LOAD").is_ok_and(|load| load == "full");
    let many: u32 = if full { 1_000_000 } else { 60_000 };
    let mut dataset = Dataset::builder();
    let mut run = dataset.run(info("many"));
    for number in 0..many {
        let id = run.attempt(
            &format!("p{}", number / (many / 20)),
            &format!("/t/{}", number / (many / 200)),
            1,
        );
        let (subtest, status) =
            (format!("rule_{}", number % 2500), if number % 100 == 7 { "fail" } else { "pass" });
        run.row(id, NewRow { subtest: Some(&subtest), status: Some(status), ..NewRow::default() });
    }
    run.finish();
    let (mut browser, path, _tmp) = opened(&page(&dataset.finish(), |page| page));
    assert!(browser.sheets() < 60, "what is not to be seen is not printed");
    // Also on a phone, only what is to be seen is made.
    browser.resize(390, 844);
    browser.open(&path, "");
    assert_eq!(browser.ask("document.querySelectorAll('.window .row').length < 100"), true);
    browser.resize(1400, 900);
    browser.press("End");
    let last = browser.ask("document.querySelector('.row.open').getAttribute('aria-rowindex')");
    assert_eq!(last, json!((many + 1).to_string()));
    browser.press("Home");
    assert_eq!(
        browser.ask("document.querySelector('.row.open').getAttribute('aria-rowindex')"),
        "2"
    );
    browser.pictures("many");
    for (filter, count) in [
        ("status:fail", many / 100),
        ("platform:p3", many / 20),
        ("rule_17 -rule_17*", 0),
        ("subtest:rule_17", many / 2500),
        ("p3", many / 20),
        ("-p3", many / 20 * 19),
        ("-rule_2499", many - many / 2500),
        ("p3 status:fail", many / 2000),
        ("status:fail p3", many / 2000),
        ("-status:fail", many / 100 * 99),
        ("took:>1s", 0),
        ("-took:>1s", many),
    ] {
        browser.filter(filter);
        let found = browser.ask("document.querySelector('.list').getAttribute('aria-rowcount')");
        assert_eq!(found, json!((count + 1).to_string()), "{filter}");
    }
    assert!(
        browser.ask("document.querySelectorAll('.window .row').length < 100") == Value::Bool(true)
    );
    assert_eq!(browser.complaints, [""; 0]);
}
