//! A case of the corpus: one system of address spaces and what is to be said about it, as the JSON lines give it.
//!
//! Unknown fields are refused, so that a case is either read completely or said not to be.

use std::ops::Deref;

use anyhow::{Context, Result};
use serde::{Deserialize, Deserializer};
use tablature_import::system::System;

/// One line of the file.
#[derive(Clone, Deserialize, Debug)]
pub(crate) struct Case {
    #[serde(flatten)]
    pub(crate) system: System,
    pub(crate) expect: Expect,
    #[serde(default)]
    pub(crate) error: Option<ExpectedError>,
    #[serde(default)]
    pub(crate) warnings: Vec<ExpectedWarning>,
}

impl Deref for Case {
    type Target = System;

    fn deref(&self) -> &System {
        &self.system
    }
}

/// The verdict a case must get.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Debug)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Expect {
    Error,
    Ok,
}

/// What the message of a rejected case must say.
#[derive(Clone, Deserialize, Debug)]
pub(crate) struct ExpectedError {
    pub(crate) rule: String,
    #[serde(default)]
    pub(crate) culprits: Vec<String>,
    #[serde(default)]
    pub(crate) numbers: Vec<Written>,
    #[serde(default)]
    pub(crate) also: Vec<String>,
    #[serde(default)]
    pub(crate) all_pairs: Vec<Vec<String>>,
}

/// A warning that an accepted case must get.
#[derive(Clone, Deserialize, Debug)]
pub(crate) struct ExpectedWarning {
    pub(crate) rule: String,
    #[serde(default)]
    pub(crate) culprits: Vec<String>,
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "a warning of rustc has a fixed text, without numbers"))]
    pub(crate) numbers: Vec<Written>,
}

/// A number of a message as the corpus writes it: `0x…` is an address or size, anything else a count.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Written(pub(crate) String);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(from)? {
            serde_json::Value::String(text) => Ok(Self(text)),
            serde_json::Value::Number(value) => Ok(Self(value.to_string())),
            other => Err(serde::de::Error::custom(format!("{other} is no number of a message"))),
        }
    }
}

/// The fields of a case: what makes the map, the verdict, and what is said about the case.
const FIELDS: [&str; 19] = [
    "id",
    "format",
    "resources",
    "spaces",
    "channels",
    "isolation",
    "dma",
    "transitions",
    "options",
    "expect",
    "error",
    "warnings",
    "why",
    "category",
    "reference",
    "severity",
    "difficulty",
    "tier",
    "twin",
];

/// A line of the file: its id, and the case or why it cannot be read.
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) spaces: usize,
    pub(crate) case: Result<Case, String>,
}

/// Reads a file of cases.
///
/// # Errors
/// A line that is no JSON object or has no `id`. A case with a field that this program does not know is not an error: it
/// is handed back as unreadable, with the field's name.
pub(crate) fn read(text: &str) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let number = index + 1;
        let value: serde_json::Value =
            serde_json::from_str(line).with_context(|| format!("line {number} is not JSON"))?;
        let id = value["id"].as_str().with_context(|| format!("line {number} has no `id`"))?.to_owned();
        let spaces = value["spaces"].as_array().map_or(0, Vec::len);
        lines.push(Line { id, spaces, case: understand(value) });
    }
    Ok(lines)
}

fn understand(value: serde_json::Value) -> Result<Case, String> {
    let fields = value.as_object().into_iter().flat_map(|object| object.keys());
    if let Some(strange) = fields.into_iter().find(|field| !FIELDS.contains(&field.as_str())) {
        return Err(format!("unknown field `{strange}`"));
    }
    let case: Case = serde_json::from_value(value).map_err(|error| error.to_string())?;
    match (case.expect, &case.error) {
        (Expect::Error, None) => Err("it expects an error and names none".into()),
        _ => Ok(case),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_field_makes_a_case_unreadable() {
        const CASE: &str = r#"{"id":"x","format":"sv39","why":"","expect":"ok","resources":[],
            "spaces":[{"name":"k","regions":[{"name":"r","kind":"map","size":"0x1000","global":true}]}]}"#;
        let of = |text: &str| read(&text.replace('\n', " ")).expect("JSON").remove(0).case;
        assert!(of(CASE).is_ok());
        for (from, to) in [("\"global\":true", "\"globe\":true"), ("\"why\"", "\"whence\"")] {
            assert!(of(&CASE.replace(from, to)).expect_err("unknown field").contains("unknown field"), "{to}");
        }
    }
}
