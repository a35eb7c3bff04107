//! [`preferred`]: AES-GCM first among the ciphers, where nobody chose any and the processor has instructions for it.
//!
//! Ssh itself begins with ChaCha20, which is right for a processor without them; with them, AES-GCM takes half the time or less,
//! and most of the time of a large file over a fast network is the cipher's. Nothing is allowed that was not.

use tokio::sync::OnceCell;

use super::configured::Configured;

/// What is preferred, as ssh names it.
const FAST: [&str; 2] = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"];

/// An option for ssh that would offer these ciphers, if there is something to say.
pub(super) async fn preferred(configured: &Configured) -> Option<String> {
    static OWN: OnceCell<Option<Configured>> = OnceCell::const_new();
    if !has_instructions() {
        return None;
    }
    let own = OWN.get_or_init(|| Configured::ask(&["-F", "none"], "localhost")).await.as_ref()?;
    // Somebody's choice, or a policy of the system.
    (configured.ciphers == own.ciphers).then(|| first(own.ciphers.as_deref()?))?
}

/// The list with the preferred ones first, as an option; nothing if it has none of them.
fn first(ciphers: &str) -> Option<String> {
    let all: Vec<&str> = ciphers.split(',').collect();
    let (fast, others): (Vec<&str>, Vec<&str>) = all.iter().partition(|name| FAST.contains(name));
    (!fast.is_empty()).then(|| format!("Ciphers={}", [fast, others].concat().join(",")))
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
        let asked = async |option| {
            let configured = Configured::ask(&["-F", "none", option], "host").await;
            preferred(&configured.unwrap_or_default()).await
        };
        assert_eq!(asked("-oCiphers=aes256-ctr").await, None);
        let chosen = asked("-oPort=22").await;
        // Of an ssh that is there, and a processor that can.
        if let Some(chosen) = chosen {
            assert!(FAST.iter().any(|fast| chosen.starts_with(&format!("Ciphers={fast}"))));
        }
    }
}
