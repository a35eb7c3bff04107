//! [`PackageManager`]: what a package manager is told, and what its answers mean; without running anything.

use std::fmt;

use atex_core::{Output, Status};

use super::PackageName;

/// What a package manager is told, and what its answers mean. Commands are run in plain English (`LC_ALL=C`), without an input, by
/// somebody who may install, with both streams in one.
pub trait PackageManager: fmt::Debug + Send + Sync {
    /// As people call it.
    fn name(&self) -> &'static str;

    /// The program by which it is recognised.
    fn program(&self) -> &'static str;

    /// Asks which of these are there.
    fn query(&self, names: &[PackageName]) -> Vec<String>;

    /// Which of these are not there, by the answer. What is in doubt is missing: then the manager has the last word.
    fn missing(&self, names: &[PackageName], answer: &Output) -> Vec<PackageName>;

    /// Installs all of these, or fails.
    fn install(&self, names: &[PackageName]) -> Vec<Step>;

    /// Installs as many of these as it can.
    fn recommend(&self, names: &[PackageName]) -> Vec<Step>;

    /// The word that makes an installation leave this out, which is not there, if there is such a word.
    fn excluding(&self, name: &PackageName) -> Option<String> {
        let _ = name;
        None
    }

    /// Whether this end of an installation means that it succeeded.
    fn succeeded(&self, status: Status) -> bool {
        status.success()
    }

    /// Whether it finds the package that a file belongs to.
    fn knows_files(&self) -> bool {
        true
    }

    /// Whether success may mean that only a part was installed, so that it has to be asked again.
    fn must_be_checked(&self) -> bool {
        false
    }
}

/// A command of an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Whether its failure is none: what comes next shows whether it mattered.
    pub optional: bool,
}

/// The package managers that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    /// `rpm-ostree`, of systems that are images.
    RpmOstree,
    /// `dnf5`, of Fedora 41 and later.
    Dnf5,
    /// `dnf`, of Fedora, RHEL 8 and later.
    Dnf,
    /// `yum`, of RHEL 7.
    Yum,
    /// `zypper`, of SUSE.
    Zypper,
    /// `apk`, of Alpine.
    Apk,
    /// `apt-get`, of Debian and Ubuntu.
    Apt,
}

/// All of them.
pub const MANAGERS: [Manager; 7] = [
    Manager::RpmOstree,
    Manager::Dnf5,
    Manager::Dnf,
    Manager::Yum,
    Manager::Zypper,
    Manager::Apk,
    Manager::Apt,
];

impl Manager {
    /// The words that install, before the names.
    fn installing(self) -> &'static [&'static str] {
        match self {
            Self::RpmOstree => {
                &["rpm-ostree", "install", "--idempotent", "--allow-inactive", "--apply-live", "-y"]
            }
            Self::Dnf5 => &["dnf5", "-y", "install"],
            Self::Dnf => &["dnf", "-y", "install"],
            Self::Yum => &["yum", "-y", "install"],
            Self::Zypper => {
                &["zypper", "--non-interactive", "install", "--auto-agree-with-licenses"]
            }
            Self::Apk => &["apk", "add", "--update-cache", "--no-progress"],
            Self::Apt => &["apt-get", "-y", "-q", "-o", "DPkg::Lock::Timeout=600", "install"],
        }
    }

    /// The words that make it leave out what cannot be had, if it has such.
    fn leaving_out(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Dnf5 => Some(&["--skip-broken", "--skip-unavailable"]),
            Self::Dnf | Self::Yum => Some(&["--skip-broken"]),
            Self::RpmOstree | Self::Zypper | Self::Apk | Self::Apt => None,
        }
    }

    /// What is done first.
    fn preparing(self) -> Option<Step> {
        match self {
            // Without lists, nothing is found; with old ones, what is found may be gone.
            Self::Apt => {
                let words = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=600", "update"];
                Some(Step { argv: words.map(str::to_owned).to_vec(), optional: true })
            }
            _ => None,
        }
    }

    fn step(self, more: &[&str], names: &[PackageName]) -> Step {
        let words = self.installing().iter().chain(more).map(|word| (*word).to_owned());
        let argv = words.chain(names.iter().map(|name| name.as_str().to_owned())).collect();
        Step { argv, optional: false }
    }
}

impl PackageManager for Manager {
    fn name(&self) -> &'static str {
        match self {
            Self::Apt => "apt",
            other => other.program(),
        }
    }

    fn program(&self) -> &'static str {
        self.installing()[0]
    }

    fn query(&self, names: &[PackageName]) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Apk => &["apk", "info", "--installed"],
            Self::Apt => &["dpkg-query", "-W", "-f=${db:Status-Status} ${Package}\\n"],
            _ => &["rpm", "-q", "--whatprovides"],
        };
        let names = names.iter().map(|name| name.as_str().to_owned());
        words.iter().map(|word| (*word).to_owned()).chain(names).collect()
    }

    fn missing(&self, names: &[PackageName], answer: &Output) -> Vec<PackageName> {
        let text = String::from_utf8_lossy(&answer.stdout);
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        let is_there = |name: &&PackageName| {
            let name = name.as_str();
            match self {
                Self::Apk => lines.contains(&name),
                Self::Apt => lines.iter().any(|line| line.strip_prefix("installed ") == Some(name)),
                _ => false,
            }
        };
        match self {
            Self::Apk | Self::Apt => names.iter().filter(|name| !is_there(name)).cloned().collect(),
            _ if answer.status.success() => Vec::new(),
            _ => not_provided(names, &lines),
        }
    }

    fn install(&self, names: &[PackageName]) -> Vec<Step> {
        self.preparing().into_iter().chain([self.step(&[], names)]).collect()
    }

    fn recommend(&self, names: &[PackageName]) -> Vec<Step> {
        match self.leaving_out() {
            Some(words) => vec![self.step(words, names)],
            // One that cannot be had must not keep the others out.
            None => {
                let each = names.chunks(1).map(|name| self.step(&[], name));
                self.preparing().into_iter().chain(each).collect()
            }
        }
    }

    fn excluding(&self, name: &PackageName) -> Option<String> {
        match self {
            Self::Dnf5 | Self::Dnf | Self::Yum => Some(format!("--exclude={}", name.as_str())),
            Self::Apt => Some(format!("{}-", name.as_str())),
            Self::RpmOstree | Self::Zypper | Self::Apk => None,
        }
    }

    fn succeeded(&self, status: Status) -> bool {
        // See "EXIT CODES" in zypper(8): these tell of something besides.
        let is_news =
            matches!(self, Self::Zypper) && matches!(status, Status::Code(100..=103 | 106 | 107));
        status.success() || is_news
    }

    fn must_be_checked(&self) -> bool {
        matches!(self, Self::Yum)
    }

    fn knows_files(&self) -> bool {
        !matches!(self, Self::Apt | Self::Apk)
    }
}

/// What `rpm -q --whatprovides` says of what nothing provides, each in a line of its own.
fn not_provided(names: &[PackageName], lines: &[&str]) -> Vec<PackageName> {
    let is_missing = |name: &&PackageName| {
        let (no_package, no_file) = (
            format!("no package provides {}", name.as_str()),
            format!("error: file {}:", name.as_str()),
        );
        lines.iter().any(|line| *line == no_package || line.starts_with(&no_file))
    };
    let missing: Vec<PackageName> = names.iter().filter(is_missing).cloned().collect();
    // It failed, and says something that we do not know.
    if missing.is_empty() { names.to_vec() } else { missing }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<PackageName> {
        names.iter().map(|name| PackageName::new(name).unwrap()).collect()
    }

    fn answer(code: i32, printed: &str) -> Output {
        Output { status: Status::Code(code), stdout: printed.into(), stderr: Vec::new() }
    }

    #[test]
    fn what_each_is_told() {
        let names = names(&["bash", "gcc >= 12"]);
        let mut said = String::new();
        for manager in MANAGERS {
            let steps = |steps: Vec<Step>| {
                let lines = steps.into_iter().map(|step| {
                    let end = if step.optional { " (may fail)" } else { "" };
                    format!("    {:?}{end}\n", step.argv.join(" "))
                });
                lines.collect::<String>()
            };
            said += &format!(
                "{}\n  query\n    {:?}\n  install\n{}  recommend\n{}",
                manager.name(),
                manager.query(&names).join(" "),
                steps(manager.install(&names)),
                steps(manager.recommend(&names)),
            );
        }
        insta::assert_snapshot!(said);
    }

    #[test]
    fn what_is_missing_is_read_from_their_answers() {
        let wanted = names(&["bash", "try", "/no/file"]);
        let rpm = "bash-5.2-1.x86_64\nno package provides try\nerror: file /no/file: No such file or directory\n";
        let dpkg = "installed bash\ndpkg-query: no packages found matching try\nconfig-files try\n";
        for (manager, code, printed, expected) in [
            (Manager::Dnf, 2, rpm, names(&["try", "/no/file"])),
            (Manager::Dnf5, 0, "bash-5\ntry-1\nfiles-2\n", names(&[])),
            (Manager::Yum, 1, "error: rpmdb open failed\n", wanted.clone()),
            (Manager::Apt, 1, dpkg, names(&["try", "/no/file"])),
            (Manager::Apk, 1, "bash\n", names(&["try", "/no/file"])),
            (Manager::Apk, 127, "apk: not found\n", wanted.clone()),
        ] {
            assert_eq!(manager.missing(&wanted, &answer(code, printed)), expected, "{manager:?}");
        }
    }

    #[test]
    fn news_of_zypper_is_no_failure() {
        assert!(Manager::Zypper.succeeded(Status::Code(102)));
        // A package that nobody has.
        assert!(!Manager::Zypper.succeeded(Status::Code(104)));
        assert!(!Manager::Dnf.succeeded(Status::Code(100)));
    }
}
