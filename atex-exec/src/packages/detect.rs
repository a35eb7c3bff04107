//! Which package manager a remote has, and whether we may use it.

use atex_core::{Command, Connection, ConnectionExt, Error, Result};

use super::{MANAGERS, Manager, PackageManager, PackageName};

/// What was found on a remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) manager: Option<Manager>,
    pub(super) rights: Rights,
    /// The remote is the machine that the controller runs on.
    pub(super) is_this_machine: bool,
    /// The files that were asked for and are there.
    pub(super) files: Vec<String>,
}

/// How something can be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rights {
    Root,
    Sudo,
    None,
}

/// The first that is there of those of the family that the system calls its own, then of all.
const SCRIPT: &str = r#"
has() { command -v "$1" >/dev/null 2>&1; }
[ ! -r /etc/os-release ] || . /etc/os-release
case " $ID $ID_LIKE " in *" debian "*|*" ubuntu "*) first=apt-get;; *) first=;; esac
[ ! -e /run/ostree-booted ] || first=rpm-ostree
for manager in $first dnf5 dnf yum zypper apk apt-get; do
    if has "$manager"; then echo "manager $manager"; break; fi
done
if [ "$(id -u)" = 0 ]; then echo "rights root"; elif has sudo && sudo -n true 2>/dev/null; then echo "rights sudo"; fi
[ -z "$ATEX_LOCAL_ROOT" ] || echo "this machine"
for file; do [ ! -e "$file" ] || printf 'file %s\n' "$file"; done
"#;

pub(super) async fn detect(connection: &dyn Connection, names: &[PackageName]) -> Result<Found> {
    let files = names.iter().filter(|name| name.is_file()).map(PackageName::as_str);
    let output = connection.output(Command::bash(SCRIPT).args(files)).await?;
    if !output.status.success() {
        let why = format!("cannot look for its package manager: {}", output.status);
        return Err(Error::infra(connection.name(), why));
    }
    Ok(read(&String::from_utf8_lossy(&output.stdout)))
}

fn read(printed: &str) -> Found {
    let mut found =
        Found { manager: None, rights: Rights::None, is_this_machine: false, files: Vec::new() };
    for line in printed.lines() {
        match line.split_once(' ') {
            Some(("manager", program)) => {
                let known = MANAGERS.iter().find(|manager| manager.program() == program);
                found.manager = known.copied();
            }
            Some(("rights", "root")) => found.rights = Rights::Root,
            Some(("rights", "sudo")) => found.rights = Rights::Sudo,
            Some(("this", "machine")) => found.is_this_machine = true,
            Some(("file", file)) => found.files.push(file.to_owned()),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read() {
        let found = read("manager dnf5\nrights sudo\nthis machine\nfile /bin/a b\nnoise\n");
        assert_eq!(found.manager, Some(Manager::Dnf5));
        assert_eq!(found.rights, Rights::Sudo);
        assert!(found.is_this_machine);
        assert_eq!(found.files, ["/bin/a b"]);
        let nothing = read("manager pacman\n");
        assert_eq!((nothing.manager, nothing.rights), (None, Rights::None));
    }

    #[test]
    fn every_manager_is_looked_for() {
        for manager in MANAGERS {
            assert!(SCRIPT.contains(manager.program()), "{manager:?}");
        }
    }
}
