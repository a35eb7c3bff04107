//! [`ReportPortal`]: a launch that tests are reported to.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atex_core::{Aggregator, Error, Record, Result, TestName, Verdict, async_trait};
use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::json;
use tokio::sync::{OnceCell, RwLock, mpsc};
use uuid::Uuid;

use super::client::{Body, Client};
use super::logs::Batch;
use super::{LaunchPlan, Portal, PortalStatus, Subtests};
use crate::aggregate::{Reported, Said, Source, blocking, said};

/// What the server takes of a name and of a description, in characters.
const LAUNCH_NAME_MAX: usize = 256;
const NAME_MAX: usize = 1024;
const TEXT_MAX: usize = 60_000;
/// So many subtests are begun, then get their logs, and then are ended: three times waiting for all of them.
const AT_ONCE: usize = 32;

/// A launch of ReportPortal that tests are reported to: launch, platform, test, subtest.
///
/// * Items have names of our making, so every request can be sent again when its answer does not come, and what is there twice is refused
///   by the server. Requests are sent again after trouble of the network and of the server, as [`Patience`](super::Patience) says.
/// * Requests of different items go side by side; what belongs below an item goes after it.
/// * A test began and ended when its record says so. Where it does not, it ends now.
/// * A test that is handed in again after it was taken in is a retry of the same.
/// * Files go with results that failed (`fail`, `error`, `infra`), short output as text. Each log that the server does not take is an error.
/// * A test without a result of its own is interrupted, and says so.
///
/// # Durability
/// When `ingest` returns, the server has answered for everything. When it fails, a part of the test may be there; handing it in again adds
/// what is missing, except logs of what had ended. Dropping the future does not stop it.
#[derive(Debug)]
pub struct ReportPortal {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    client: Client,
    plan: LaunchPlan,
    launch: String,
    started: Timestamp,
    /// What the names of items are made of: another one for every run of this program.
    session: Uuid,
    platforms: Mutex<HashMap<String, Arc<OnceCell<String>>>>,
    /// How many attempts of a test are there, and whether one is being handed in.
    tests: Mutex<HashMap<(String, String), (u32, bool)>>,
    promised: Mutex<HashSet<(String, String)>>,
    /// Whether the launch is over. Held by all that are at work; the end waits for them.
    closed: RwLock<bool>,
}

/// A subtest, with its item.
struct Sub {
    id: String,
    parent: String,
    one: Reported<'static>,
}

/// What is said of the test itself: the worst of its own results.
#[derive(Default)]
struct Own {
    worst: Option<(Verdict, String, Option<String>)>,
    files: Vec<String>,
    left_out: u64,
}

impl ReportPortal {
    /// Begins a launch, or goes on with one.
    ///
    /// # Errors
    /// [`Error::Denied`] when the server does not want the token, and whatever else it says.
    pub async fn start(portal: Portal, plan: LaunchPlan) -> Result<Self> {
        let client = Client::new(portal, plan.patience, plan.in_flight)?;
        let session = Uuid::new_v4();
        let started = plan.started.unwrap_or_else(Timestamp::now);
        let launch = Uuid::new_v4().to_string();
        let attributes = plan.attributes.iter().map(|(key, value)| match key {
            Some(key) => json!({ "key": key, "value": value }),
            None => json!({ "value": value }),
        });
        let mut body = json!({
            "name": cut(&plan.name, LAUNCH_NAME_MAX),
            "startTime": started,
            "attributes": attributes.collect::<Vec<_>>(),
        });
        if let Some(description) = &plan.description {
            body["description"] = cut(description, TEXT_MAX).into();
        }
        match &plan.rerun_of {
            Some(earlier) => {
                body["rerun"] = true.into();
                body["rerunOf"] = earlier.as_str().into();
            }
            None => body["uuid"] = launch.as_str().into(),
        }
        let answer = client.send(Method::POST, &["launch"], Body::Json(&body)).await?;
        let named = answer["id"].as_str().map(str::to_owned);
        let launch = named.or_else(|| plan.rerun_of.clone()).unwrap_or(launch);
        let inner = Inner {
            client,
            plan,
            launch,
            started,
            session,
            platforms: Mutex::default(),
            tests: Mutex::default(),
            promised: Mutex::default(),
            closed: RwLock::new(false),
        };
        Ok(Self { inner: inner.into() })
    }

    /// The UUID of the launch: what a rerun needs.
    pub fn launch(&self) -> &str {
        &self.inner.launch
    }

    /// Says that these tests will run on a platform: they show as being in progress.
    ///
    /// # Errors
    /// What the server says.
    pub async fn promise(&self, platform: &str, tests: &[TestName]) -> Result<()> {
        let inner = &self.inner;
        let parent = inner.platform(platform).await?;
        let begin = tests.iter().map(|test| async {
            let now = Timestamp::now();
            inner.begin_test(platform, (test.as_str(), 0), (&parent, now)).await?;
            let key = (platform.to_owned(), test.as_str().to_owned());
            locked(&inner.promised).insert(key);
            Ok(())
        });
        try_join_all(begin).await.map(drop)
    }
}

#[async_trait]
impl Aggregator for ReportPortal {
    fn name(&self) -> String {
        self.inner.client.label()
    }

    async fn ingest(&self, record: Record) -> Result<()> {
        let inner = self.inner.clone();
        let work = async move {
            let closed = inner.closed.read().await;
            if *closed {
                return Err(Error::Usage(format!(
                    "the launch in {} is over",
                    inner.client.label()
                )));
            }
            let attempt = inner.claim(&record)?;
            let done = inner.report(&record, attempt).await;
            let key = (record.platform, record.test.as_str().to_owned());
            let attempts = if done.is_ok() { attempt + 1 } else { attempt };
            locked(&inner.tests).insert(key, (attempts, false));
            done
        };
        on_its_own(&self.inner.client.label(), work).await
    }

    async fn finish(&self) -> Result<()> {
        let inner = self.inner.clone();
        let work = async move {
            let mut closed = inner.closed.write().await;
            if *closed {
                return Ok(());
            }
            inner.close().await?;
            *closed = true;
            Ok(())
        };
        on_its_own(&self.inner.client.label(), work).await
    }
}

/// Goes on to its end, also when nobody waits for it any more.
async fn on_its_own(
    label: &str,
    work: impl Future<Output = Result<()>> + Send + 'static,
) -> Result<()> {
    match tokio::spawn(work).await {
        Ok(done) => done,
        Err(error) => Err(Error::infra(label, error)),
    }
}

impl Inner {
    /// The name of an item: always the same for the same thing, so that a request can be sent again.
    fn id(&self, parts: &[&str]) -> String {
        Uuid::new_v5(&self.session, parts.join("\0").as_bytes()).to_string()
    }

    /// Which attempt of its test this is, from 0: nobody else hands in another at the same time.
    fn claim(&self, record: &Record) -> Result<u32> {
        let (platform, test) = (&record.platform, record.test.as_str());
        let mut tests = locked(&self.tests);
        let (attempts, busy) = tests.entry((platform.clone(), test.to_owned())).or_default();
        if *busy {
            return Err(Error::Usage(format!("{test} of {platform} is being reported already")));
        }
        *busy = true;
        Ok(*attempts)
    }

    /// The item of a platform, which is begun by whoever needs it first.
    async fn platform(&self, platform: &str) -> Result<String> {
        let cell = locked(&self.platforms).entry(platform.to_owned()).or_default().clone();
        let begin = async || {
            let id = self.id(&["platform", platform]);
            let item = json!({
                "uuid": id,
                "launchUuid": self.launch,
                "type": "test",
                "name": cut(platform, NAME_MAX),
                "startTime": self.started,
            });
            self.client.send(Method::POST, &["item"], Body::Json(&item)).await?;
            Ok(id)
        };
        cell.get_or_try_init(begin).await.cloned()
    }

    /// The name of an attempt of a test.
    fn test_id(&self, platform: &str, test: &str, attempt: u32) -> String {
        match attempt {
            0 => self.id(&["test", platform, test]),
            _ => self.id(&["test", platform, test, &attempt.to_string()]),
        }
    }

    async fn begin_test(
        &self,
        platform: &str,
        (test, attempt): (&str, u32),
        (parent, start): (&str, Timestamp),
    ) -> Result<String> {
        let id = self.test_id(platform, test, attempt);
        let mut item = json!({
            "uuid": id,
            "launchUuid": self.launch,
            "type": "step",
            "name": cut(test, NAME_MAX),
            "startTime": start.max(self.started),
            "codeRef": cut(test, NAME_MAX),
            "testCaseId": cut(&format!("{test}[{platform}]"), NAME_MAX),
        });
        if attempt > 0 {
            item["retry"] = true.into();
        }
        self.client.send(Method::POST, &["item", parent], Body::Json(&item)).await?;
        Ok(id)
    }

    /// Reports one test, from its beginning to its end.
    async fn report(&self, record: &Record, attempt: u32) -> Result<()> {
        let source = Source::of(&record.artifacts);
        let path = record.artifacts.results_file();
        // Nothing is sent of a test whose results cannot be read.
        let checked = move || source.each(|_| Ok(())).map_err(|stop| stop.into_error(&path));
        blocking("the results", checked).await?;
        let (platform, test) = (&*record.platform, record.test.as_str());
        let parent = self.platform(platform).await?;
        let (start, end) = self.times(record);
        let promised = locked(&self.promised).contains(&(platform.to_owned(), test.to_owned()));
        let item = match promised && attempt == 0 {
            true => self.test_id(platform, test, attempt),
            false => self.begin_test(platform, (test, attempt), (&parent, start)).await?,
        };
        let mut refused = Vec::new();
        let below = if self.plan.join.is_some() { &parent } else { &item };
        let own = self.subtests((record, attempt), (below, start, end), &mut refused).await?;
        self.end_test(record, own, (&item, end), &mut refused).await?;
        match refused.first() {
            None => Ok(()),
            Some(first) => Err(Error::infra(
                self.client.label(),
                format!("{} logs of {test} were refused: {first}", refused.len()),
            )),
        }
    }

    /// When a test began and ended. The server refuses what begins before the launch, or ends before it begins.
    fn times(&self, record: &Record) -> (Timestamp, Timestamp) {
        let known = record.when.clone().and_then(|when| {
            let moment = |at| self.started.checked_add(at).ok();
            moment(when.start).zip(moment(when.end))
        });
        let (start, end) = known.unwrap_or_else(|| {
            let end = Timestamp::now();
            let took = SignedDuration::try_from(record.outcome.took).unwrap_or_default();
            (end.checked_sub(took).unwrap_or(end), end)
        });
        let start = start.max(self.started);
        (start, end.max(start))
    }

    /// Reports the subtests, as they are read. Yields what is said of the test itself.
    async fn subtests(
        &self,
        (record, attempt): (&Record, u32),
        (parent, start, end): (&str, Timestamp, Timestamp),
        refused: &mut Vec<String>,
    ) -> Result<Own> {
        let (sender, mut results) = mpsc::channel::<Reported<'static>>(AT_ONCE);
        let source = Source::of(&record.artifacts);
        let path = record.artifacts.results_file();
        let reading = tokio::task::spawn_blocking(move || {
            let send = |one: &Reported<'_>| {
                // Nobody listens any more when something went wrong there.
                sender
                    .blocking_send(one.to_owned())
                    .map_err(|error| std::io::Error::other(error).into())
            };
            source.each(send).map_err(|stop| stop.into_error(&path))
        });
        let (mut own, mut number, mut some) = (Own::default(), 0_u64, Vec::new());
        while let Some(one) = results.recv().await {
            number += 1;
            if one.subtest().is_none() {
                own.add(&one);
                continue;
            }
            let passed = status_of(&one) == "pass";
            if passed && self.plan.subtests == Subtests::NotPassed {
                own.left_out += 1;
                continue;
            }
            let test = self.test_id(&record.platform, record.test.as_str(), attempt);
            let id = self.id(&["subtest", &test, &number.to_string()]);
            some.push(Sub { id, parent: parent.to_owned(), one });
            if some.len() == AT_ONCE {
                let some = std::mem::take(&mut some);
                self.report_some((record, attempt), some, (start, end), refused).await?;
            }
        }
        self.report_some((record, attempt), some, (start, end), refused).await?;
        match reading.await {
            Ok(read) => read.map(|()| own),
            Err(error) => Err(Error::infra(self.client.label(), error)),
        }
    }

    /// Begins some subtests, sends their logs, and ends them.
    async fn report_some(
        &self,
        (record, attempt): (&Record, u32),
        some: Vec<Sub>,
        (start, end): (Timestamp, Timestamp),
        refused: &mut Vec<String>,
    ) -> Result<()> {
        let begin = some.iter().map(|sub| async {
            let name = sub.one.name.as_ref().map(Said::shown).unwrap_or_default();
            let name = match &self.plan.join {
                Some(join) => format!("{}{join}{name}", record.test),
                None => name.into_owned(),
            };
            let mut item = json!({
                "uuid": sub.id,
                "launchUuid": self.launch,
                "type": "step",
                "name": cut(&name, NAME_MAX),
                "startTime": start,
            });
            if self.plan.join.is_none() {
                item["hasStats"] = false.into();
            } else if attempt > 0 {
                item["retry"] = true.into();
            }
            self.client.send(Method::POST, &["item", &sub.parent], Body::Json(&item)).await
        });
        try_join_all(begin).await?;
        let mut batch = Batch::default();
        for sub in &some {
            let name = sub.one.name.as_ref().and_then(Said::text);
            if is_broken(status_of(&sub.one)) {
                let files =
                    sub.one.files.iter().filter_map(Said::text).map(str::to_owned).collect();
                batch = self.files(record, (&sub.id, name), (files, end), (batch, refused)).await?;
            }
        }
        refused.extend(batch.send(&self.client).await?);
        let finish = some.iter().map(|sub| {
            let note = said(&sub.one.note).map(|note| note.shown().into_owned());
            let status = PortalStatus::of(status_of(&sub.one));
            self.end_item(&sub.id, status, note, end)
        });
        try_join_all(finish).await.map(drop)
    }

    /// Adds files of an item to the batch, which is sent whenever it is full.
    async fn files(
        &self,
        record: &Record,
        (item, subtest): (&str, Option<&str>),
        (files, time): (Vec<String>, Timestamp),
        (mut batch, refused): (Batch, &mut Vec<String>),
    ) -> Result<Batch> {
        let folder = record.artifacts.files_of(subtest);
        for (number, file) in files.into_iter().enumerate() {
            let entry = json!({
                "uuid": self.id(&["log", item, &number.to_string()]),
                "launchUuid": self.launch,
                "itemUuid": item,
                "time": time,
            });
            let (folder, most) = (folder.clone(), self.plan.file_max);
            let added = tokio::task::spawn_blocking(move || {
                let path = atex_core::SafePath::new(&file).map(|safe| safe.below(&folder));
                let added = match path {
                    Some(path) => batch.file(entry.clone(), &path, &file, most),
                    None => Err(std::io::ErrorKind::NotFound.into()),
                };
                // The result names it, so its place stays, with the reason.
                if let Err(error) = added {
                    batch.message(entry, "WARN", &format!("{file}: cannot be read: {error}"));
                }
                batch
            });
            batch = added.await.map_err(|error| Error::infra(self.client.label(), error))?;
            if batch.is_full() {
                refused.extend(std::mem::take(&mut batch).send(&self.client).await?);
            }
        }
        Ok(batch)
    }

    async fn end_test(
        &self,
        record: &Record,
        own: Own,
        (item, end): (&str, Timestamp),
        refused: &mut Vec<String>,
    ) -> Result<()> {
        let (status, mut note) = match own.worst {
            Some((_, status, note)) => (status, note),
            None => ("infra".to_owned(), Some("no result of the test itself".to_owned())),
        };
        if is_broken(&status) {
            let files = (own.files, end);
            let batch =
                self.files(record, (item, None), files, (Batch::default(), refused)).await?;
            if !batch.is_empty() {
                refused.extend(batch.send(&self.client).await?);
            }
        }
        if own.left_out > 0 {
            let left_out = format!("{} subtests that passed are not listed", own.left_out);
            note = Some(note.map_or(left_out.clone(), |note| format!("{note}\n{left_out}")));
        }
        self.end_item(item, PortalStatus::of(&status), note, end).await
    }

    async fn end_item(
        &self,
        item: &str,
        status: PortalStatus,
        note: Option<String>,
        end: Timestamp,
    ) -> Result<()> {
        let mut body = json!({ "launchUuid": self.launch, "status": status, "endTime": end });
        if let Some(note) = note {
            body["description"] = cut(&note, TEXT_MAX).into();
        }
        self.client.send(Method::PUT, &["item", item], Body::Json(&body)).await.map(drop)
    }

    /// Ends the platforms, and then the launch.
    async fn close(&self) -> Result<()> {
        let ended = self.plan.ended.unwrap_or_else(Timestamp::now).max(self.started);
        let end = json!({ "launchUuid": self.launch, "endTime": ended });
        let begun: Vec<String> =
            locked(&self.platforms).values().filter_map(|cell| cell.get().cloned()).collect();
        let finish = begun.iter().map(|item| async {
            self.client.send(Method::PUT, &["item", item], Body::Json(&end)).await
        });
        let platforms = try_join_all(finish).await.map(drop);
        // Whatever became of them: a launch that is not ended shows as running forever.
        let end = json!({ "endTime": ended });
        let path = ["launch", &self.launch, "finish"];
        let launch = self.client.send(Method::PUT, &path, Body::Json(&end)).await.map(drop);
        platforms.and(launch)
    }
}

impl Own {
    fn add(&mut self, one: &Reported<'_>) {
        let status = status_of(one);
        let verdict = Verdict::from_status(Some(status), Some(0));
        self.files.extend(one.files.iter().filter_map(Said::text).map(str::to_owned));
        if self.worst.as_ref().is_none_or(|(worst, ..)| verdict > *worst) {
            let note = said(&one.note).map(|note| note.shown().into_owned());
            self.worst = Some((verdict, status.to_owned(), note));
        }
    }
}

fn status_of<'a>(one: &'a Reported<'_>) -> &'a str {
    one.status.as_ref().and_then(Said::text).unwrap_or("info")
}

fn is_broken(status: &str) -> bool {
    matches!(status, "fail" | "error" | "infra")
}

/// At most so many characters.
fn cut(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(at, _)| &text[..at])
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        for (text, most, expected) in [("žžž", 2, "žž"), ("abc", 3, "abc"), ("", 1, "")] {
            assert_eq!(cut(text, most), expected);
        }
    }
}
