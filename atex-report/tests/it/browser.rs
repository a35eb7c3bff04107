//! Chromium without a window, told what to do over two pipes: opens a page, asks it things, presses its keys.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

/// Whether there is a browser; a test that wants one skips itself without, unless `ATEX_TEST_REQUIRE` names it.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn missing() -> bool {
    let there = program().is_some();
    let required = std::env::var("ATEX_TEST_REQUIRE").unwrap_or_default();
    let required = required.split([',', ' ']).any(|name| name == "chromium");
    assert!(there || !required, "chromium is required, and is not here");
    if !there {
        eprintln!("skipped: it needs chromium");
    }
    !there
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join("chromium")).find(|program| program.is_file())
}

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    to: File,
    from: BufReader<File>,
    session: String,
    number: u64,
    /// What the page complained about: exceptions, breaches of its policy.
    pub(crate) complaints: Vec<String>,
    events: VecDeque<String>,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub(crate) fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let (theirs_in, to) = rustix::pipe::pipe().unwrap();
        let (from, theirs_out) = rustix::pipe::pipe().unwrap();
        // The browser reads from descriptor 3 and writes to 4; a shell puts them there. Ours are closed for it when it starts.
        for ours in [&to, &from] {
            rustix::io::fcntl_setfd(ours, rustix::io::FdFlags::CLOEXEC).unwrap();
        }
        let (stdin, stdout) = (theirs_in.as_raw_fd(), theirs_out.as_raw_fd());
        let script = format!(
            "exec {{a}}<&{stdin} {{b}}>&{stdout}; exec 3<&$a 4>&$b; exec \"$0\" \"$@\" >/dev/null 2>&1"
        );
        let child = Command::new("bash")
            .arg("-c")
            .arg(script)
            .arg(program().unwrap())
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"])
            .args(["--disable-dev-shm-usage", "--disable-extensions", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .env("HOME", profile.path())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        drop((theirs_in, theirs_out));
        let (to, from) = (File::from(to), BufReader::new(File::from(from)));
        let mut browser = Self {
            child,
            to,
            from,
            session: String::new(),
            number: 0,
            complaints: Vec::new(),
            events: VecDeque::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let target = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", target);
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Calls a method of the browser, and gives what it answers.
    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.number += 1;
        let mut message = json!({"id": self.number, "method": method, "params": parameters});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let message = self.next();
            if message["id"] == self.number {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    fn next(&mut self) -> Value {
        let mut text = Vec::new();
        self.from.read_until(0, &mut text).unwrap();
        assert_eq!(text.pop(), Some(0), "the browser went away");
        let message: Value = serde_json::from_slice(&text).unwrap();
        if let Some(method) = message["method"].as_str() {
            if matches!(method, "Runtime.exceptionThrown" | "Log.entryAdded") {
                self.complaints.push(message["params"].to_string());
            }
            self.events.push_back(method.to_owned());
        }
        message
    }

    /// Opens a file and waits until its script has drawn it; `more` is what follows the path in the address.
    pub(crate) fn open(&mut self, page: &Path, more: &str) {
        // Another place of the same page would not be loaded again.
        self.go("about:blank");
        self.go(&format!("file://{}{more}", page.display()));
        self.events.clear();
        self.ready();
    }

    fn go(&mut self, url: &str) {
        self.events.clear();
        self.call("Page.navigate", json!({"url": url}));
        while !self.events.iter().any(|event| event == "Page.loadEventFired") {
            self.next();
        }
    }

    /// The value of an expression, once it has one.
    pub(crate) fn ask(&mut self, expression: &str) -> Value {
        let parameters =
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let answer = self.call("Runtime.evaluate", parameters);
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Presses a key.
    pub(crate) fn press(&mut self, key: &str) {
        let text = if key.len() == 1 { key } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            self.call("Input.dispatchKeyEvent", json!({"type": kind, "key": key, "text": text}));
        }
    }

    /// Waits until the page has loaded itself again, and its script has drawn it.
    pub(crate) fn reloaded(&mut self) {
        while !self.events.iter().any(|event| event == "Page.loadEventFired") {
            self.next();
        }
        self.events.clear();
        self.ready();
    }

    fn ready(&mut self) {
        let ready = "new Promise((done) => { const look = () => document.body.dataset.ready ? done(true) : requestAnimationFrame(look); look(); })";
        assert_eq!(self.ask(ready), true);
    }

    /// What the accessibility tree says: role and name of each node that is not passed over.
    pub(crate) fn accessible(&mut self) -> Vec<(String, String)> {
        let tree = self.call("Accessibility.getFullAXTree", json!({}));
        let nodes = tree["nodes"].as_array().unwrap().iter().filter(|node| node["ignored"] != true);
        let text = |value: &Value| value["value"].as_str().unwrap_or_default().to_owned();
        nodes.map(|node| (text(&node["role"]), text(&node["name"]))).collect()
    }

    /// How many sheets of paper it takes.
    pub(crate) fn sheets(&mut self) -> usize {
        let pdf = self.call("Page.printToPDF", json!({}));
        let pdf = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            pdf["data"].as_str().unwrap(),
        )
        .unwrap();
        String::from_utf8_lossy(&pdf).matches("/Type /Page\n").count()
    }

    /// Puts what is seen into the folder of `ATEX_TEST_PICTURES`, for people to look at: at a desk and on a phone, light and dark.
    pub(crate) fn pictures(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("ATEX_TEST_PICTURES") else { return };
        for (size, (width, height)) in [("desk", (1400, 900)), ("phone", (390, 844))] {
            for scheme in ["light", "dark"] {
                self.resize(width, height);
                let scheme_of = json!({"name": "prefers-color-scheme", "value": scheme});
                self.call("Emulation.setEmulatedMedia", json!({"features": [scheme_of]}));
                self.ask(
                    "new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))",
                );
                let picture = self.call("Page.captureScreenshot", json!({}));
                let picture = base64::Engine::decode(
                    &base64::engine::general_purpose::STANDARD,
                    picture["data"].as_str().unwrap(),
                );
                let path = Path::new(&folder).join(format!("{name}-{size}-{scheme}.png"));
                std::fs::write(path, picture.unwrap()).unwrap();
            }
        }
        self.resize(1400, 900);
    }

    /// The window as that of a phone, or of a desk.
    pub(crate) fn resize(&mut self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 800});
        self.call("Emulation.setDeviceMetricsOverride", size);
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
