//! A web server for git repositories, by way of git's own program for that; it can stop in the middle of an answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::repository::git;

/// Longer than anything takes, so that a test that is wrong ends.
const LIMIT: Duration = Duration::from_secs(120);

/// The server; ends with the process of the tests.
pub(crate) struct Web {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    base: PathBuf,
    backend: PathBuf,
    /// Answers with the files of a repository so far.
    packs: AtomicUsize,
    hold: Mutex<Option<(Sender<()>, Receiver<()>)>>,
}

/// An answer that stands still in its middle until this is dropped.
pub(crate) struct Held {
    reached: Receiver<()>,
    _release: Sender<()>,
}

impl Held {
    /// Waits until the first half is on its way.
    pub(crate) fn wait(&self) {
        self.reached.recv_timeout(LIMIT).unwrap();
    }
}

impl Web {
    /// Serves the repositories below a folder; none where git has no programs for the web.
    pub(crate) fn new(base: &Path) -> Option<Self> {
        let programs = PathBuf::from(git(base, &["--exec-path"]));
        let backend = programs.join("git-http-backend");
        if !backend.exists() || !programs.join("git-remote-http").exists() {
            eprintln!("skipped: git has no programs for http here");
            return None;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (packs, hold) = (AtomicUsize::new(0), Mutex::new(None));
        let shared = Arc::new(Shared { base: base.to_owned(), backend, packs, hold });
        let server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&server);
                // Whoever is killed hangs up.
                std::thread::spawn(move || shared.answer(stream).ok());
            }
        });
        Some(Self { port, shared })
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}", self.port)
    }

    /// Makes the next answer with files stop in its middle.
    pub(crate) fn hold(&self) -> Held {
        let ((send, reached), (release, wait)) = (channel(), channel());
        *self.shared.hold.lock().unwrap() = Some((send, wait));
        Held { reached, _release: release }
    }

    /// How often somebody was sent files.
    pub(crate) fn packs(&self) -> usize {
        self.shared.packs.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn answer(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut first = String::new();
        reader.read_line(&mut first)?;
        let mut words = first.split_whitespace();
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut backend = Command::new(&self.backend);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => {
                    length = value.parse().unwrap();
                    backend.env("CONTENT_LENGTH", value)
                }
                "content-type" => backend.env("CONTENT_TYPE", value),
                "content-encoding" => backend.env("HTTP_CONTENT_ENCODING", value),
                "git-protocol" => backend.env("GIT_PROTOCOL", value),
                _ => &mut backend,
            };
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        backend.env("GIT_PROJECT_ROOT", &self.base).env("GIT_HTTP_EXPORT_ALL", "1");
        backend.env("PATH_INFO", path).env("QUERY_STRING", query).env("REQUEST_METHOD", method);
        backend.env("GIT_CONFIG_GLOBAL", "/dev/null");
        let mut backend = backend.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        backend.stdin.take().unwrap().write_all(&body)?;
        self.send(stream, &backend.wait_with_output()?.stdout)
    }

    /// Passes on what the backend printed: headers, an empty line, the content.
    fn send(&self, mut stream: TcpStream, printed: &[u8]) -> std::io::Result<()> {
        let end = printed.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let (head, content) = (std::str::from_utf8(&printed[..end]).unwrap(), &printed[end + 4..]);
        let mut status = "200 OK";
        let mut headers = format!("Content-Length: {}\r\nConnection: close\r\n", content.len());
        for line in head.split("\r\n") {
            match line.strip_prefix("Status: ") {
                Some(other) => status = other,
                None => headers.extend([line, "\r\n"]),
            }
        }
        stream.write_all(format!("HTTP/1.1 {status}\r\n{headers}\r\n").as_bytes())?;
        let (half, rest) = content.split_at(content.len() / 2);
        stream.write_all(half)?;
        if content.windows(4).any(|four| four == b"PACK") {
            self.packs.fetch_add(1, Ordering::SeqCst);
            let held = self.hold.lock().unwrap().take();
            if let Some((reached, release)) = held {
                stream.flush()?;
                reached.send(()).ok();
                // Ends when the other side is dropped.
                release.recv_timeout(LIMIT).ok();
            }
        }
        stream.write_all(rest)
    }
}
