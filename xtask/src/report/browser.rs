//! A headless Chromium, driven by its DevTools protocol.

use std::io::{BufRead as _, BufReader, Cursor};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket};

/// Time after which an answer is taken to be lost.
const LIMIT: Duration = Duration::from_secs(60);

/// The browser with one page open.
pub(crate) struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    session: Option<String>,
    number: u64,
    /// What the page did since it was opened.
    events: Vec<Value>,
    /// Removed when the browser has ended.
    _profile: TempDir,
}

/// How large the window is, and what the system's theme is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    pub(crate) name: &'static str,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) theme: &'static str,
}

impl Browser {
    /// Starts it.
    ///
    /// # Errors
    /// It does not start, or says not where it listens.
    pub(crate) fn start(program: &str) -> Result<Self> {
        let profile = TempDir::new()?;
        let mut command = Command::new(program);
        // Without a sandbox it starts as root and in containers, too; it sees nothing but pages that were made here.
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]);
        command.args(["--disable-extensions", "--disable-background-networking", "--force-color-profile=srgb"]);
        command.args(["--disable-dev-shm-usage", "--remote-debugging-port=0", "about:blank"]);
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot start {program}"))?;
        let address = match address(&mut child) {
            Ok(address) => address,
            Err(error) => {
                // It may have ended by itself.
                let _ = child.kill();
                child.wait()?;
                return Err(error);
            }
        };
        let host = address.trim_start_matches("ws://").split('/').next().context("the address has no host")?;
        let stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(LIMIT))?;
        let (socket, _) = tungstenite::client(address.as_str(), stream).context("no connection to the browser")?;
        let mut browser = Self { child, socket, session: None, number: 0, events: Vec::new(), _profile: profile };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", attach)?;
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}))?;
        }
        Ok(browser)
    }

    /// Has the browser do something, and waits for the answer.
    ///
    /// # Errors
    /// It refuses, or does not answer.
    pub(crate) fn call(&mut self, method: &str, parameters: Value) -> Result<Value> {
        self.number += 1;
        let mut message = json!({ "id": self.number, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.socket.send(Message::text(message.to_string()))?;
        loop {
            let mut answer = self.receive().with_context(|| format!("no answer to {method}"))?;
            if answer["id"] != self.number {
                self.events.push(answer);
            } else if answer["error"].is_null() {
                return Ok(answer["result"].take());
            } else {
                bail!("{method}: {}", answer["error"]["message"]);
            }
        }
    }

    fn receive(&mut self) -> Result<Value> {
        loop {
            if let Message::Text(text) = self.socket.read()? {
                return Ok(serde_json::from_str(&text)?);
            }
        }
    }

    /// Makes the window so large.
    ///
    /// # Errors
    /// The browser is gone.
    pub(crate) fn resize(&mut self, width: u32, height: u32) -> Result<()> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size)?;
        Ok(())
    }

    /// Opens a file, and waits until it is there.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(crate) fn open(&mut self, path: &Path, screen: Screen) -> Result<()> {
        self.resize(screen.width, screen.height)?;
        let theme = json!({ "features": [{ "name": "prefers-color-scheme", "value": screen.theme }] });
        self.call("Emulation.setEmulatedMedia", theme)?;
        // What the page before this one stored is forgotten, and it is left, so that a fragment is no reason to stay.
        self.call("Page.navigate", json!({ "url": "about:blank" }))?;
        self.events.clear();
        let url = format!("file://{}", path.canonicalize()?.display());
        let done = self.call("Page.navigate", json!({ "url": url }))?;
        if let Some(error) = done["errorText"].as_str() {
            bail!("{url}: {error}");
        }
        let deadline = Instant::now() + LIMIT;
        while self.evaluate("document.readyState + location.href")? != format!("complete{url}") {
            if Instant::now() > deadline {
                bail!("{url} is not loaded after {} s", LIMIT.as_secs());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// The value of an expression in the page.
    ///
    /// # Errors
    /// It throws.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Result<Value> {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut done = self.call("Runtime.evaluate", parameters)?;
        if !done["exceptionDetails"].is_null() {
            bail!("`{expression}` throws {}", done["exceptionDetails"]["exception"]["description"]);
        }
        Ok(done["result"]["value"].take())
    }

    /// Presses and releases the mouse there, in pixels of the window.
    ///
    /// # Errors
    /// The browser is gone.
    pub(crate) fn click(&mut self, x: f64, y: f64) -> Result<()> {
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event)?;
        }
        Ok(())
    }

    /// Presses and releases a key.
    ///
    /// # Errors
    /// The browser is gone.
    pub(crate) fn press(&mut self, key: &str) -> Result<()> {
        let code = match key {
            "Escape" => 27,
            "Enter" => 13,
            "ArrowDown" => 40,
            _ => 0,
        };
        let text = if key.chars().count() == 1 { key } else { "" };
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" { text } else { "" };
            let event = json!({ "type": kind, "key": key, "text": text, "windowsVirtualKeyCode": code });
            self.call("Input.dispatchKeyEvent", event)?;
        }
        Ok(())
    }

    /// Pixels of a part of the page that is in sight, in pixels of the page.
    ///
    /// # Errors
    /// They cannot be had.
    pub(crate) fn picture(&mut self, area: [f64; 4]) -> Result<Pixels> {
        // From a whole pixel on: otherwise they are mixed from two.
        let [x, y] = [area[0].floor(), area[1].floor()];
        let [width, height] = [(area[0] + area[2]).ceil() - x, (area[1] + area[3]).ceil() - y];
        let clip = json!({ "x": x, "y": y, "width": width, "height": height, "scale": 1 });
        let parameters = json!({ "format": "png", "clip": clip, "optimizeForSpeed": true });
        let done = self.call("Page.captureScreenshot", parameters)?;
        let bytes = STANDARD.decode(done["data"].as_str().context("no picture")?)?;
        Pixels::read(bytes, [x, y])
    }

    /// What went wrong in the page, and what it loaded besides itself.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let mut requests = 0;
        for event in &self.events {
            match event["method"].as_str() {
                Some("Runtime.exceptionThrown" | "Log.entryAdded" | "Runtime.consoleAPICalled") => {
                    complaints.push(event["params"].to_string());
                }
                Some("Network.requestWillBeSent") if event["params"]["request"]["url"] != "about:blank" => {
                    requests += 1;
                    if requests > 1 {
                        complaints.push(format!("the page loads {}", event["params"]["request"]["url"]));
                    }
                }
                _ => {}
            }
        }
        complaints
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where it listens: it says so at the beginning.
fn address(child: &mut Child) -> Result<String> {
    let pipe = child.stderr.take().context("the browser has no pipe")?;
    let (sender, receiver) = mpsc::channel();
    // What it says later is read, so that it never waits for a reader.
    thread::spawn(move || {
        let mut said = String::new();
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if let Some((_, address)) = line.split_once("DevTools listening on ") {
                let _ = sender.send(Ok(address.trim().to_owned()));
            } else if said.len() < 4000 {
                said = format!("{said}{line}\n");
            }
        }
        let _ = sender.send(Err(said));
    });
    match receiver.recv_timeout(LIMIT) {
        Ok(Ok(address)) => Ok(address),
        Ok(Err(said)) => bail!("the browser ended: {said}"),
        Err(_) => bail!("the browser does not say where it listens"),
    }
}

/// A picture of a part of the page.
pub(crate) struct Pixels {
    bytes: Vec<u8>,
    /// Where its first pixel is in the page.
    origin: [f64; 2],
    width: usize,
    height: usize,
    samples: usize,
}

impl Pixels {
    fn read(png: Vec<u8>, origin: [f64; 2]) -> Result<Self> {
        let mut reader = png::Decoder::new(Cursor::new(png)).read_info()?;
        let mut bytes = vec![0; reader.output_buffer_size().context("too large a picture")?];
        let info = reader.next_frame(&mut bytes)?;
        let (width, height) = (info.width as usize, info.height as usize);
        Ok(Self { bytes, origin, width, height, samples: info.color_type.samples() })
    }

    /// Red, green, blue at a place of the page; none outside.
    pub(crate) fn at(&self, x: f64, y: f64) -> Option<[u8; 3]> {
        let [x, y] = [x - self.origin[0], y - self.origin[1]];
        if x < 0.0 || y < 0.0 {
            return None;
        }
        let (x, y) = (x.floor() as usize, y.floor() as usize);
        if x >= self.width || y >= self.height {
            return None;
        }
        let start = (y * self.width + x) * self.samples;
        self.bytes.get(start..start + 3)?.try_into().ok()
    }
}
