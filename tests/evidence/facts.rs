//! What a document says of declarations, by hand.

use serde_json::{Value, json};

use crate::plant::plant;
use crate::regimes::*;
use crate::{boot, document};

fn named<'v>(list: &'v Value, name: &str) -> &'v Value {
    let list = list.as_array().expect("a list");
    list.iter().find(|entry| entry["name"] == name).unwrap_or_else(|| panic!("`{name}` is not there"))
}

#[test]
fn the_document_of_a_system_of_partitions_says_what_was_declared() {
    let found = document(plant::MAP).value;
    let crates = json!({ "tablature": env!("CARGO_PKG_VERSION"), "rustc": "rustc 1.95.0 (some hash)",
        "crate": { "name": "tests", "version": "1.2.3" } });
    assert_eq!((&found["generator"], &found["map"]), (&crates, &json!({ "name": "plant" })));
    assert_eq!(found["verdict"], "waived");
    assert_eq!(found["policy"], json!({ "stack_guards": true, "pages_only": false }));
    assert_eq!(found["cpu"]["pa_bits"], 40);
    assert_eq!(
        named(&found["resources"], "valve"),
        &json!({ "name": "valve", "start": "0xa000000", "size": "0x1000", "memory": "device_nGnRE", "reserved": false,
            "owner": "plc" })
    );
    assert_eq!(named(&found["resources"], "vault")["reserved"], true);
    assert_eq!(
        found["channels"],
        json!([{ "name": "telemetry", "start": "0x70000000", "size": "0x4000", "from": "plc", "to": ["hmi"],
            "two_way": false, "ends": [
                { "space": "plc", "region": "out", "virt": "0x400000", "rights": "rw" },
                { "space": "hmi", "region": "input", "virt": "0x400000", "rights": "r" }] }])
    );
    assert_eq!(
        found["devices"],
        json!([{ "name": "disk", "owner": "hmi", "iommu": true, "coherent": true, "addr_bits": 32, "windows": [
            { "name": "buffer", "iova": "0x1000", "start": "0x60010000", "size": "0x10000", "rights": "rw" }] }])
    );
    // 16 pages each of code and data, four of the channel, one of the valve; 16 of code, 512 of data, and the channel.
    assert_eq!(
        found["isolation"],
        json!([{ "a": "plc", "b": "hmi", "verdict": "proven", "frames_a": 37, "frames_b": 532,
            "common": [{ "channel": "telemetry", "start": "0x70000000", "size": "0x4000" }] }])
    );
    assert_eq!(
        found["waivers"],
        json!([{ "region": "kernel.patch", "rule": "wx", "reason": "the self-test patches code", "used": true }])
    );
    let others = found["rules"].as_array().expect("rules").iter().filter(|rule| rule["verdict"] != "held");
    assert_eq!(others.map(|rule| &rule["id"]).collect::<Vec<_>>(), ["wx"]);
}

#[test]
fn regions_have_their_requirements_rights_and_leaves() {
    let found = document(plant::MAP).value;
    let kernel = &named(&found["spaces"], "kernel")["regions"];
    assert_eq!(
        named(kernel, "text"),
        &json!({ "name": "text", "kind": "map", "virt": "0xffffff8040080000", "size": "0x200000", "phys": "0x40080000",
            "resource": "dram", "privileged": "rx", "user": "", "memory": "normal_wb", "global": false,
            "requirements": ["SYS-1", "SYS-2"], "leaves": [{ "virt": "0xffffff8040080000", "phys": "0x40080000",
                "level": 0, "size": "0x1000", "count": 512, "run": "0x10000" }] })
    );
    assert_eq!(
        named(kernel, "null"),
        &json!({ "name": "null", "kind": "guard", "virt": "0x0", "size": "0x1000", "privileged": "", "user": "",
            "global": false, "requirements": [], "leaves": [] })
    );
    let stack = named(kernel, "stack");
    assert_eq!((&stack["kind"], &stack["guard_below"]), (&json!("stack"), &json!("0x1000")));
    // A guard takes a run out of the middle.
    let runs = named(kernel, "ring")["leaves"].as_array().expect("a list").iter();
    let runs = runs.map(|leaves| (leaves["virt"].as_str(), leaves["count"].as_u64(), leaves.get("run").is_some()));
    assert_eq!(
        runs.collect::<Vec<_>>(),
        [(Some("0xffffffa800000000"), Some(16), true), (Some("0xffffffa800020000"), Some(16), true)]
    );
    let heap = named(kernel, "heap");
    assert_eq!((&heap["kind"], &heap["leaves"], heap.get("phys")), (&json!("window"), &json!([]), None));
    let code = named(kernel, "code");
    assert_eq!((&code["kind"], &code["alias_of"]), (&json!("identity"), &json!("text")));
    let hmi = &named(&found["spaces"], "hmi")["regions"];
    let input = named(hmi, "input");
    assert_eq!(
        (&input["channel"], &input["privileged"], &input["user"]),
        (&json!("telemetry"), &json!("r"), &json!("r"))
    );
    // No block of 2 MiB fits between addresses that are no multiples of it.
    assert_eq!(
        named(hmi, "data")["leaves"],
        json!([{ "virt": "0x20000", "phys": "0x60010000", "level": 0, "size": "0x1000", "count": 512 }])
    );
}

#[test]
fn tables_are_listed_with_what_they_translate() {
    let found = document(plant::MAP).value;
    let tables = &named(&found["spaces"], "start")["tables"];
    let head = ["placement", "count", "bytes", "budget", "symbol", "start", "lower_root", "upper_root"];
    assert_eq!(
        head.map(|name| tables[name].clone()),
        [
            json!("placed"),
            json!(6),
            json!(0x6000),
            json!(8),
            json!("__tablature_plant_start"),
            json!("0x41000000"),
            json!(0),
            json!(1)
        ]
    );
    let list = tables["list"].as_array().expect("a list");
    let places: Vec<_> =
        list.iter().map(|t| (t["level"].as_u64(), t["virt"].as_str(), t["entries"].as_u64())).collect();
    let of = |level, virt, entries| (Some(level), Some(virt), Some(entries));
    assert_eq!(
        places,
        [
            of(2, "0x0", 1),
            of(2, "0xffffff8000000000", 1),
            of(1, "0x40000000", 1),
            of(1, "0xffffff9000000000", 1),
            of(0, "0x40000000", 16),
            of(0, "0xffffff9000000000", 16)
        ]
    );
    let guest = document(guest::MAP).value;
    let root = &guest["spaces"][0]["tables"]["list"][0];
    assert_eq!((&root["index"], &root["tables"], &root["level"]), (&json!(0), &json!(2), &json!(2)));
    assert_eq!(guest["spaces"][0]["tables"]["list"][1]["index"], 2);
    let recursive = document(level4::MAP).value;
    assert_eq!(recursive["spaces"][0]["tables"]["self_map_slot"], 510);
}

#[test]
fn tables_that_are_filled_at_boot_have_hashes_and_no_symbol() {
    let found = document(boot::MAP).value;
    let tables = &found["spaces"][0]["tables"];
    assert_eq!((&tables["placement"], tables.get("symbol"), tables.get("start")), (&json!("boot-filled"), None, None));
    assert_eq!(tables["list"].as_array().map(Vec::len), Some(3));
}

/// Name, value and mask of the registers of the first space.
fn registers(map: &tablature::map::Map<'_>) -> Vec<(String, String, Option<String>)> {
    let found = document(map).value;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let list = found["spaces"][0]["registers"].as_array().expect("a list").iter();
    list.map(|register| {
        let [name, value] = ["name", "value"].map(|field| text(&register[field]).expect("a text"));
        (name, value, text(&register["mask"]))
    })
    .collect()
}

/// The same, as one writes them.
fn by_hand(list: &[(&str, u64, u64)]) -> Vec<(String, String, Option<String>)> {
    let hex = |value: u64| format!("{value:#x}");
    list.iter().map(|(name, value, mask)| ((*name).into(), hex(*value), (*mask != !0).then(|| hex(*mask)))).collect()
}

#[test]
fn registers_are_those_of_the_manuals() {
    let all = !0;
    let hgatp = 8 << 60 | 0x7_0000;
    assert_eq!(registers(g_stage::MAP), by_hand(&[("hgatp", hgatp, all)]));
    assert_eq!(registers(sv39::MAP), by_hand(&[("satp", 8 << 60 | 5 << 44 | 0x7_0000, all)]));
    assert_eq!(registers(sv32::MAP), by_hand(&[("satp", 1 << 31 | 0x7_0000, all)]));
    // Where the linker places the tables, the root is its matter.
    assert_eq!(registers(linked_riscv::MAP), by_hand(&[("satp", 9 << 60, 0xffff_f000_0000_0000)]));
    assert_eq!(
        registers(level4::MAP),
        by_hand(&[
            ("IA32_EFER", 1 << 11, 1 << 11),
            ("IA32_PAT", 0x0007_0501_0007_0406, all),
            ("CR3", 0x7000_0000, all),
            ("CR0", 1 << 16, 1 << 16),
        ])
    );
    // Four levels, write-back tables.
    assert_eq!(registers(ept::MAP), by_hand(&[("EPTP", 0x7000_001e, all)]));
    assert_eq!(
        registers(guest::MAP),
        by_hand(&[
            // RES1, 4 KiB, inner shareable and cacheable walks from level 1 on, 40 bits; what the CPU has decides about PS.
            ("VTCR_EL2", 1 << 31 | 3 << 12 | 1 << 10 | 1 << 8 | 1 << 6 | 24, !(7 << 16)),
            ("VTTBR_EL2", 7 << 48 | 0x7000_0000, all),
            ("HCR_EL2", 1, 1 | 1 << 46),
        ])
    );
    assert_eq!(registers(lpae::MAP)[3..], by_hand(&[("TTBR0", 3 << 48 | 0x7000_0000, all), ("SCTLR", 0x1805, 0x1805)]));
    assert_eq!(
        registers(la64::MAP),
        by_hand(&[
            ("PWCL", 12 | 9 << 5 | 21 << 10 | 9 << 15 | 30 << 20 | 9 << 25, all),
            ("PWCH", 39 | 9 << 6, all),
            ("PGDL", 0x7000_0000, all),
            ("PGDH", 0x7000_1000, all),
            ("ASID", 1, 0x3ff),
        ])
    );
}

#[test]
fn formats_have_their_names_in_the_notation() {
    let of = |map| {
        let format = document(map).value["format"].clone();
        ["name", "architecture", "scheme"].map(|field| format[field].as_str().expect("a text").to_owned())
    };
    assert_eq!(of(plant::MAP), ["aarch64::El1<G4K, 39>", "aarch64", "aarch64-stage1-el1"]);
    assert_eq!(of(large_pages::MAP), ["aarch64::El1<G64K, 42>", "aarch64", "aarch64-stage1-el1"]);
    assert_eq!(of(guest::MAP), ["aarch64::Stage2<G4K, 40>", "aarch64", "aarch64-stage2"]);
    assert_eq!(of(sv32::MAP), ["riscv::Sv32", "riscv", "riscv-sv32"]);
    assert_eq!(of(g_stage::MAP), ["riscv::Sv39x4", "riscv", "riscv-sv39x4"]);
    assert_eq!(of(level4::MAP), ["x86_64::Level4", "x86_64", "x86_64-level4"]);
    assert_eq!(of(ept::MAP), ["x86_64::Ept4", "x86_64", "ept"]);
    assert_eq!(of(legacy::MAP), ["x86::Legacy32", "x86", "x86-legacy"]);
    assert_eq!(of(pae::MAP), ["x86::Pae", "x86", "x86-pae"]);
    assert_eq!(of(lpae::MAP), ["armv7::Lpae", "armv7", "armv7-lpae"]);
    assert_eq!(of(short::MAP), ["armv7::Short", "armv7", "armv7-short"]);
    assert_eq!(of(la64::MAP), ["loongarch64::La64", "loongarch64", "loongarch64"]);
}

#[test]
fn the_generator_is_the_crate_it_stands_in() {
    let generator = tablature::generator!().expect("the compiler tells its version");
    let text = tablature::evidence::Evidence::of(plant::MAP, &generator).expect("a document").to_json();
    let found: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(found["generator"]["crate"]["name"], env!("CARGO_PKG_NAME"));
    assert!(found["generator"]["rustc"].as_str().is_some_and(|text| text.starts_with("rustc 1.")));
}
