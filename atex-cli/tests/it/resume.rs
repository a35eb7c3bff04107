//! `atex run --resume`: what a killed run had done stays, what ran goes on, and nothing is left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Child;

use atex_core::stable_hash;
use atex_provision::testkit::Sshd;
use serde_json::Value;

use crate::bench::{Bench, kill_marked};

/// The events of the run in this folder; a line that was torn is none.
fn journal(bench: &Bench, out: &str) -> Vec<Value> {
    let text = fs::read_to_string(bench.path(&format!("{out}/journal.jsonl"))).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn count(events: &[Value], kind: &str, test: Option<&str>) -> usize {
    let is =
        |event: &&Value| event["event"] == kind && test.is_none_or(|test| event["test"] == test);
    events.iter().filter(is).count()
}

fn until(what: &str, mut is: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !is() {
        assert!(began.elapsed().as_secs() < 60, "never: {what}");
        std::thread::yield_now();
    }
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// `/late` waits for a file, and counts how often it began.
const TREE: &[(&str, &str)] = &[(
    "main.fmf",
    r#"
/early:
    duration: 2m
    test: echo done; exit 4
/late:
    duration: 1m
    test: |
        echo x >>$FOLDER/begun
        until [ -e $FOLDER/go ]; do sleep 0.05; done
        echo "secret $PASSWORD, word $WORD"
/last:
    duration: 10s
    test: echo "secret $PASSWORD, word $WORD"
"#,
)];

struct Killed {
    bench: Bench,
}

impl Killed {
    /// A run that was killed while its second test ran.
    fn new(pool: &str) -> Self {
        Self::with(pool, "")
    }

    fn with(pool: &str, arguments: &str) -> Self {
        let bench = Bench::new(TREE);
        let folder = bench.path("").display().to_string();
        let run = format!("run --progress none --out ../out --secret PASSWORD {arguments}");
        let mut run = bench.command(&run);
        run.args(["--pool", pool, "-e", "WORD=w", "-e", &format!("FOLDER={folder}")]);
        let child = run.env("PASSWORD", "hunter2").spawn().unwrap();
        until("the second test begins", || bench.path("begun").exists());
        let filed = || count(&journal(&bench, "out"), "test_concluded", Some("/early")) == 1;
        until("the first test is filed", filed);
        kill(child);
        Self { bench }
    }

    fn resume(&self, arguments: &str) -> std::process::Output {
        let mut command = self.bench.command(&format!("run --resume ../out {arguments}"));
        command.env("PASSWORD", "hunter2").output().unwrap()
    }

    fn check(&self) {
        let events = journal(&self.bench, "out");
        for test in ["/early", "/late", "/last"] {
            assert_eq!(count(&events, "test_started", Some(test)), 1, "{test}");
            assert_eq!(count(&events, "test_concluded", Some(test)), 1, "{test}");
        }
        assert_eq!(count(&events, "restarted", None), 1);
        assert_eq!(fs::read_to_string(self.bench.path("begun")).unwrap(), "x\n");
        insta::assert_snapshot!(
            "resumed_results",
            self.bench.results(&self.bench.path("out")).join("\n")
        );
        for test in ["late", "last"] {
            let file = self.bench.path(&format!("out/files/x/{test}/output.txt"));
            assert_eq!(fs::read_to_string(file).unwrap(), "secret *******, word w\n");
        }
        self.bench.assert_clean();
    }
}

/// The page that follows a run is whole whenever somebody looks, also after a kill, and goes on with the run.
#[test]
fn a_page_follows_a_run_through_its_lives() {
    let bench = Bench::new(TREE);
    let folder = bench.path("").display().to_string();
    let mut run = bench.command(
        "run --progress none --out ../out --secret PASSWORD --html ../page.html --html-every 1s",
    );
    run.args(["--pool", "local,platform=x", "-e", "WORD=w", "-e", &format!("FOLDER={folder}")]);
    let child = run.env("PASSWORD", "hunter2").spawn().unwrap();
    let page = || fs::read_to_string(bench.path("page.html")).unwrap_or_default();
    until("the page tells of the first test", || {
        let page = page();
        assert!(page.is_empty() || page.ends_with("</html>\n"), "half a page");
        page.contains("1 of 3 tests have a verdict, 1 failed")
    });
    kill(child);
    assert!(page().ends_with("</html>\n") && page().contains(": running</title>"));
    bench.write("go", "");
    let mut again = bench.command("run --resume ../out --progress none");
    let output = again.env("PASSWORD", "hunter2").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(page().contains(": failed</title>") && page().contains("1 of 3 tests failed"));
    assert!(bench.path("out/report.html").is_file());
    bench.assert_clean();
    // What cannot be written is said before anything is run.
    let nowhere = bench.atex("run --pool local --out ../o2 --html ../nowhere/page.html");
    assert!(nowhere.contains("there is no such folder"), "{nowhere}");
    assert!(!bench.path("o2").exists());
}

#[test]
fn a_killed_run_goes_on_where_it_was() {
    let killed = Killed::new("local,platform=x");
    let kept = fs::read_to_string(killed.bench.path("out/run.json")).unwrap();
    assert!(!kept.contains("hunter2") && kept.contains("PASSWORD"), "{kept}");
    // The secret is not kept, so it must be there again.
    let without = killed.bench.atex("run --resume ../out --progress none");
    assert!(without.contains("--secret PASSWORD: there is no such variable"), "{without}");
    killed.bench.write("go", "");
    let output = killed.resume("--progress plain");
    insta::assert_snapshot!(killed.bench.transcript("run --resume ../out", &output));
    killed.check();
    let again = killed.bench.atex("run --resume ../out");
    assert!(again.contains("the run is over") && again.ends_with("exit code Some(2)\n"), "{again}");
}

/// Files of results hold what they were given before the kill, whole, also those that are compressed; and all of it in the end.
#[test]
fn what_was_filed_before_a_kill_can_be_read() {
    const FILES: [&str; 7] =
        ["jsonl.gz", "jsonl.xz", "jsonl.zst", "yaml.xz", "xml.gz", "csv.xz", "sqlite"];
    let typed = FILES.map(|file| format!("--results {}", file.replace("xml", "junit")));
    let killed = Killed::with("local,platform=x", &typed.join(" "));
    let check = |when: &str| {
        let expected = killed.bench.results(&killed.bench.path("out"));
        for file in FILES {
            let out = format!("{when}-{file}");
            let import = format!("import ../out/results.{file} --out ../{out}");
            let import = killed.bench.command(&import).output().unwrap();
            let said = String::from_utf8_lossy(&import.stderr);
            assert!(
                import.status.success() && !said.contains("ends in the middle"),
                "{file}: {said}"
            );
            assert_eq!(killed.bench.results(&killed.bench.path(&out)), expected, "{file}");
        }
        expected.len()
    };
    let before = check("killed");
    assert!(before > 0);
    killed.bench.write("go", "");
    let output = killed.resume("--progress none");
    assert_eq!(output.status.code(), Some(1), "{}", killed.bench.transcript("resume", &output));
    assert!(check("resumed") > before);
}

#[test]
fn a_killed_run_goes_on_over_ssh() {
    let Some(sshd) = Sshd::for_test("a killed run over ssh") else { return };
    let killed = Killed::new(&host(&sshd, "platform=x"));
    let left = left_on_hosts(&killed.bench, "out");
    assert_eq!(left.len(), 1, "{left:?}");
    killed.bench.write("go", "");
    let output = killed.resume("--progress none");
    assert_eq!(output.status.code(), Some(1), "{}", killed.bench.transcript("resume", &output));
    killed.check();
    assert_eq!(left_on_hosts(&killed.bench, "out"), Vec::<PathBuf>::new());
}

/// The test that still runs there is ended, and its folder removed; a host that is not reached any more is named.
#[test]
fn what_a_killed_run_left_on_a_host_is_reaped() {
    let Some(mut sshd) = Sshd::for_test("reaping over ssh") else { return };
    let killed = Killed::new(&host(&sshd, "platform=x"));
    assert_eq!(left_on_hosts(&killed.bench, "out").len(), 1);
    sshd.go_down();
    let unreached = killed.bench.atex("reap ../out");
    assert!(unreached.contains("may be left: ssh"), "{unreached}");
    assert!(unreached.ends_with("exit code Some(3)\n"), "{unreached}");
    sshd.go_up().unwrap();
    let reaped = killed.bench.atex("reap ../out");
    assert!(reaped.contains("nothing of the run is left on: ssh"), "{reaped}");
    assert!(reaped.ends_with("exit code Some(0)\n"), "{reaped}");
    assert_eq!(left_on_hosts(&killed.bench, "out"), Vec::<PathBuf>::new());
}

#[test]
fn only_one_goes_on_and_only_with_what_it_understands() {
    let killed = Killed::new("local,platform=x");
    let path = killed.bench.path("out/journal.jsonl");
    let file = File::open(&path).unwrap();
    file.lock().unwrap();
    let locked = killed.bench.atex("run --resume ../out");
    assert!(
        locked.contains("still goes on") && locked.ends_with("exit code Some(2)\n"),
        "{locked}"
    );
    drop(file);
    // A line that was half written is cut off; one of a newer format, or a damaged one, is left alone.
    let whole = fs::read_to_string(&path).unwrap();
    let newer = format!("{whole}{{\"v\":99,\"at_ms\":1,\"event\":\"dreamt\"}}\n");
    for (text, says) in
        [(newer, "by a newer version"), (format!("{whole}what?\n"), "not written by a run")]
    {
        fs::write(&path, &text).unwrap();
        let refused = killed.bench.atex("run --resume ../out");
        assert!(refused.contains(says) && refused.ends_with("exit code Some(2)\n"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::write(&path, format!("{whole}{{\"v\":1,\"at_")).unwrap();
    // The tree was edited meanwhile: tests are what they were.
    killed.bench.write("tree/main.fmf", "/other:\n    test: echo other\n");
    killed.bench.write("go", "");
    let output = killed.resume("--progress none");
    assert_eq!(output.status.code(), Some(1), "{}", killed.bench.transcript("resume", &output));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("main.fmf changed since the run began"), "{said}");
    killed.check();
}

#[test]
fn what_is_no_run_is_not_gone_on_with() {
    let bench = Bench::new(&[]);
    let none = bench.atex("run --resume ../tree");
    assert!(
        none.contains("is not the folder of a run") && none.ends_with("exit code Some(2)\n"),
        "{none}"
    );
    let both = bench.atex("run --resume ../out --reruns 3");
    assert!(both.contains("leave out --reruns"), "{both}");
}

#[test]
fn a_resumed_run_that_is_killed_again_can_be_reaped() {
    let killed = Killed::new("local,platform=x");
    let mut again = killed.bench.command("run --resume ../out --progress none");
    let again = again.env("PASSWORD", "hunter2").spawn().unwrap();
    until("it goes on", || count(&journal(&killed.bench, "out"), "restarted", None) == 1);
    kill(again);
    let reaped = killed.bench.atex("reap ../out");
    assert!(
        reaped.contains("given back: local") && reaped.ends_with("exit code Some(0)\n"),
        "{reaped}"
    );
    killed.bench.assert_clean();
    // And gone on with even so: the test is run again.
    killed.bench.write("go", "");
    let output = killed.resume("--progress none");
    assert_eq!(output.status.code(), Some(1), "{}", killed.bench.transcript("resume", &output));
    let events = journal(&killed.bench, "out");
    assert_eq!(count(&events, "test_started", Some("/late")), 2);
    assert_eq!(count(&events, "test_concluded", None), 3);
    killed.bench.assert_clean();
}

/// A pool of one host.
fn host(sshd: &Sshd, more: &str) -> String {
    let (port, config) = (sshd.port(), sshd.config_file());
    format!("ssh:{}:{port},ssh_config={},{more}", sshd.destination(), config.display())
}

/// Work folders of the run that are on hosts, all of which share the file system of this machine.
fn left_on_hosts(bench: &Bench, out: &str) -> Vec<PathBuf> {
    let info: Value =
        serde_json::from_slice(&fs::read(bench.path(&format!("{out}/run.json"))).unwrap()).unwrap();
    let text = |key: &str| info[key].as_str().unwrap().to_owned();
    let owner = format!("{} {}", text("run"), text("started"));
    let names = journal(bench, out);
    let names = names.iter().filter(|event| event["event"] == "remote_provisioned");
    let marks: Vec<String> = names
        .map(|event| event["name"].as_str().unwrap().to_owned())
        .map(|name| format!("atex-{:016x}-", stable_hash(format!("{owner}\0{name}").as_bytes())))
        .collect();
    let folder = fs::read_dir("/var/tmp").unwrap().map(|entry| entry.unwrap().path());
    let ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        marks.iter().any(|mark| name.starts_with(mark))
    };
    folder.filter(ours).collect()
}

/// Numbers that look random; the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// How much there is of everything: little by default; with `ATEX_TEST_LOAD=full` 200 tests on 8 local remotes and 4 over ssh, and 30 deaths.
struct Load {
    tests: u64,
    local: usize,
    ssh: usize,
    deaths: u64,
    cuts: u64,
}

impl Load {
    fn here() -> Self {
        match std::env::var("ATEX_TEST_LOAD").as_deref() {
            Ok("full") => Self { tests: 200, local: 8, ssh: 4, deaths: 30, cuts: 10 },
            _ => Self { tests: 24, local: 2, ssh: 1, deaths: 5, cuts: 1 },
        }
    }
}

/// A run whose controller dies at random moments, and whose remotes do.
struct Chaos {
    bench: Bench,
    load: Load,
    hosts: Vec<Sshd>,
    dice: Dice,
    /// How often remotes were really killed.
    cuts: u64,
}

impl Chaos {
    /// Test number so and so: it reports twice, leaves a file, takes a moment; each seventh fails.
    fn tree(tests: u64) -> String {
        let script = r#"
        n=${TMT_TEST_NAME#/t}
        json='{"name": "part", "status": "info", "files": [{"name": "log", "length": 3}]}'
        printf 'result %d\n%s%03d' "${#json}" "$json" "$((10#$n))" >&$ATEX_TEST_CONTROL
        echo "this is $TMT_TEST_NAME"
        sleep "0.$((10#$n % 5))"
        echo "that was $TMT_TEST_NAME"
        exit $((10#$n % 7 == 0))"#;
        (1..=tests).map(|number| format!("/t{number:03}:\n    test: |{script}\n")).collect()
    }

    fn begin(&self) -> Child {
        let mut run = self.bench.command("run --progress none --out ../out");
        let local = format!("local,max={},platform=x", self.load.local);
        let hosts = self.hosts.iter().map(|sshd| host(sshd, "platform=x"));
        for pool in [local].into_iter().chain(hosts) {
            run.args(["--pool", &pool]);
        }
        run.spawn().unwrap()
    }

    /// Lets the controller write some lines, and kills it in the middle of whatever it does then.
    fn live(&mut self, mut child: Child) {
        let lines = || fs::read(self.bench.path("out/journal.jsonl")).map_or(0, |text| text.len());
        let per_life = (self.load.tests * 600 / self.load.deaths.max(1)).max(100);
        let end = lines() + usize::try_from(self.dice.roll(per_life)).unwrap();
        while lines() < end && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Kills all that runs on some remote that has not been given back.
    fn cut(&mut self) {
        let events = journal(&self.bench, "out");
        let of = |kind: &'static str| events.iter().filter(move |event| event["event"] == kind);
        let back: BTreeSet<u64> =
            of("remote_released").filter_map(|event| event["remote"].as_u64()).collect();
        let out = of("leased")
            .filter(|event| !event["remote"].as_u64().is_some_and(|remote| back.contains(&remote)));
        let out: Vec<&Value> = out.map(|event| &event["lease"]).collect();
        if out.is_empty() {
            return;
        }
        let lease = out[usize::try_from(self.dice.roll(out.len() as u64)).unwrap()];
        match (lease["data"]["root"].as_str(), lease["data"]["host"].as_str()) {
            (Some(root), _) => kill_marked(&format!("ATEX_LOCAL_ROOT={root}")),
            (None, Some(host)) => {
                let (_, port) = host.rsplit_once(':').unwrap();
                assert!(self.hosts.iter().any(|sshd| sshd.port().to_string() == port), "{host}");
                kill_session(port);
            }
            (None, None) => panic!("a lease of neither: {lease}"),
        }
        self.cuts += 1;
    }

    fn check(&self) {
        let events = journal(&self.bench, "out");
        let mut verdicts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for event in events.iter().filter(|event| event["event"] == "test_concluded") {
            let text = |key: &str| event[key].as_str().unwrap().to_owned();
            verdicts.entry(text("test")).or_default().push(text("verdict"));
        }
        let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in self.bench.results(&self.bench.path("out")) {
            let fields: Vec<Value> = serde_json::from_str(&line).unwrap();
            let status = format!("{} {}", fields[3], fields[1]);
            lines.entry(fields[2].as_str().unwrap().to_owned()).or_default().push(status);
        }
        assert_eq!(
            (verdicts.len(), lines.len()),
            (self.load.tests as usize, self.load.tests as usize)
        );
        let mut infra = 0;
        for number in 1..=self.load.tests {
            let name = format!("/t{number:03}");
            let (verdict, status) =
                if number % 7 == 0 { ("failed", "fail") } else { ("passed", "pass") };
            if verdicts[&name] == ["infra"] {
                infra += 1;
                continue;
            }
            assert_eq!(verdicts[&name], [verdict], "{name}");
            let expected = ["\"part\" \"info\"".to_owned(), format!("null \"{status}\"")];
            let mut got = lines[&name].clone();
            got.sort();
            assert_eq!(got, expected, "{name}");
            let files = self.bench.path(&format!("out/files/x{name}"));
            let output = fs::read_to_string(files.join("output.txt")).unwrap();
            assert_eq!(output, format!("this is {name}\nthat was {name}\n"), "{name}");
            assert_eq!(fs::read_to_string(files.join("part/log")).unwrap(), format!("{number:03}"));
        }
        assert!(infra <= self.load.cuts, "{infra} tests hit infrastructure trouble");
        assert_eq!(count(&events, "run_finished", None), 1);
        // What ssh left of connections of killed controllers goes by itself, soon.
        let left = || {
            let all = fs::read_dir(self.bench.path("tmp")).unwrap();
            all.map(|entry| entry.unwrap().path()).take(20).collect::<Vec<_>>()
        };
        let began = std::time::Instant::now();
        while !left().is_empty() && began.elapsed().as_secs() < 30 {
            std::thread::yield_now();
        }
        assert!(left().is_empty(), "{:?}", left());
        assert_eq!(left_on_hosts(&self.bench, "out"), Vec::<PathBuf>::new());
        let reaped = self.bench.atex("reap ../out");
        assert!(reaped.contains("nothing was left"), "{reaped}");
    }
}

/// Kills all that runs in sessions of the sshd at this port.
fn kill_session(port: &str) {
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let environ = fs::read(entry.path().join("environ")).unwrap_or_default();
        let is = |variable: &[u8]| {
            variable.starts_with(b"SSH_CONNECTION=")
                && variable.ends_with(format!(" {port}").as_bytes())
        };
        if environ.split(|byte| *byte == 0).any(is) {
            let pid = entry.file_name().to_string_lossy().into_owned();
            std::process::Command::new("kill").args(["-KILL", &pid]).output().unwrap();
        }
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "the seed of a failure is worth knowing")]
fn chaos_loses_nothing_doubles_nothing_and_leaves_nothing() {
    let load = Load::here();
    let mut hosts: Vec<Sshd> = Sshd::for_test("chaos over ssh").into_iter().collect();
    while !hosts.is_empty() && hosts.len() < load.ssh {
        hosts.push(Sshd::start().unwrap().unwrap());
    }
    let seed = std::env::var("ATEX_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    eprintln!("ATEX_TEST_SEED={seed}");
    let bench = Bench::new(&[("main.fmf", &Chaos::tree(load.tests))]);
    let (deaths, cuts) = (load.deaths, load.cuts);
    let mut chaos = Chaos { bench, load, hosts, dice: Dice(seed), cuts: 0 };
    let mut child = chaos.begin();
    until("the run begins", || chaos.bench.path("out/suite.json").exists());
    for death in 0..deaths {
        chaos.live(child);
        // When there is no remote to kill just now, one is next time.
        if chaos.cuts < (death / (deaths / cuts) + 1).min(cuts) {
            chaos.cut();
        }
        child = chaos.bench.spawn("run --resume ../out --progress none");
    }
    let output = child.wait_with_output().unwrap();
    let transcript = chaos.bench.transcript("run --resume", &output);
    let over = transcript.contains("the run is over");
    assert!(output.status.code() == Some(1) || over, "{transcript}");
    eprintln!("{transcript}");
    eprintln!("{} remotes were killed", chaos.cuts);
    chaos.check();
}
