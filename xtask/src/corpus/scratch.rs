//! A generated crate and what rustc says about each of its modules.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::judge::Report;
use crate::process::root;

/// A crate under `target/` that is written anew for each run.
pub(crate) struct Scratch {
    directory: PathBuf,
    name: String,
}

/// What one run of cargo said.
#[derive(Default)]
pub(crate) struct Outcome {
    /// By module.
    pub(crate) reports: BTreeMap<String, Vec<Report>>,
    /// Errors that point into no module.
    pub(crate) strays: Vec<String>,
    /// Whether cargo ended with success.
    pub(crate) success: bool,
}

impl Scratch {
    /// The crate `name` at `target/NAME`.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let directory = root().join("target").join(name);
        fs::create_dir_all(directory.join("src"))?;
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
             [dependencies]\ntablature = {{ path = {:?} }}\n\n[profile.dev]\ndebug = false\nincremental = false\n\n[workspace]\n",
            root()
        );
        write_if_new(&directory.join("Cargo.toml"), &manifest)?;
        // The same versions as in the workspace, and nothing to ask the network for.
        let lock = root().join("Cargo.lock");
        if lock.exists() {
            fs::copy(lock, directory.join("Cargo.lock"))?;
        }
        Ok(Self { directory, name: name.into() })
    }

    /// Writes the modules and nothing else: one file each, all named by the file `root_file` after `head`.
    pub(crate) fn write<'m>(
        &self,
        root_file: &str,
        head: &str,
        modules: impl Iterator<Item = (&'m str, &'m str)>,
        tail: &str,
    ) -> Result<()> {
        let cases = self.directory.join("src/cases");
        fs::create_dir_all(&cases)?;
        let mut index = head.to_owned();
        let mut kept = Vec::new();
        for (name, text) in modules {
            index += &format!("#[path = \"cases/{name}.rs\"]\npub mod {name};\n");
            let file = cases.join(format!("{name}.rs"));
            write_if_new(&file, text)?;
            kept.push(file);
        }
        for entry in fs::read_dir(&cases)? {
            let path = entry?.path();
            if !kept.contains(&path) {
                fs::remove_file(path)?;
            }
        }
        write_if_new(&self.directory.join("src").join(root_file), &(index + tail))
    }

    /// A cargo command in the crate, with the target directory beside it.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(&self.directory).args(arguments);
        // Flags and profiles of the workspace must not leak in; the target directory is the crate's own.
        command.env("CARGO_TARGET_DIR", self.directory.join("target"));
        command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS").env("CARGO_TERM_COLOR", "never");
        command
    }

    /// Runs `cargo VERB` and sorts its messages by module.
    pub(crate) fn run(&self, verb: &str) -> Result<Outcome> {
        let output = self
            .cargo(&[verb, "--message-format=json", "--quiet"])
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cargo {verb} cannot be run"))?;
        let mut outcome = Outcome { success: output.status.success(), ..Outcome::default() };
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            if let Ok(value) = serde_json::from_str::<Value>(line) {
                outcome.take(&value, &self.name);
            }
        }
        let silent = outcome.reports.is_empty() && outcome.strays.is_empty();
        if !outcome.success && silent {
            bail!("cargo {verb} failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(outcome)
    }
}

fn write_if_new(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

impl Outcome {
    /// Takes one line of cargo's JSON.
    fn take(&mut self, value: &Value, name: &str) {
        if value["reason"] != "compiler-message" {
            return;
        }
        let message = &value["message"];
        let is_error = message["level"].as_str().is_some_and(|level| level.starts_with("error"));
        if !is_error && message["level"] != "warning" {
            return;
        }
        let ours =
            value["target"]["name"].as_str().is_some_and(|target| target.replace('-', "_") == name.replace('-', "_"));
        match module_of(message) {
            Some(module) => self.reports.entry(module).or_default().push(report(message, is_error)),
            // rustc's closing count of errors, and what it says about other crates, concern no module.
            None if message["code"].is_null() && message["spans"].as_array().is_none_or(Vec::is_empty) && ours => {}
            None if is_error => self.strays.push(message["rendered"].as_str().unwrap_or_default().to_owned()),
            None => {}
        }
    }
}

/// Every span of a message: its own and its notes', and where macros were called.
fn spans(message: &Value) -> Vec<&Value> {
    let mut all = Vec::new();
    let children = message["children"].as_array().into_iter().flatten();
    for holder in std::iter::once(message).chain(children) {
        for span in holder["spans"].as_array().into_iter().flatten() {
            let mut next = Some(span);
            while let Some(span) = next.filter(|span| span.is_object()) {
                all.push(span);
                next = span.get("expansion").map(|expansion| &expansion["span"]);
            }
        }
    }
    all
}

/// The module a message points into.
fn module_of(message: &Value) -> Option<String> {
    spans(message).into_iter().find_map(|span| {
        let file = span["file_name"].as_str()?.replace('\\', "/");
        let (_, module) = file.rsplit_once("src/cases/")?;
        Some(module.strip_suffix(".rs")?.to_owned())
    })
}

fn report(message: &Value, is_error: bool) -> Report {
    let mut text = message["message"].as_str().unwrap_or_default().to_owned();
    for child in message["children"].as_array().into_iter().flatten() {
        text += "\n";
        text += child["message"].as_str().unwrap_or_default();
    }
    let mut underlined = Vec::new();
    for span in message["spans"].as_array().into_iter().flatten() {
        for line in span["text"].as_array().into_iter().flatten() {
            let edge = |name: &str| line[name].as_u64().map_or(0, |column| column.saturating_sub(1) as usize);
            let (from, to) = (edge("highlight_start"), edge("highlight_end"));
            let chars = line["text"].as_str().unwrap_or_default().chars();
            underlined.push(chars.skip(from).take(to.saturating_sub(from)).collect());
        }
    }
    Report { is_error, text, underlined }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(level: &str, file: &str) -> Value {
        serde_json::json!({
            "reason": "compiler-message",
            "target": { "name": "corpus" },
            "message": {
                "level": level, "message": "evaluation panicked: wx: k.a", "code": { "code": "E0080" }, "rendered": "R",
                "children": [{ "message": "inside `fail`", "spans": [] }],
                "spans": [{
                    "file_name": "/x/src/rule/mod.rs", "text": [],
                    "expansion": { "span": {
                        "file_name": file, "text": [], "expansion": null,
                    } }
                }, {
                    "file_name": file, "expansion": null,
                    "text": [{ "text": "    blob (rwx) : 0", "highlight_start": 5, "highlight_end": 9 }]
                }],
            }
        })
    }

    #[test]
    fn a_message_goes_to_the_module_it_points_into() {
        let mut outcome = Outcome::default();
        outcome.take(&message("error", "src/cases/c7_x.rs"), "corpus");
        outcome.take(&message("warning", "src/cases/c8_y.rs"), "corpus");
        outcome.take(&message("error", "src/lib.rs"), "corpus");
        outcome.take(&message("note", "src/cases/c8_y.rs"), "corpus");
        let report = &outcome.reports["c7_x"][0];
        assert!(report.is_error && report.text.contains("wx: k.a") && report.text.contains("inside `fail`"));
        assert_eq!(report.underlined, ["blob"]);
        assert!(!outcome.reports["c8_y"][0].is_error);
        assert_eq!(outcome.reports["c8_y"].len(), 1);
        assert_eq!(outcome.strays, ["R"]);
    }
}
