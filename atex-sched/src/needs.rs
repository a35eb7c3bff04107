//! [`Needs`]: what a test needs of the remote that it runs on.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use atex_core::Facts;

/// What a test needs of the remote that it runs on, decided by [`Facts`].
///
/// Cheap to clone. Two are equal only if one is a clone of the other; tests with equal needs wait in one line, so give all tests that need
/// the same a clone of the same value.
///
/// ```
/// use atex_core::Facts;
/// use atex_sched::Needs;
///
/// let arm = Needs::new("an ARM processor", |facts| {
///     let arch = facts.get("arch").first()?;
///     Some(arch == "aarch64")
/// });
/// assert_eq!(arm.met_by(&Facts::new().with("arch", "x86_64")), Some(false));
/// assert_eq!(arm.met_by(&Facts::new()), None);
/// ```
#[derive(Clone)]
pub struct Needs(Arc<Inner>);

struct Inner {
    text: String,
    decide: Box<Decide>,
}

type Decide = dyn Fn(&Facts) -> Option<bool> + Send + Sync;

impl Needs {
    /// Needs that people know by this text, decided by this function: whether a system with these facts has what is needed, or
    /// `None` when the facts do not say enough.
    ///
    /// A pool of which it cannot be said is asked, a remote of which it cannot be said does not get the test. The function must
    /// say the same whenever it is asked the same.
    pub fn new(
        text: impl Into<String>,
        decide: impl Fn(&Facts) -> Option<bool> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Inner { text: text.into(), decide: Box::new(decide) }))
    }

    /// Whether a system with these facts has what is needed; `None` when that cannot be said, or the function panics.
    pub fn met_by(&self, facts: &Facts) -> Option<bool> {
        catch_unwind(AssertUnwindSafe(|| (self.0.decide)(facts))).ok().flatten()
    }

    /// What tells needs apart.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }
}

impl PartialEq for Needs {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Needs {}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Needs({})", self.0.text)
    }
}
