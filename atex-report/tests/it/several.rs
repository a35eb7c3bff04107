//! Several outputs at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use atex_core::{Aggregator, Error, Record, Result, async_trait};
use atex_report::Several;

use crate::json_lines::Place;

/// Fails so many times.
#[derive(Debug)]
struct Failing(AtomicUsize);

#[async_trait]
impl Aggregator for Failing {
    fn name(&self) -> String {
        "a broken one".into()
    }

    async fn ingest(&self, _: Record) -> Result<()> {
        let left =
            self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map_or(Ok(()), |_| Err(Error::infra("server", "gone")))
    }

    async fn finish(&self) -> Result<()> {
        Err(Error::infra("server", "still gone"))
    }
}

#[tokio::test]
async fn one_that_fails_does_not_hurt_the_others_and_gets_the_test_again() {
    let (one, two) = (Place::new(), Place::new());
    let broken = || Arc::new(Failing(1.into()));
    let (first, second) = (one.lines.clone(), two.lines.clone());
    let several = Several::new([broken() as Arc<dyn Aggregator>, first, broken(), second]).unwrap();
    let record = one.record(("p", "/t"), "{}\n", &[("f", "x")]);
    let error = several.ingest(record.clone()).await.unwrap_err().to_string();
    assert_eq!(error, "2 of 4 outputs: a broken one: server: gone; a broken one: server: gone");
    for place in [&one, &two] {
        assert_eq!(place.results().lines().count(), 1);
    }
    several.ingest(record.clone()).await.unwrap();
    let again = several.ingest(record).await.unwrap_err().to_string();
    assert_eq!(again, "/t of p was handed in already");
    assert_eq!(one.results().lines().count(), 1);
    let error = several.finish().await.unwrap_err().to_string();
    assert!(error.starts_with("2 of 4 outputs: "), "{error}");
    let late = one.lines.ingest(one.record(("p", "/late"), "{}\n", &[])).await.unwrap_err();
    assert!(late.to_string().ends_with("it was finished"), "{late}");
    assert!(Several::new([]).is_err());
}
