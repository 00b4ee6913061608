//! Two documents: what is named the same is compared, field by field.

use serde_json::{Map, Value};

/// What differs, one line each: where, and both values.
#[must_use]
pub fn documents(a: &Value, b: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    compare("", a, b, &mut lines);
    lines
}

/// Fields by which the items of a list are told apart, the first that they have.
const KEYS: [&[&str]; 6] = [&["name"], &["id"], &["index"], &["region", "rule"], &["space", "region"], &["a", "b"]];

fn compare(path: &str, a: &Value, b: &Value, lines: &mut Vec<String>) {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => fields(path, a, b, lines),
        (Value::Array(a), Value::Array(b)) if key(a.iter().chain(b)).is_some() => items(path, a, b, lines),
        _ if a == b => {}
        _ => lines.push(format!("{path}: {} → {}", text(a), text(b))),
    }
}

fn fields(path: &str, a: &Map<String, Value>, b: &Map<String, Value>, lines: &mut Vec<String>) {
    let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}, {name}") };
    for (name, value) in a {
        match b.get(name) {
            Some(other) => compare(&join(name), value, other, lines),
            None => lines.push(format!("{}: {} → nothing", join(name), text(value))),
        }
    }
    for (name, value) in b.iter().filter(|(name, _)| !a.contains_key(*name)) {
        lines.push(format!("{}: nothing → {}", join(name), text(value)));
    }
}

fn items(path: &str, a: &[Value], b: &[Value], lines: &mut Vec<String>) {
    let Some(key) = key(a.iter().chain(b)) else { return };
    let name = |item: &Value| {
        let parts: Vec<String> = key.iter().map(|field| item.get(field).map_or_else(String::new, text)).collect();
        parts.join(" and ")
    };
    let (singular, outer) = singular(path);
    let place = |item: &Value| format!("{outer}{singular} {}", name(item));
    for item in a {
        match b.iter().find(|other| name(other) == name(item)) {
            Some(other) => compare(&place(item), item, other, lines),
            None => lines.push(format!("{}: only in the first", place(item))),
        }
    }
    for item in b.iter().filter(|item| !a.iter().any(|other| name(other) == name(item))) {
        lines.push(format!("{}: only in the second", place(item)));
    }
}

/// The last part of a path as the name of one item, and what is before.
fn singular(path: &str) -> (&str, String) {
    let (outer, last) =
        path.rsplit_once(", ").map_or((String::new(), path), |(outer, last)| (format!("{outer}, "), last));
    let one = match last {
        "list" => "table",
        "isolation" => "isolation of",
        _ => last.strip_suffix('s').unwrap_or(last),
    };
    (one, outer.replace("tables, ", if last == "list" { "" } else { "tables, " }))
}

/// The fields that tell all items apart.
fn key<'a>(items: impl Iterator<Item = &'a Value> + Clone) -> Option<&'static [&'static str]> {
    items.clone().next()?;
    KEYS.into_iter().find(|key| items.clone().all(|item| key.iter().all(|field| item.get(field).is_some())))
}

/// A value, in short.
fn text(value: &Value) -> String {
    const MOST: usize = 80;
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None if text.is_empty() => "nothing".to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(regions: &Value) -> Value {
        json!({ "schema": "tablature-evidence/1", "spaces": [{ "name": "kernel", "tables": { "list": [
            { "index": 0, "sha256": "00" }
        ] }, "regions": regions }] })
    }

    #[test]
    fn what_is_named_the_same_is_compared() {
        let a = map(&json!([{ "name": "text", "size": "0x1000", "leaves": [{ "virt": "0x0" }] }, { "name": "data" }]));
        let mut b =
            map(&json!([{ "name": "bss" }, { "name": "text", "size": "0x2000", "leaves": [], "global": true }]));
        b["spaces"][0]["tables"]["list"][0]["sha256"] = json!("01");
        let mut lines = documents(&a, &b);
        lines.sort();
        assert_eq!(
            lines,
            [
                "space kernel, region bss: only in the second",
                "space kernel, region data: only in the first",
                "space kernel, region text, global: nothing → true",
                "space kernel, region text, leaves: [{\"virt\":\"0x0\"}] → []",
                "space kernel, region text, size: 0x1000 → 0x2000",
                "space kernel, table 0, sha256: 00 → 01",
            ]
        );
        assert!(documents(&a, &a).is_empty());
    }

    #[test]
    fn values_are_cut_between_letters() {
        assert_eq!(text(&json!("ä".repeat(100))).chars().count(), 81);
    }
}
