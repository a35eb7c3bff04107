//! [`Judge`]: asks a policy, and makes up for one that panics.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{AfterTest, Candidate, Ended, Kin, Policy, Rank, RemoteView, Standard, Waiting};
use crate::plan::TestIndex;

/// Asks a policy. When it panics, or says what makes no sense, the usual one is asked instead.
#[derive(Debug, Clone)]
pub(crate) struct Judge(pub(crate) Arc<dyn Policy>);

impl Judge {
    fn ask<T>(&self, what: &'static str, say: impl Fn(&dyn Policy) -> T) -> T {
        match catch_unwind(AssertUnwindSafe(|| say(&*self.0))) {
            Ok(said) => said,
            Err(_) => {
                tracing::error!(what, "the policy panicked; the usual one decides instead");
                say(&Standard::new())
            }
        }
    }

    pub(crate) fn rank(&self, test: &Candidate<'_>) -> (Rank, Option<Kin>) {
        self.ask("rank", |policy| (policy.rank(test), policy.kin(test)))
    }

    /// The next test: one of those that wait.
    pub(crate) fn next_test(
        &self,
        remote: &RemoteView<'_>,
        waiting: &Waiting<'_>,
    ) -> Option<TestIndex> {
        let next = self.ask("next_test", |policy| policy.next_test(remote, waiting))?;
        if waiting.contains(next) {
            return Some(next);
        }
        tracing::error!(
            next,
            "the policy chose a test that does not wait; the usual one decides instead"
        );
        Standard::new().next_test(remote, waiting)
    }

    pub(crate) fn should_rerun(&self, ended: &Ended<'_>) -> bool {
        self.ask("should_rerun", |policy| policy.should_rerun(ended))
    }

    pub(crate) fn after_test(&self, ended: &Ended<'_>) -> AfterTest {
        self.ask("after_test", |policy| policy.after_test(ended))
    }
}
