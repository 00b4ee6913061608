//! Documents to make pages of.

use serde_json::{Value, json};

/// A name that would be markup, if it were let.
pub(crate) const HOSTILE: &str = "</style><script>alert(1)</script>\"' onload='alert(2)' &amp; \u{202e}\u{7}]]>";

/// The format of all spaces here.
fn format() -> Value {
    json!({
        "name": "aarch64::El1<G4K, 48>", "architecture": "aarch64", "scheme": "aarch64-stage1-el1", "granule": 4096,
        "input_bits": 48, "levels": 4, "entry_bytes": 8, "root_tables": 1, "two_halves": true, "split_roots": true,
    })
}

/// A document that says nothing.
pub(crate) fn empty() -> Value {
    json!({
        "schema": "tablature-evidence/1",
        "generator": { "tablature": "7.8.9", "rustc": "rustc 1.2.3", "crate": { "name": "kernel", "version": "4.5.6" } },
        "map": { "name": "sample" }, "verdict": "held", "format": format(), "cpu": { "pa_bits": 44 },
        "policy": { "stack_guards": true, "pages_only": false },
        "resources": [], "spaces": [], "channels": [], "devices": [], "transitions": [], "isolation": [], "rules": [],
        "waivers": [],
    })
}

pub(crate) fn hex(number: u128) -> String {
    format!("{number:#x}")
}

/// Memory of some pages.
pub(crate) fn region(name: &str, virt: u128, phys: u128, pages: u128, rights: [&str; 2]) -> Value {
    json!({
        "name": name, "kind": "map", "virt": hex(virt), "size": hex(pages << 12), "phys": hex(phys), "resource": "ram",
        "privileged": rights[0], "user": rights[1], "memory": "normal_wb", "global": false, "requirements": [],
        "leaves": [{ "virt": hex(virt), "phys": hex(phys), "level": 0, "size": "0x1000", "count": pages }],
    })
}

pub(crate) fn space(name: &str, regions: Vec<Value>) -> Value {
    let table = json!({ "index": 0, "level": 0, "virt": "0x0", "sha256": "ab".repeat(32), "entries": 3 });
    json!({
        "name": name, "role": "partition", "format": format(), "registers": [
            { "name": "TTBR0_EL1", "value": "0x123000", "mask": "0xfffffffff000" },
        ], "regions": regions, "asid": 77,
        "tables": {
            "placement": "placed", "count": 1, "bytes": 4096, "symbol": format!("tables_{name}"), "start": "0x80000",
            "lower_root": 0, "list": [table],
        },
    })
}

/// A document with something of everything.
pub(crate) fn whole() -> Value {
    let mut document = empty();
    let mut shared = region("inbox", 0x7000, 0x9_0000, 2, ["rw", "rw"]);
    shared["kind"] = "channel".into();
    shared["channel"] = "mail".into();
    let mut code = region("code", 0x1000, 0x4_0000, 4, ["r", "rx"]);
    code["requirements"] = json!(["REQ-17", "REQ-18"]);
    let mut last = region("last", (1 << 64) - 0x1000, 0x6_0000, 1, ["rw", ""]);
    last["guard_below"] = "0x2000".into();
    let guard = json!({
        "name": "null", "kind": "guard", "virt": "0x0", "size": "0x1000", "privileged": "", "user": "", "global": false,
        "requirements": [], "leaves": [],
    });
    document["spaces"] = json!([
        space("alpha", vec![guard, code, shared, last]),
        space(
            "beta",
            vec![region("outbox", 0x8000, 0x9_0000, 2, ["r", "r"]), region("patch", 0x2_0000, 0x4_1000, 1, ["rw", ""])]
        ),
    ]);
    document["resources"] = json!([
        { "name": "ram", "start": "0x40000", "size": "0x100000", "memory": "normal_wb", "reserved": false },
        { "name": "vault", "start": "0xfffffffffffff000", "size": "0x1000", "memory": "normal_wb", "reserved": true },
    ]);
    document["channels"] = json!([{
        "name": "mail", "start": "0x90000", "size": "0x2000", "from": "alpha", "to": ["beta"], "two_way": false,
        "ends": [
            { "space": "alpha", "region": "inbox", "virt": "0x7000", "rights": "rw" },
            { "space": "beta", "region": "outbox", "virt": "0x8000", "rights": "r" },
        ],
    }]);
    document["devices"] = json!([{
        "name": "dma7", "owner": "alpha", "iommu": true, "coherent": false, "addr_bits": 32,
        "windows": [{ "name": "ring", "iova": "0x5000", "start": "0x60000", "size": "0x1000", "rights": "rw" }],
    }]);
    document["transitions"] = json!([{
        "name": "start", "to": "alpha", "in_place": false, "registers": ["SCTLR_EL1"], "flush": "address-space",
        "break_before_make": true, "pc": "0x1abc",
    }]);
    document["isolation"] = json!([{
        "a": "alpha", "b": "beta", "verdict": "violated", "frames_a": 7, "frames_b": 3,
        "common": [{ "channel": "mail", "start": "0x90000", "size": "0x2000" }, { "start": "0x41000", "size": "0x1000" }],
    }]);
    document["dma_isolation"] = json!([
        {
            "device": "dma7", "owner": "alpha", "space": "beta", "verdict": "violated", "frames": 11, "frames_other": 3,
            "common": [{ "start": "0x42000", "size": "0x1000" }],
        },
        {
            "device": "dma7", "owner": "alpha", "other_device": "dma8", "verdict": "proven", "frames": 11,
            "frames_other": 13, "common": [],
        },
    ]);
    document["rules"] = json!([
        {
            "id": "va-overlap", "statement": "No two regions overlap.", "basis": "declaration", "class": "hard-error",
            "reference": "Manual 1.2", "verdict": "held",
        },
        {
            "id": "w-xor-x", "statement": "Nothing is both.", "basis": "policy", "class": "waivable-error",
            "reference": "Paper 3", "verdict": "waived", "findings": ["beta.patch writes alpha.code"],
        },
    ]);
    document["waivers"] =
        json!([{ "region": "beta.patch", "rule": "w-xor-x", "reason": "patches at run time", "used": true }]);
    document
}
