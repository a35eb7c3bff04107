//! A run with a million real-looking results, as a page: `cargo run --release --features html --example million -- PAGE [RESULTS]`.
//! Says how long it took, how much memory, and how big the page is.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for developers")]

use std::fs::File;
use std::io::BufWriter;
use std::time::{Duration, Instant};

use atex_core::{
    Attempt, Facts, Failure, Lease, Outcome, PlannedPool, PlannedTest, RemoteId, RunEvent, TestKey,
    TestName, Verdict,
};
use atex_report::{Asked, Dataset, HtmlPage, NewRow, Review, RunBuilder, RunInfo, RunReport};

const PLATFORMS: u32 = 27;
const TESTS: u32 = 96;
const SUBTESTS: u32 = 2563;

const SUBJECTS: [&str; 20] = [
    "accounts_password_pam",
    "auditd_data_retention",
    "audit_rules_dac_modification",
    "configure_crypto_policy",
    "dconf_gnome_screensaver",
    "file_permissions_etc",
    "firewalld_sshd_port",
    "grub2_audit_argument",
    "kernel_module",
    "mount_option_home",
    "package_aide_installed",
    "partition_for_var_log",
    "rsyslog_remote_loghost",
    "selinux_policytype",
    "service_chronyd_enabled",
    "set_firewalld_default_zone",
    "sshd_disable_root_login",
    "sudo_require_authentication",
    "sysctl_net_ipv6_conf_all",
    "wireless_disable_interfaces",
];
const DETAILS: [&str; 12] = [
    "minlen",
    "retry",
    "unlock_time",
    "chmod",
    "fchownat",
    "nodev",
    "noexec",
    "dcredit",
    "accept_ra",
    "rp_filter",
    "disabled",
    "max_log_file",
];

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(limit)).unwrap()
    }
}

struct Names {
    platforms: Vec<String>,
    tests: Vec<String>,
    subtests: Vec<String>,
}

fn names() -> Names {
    let arches = ["x86_64", "aarch64", "ppc64le"];
    let platform = |number: u32| {
        let (release, arch) = (number / 3, arches[number as usize % 3]);
        format!(
            "{}-{}@{arch}",
            ["rhel", "centos-stream", "fedora"][release as usize % 3],
            8 + release / 3
        )
    };
    let kinds =
        ["oscap", "ansible", "anaconda", "image-builder", "bootable-containers", "kickstart"];
    let profiles = [
        "anssi_bp28_high",
        "cis_server_l1",
        "cis_workstation_l2",
        "cui",
        "e8",
        "hipaa",
        "ism_o",
        "ospp",
    ];
    let test = |number: u32| {
        let (kind, profile) = (kinds[number as usize % 6], profiles[number as usize / 6 % 8]);
        format!("/hardening/{kind}/{profile}{}", if number >= 48 { "/with-gui" } else { "" })
    };
    let subtest = |number: u32| {
        let (subject, detail) =
            (SUBJECTS[number as usize % 20], DETAILS[number as usize / 20 % 12]);
        format!("{subject}_{detail}_{}", number / 240)
    };
    Names {
        platforms: (0..PLATFORMS).map(platform).collect(),
        tests: (0..TESTS).map(test).collect(),
        subtests: (0..SUBTESTS).map(subtest).collect(),
    }
}

/// One attempt of each test on each platform, of as many results as are wanted in all.
fn fill(run: &mut RunBuilder<'_>, names: &Names, results: u32) {
    let mut dice = Dice(7);
    let each = results / (PLATFORMS * TESTS);
    let mut left = results - each * PLATFORMS * TESTS;
    for platform in &names.platforms {
        for (place, test) in (0_u32..).zip(&names.tests) {
            let id = run.attempt(platform, test, 1);
            let first = dice.below(SUBTESTS);
            let more = std::mem::take(&mut left);
            for number in 0..each + more - 1 {
                let subtest =
                    &names.subtests[((first + number * (1 + place % 5)) % SUBTESTS) as usize];
                let (status, note) = outcome(&mut dice, subtest);
                let most = 1 << (1 + dice.below(13));
                let took = Duration::from_millis((20 + dice.below(300) + dice.below(most)).into());
                let took = Some(took);
                let files: &[&str] =
                    if status == "fail" { &["report.html", "scan-arf.xml"] } else { &[] };
                run.row(
                    id,
                    NewRow {
                        subtest: Some(subtest),
                        status: Some(status),
                        note: note.as_deref(),
                        files,
                        started: None,
                        took,
                    },
                );
            }
            let status = if dice.below(4) == 0 { "pass" } else { "fail" };
            run.row(
                id,
                NewRow { status: Some(status), files: &["output.txt"], ..NewRow::default() },
            );
        }
    }
}

/// 4.5 % do not pass, and each of these says why in words of its own.
fn outcome(dice: &mut Dice, subtest: &str) -> (&'static str, Option<String>) {
    let reason = dice.below(6);
    match dice.below(1000) {
        0..30 => {
            let note = match reason {
                0 => format!(
                    "rule {subtest} is notapplicable in the datastream of {}",
                    dice.below(90_000)
                ),
                1 => format!("scan: fail, remediated in {} s", dice.below(40_000)),
                2 => format!("expected 0640, found 0{}", 600 + dice.below(177)),
                _ => format!(
                    "{subtest}: result was fail after remediation, pid {}",
                    dice.below(60_000)
                ),
            };
            ("fail", Some(note))
        }
        30..36 => (
            "error",
            Some(format!("Traceback: KeyError: 'result' at 0x{:x}", dice.below(u32::MAX))),
        ),
        36..42 => ("warn", Some("not scored in this profile".to_owned())),
        42..45 => ("infra", Some("connection to the system was lost: timed out".to_owned())),
        _ => ("pass", None),
    }
}

/// The events of such a run: three systems for each platform, and one that never comes.
fn events(names: &Names) -> RunReport {
    let (mut report, mut dice) = (RunReport::new(), Dice(3));
    let test = |name: &String| TestName::new(name).unwrap();
    let key = |platform: &String, name: &String| TestKey {
        test: test(name),
        wanted: Some(platform.clone()),
    };
    let pool = |platform: &String| PlannedPool {
        name: platform.clone(),
        platform: platform.clone(),
        max: 3,
        facts: Facts::new(),
    };
    let planned = names
        .platforms
        .iter()
        .flat_map(|platform| names.tests.iter().map(move |name| (platform, name)));
    let tests = planned.map(|(platform, name)| PlannedTest {
        wanted: Some(platform.clone()),
        ..PlannedTest::new(test(name), Duration::from_secs(3600))
    });
    report.apply(
        Duration::ZERO,
        &RunEvent::RunStarted {
            tests: tests.collect(),
            pools: names.platforms.iter().map(pool).collect(),
        },
    );
    let mut end = Duration::ZERO;
    for (place, platform) in (0_u32..).zip(&names.platforms) {
        let at = |seconds: u32| Duration::from_secs(seconds.into());
        let mut clocks = [0, 1, 2].map(|number| {
            let remote = RemoteId(place * 3 + number);
            let ready = 120 + dice.below(400);
            let name = format!("vm-{place}-{number}");
            report.apply(at(number), &RunEvent::RemoteRequested { remote, pool: platform.clone() });
            if place == 5 && number == 2 {
                let failure = Failure::infra("cannot reserve: no system of this kind is free");
                report.apply(at(ready), &RunEvent::ProvisionFailed { remote, failure });
                return (u32::MAX, remote);
            }
            report.apply(
                at(number),
                &RunEvent::Leased { remote, lease: Lease::new("lab", &name, "".into()) },
            );
            report.apply(
                at(ready),
                &RunEvent::RemoteProvisioned { remote, name, facts: Facts::new() },
            );
            report.apply(at(ready + 60), &RunEvent::RemotePrepared { remote });
            (ready + 60, remote)
        });
        for name in &names.tests {
            let clock = clocks.iter_mut().min_by_key(|clock| clock.0).unwrap();
            let (took, remote, verdict) = (
                60 + dice.below(1500),
                clock.1,
                if dice.below(4) == 0 { Verdict::Passed } else { Verdict::Failed },
            );
            let attempt = Attempt::of(key(platform, name), 1);
            report.apply(at(clock.0), &RunEvent::TestStarted { remote, attempt: attempt.clone() });
            clock.0 += took;
            let outcome = Outcome::new(verdict, at(took - 1));
            report.apply(
                at(clock.0),
                &RunEvent::TestEnded { remote, attempt, outcome, failure: None },
            );
            let (test, wanted) = (test(name), Some(platform.clone()));
            report.apply(
                at(clock.0),
                &RunEvent::TestConcluded {
                    test,
                    wanted,
                    verdict,
                    platform: Some(platform.clone()),
                    attempts: 1,
                    note: None,
                },
            );
        }
        for (clock, remote) in clocks.into_iter().filter(|clock| clock.0 < u32::MAX) {
            end = end.max(at(clock));
            report.apply(at(clock + 5), &RunEvent::RemoteReleased { remote });
        }
    }
    report.apply(end + Duration::from_secs(6), &RunEvent::RunFinished);
    report
}

/// The most memory that this process has had, in megabytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes =
        line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("the page to be written");
    let results = arguments.next().map_or(1_000_000, |number| number.parse().unwrap());
    let names = names();
    let begun = Instant::now();
    let mut dataset = Dataset::builder();
    let mut run = dataset.run(RunInfo::new(
        "nightly-2026-11-22",
        "atex 0.1.0",
        "2026-11-22T01:00:00Z".parse().unwrap(),
    ));
    run.report(events(&names));
    fill(&mut run, &names, results);
    run.finish();
    let dataset = dataset.finish();
    let (fed, memory) = (begun.elapsed(), peak());
    let review = Review::of(&dataset, 0, &Asked::default(), |_, _| None);
    let reviewed = begun.elapsed();
    let mut out = BufWriter::new(File::create(&path).unwrap());
    HtmlPage::new(&review).write(&mut out).unwrap();
    drop(out.into_inner().unwrap());
    let (all, size) = (begun.elapsed(), std::fs::metadata(&path).unwrap().len());
    println!(
        "{} results, {} different notes, {} causes",
        dataset.runs()[0].len(),
        dataset.notes().len(),
        review.causes.len()
    );
    println!(
        "fed in {fed:.2?} ({memory} MB), reviewed in {:.2?}, page in {:.2?}: {all:.2?} in all",
        reviewed - fed,
        all - reviewed
    );
    println!(
        "{path}: {:.2} MB; {} MB of memory at most",
        f64::from(u32::try_from(size).unwrap()) / 1e6,
        peak()
    );
}
