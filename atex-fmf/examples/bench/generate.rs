//! A tree of any number of files, alike to those of large projects: the same numbers give the same tree.
//!
//! A root with defaults and rules; components with areas; in each area tests, half of them in folders of their own, one
//! in five with children inside of the file, one in three with rules; one file in forty is a plan.

use std::fmt::Write as _;
use std::path::Path;

use crate::Failure;

const WORDS: [&str; 48] = [
    "account", "attach", "audit", "backup", "block", "boot", "cache", "client", "config", "crypto",
    "daemon", "device", "export", "filter", "fips", "group", "hash", "image", "init", "journal",
    "kernel", "label", "link", "lock", "mount", "network", "option", "packet", "policy", "proxy",
    "query", "queue", "remote", "route", "schema", "secure", "server", "session", "signal",
    "socket", "storage", "string", "table", "thread", "token", "update", "verify", "zone",
];
const DISTROS: [&str; 10] = [
    "rhel-7",
    "rhel-8",
    "rhel-8.6",
    "rhel-9",
    "rhel-9.4",
    "rhel-10",
    "centos-stream-9",
    "fedora",
    "fedora-41",
    "fedora-rawhide",
];
const OPERATORS: [&str; 8] = ["==", "==", "<", "!=", ">=", "~<", "<=", "~="];
const ROOT: &str = "contact: Jane Doe <jane@example.org>\nframework: shell\ntag: []\nrequire: [bash, make]\n\
                    environment: {LANG: C}\nenabled: true\n";

/// Writes the tree.
pub(crate) fn tree(folder: &Path, files: usize, seed: u64) -> Result<(), Failure> {
    std::fs::create_dir_all(folder.join(".fmf"))?;
    std::fs::write(folder.join(".fmf/version"), "1\n")?;
    let mut writer = Writer { left: files, folder, random: Random(seed) };
    let defaults = format!("{ROOT}{}", rules(&mut writer.random, "adjust"));
    writer.put("main.fmf", &defaults)?;
    let mut component = 0;
    while writer.left > 0 {
        component += 1;
        let top = format!("{}-{component}", writer.random.pick(&WORDS));
        let mut text = format!("component: [{top}]\ntag+: [{top}]\n");
        if component % 2 == 1 {
            text += &rules(&mut writer.random, "adjust+");
        }
        writer.put(&format!("{top}/main.fmf"), &text)?;
        for area in writer.random.sample(8) {
            let text = format!("tag+: [{area}]\nrequire+: [beakerlib]\ntier: '1'\n");
            writer.put(&format!("{top}/{area}/main.fmf"), &text)?;
            for name in writer.random.sample(24) {
                writer.leaf(&format!("{top}/{area}/{name}"))?;
            }
        }
    }
    Ok(())
}

struct Writer<'f> {
    left: usize,
    folder: &'f Path,
    random: Random,
}

impl Writer<'_> {
    fn put(&mut self, path: &str, text: &str) -> Result<(), Failure> {
        if self.left == 0 {
            return Ok(());
        }
        self.left -= 1;
        let path = self.folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(self.folder))?;
        Ok(std::fs::write(path, text)?)
    }

    fn leaf(&mut self, path: &str) -> Result<(), Failure> {
        let random = &mut self.random;
        if random.percent(3) {
            let text = plan(random);
            return self.put(&format!("{path}-plan.fmf"), &text);
        }
        let in_folder = random.percent(50);
        let text = test(random);
        self.put(&if in_folder { format!("{path}/main.fmf") } else { format!("{path}.fmf") }, &text)
    }
}

fn test(random: &mut Random) -> String {
    let mut text = String::new();
    let words = random.sample(3).join(" ");
    let _ = writeln!(text, "summary: Check that {words} works");
    if random.percent(60) {
        text += "description: |\n";
        for _ in 0..random.below(6) + 1 {
            let count = random.below(8) + 4;
            let _ = writeln!(text, "    {}.", random.sample(count).join(" "));
        }
    }
    let script = random.pick(&["runtest.sh", "test.sh", "main.py", "test.py"]);
    let _ = writeln!(text, "test: ./{script}\nduration: {}m", random.pick(&["5", "10", "30"]));
    if random.percent(70) {
        let count = random.below(4) + 1;
        let suffix = random.pick(&["", "+"]);
        let _ = writeln!(text, "tag{suffix}: [{}]", random.sample(count).join(", "));
    }
    if random.percent(50) {
        text += "require+:\n";
        let count = random.below(5) + 1;
        random.sample(count).iter().for_each(|word| {
            let _ = writeln!(text, "  - {word}-devel");
        });
    }
    if random.percent(30) {
        let names = random.sample(2);
        let _ = writeln!(text, "environment+:\n    {}: yes\n    {}: '1'", names[0], names[1]);
    }
    if random.percent(40) {
        let number = random.below(2_000_000);
        let _ = writeln!(text, "link:\n  - relates: https://bugs.example.org/show?id={number}");
    }
    let _ = writeln!(text, "tier: '{}'", random.below(4));
    if random.percent(20) {
        let _ = writeln!(text, "order: {}", random.below(99) + 1);
    }
    if random.percent(33) {
        let key = random.pick(&["adjust", "adjust+", "adjust+"]);
        text += &rules(random, key);
    }
    if random.percent(20) {
        let count = random.below(4) + 2;
        for name in random.sample(count) {
            let _ = writeln!(
                text,
                "/{name}:\n    summary+: ' ({name})'\n    environment+:\n        MODE: {name}"
            );
            if random.percent(40) {
                let _ = writeln!(text, "    tag-: [{}]", random.pick(&WORDS));
            }
        }
    }
    text
}

fn plan(random: &mut Random) -> String {
    let (what, tag) = (random.pick(&WORDS), random.pick(&WORDS));
    let mut text = format!(
        "/:\n    inherit: false\nsummary: Plan for {what}\ndiscover:\n    how: fmf\n    filter: 'tag: {tag} & tier: 1'\n\
         execute:\n    how: tmt\n"
    );
    for name in random.sample(3) {
        let _ = writeln!(
            text,
            "/{name}:\n    discover+:\n        test: /{name}\n    prepare+:\n      - how: install\n        package: [{name}]"
        );
    }
    text + &rules(random, "adjust")
}

fn rules(random: &mut Random, key: &str) -> String {
    let mut text = format!("{key}:\n");
    for _ in 0..random.below(3) + 1 {
        let rule = rule(random);
        let _ = writeln!(text, "  - when: {rule}");
        let word = random.pick(&WORDS);
        let _ = match random.below(100) {
            0..75 => writeln!(text, "    enabled: {}", random.pick(&["false", "true"])),
            75..85 => writeln!(text, "    environment+:\n        {word}: '1'"),
            _ => writeln!(text, "    tag+: [{word}]"),
        };
        if random.percent(50) {
            let _ = writeln!(text, "    because: the {word} was added later");
        }
        if random.percent(30) {
            let _ = writeln!(text, "    continue: false");
        }
    }
    text
}

fn rule(random: &mut Random) -> String {
    let mut text = String::new();
    for index in 0..random.below(3) + 1 {
        if index > 0 {
            text += random.pick(&[" or ", " or ", " and "]);
        }
        if random.percent(85) {
            let (operator, distro) = (random.pick(&OPERATORS), random.pick(&DISTROS));
            let _ = write!(text, "distro {operator} {distro}");
        } else {
            text +=
                random.pick(&["arch == x86_64", "arch != aarch64, s390x", "trigger is defined"]);
        }
    }
    text
}

/// Numbers that look random: the generator known as SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    fn pick<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words[self.below(words.len())]
    }

    /// Different words.
    fn sample(&mut self, count: usize) -> Vec<&'static str> {
        let mut words = WORDS.to_vec();
        (0..count.min(words.len())).map(|_| words.swap_remove(self.below(words.len()))).collect()
    }
}
