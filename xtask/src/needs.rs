//! [`Need`]: what tests of real components need from this machine, and how it is had.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::step::Steps;

/// Something that some tests need.
#[derive(Debug)]
pub(crate) struct Need {
    /// Its name in the variable `ATEX_TEST_REQUIRE`.
    pub(crate) name: &'static str,
    /// Which tests need it.
    pub(crate) tests: &'static str,
    /// The programs that have to be there.
    pub(crate) programs: &'static [&'static str],
    /// The Debian packages that have them.
    pub(crate) packages: &'static [&'static str],
    /// What must be possible as well, as a command that succeeds if it is; and what it means when it is not.
    pub(crate) trial: Option<(&'static [&'static str], &'static str)>,
}

/// Everything that tests of real components need. They start it themselves, on free ports and in folders of their own.
pub(crate) const NEEDS: [Need; 5] = [
    Need {
        name: "sshd",
        tests: "tests that reach this machine over a real ssh server",
        programs: &["sshd", "ssh", "ssh-keygen"],
        packages: &["openssh-server", "openssh-client"],
        trial: None,
    },
    Need {
        name: "machines",
        tests: "tests on machines in namespaces, which reboot and lose their network",
        programs: &["mmdebstrap", "ip", "unshare", "nsenter", "setpriv", "ssh", "ssh-keygen"],
        packages: &["mmdebstrap", "iproute2", "util-linux", "openssh-client"],
        trial: Some((&NAMESPACES, NO_NAMESPACES)),
    },
    Need {
        name: "podman",
        tests: "tests in containers of podman",
        programs: &["mmdebstrap", "ip", "podman", "runc"],
        packages: &[
            "mmdebstrap",
            "iproute2",
            "openssh-client",
            "podman",
            "runc",
            "netavark",
            "iptables",
        ],
        trial: Some((&NAMESPACES, NO_NAMESPACES)),
    },
    Need {
        name: "packages",
        tests: "tests that install packages by dnf and rpm",
        programs: &["mmdebstrap", "ip", "podman", "runc", "rpmbuild", "createrepo_c"],
        packages: &["mmdebstrap", "iproute2", "podman", "runc", "rpm", "createrepo-c"],
        trial: Some((&NAMESPACES, NO_NAMESPACES)),
    },
    Need {
        name: "chromium",
        tests: "tests of the HTML report in a browser",
        programs: &["chromium"],
        packages: &["chromium"],
        trial: None,
    },
];

const NAMESPACES: [&str; 7] = ["unshare", "--mount", "--pid", "--net", "--time", "--fork", "true"];
const NO_NAMESPACES: &str = "namespaces cannot be made here: that needs root and Linux 5.6";

impl Need {
    /// The programs that are missing here.
    pub(crate) fn missing(&self, path: &[PathBuf]) -> Vec<&'static str> {
        let there = |program: &str| path.iter().any(|folder| folder.join(program).is_file());
        self.programs.iter().copied().filter(|program| !there(program)).collect()
    }

    /// Why it can never be had here, whatever is installed; `None` if it can.
    pub(crate) fn impossible(&self) -> Option<&'static str> {
        let (trial, why) = self.trial?;
        let tried = Command::new(trial[0]).args(&trial[1..]).output();
        (!tried.is_ok_and(|tried| tried.status.success())).then_some(why)
    }
}

/// The folders that programs are looked for in: those of `PATH`, and those of servers, which users often have not in theirs.
pub(crate) fn program_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let servers = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(servers).collect()
}

/// Why packages cannot be installed here; `None` if they can.
pub(crate) fn cannot_install(path: &[PathBuf]) -> Option<&'static str> {
    let root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    let apt = path.iter().any(|folder| folder.join("apt-get").is_file());
    match (root, apt) {
        (true, true) => None,
        (false, true) => Some("this is not root"),
        (_, false) => Some("this is no Debian"),
    }
}

/// Installs Debian packages without starting the services that they bring.
pub(crate) fn install(steps: &Steps, packages: &[&str]) -> Result<()> {
    let _policy = NoServices::begin(Path::new("/usr/sbin/policy-rc.d"))?;
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .args(["-qq", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=120"])
            .args(arguments);
        command.env("DEBIAN_FRONTEND", "noninteractive").stdout(std::process::Stdio::null());
        command
    };
    steps.command("list of packages", &mut apt(&["update"]))?;
    let title = format!("installing {}", packages.join(" "));
    println!(
        "    (no service is started; where there is systemd, it would start theirs with the next boot)"
    );
    steps.command(&title, apt(&["install", "-y", "--no-install-recommends"]).args(packages))
}

/// While this is there, Debian starts no service that a package brings: tests start their own servers, and nobody asked for
/// one on a well-known port.
struct NoServices(Option<PathBuf>);

impl NoServices {
    fn begin(policy: &Path) -> Result<Self> {
        use std::os::unix::fs::PermissionsExt;
        if policy.exists() {
            return Ok(Self(None)); // Somebody has a policy already; it is theirs to say.
        }
        let begun = Self(Some(policy.to_owned()));
        std::fs::write(policy, "#!/bin/sh\nexit 101\n")
            .and_then(|()| std::fs::set_permissions(policy, PermissionsExt::from_mode(0o755)))
            .with_context(|| format!("cannot write {}", policy.display()))?;
        Ok(begun)
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if let Some(policy) = &self.0
            && let Err(error) = std::fs::remove_file(policy)
        {
            println!("    remove {} by hand: {error}", policy.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_programs_are_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ssh"), "").unwrap();
        let path = [folder.path().to_owned(), "/does/not/exist".into()];
        assert_eq!(NEEDS[0].missing(&path), ["sshd", "ssh-keygen"]);
    }

    #[test]
    fn the_policy_goes_away_and_a_foreign_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy-rc.d");
        let begun = NoServices::begin(&policy).unwrap();
        assert!(policy.exists());
        drop(NoServices::begin(&policy).unwrap());
        assert!(policy.exists(), "a policy of somebody else was removed");
        drop(begun);
        assert!(!policy.exists());
    }
}
