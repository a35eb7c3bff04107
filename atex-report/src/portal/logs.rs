//! [`Batch`]: log entries that go in one request, and what the server says of each.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use atex_core::Result;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Body, Client};
use crate::aggregate::open_regular;

/// So many entries, and so many bytes, go in one request.
const ENTRIES_MAX: usize = 20;
const BYTES_MAX: usize = 16 << 20;
/// A text of this length is shown in the page, a longer one is a file.
const INLINE_MAX: u64 = 1 << 20;

/// Log entries that go in one request.
#[derive(Debug, Default)]
pub(super) struct Batch {
    entries: Vec<Value>,
    files: Vec<(String, Vec<u8>)>,
    bytes: usize,
}

impl Batch {
    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= ENTRIES_MAX || self.bytes >= BYTES_MAX
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds a text.
    pub(super) fn message(&mut self, mut entry: Value, level: &str, text: &str) {
        entry["level"] = level.into();
        entry["message"] = text.into();
        self.bytes += text.len();
        self.entries.push(entry);
    }

    /// Adds a file of an item: short output as text, anything else as an attachment.
    pub(super) fn file(
        &mut self,
        mut entry: Value,
        path: &Path,
        name: &str,
        most: u64,
    ) -> io::Result<()> {
        let mut file = open_regular(path)?;
        let length = file.metadata()?.len();
        let base = name.rsplit('/').next().unwrap_or(name);
        entry["level"] = "ERROR".into();
        if base == "output.txt" && length <= INLINE_MAX.min(most) {
            let text = read(&mut file, length)?;
            entry["message"] = String::from_utf8_lossy(&text).into();
            self.bytes += text.len();
        } else {
            let cut = length.saturating_sub(most);
            file.seek(SeekFrom::Start(cut))?;
            let bytes = read(&mut file, most)?;
            let shown = if cut > 0 {
                format!("{name}, without its first {cut} bytes")
            } else {
                name.to_owned()
            };
            // The server matches the two by this name, and tests may have several files that are called the same.
            let part = format!("{}-{base}", self.files.len());
            entry["message"] = shown.into();
            entry["file"] = json!({ "name": part });
            self.bytes += bytes.len();
            self.files.push((part, bytes));
        }
        self.entries.push(entry);
        Ok(())
    }

    /// Sends all of it. Yields what the server said of those entries that it did not take.
    pub(super) async fn send(self, client: &Client) -> Result<Vec<String>> {
        if self.entries.is_empty() {
            return Ok(Vec::new());
        }
        let boundary = uuid::Uuid::new_v4().simple().to_string();
        let body = self.body(&boundary);
        let kind = format!("multipart/form-data; boundary={boundary}");
        let answer = client.send(Method::POST, &["log"], Body::Bytes(&kind, &body)).await?;
        let refused = answer["responses"].as_array().into_iter().flatten();
        let refused = refused.filter(|one| one["id"].as_str().is_none());
        Ok(refused
            .map(|one| {
                let said = one["message"].as_str().unwrap_or("no reason was given");
                atex_core::display::one_line(said, 300)
            })
            .collect())
    }

    fn body(&self, boundary: &str) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.bytes + 4096);
        let entries = Value::Array(self.entries.clone()).to_string();
        let head = "Content-Disposition: form-data; name=\"json_request_part\"\r\nContent-Type: application/json";
        part(&mut body, boundary, head, entries.as_bytes());
        for (name, bytes) in &self.files {
            let name = quoted(name);
            let kind = if std::str::from_utf8(bytes).is_ok() {
                "text/plain"
            } else {
                "application/octet-stream"
            };
            let head = format!(
                "Content-Disposition: form-data; name=\"{name}\"; filename=\"{name}\"\r\nContent-Type: {kind}"
            );
            part(&mut body, boundary, &head, bytes);
        }
        body.extend(format!("--{boundary}--\r\n").bytes());
        body
    }
}

fn part(body: &mut Vec<u8>, boundary: &str, head: &str, content: &[u8]) {
    body.extend(format!("--{boundary}\r\n{head}\r\n\r\n").bytes());
    body.extend(content);
    body.extend(b"\r\n");
}

/// A name between quotes, as browsers write it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

fn read(file: &mut File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
