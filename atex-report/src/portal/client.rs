//! [`Portal`]: requests to a ReportPortal server, sent again until they are answered.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use atex_core::{Error, Fault, Result, Retry};
use reqwest::{Method, StatusCode, Url};
use serde_json::Value;
use tokio::sync::Semaphore;

use super::Patience;

/// The longest answer that is read, in bytes.
const ANSWER_MAX: usize = 16 << 20;

/// A project on a ReportPortal server.
#[derive(Debug, Clone)]
pub struct Portal {
    url: Url,
    project: String,
    token: Token,
}

/// An API key. It shows itself nowhere.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// This key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Portal {
    /// The project of this name, on the server with this address.
    ///
    /// # Errors
    /// [`Error::Usage`] for what is no address of a web server, or has a password in it.
    pub fn new(url: &str, project: impl Into<String>, token: Token) -> Result<Self> {
        let wrong = |what: &str| Error::Usage(format!("{what} of ReportPortal"));
        let url = Url::parse(url).map_err(|_| wrong("not an address"))?;
        if !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base() {
            return Err(wrong("not an http address"));
        }
        // It would show in messages.
        if url.password().is_some() || !url.username().is_empty() {
            return Err(wrong("a user or a password in the address"));
        }
        let project = project.into();
        if project.is_empty() || token.0.is_empty() {
            return Err(wrong("no project or no token"));
        }
        Ok(Self { url, project, token })
    }

    /// For messages: the address and the project.
    pub(super) fn label(&self) -> String {
        format!("ReportPortal {} {}", self.url, self.project)
    }

    fn address(&self, version: &str, path: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", version, &self.project]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }
}

/// Sends requests to a portal, so many at once.
#[derive(Debug)]
pub(super) struct Client {
    portal: Portal,
    http: reqwest::Client,
    patience: Patience,
    in_flight: Arc<Semaphore>,
    chance: RandomState,
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Body<'a> {
    None,
    Json(&'a Value),
    /// A content type, and the bytes.
    Bytes(&'a str, &'a [u8]),
}

/// What the server made of a request that it did not do.
#[derive(Debug)]
struct Refusal {
    status: Option<StatusCode>,
    /// Its own number for it.
    code: u64,
    message: String,
    /// How long it wants to be left alone.
    after: Option<Duration>,
}

impl Client {
    pub(super) fn new(portal: Portal, patience: Patience, in_flight: usize) -> Result<Self> {
        // Another part of the program may have chosen one.
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            rustls::crypto::ring::default_provider().install_default().ok();
        }
        let http = reqwest::Client::builder()
            .timeout(patience.answer)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("atex/", env!("CARGO_PKG_VERSION")))
            .build();
        let http = http.map_err(|error| Error::infra(portal.label(), error.without_url()))?;
        let in_flight = Arc::new(Semaphore::new(in_flight));
        Ok(Self { portal, http, patience, in_flight, chance: RandomState::new() })
    }

    pub(super) fn label(&self) -> String {
        self.portal.label()
    }

    /// Sends a request of version 2 until it is done. That it was done before (a first answer got lost) is as good.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &[&str],
        body: Body<'_>,
    ) -> Result<Value> {
        self.until_done(method, self.portal.address("v2", path, &[]), body).await
    }

    /// Reads something.
    pub(super) async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value> {
        self.until_done(Method::GET, self.portal.address("v1", path, query), Body::None).await
    }

    async fn until_done(&self, method: Method, url: Url, body: Body<'_>) -> Result<Value> {
        let _permit = self.in_flight.acquire().await;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let refusal = match self.once(method.clone(), url.clone(), body).await {
                Ok(answer) => return Ok(answer),
                // Done before, by us: in an attempt whose answer did not arrive, or when the test was handed in before.
                Err(refusal) if refusal.is_done() => return Ok(Value::Null),
                Err(refusal) => refusal,
            };
            let what = format!("{method} {}", url.path());
            if !refusal.may_pass() || attempts >= self.patience.attempts {
                return Err(self.error(&what, attempts, refusal));
            }
            let chance = (self.chance.hash_one(attempts) % 1000) as f64 / 1000.0;
            let pause = self.patience.pause_after(attempts, refusal.after, chance);
            tracing::debug!(request = what, attempts, why = refusal.message, ?pause, "again");
            tokio::time::sleep(pause).await;
        }
    }

    async fn once(&self, method: Method, url: Url, body: Body<'_>) -> Result<Value, Refusal> {
        let request = self.http.request(method, url).bearer_auth(&self.portal.token.0);
        let request = match body {
            Body::None => request,
            Body::Json(value) => {
                request.header("content-type", "application/json").body(value.to_string())
            }
            Body::Bytes(kind, bytes) => request.header("content-type", kind).body(bytes.to_vec()),
        };
        let mut answer = request.send().await.map_err(Refusal::of_error)?;
        let status = answer.status();
        let after = answer.headers().get("retry-after");
        let after =
            after.and_then(|after| after.to_str().ok()?.parse().ok()).map(Duration::from_secs);
        let mut text = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(Refusal::of_error)? {
            if text.len() + chunk.len() > ANSWER_MAX {
                let message = format!("an answer of more than {ANSWER_MAX} bytes");
                return Err(Refusal { status: Some(status), code: 0, message, after: None });
            }
            text.extend_from_slice(&chunk);
        }
        let value: Option<Value> = serde_json::from_slice(&text).ok();
        if matches!(status, StatusCode::OK | StatusCode::CREATED) {
            // Something between us and the server answered for it.
            let message = "the answer is not JSON".to_owned();
            return value.ok_or(Refusal { status: Some(status), code: 0, message, after });
        }
        let code = value.as_ref().and_then(|value| value["errorCode"].as_u64()).unwrap_or(0);
        let said = value.as_ref().and_then(|value| value["message"].as_str());
        let said = atex_core::display::one_line(said.unwrap_or_default(), 300);
        let message = format!("{status} {said}");
        Err(Refusal { status: Some(status), code, message: message.trim_end().to_owned(), after })
    }

    fn error(&self, what: &str, attempts: u32, refusal: Refusal) -> Error {
        let times = if attempts > 1 { format!(" ({attempts} times)") } else { String::new() };
        let text = format!("{what}{times}: {}", refusal.message);
        match refusal.status {
            Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                Error::Denied { origin: self.label(), source: text.into() }
            }
            _ => Error::Other {
                origin: self.label(),
                what: text,
                fault: Fault::Infra,
                retry: Retry::Never,
                source: None,
            },
        }
    }
}

impl Refusal {
    fn of_error(error: reqwest::Error) -> Self {
        // The address is said already; the cause says more than the words around it.
        let error = error.without_url();
        let mut message = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        Self { status: None, code: 0, message, after: None }
    }

    /// Whether the same request may do better later.
    fn may_pass(&self) -> bool {
        match self.status {
            // No answer, or half of one.
            None => true,
            Some(status) => {
                status.is_server_error() || matches!(status.as_u16(), 200 | 201 | 408 | 425 | 429)
            }
        }
    }

    /// Whether it means that the same was done before.
    fn is_done(&self) -> bool {
        // Exists already; finished already.
        matches!(self.code, 4091 | 40018)
    }
}
