//! Files that others wrote: tmt, JUnit of other programs, torn and foreign ones.

use std::fs;
use std::path::Path;

use atex_report::{Import, PackFormat};

use crate::round_trip::{import, info};

const TMT: &str = "\
- name: /plans/smoke/tests/boot
  serial-number: 1
  fmf-id:
    url: https://example.com/tests.git
  result: fail
  original-result: fail
  note:
    - first
    - 'second: more'
  log:
    - data/guest/default-0/boot-1/output.txt
    - data/guest/default-0/boot-1/journal.txt
  context:
    distro: [fedora-42]
    arch: [x86_64]
  guest: {name: default-0, role: null}
  duration: 00:01:05
  subresult:
    - name: /net/dns
      result: pass
      note: []
      log: []
    - name: /net/dhcp
      result: fail
      note: no answer
      log: [data/guest/default-0/boot-1/dhcp/output.txt]
  check:
    - {how: dmesg, result: pass, event: before-test}
- name: /plans/smoke/tests/skip
  result: skip
  note: not here
  log: []
  guest: {name: default-0, role: null}
  duration: 00:00:00
- name: /pending
  result: pending
";

const JUNIT: &str = "\
<?xml version='1.0' encoding='utf-8'?>
<!-- by somebody -->
<testsuites><testsuite name='pytest' errors='0' failures='1' tests='4' hostname='builder-17'>
<properties><property name='python' value='3.13'/></properties>
<testcase classname='tests.test_net.TestDns' name='test_answers[ipv4 &amp; ipv6]' time='1.500'/>
<testcase classname='tests.test_net.TestDns' name='test_fails' time='0.25'>
  <failure message='assert 3 == 4&#10;where 3 = len()'>def test_fails():
>   assert 3 == 4</failure>
  <system-out>printed</system-out>
</testcase>
<testcase classname='tests.test_net' name='test_text'><error><![CDATA[Traceback <x>]]> &lt;end&gt;</error></testcase>
<testcase name='bare'><skipped/></testcase>
<testcase classname='flaky' name='test'><flakyFailure message='once' time='2.0'/></testcase>
</testsuite></testsuites>
";

/// What is left of an import: results, tests with their attempts, notes.
fn shown(file: &Path) -> String {
    let dir = tempfile::tempdir().unwrap();
    let imported = match import(file, &dir.path().join("run")) {
        Ok(imported) => imported,
        Err(error) => {
            return format!("error: {error}\n")
                .replace(&format!("{}/", file.parent().unwrap().display()), "");
        }
    };
    let mut text = fs::read_to_string(imported.store.results_path()).unwrap();
    let (report, torn) = imported.store.report().unwrap();
    assert_eq!(torn, None);
    assert!(report.is_finished());
    assert_eq!(report.left_behind().count(), 0);
    for test in report.tests() {
        let attempts = test.attempts.iter().map(|attempt| {
            format!(
                "{:?} {:?}",
                attempt.verdict(),
                attempt.outcome.as_ref().map(|outcome| outcome.took)
            )
        });
        let attempts: Vec<_> = attempts.collect();
        text.push_str(&format!(
            "{} on {:?}: {:?}, {}\n",
            test.name,
            test.platform,
            test.verdict,
            attempts.join(", ")
        ));
    }
    for note in imported.notes {
        text.push_str(
            &format!("note: {note}\n")
                .replace(&format!("{}/", file.parent().unwrap().display()), ""),
        );
    }
    text
}

#[test]
fn tmt() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("results.yaml");
    fs::write(&file, TMT).unwrap();
    let log = dir.path().join("data/guest/default-0/boot-1/output.txt");
    fs::create_dir_all(log.parent().unwrap()).unwrap();
    fs::write(log, "printed").unwrap();
    insta::assert_snapshot!(shown(&file));
}

#[test]
fn junit_of_somebody_else() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("junit.xml");
    fs::write(&file, JUNIT).unwrap();
    insta::assert_snapshot!(shown(&file));
}

/// A name, content, and what comes of it is in the snapshot.
#[test]
fn torn_and_foreign_files() {
    let dir = tempfile::tempdir().unwrap();
    let line = "[\"p\", \"pass\", \"/a\", null, [], null]\n";
    let long = format!("[\"p\", \"{}", "x".repeat(70 << 20));
    let cases: [(&str, &str); 16] = [
        ("empty.jsonl", ""),
        ("torn.jsonl", &format!("{line}[\"p\", \"fa")),
        ("bad.jsonl", &format!("{line}[\"p\", 5]\n{line}")),
        ("long.jsonl", &long),
        ("text.txt", "hello\n"),
        ("object.json", "{\"a\": 1}\n"),
        ("no-name.yaml", "---\nplatform: p\nstatus: pass\n"),
        ("late-name.yaml", "---\nplatform: p\nsubtests:\n- name: x\nname: /a\n"),
        ("alias.yaml", "---\nplatform: p\nname: &a /a\nnote: *a\n"),
        ("broken.yaml", "---\nplatform: p\nname: [1\n"),
        ("tmt.yaml", "- result: pass\n"),
        ("torn.xml", "<testsuites><testsuite><testcase name='a'/><testcase na"),
        ("broken.xml", "<testsuites><testsuite></a></testsuite>"),
        ("entity.xml", "<testsuites><testsuite><testcase name='&bad;'/></testsuite></testsuites>"),
        ("columns.csv", "platform,status\np,pass\n"),
        ("files.csv", "platform,test,files\np,/t,x\n"),
    ];
    let mut all = String::new();
    for (name, content) in cases {
        let file = dir.path().join(name);
        fs::write(&file, content).unwrap();
        all.push_str(&format!("{name}\n{}\n", shown(&file)));
    }
    insta::assert_snapshot!(all);
}

/// A compressed file that was cut off anywhere gives what is before the cut.
#[test]
fn compressed_files_that_were_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let lines: String = (0..2000)
        .map(|n| format!("[\"p\", \"pass\", \"/t{n}\", null, [], \"{}\"]\n", n * 7919 % 1000))
        .collect();
    for format in PackFormat::ALL {
        let bytes = packed(format, lines.as_bytes());
        let cut = dir.path().join("cut");
        fs::write(&cut, &bytes[..bytes.len() * 2 / 3]).unwrap();
        let out = dir.path().join(format!("out-{format}"));
        let imported = import(&cut, &out).unwrap();
        assert!(imported.results <= 2000, "{format}");
        assert!(
            imported.notes.iter().any(|note| note.contains("ends in the middle")),
            "{format}: {:?}",
            imported.notes
        );
    }
}

fn packed(format: PackFormat, bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    match format {
        PackFormat::Gzip => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
            out.write_all(bytes).unwrap();
            out.finish().unwrap()
        }
        PackFormat::Xz => {
            let mut out = liblzma::write::XzEncoder::new(Vec::new(), 6);
            out.write_all(bytes).unwrap();
            out.finish().unwrap()
        }
        _ => zstd::encode_all(bytes, 3).unwrap(),
    }
}

/// Several files into one run, results of a test in both; names that cannot be those of tests; folders that are the same.
#[test]
fn several_files_and_odd_names() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("1"), dir.path().join("2"));
    fs::write(&one, "[\"p\", \"pass\", \"/a\", \"x\", [], null]\n[\"p\", \"pass\", \"/a/../b\", null, [], null]\n").unwrap();
    fs::write(&two, "[\"p\", \"fail\", \"/a\", null, [], null]\n[\"p\", \"pass\", \"a/b\", null, [], null]\n[\"p\", \"pass\", \"\\u0000\\n\", null, [], null]\n[\"p\", \"pass\", \"\", null, [], null]\n").unwrap();
    let mut import = Import::into_folder(dir.path().join("run"), &info()).unwrap();
    for file in [&one, &two] {
        import.read(file).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let imported = runtime.block_on(import.finish()).unwrap();
    let text = fs::read_to_string(imported.store.results_path()).unwrap();
    insta::assert_snapshot!(text);
}
