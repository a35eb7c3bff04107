//! [`FakePortal`]: a ReportPortal server that fails, stalls and reorders on request, and remembers everything that it was told.
//!
//! It does what `service-api` does with the requests of version 2, as far as anybody here needs it: names of items are the client's, a name that is
//! there already is refused (4091), so is what is ended twice (40018) or begins before its parent (40025); what belongs to something that is not there is not found.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is answered with this status, and not done.
    Status(u16),
    /// It is done, and the answer gets lost.
    LostAnswer,
    /// It is done, and never answered.
    Stall,
    /// It is done, and the answer is that of somebody in between.
    NotJson,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) parent: Option<String>,
    pub(super) started: Value,
    pub(super) begun: Option<Timestamp>,
    pub(super) ended: Option<Value>,
    pub(super) logs: Vec<Value>,
}

#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) launches: BTreeMap<String, Item>,
    /// In the order in which they came.
    pub(super) items: Vec<(String, Item)>,
    /// The files that came with logs, by the name of the part.
    pub(super) files: Vec<(String, Vec<u8>)>,
    /// How many requests came, by method and first part of the path.
    pub(super) requests: BTreeMap<String, usize>,
    pub(super) faults: VecDeque<Option<Fault>>,
    /// Log entries whose message has this text are not taken.
    pub(super) refused_logs: Option<String>,
    /// Requests wait for so many others before they are done, or for none if none come.
    pub(super) reorder: bool,
    pub(super) tokens: Vec<String>,
}

pub(super) struct FakePortal {
    pub(super) address: SocketAddr,
    known: Arc<Mutex<Known>>,
}

/// A request, read to its end.
struct Request {
    method: String,
    path: Vec<String>,
    query: BTreeMap<String, String>,
    kind: String,
    body: Vec<u8>,
}

type Answer = (u16, Value);

impl FakePortal {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let known = Arc::new(Mutex::new(Known::default()));
        let shared = known.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { address, known }
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap()
    }

    /// What goes wrong with the next requests, in this order.
    pub(super) fn fail(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.known().faults.extend(faults);
    }
}

async fn serve(stream: TcpStream, known: Arc<Mutex<Known>>) {
    let mut stream = BufReader::new(stream);
    let Some((request, token)) = read(&mut stream).await else { return };
    let (fault, reorder) = {
        let mut known = known.lock().unwrap();
        let what = format!("{} {}", request.method, request.path.get(3).map_or("", String::as_str));
        *known.requests.entry(what).or_default() += 1;
        known.tokens.extend(token);
        (known.faults.pop_front().flatten(), known.reorder)
    };
    if reorder {
        // Those that came later overtake this one, if it has a body of an even length.
        for _ in 0..(request.body.len() % 2) * 50 {
            tokio::task::yield_now().await;
        }
    }
    let (status, answer) = match fault {
        Some(Fault::Status(status)) => {
            (status, json!({"errorCode": 5000, "message": "out of order"}).to_string())
        }
        fault => {
            let (status, answer) = done(&request, &mut known.lock().unwrap());
            match fault {
                Some(Fault::LostAnswer) => return,
                Some(Fault::Stall) => std::future::pending().await,
                Some(Fault::NotJson) => (200, "<html>".to_owned()),
                _ => (status, answer.to_string()),
            }
        }
    };
    let text = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{answer}",
        answer.len()
    );
    stream.get_mut().write_all(text.as_bytes()).await.ok();
    stream.get_mut().shutdown().await.ok();
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<(Request, Option<String>)> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut kind, mut token) = (0, String::new(), None);
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await.ok()?;
        let Some((name, value)) = header.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "content-type" => value.clone_into(&mut kind),
            "authorization" => token = value.strip_prefix("Bearer ").map(str::to_owned),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let path = path.trim_start_matches('/').split('/').map(str::to_owned).collect();
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    let plain = |text: &str| {
        text.replace("%40", "@").replace("%2C", ",").replace('+', " ").replace("%2F", "/")
    };
    let query = query.map(|(key, value)| (key.to_owned(), plain(value))).collect();
    Some((Request { method, path, query, kind, body }, token))
}

fn refused(status: u16, code: u64, message: &str) -> Answer {
    (status, json!({"errorCode": code, "message": message}))
}

fn done(request: &Request, known: &mut Known) -> Answer {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    match (request.method.as_str(), &path[..]) {
        ("POST", ["api", "v2", "demo", "launch"]) => launch(&body, known),
        ("PUT", ["api", "v2", "demo", "launch", id, "finish"]) => {
            let Some(launch) = known.launches.get_mut(*id) else {
                return refused(404, 4041, "no launch");
            };
            if launch.ended.is_some() {
                return refused(406, 40018, "finished already");
            }
            launch.ended = Some(body);
            (200, json!({"id": id}))
        }
        ("POST", ["api", "v2", "demo", "item", parent @ ..]) => {
            item(&body, parent.first().copied(), known)
        }
        ("PUT", ["api", "v2", "demo", "item", id]) => {
            let Some((_, item)) = known.items.iter_mut().find(|(known, _)| known == id) else {
                return refused(404, 4043, "no item");
            };
            if item.ended.is_some() {
                return refused(406, 40018, "finished already");
            }
            item.ended = Some(body);
            (200, json!({"message": "Accepted"}))
        }
        ("POST", ["api", "v2", "demo", "log"]) => log(request, known),
        ("GET", ["api", "v1", "demo", "launch", "uuid", id]) => {
            match known.launches.contains_key(*id) {
                true => (200, json!({"id": 7})),
                false => refused(404, 4041, "no launch"),
            }
        }
        ("GET", ["api", "v1", "demo", "item"]) => list(&request.query, known),
        ("POST" | "PUT" | "GET", ["api", _, "secret", ..]) => refused(403, 4003, "access denied"),
        _ => refused(404, 4040, "no such place"),
    }
}

fn launch(body: &Value, known: &mut Known) -> Answer {
    if body["rerun"] == true {
        let id = body["rerunOf"].as_str().unwrap_or_default();
        return match known.launches.contains_key(id) {
            true => (201, json!({"id": id})),
            false => refused(404, 4041, "Launch not found"),
        };
    }
    let id = body["uuid"].as_str().unwrap_or_default().to_owned();
    if known.launches.contains_key(&id) {
        return refused(409, 4091, "exists");
    }
    let name = body["name"].as_str().unwrap_or_default().to_owned();
    let begun = body["startTime"].as_str().and_then(|time| time.parse().ok());
    let launch = Item { name, started: body.clone(), begun, ..Item::default() };
    known.launches.insert(id.clone(), launch);
    (201, json!({"id": id}))
}

fn item(body: &Value, parent: Option<&str>, known: &mut Known) -> Answer {
    let id = body["uuid"].as_str().unwrap_or_default().to_owned();
    if known.items.iter().any(|(known, _)| *known == id) {
        return refused(409, 4091, "exists");
    }
    let begun: Option<Timestamp> = body["startTime"].as_str().and_then(|time| time.parse().ok());
    let above = match parent {
        Some(parent) => {
            known.items.iter().find(|(known, _)| known == parent).map(|(_, item)| item.begun)
        }
        None => known
            .launches
            .get(body["launchUuid"].as_str().unwrap_or_default())
            .map(|launch| launch.begun),
    };
    match above {
        None => return refused(404, 4043, "no parent"),
        Some(above) if begun < above => return refused(406, 40025, "begins before its parent"),
        Some(_) => {}
    }
    let name = body["name"].as_str().unwrap_or_default().to_owned();
    let item = Item {
        name,
        parent: parent.map(str::to_owned),
        started: body.clone(),
        begun,
        ..Item::default()
    };
    known.items.push((id.clone(), item));
    (201, json!({"id": id}))
}

fn log(request: &Request, known: &mut Known) -> Answer {
    let boundary = request.kind.split_once("boundary=").unwrap().1;
    let text = request.body.clone();
    let mut entries = Value::Null;
    for part in split(&text, format!("--{boundary}").as_bytes()) {
        let Some(at) = part.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&part[..at]).into_owned();
        let content = part[at + 4..].strip_suffix(b"\r\n").unwrap();
        let name = head.split_once("name=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
        if name == "json_request_part" {
            entries = serde_json::from_slice(content).unwrap();
        } else {
            known.files.push((name, content.to_vec()));
        }
    }
    let mut responses = Vec::new();
    for entry in entries.as_array().unwrap() {
        let refused = known.refused_logs.as_ref();
        let message = entry["message"].as_str().unwrap_or_default();
        if refused.is_some_and(|refused| message.contains(refused.as_str())) {
            responses.push(json!({"message": "Bad save log request", "stackTrace": "…"}));
            continue;
        }
        let id = entry["itemUuid"].as_str().unwrap_or_default();
        let Some((_, item)) = known.items.iter_mut().find(|(known, _)| known == id) else {
            responses.push(json!({"message": "no item"}));
            continue;
        };
        let known = item.logs.iter().any(|known| known["uuid"] == entry["uuid"]);
        if item.ended.is_some() && !known {
            responses.push(json!({"message": "Logging is not allowed"}));
            continue;
        }
        if !known {
            item.logs.push(entry.clone());
        }
        responses.push(json!({"id": entry["uuid"]}));
    }
    (201, json!({ "responses": responses }))
}

fn split<'a>(bytes: &'a [u8], by: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(by.len()).position(|window| window == by) {
        parts.push(&rest[..at]);
        rest = &rest[at + by.len()..];
    }
    parts
}

/// Two to a page, whatever is asked.
fn list(query: &BTreeMap<String, String>, known: &Known) -> Answer {
    let number = |id: &str| known.items.iter().position(|(known, _)| known == id).unwrap() + 100;
    let asked = |key: &str| query.get(key).cloned();
    let found = known.items.iter().filter(|(_, item)| {
        let parent = item.parent.as_deref().map(|parent| number(parent).to_string());
        let status = item
            .ended
            .as_ref()
            .map(|ended| ended["status"].as_str().unwrap_or_default().to_uppercase());
        asked("filter.eq.name").is_none_or(|name| name == item.name)
            && asked("filter.eq.type").is_none_or(|kind| item.started["type"] == *kind)
            && asked("filter.eq.parentId").is_none_or(|wanted| parent == Some(wanted))
            && asked("filter.in.status").is_none_or(|wanted| {
                status.is_some_and(|status| wanted.split(',').any(|one| one == status))
            })
    });
    let found: Vec<Value> =
        found.map(|(id, item)| json!({"id": number(id), "name": item.name})).collect();
    let page: usize = query["page.page"].parse().unwrap();
    let content: Vec<&Value> = found.iter().skip((page - 1) * 2).take(2).collect();
    (
        200,
        json!({"content": content, "page": {"number": page, "totalPages": found.len().div_ceil(2)}}),
    )
}
