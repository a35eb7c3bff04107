//! [`Image`]: what containers are made of; if need be, built once and kept by its content.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use atex_core::{Error, Result};
use sha2::{Digest, Sha256};

use super::engine::{Engine, Kind, last_words};

/// How long building may take, with all that is fetched for it.
const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);
/// How often to look whether another process has built it.
const PAUSE: Duration = Duration::from_millis(100);

/// What containers are made of.
///
/// A built image is called `localhost/atex-built:DIGEST`, by a digest of its recipe and of what that builds on: so it is built once, and
/// anew when either changes. Of many processes that want it at once, one builds. The images stay; `podman image prune -a` removes
/// those that nothing uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image(What);

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Named(String),
    Recipe(String),
    WithTools(String),
}

impl Image {
    /// An image that is here already, by its name or id.
    pub fn named(name: impl Into<String>) -> Self {
        Self(What::Named(name.into()))
    }

    /// An image that is built by this recipe: the text of a Containerfile, which has no files beside it.
    pub fn recipe(text: impl Into<String>) -> Self {
        Self(What::Recipe(text.into()))
    }

    /// An image that is here already, and what tests and uploads need besides, as far as it is missing: bash, coreutils and tar, by the
    /// package manager of the image.
    pub fn with_tools(name: impl Into<String>) -> Self {
        Self(What::WithTools(name.into()))
    }

    /// The name of the image, which is there then.
    pub(super) async fn get(&self, engine: &Engine) -> Result<String> {
        match &self.0 {
            What::Named(name) => checked(name).map(str::to_owned),
            What::Recipe(text) => built(engine, text, "").await,
            What::WithTools(base) => {
                let id = id_of(engine, checked(base)?).await?;
                // Also when the name comes to mean something else meanwhile.
                built(engine, &with_tools(base), id.as_deref().unwrap_or_default()).await
            }
        }
    }
}

impl<T: Into<String>> From<T> for Image {
    fn from(name: T) -> Self {
        Self::named(name)
    }
}

/// A tool would take some names for something else.
fn checked(name: &str) -> Result<&str> {
    let is_odd = |c: char| c.is_whitespace() || c.is_control();
    if name.is_empty() || name.starts_with('-') || name.contains(is_odd) {
        return Err(Error::Usage(format!("{name:?} is no name of an image")));
    }
    Ok(name)
}

/// The recipe for an image with what tests need. An image that has it all stays as it is.
fn with_tools(base: &str) -> String {
    let script = r#"bash --version >/dev/null 2>&1 && tar --version >/dev/null 2>&1 && timeout --version >/dev/null 2>&1 && exit 0; \
set -e; tools="bash coreutils tar"; has() { command -v "$1" >/dev/null 2>&1; }; \
if has apt-get; then apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $tools; \
elif has apk; then apk add --no-cache $tools; \
elif has zypper; then zypper --non-interactive install $tools; \
else for m in dnf5 dnf microdnf yum; do has $m || continue; $m -y install $tools; exit; done; \
echo "no package manager that we know" >&2; exit 1; fi"#;
    format!("FROM {base}\nUSER root\nRUN {script}\n")
}

/// The id of an image, if it is here.
async fn id_of(engine: &Engine, name: &str) -> Result<Option<String>> {
    let words = ["image", "inspect", "--format={{.Id}}", name];
    let output = engine.output(words, Duration::from_secs(60), None).await?;
    let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(Some(id).filter(|id| output.status.success() && !id.is_empty()))
}

/// The image of this recipe, which is built unless it is there.
async fn built(engine: &Engine, recipe: &str, base: &str) -> Result<String> {
    let digest = Sha256::digest(format!("{base}\n{recipe}"));
    let digest: String = digest.iter().take(10).map(|byte| format!("{byte:02x}")).collect();
    let tag = match engine.kind {
        #[cfg(feature = "podman")]
        Kind::Podman => format!("localhost/atex-built:{digest}"),
        #[cfg(feature = "docker")]
        Kind::Docker => format!("atex-built:{digest}"),
    };
    if id_of(engine, &tag).await?.is_some() {
        return Ok(tag);
    }
    let _lock = lock(&lock_path(&digest)).await?;
    // Somebody else may have built it meanwhile.
    if id_of(engine, &tag).await?.is_none() {
        tracing::info!(image = tag, "building");
        let words = ["build", "--quiet", "--force-rm", "--tag", &tag, "-"];
        let output = engine.output(words, BUILD_LIMIT, Some(recipe)).await?;
        if !output.status.success() {
            let name = engine.kind.name();
            let why = last_words(&output);
            return Err(Error::Usage(format!("{name} cannot build the image: {why}")));
        }
    }
    Ok(tag)
}

fn lock_path(digest: &str) -> PathBuf {
    let user = rustix::process::getuid().as_raw();
    std::env::temp_dir().join(format!("atex-image-{user}-{digest}.lock"))
}

/// Held until it is dropped. Waits as long as others hold it; dropping the future gives up.
async fn lock(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    // Others may write into that folder, too: nothing is followed that they planted.
    options.write(true).create(true).mode(0o600).custom_flags(NO_FOLLOW);
    let file = options.open(path).map_err(Error::io("cannot open", path))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
            Err(TryLockError::Error(error)) => return Err(Error::io("cannot lock", path)(error)),
        }
    }
}

const NO_FOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
