//! [`preferred`]: AES-GCM first among the ciphers, where nobody chose any and the processor has instructions for it.
//!
//! Ssh itself begins with ChaCha20, which is right for a processor without them; with them, AES-GCM takes half the time or less,
//! and most of the time of a large file over a fast network is the cipher's. Nothing is allowed that was not.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::OnceCell;

/// What is preferred, as ssh names it.
const FAST: [&str; 2] = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"];

/// How long ssh may take to read its configuration, which may run programs.
const LIMIT: Duration = Duration::from_secs(5);

/// An option for ssh, if there is something to say: what it would offer is asked of `ssh -G` with these arguments.
pub(super) async fn preferred(
    arguments: &[impl AsRef<OsStr>],
    destination: &str,
) -> Option<String> {
    static OWN: OnceCell<Option<String>> = OnceCell::const_new();
    if !has_instructions() {
        return None;
    }
    let own = OWN.get_or_init(|| ciphers(&["-F", "none"], "localhost")).await.as_ref()?;
    let configured = ciphers(arguments, destination).await?;
    // Somebody's choice, or a policy of the system.
    (configured == *own).then(|| first(own))?
}

/// The list with the preferred ones first, as an option; nothing if it has none of them.
fn first(ciphers: &str) -> Option<String> {
    let all: Vec<&str> = ciphers.split(',').collect();
    let (fast, others): (Vec<&str>, Vec<&str>) = all.iter().partition(|name| FAST.contains(name));
    (!fast.is_empty()).then(|| format!("Ciphers={}", [fast, others].concat().join(",")))
}

/// The ciphers that ssh would offer.
async fn ciphers(arguments: &[impl AsRef<OsStr>], destination: &str) -> Option<String> {
    let mut command = Command::new("ssh");
    command.arg("-G").args(arguments).args(["--", destination]);
    command.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, command.output()).await.ok()?.ok()?;
    let printed = String::from_utf8(output.stdout).ok()?;
    printed.lines().find_map(|line| line.strip_prefix("ciphers ")).map(str::to_owned)
}

#[cfg(target_arch = "x86_64")]
fn has_instructions() -> bool {
    std::arch::is_x86_feature_detected!("aes")
}

#[cfg(target_arch = "aarch64")]
fn has_instructions() -> bool {
    std::arch::is_aarch64_feature_detected!("aes")
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn has_instructions() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_ones_come_first_and_nothing_is_added() {
        let of = |list: &str| first(list);
        assert_eq!(
            of("chacha20-poly1305@openssh.com,aes128-ctr,aes256-gcm@openssh.com").as_deref(),
            Some("Ciphers=aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes128-ctr")
        );
        assert_eq!(
            of("aes256-gcm@openssh.com,aes128-gcm@openssh.com,x").as_deref(),
            Some("Ciphers=aes256-gcm@openssh.com,aes128-gcm@openssh.com,x")
        );
        assert_eq!(of("chacha20-poly1305@openssh.com,aes128-ctr"), None);
    }

    #[tokio::test]
    async fn what_somebody_chose_stays() {
        assert_eq!(preferred(&["-F", "none", "-oCiphers=aes256-ctr"], "host").await, None);
        let chosen = preferred(&["-F", "none", "-oPort=22"], "host").await;
        // Of an ssh that is there, and a processor that can.
        if let Some(chosen) = chosen {
            assert!(FAST.iter().any(|fast| chosen.starts_with(&format!("Ciphers={fast}"))));
        }
    }
}
