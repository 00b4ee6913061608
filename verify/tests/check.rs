//! `check` on a small image: it passes as it is, and each kind of change is found as what it is.

mod small;

use cargo_tablature::check::{self, Finding, Kind, Machine, Report, Root};
use cargo_tablature::elf::Image;
use cargo_tablature::evidence::Document;
use cargo_tablature::memory::PhysicalMemory;
use serde_json::{Value, json};
use small::{PHYS, TABLES, VIRT, entry, leaf, pointer};

fn try_check(image: &[u8], document: &Value) -> anyhow::Result<Report> {
    let document = Document::parse(document.to_string().as_bytes())?;
    let image = Image::parse(image.to_vec())?;
    let memory = PhysicalMemory::of_image(&image)?;
    check::check(&image, &document, &Machine { memory: &memory, roots: &[], is_dump: false })
}

fn kinds(report: &Report) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = report.findings.iter().map(|finding| finding.kind).collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

/// The findings of an image with one word changed, but for the hash of its table, which must be among them.
#[track_caller]
fn changed(at: usize, word: u64) -> Vec<Kind> {
    let mut image = small::image();
    image[at..at + 8].copy_from_slice(&word.to_le_bytes());
    let report = try_check(&image, &small::document()).expect("can be checked");
    let mut kinds = kinds(&report);
    assert!(kinds.contains(&Kind::Hash), "{:#?}", report.findings);
    kinds.retain(|kind| *kind != Kind::Hash);
    kinds
}

/// The findings with the document changed at a JSON pointer.
#[track_caller]
fn declared(pointer: &str, value: Value) -> Vec<Kind> {
    let mut document = small::document();
    let (parent, key) = pointer.rsplit_once('/').expect("a path");
    document.pointer_mut(parent).expect("is in the document")[key] = value;
    kinds(&try_check(&small::image(), &document).expect("can be checked"))
}

#[test]
fn the_image_is_as_its_document_says() {
    let report = try_check(&small::image(), &small::document()).expect("can be checked");
    assert_eq!(report.findings, []);
    assert_eq!(report.notes.len(), 2);
}

#[test]
fn each_change_of_an_entry_is_found_as_what_it_is() {
    let text = PHYS + 0x1000;
    let run = leaf(0x9000_8000, 0xd7) | 1 << 63;
    for (at, word, kind) in [
        (entry(2, 1), 0, Kind::Missing),
        (entry(2, 1), leaf(PHYS + 0x2000, 0xcb), Kind::Address),
        (entry(2, 1), leaf(text, 0xcf), Kind::Rights),
        (entry(2, 1), leaf(text, 0xdb), Kind::Rights),
        (entry(2, 1), leaf(text, 0xc3), Kind::Rights),
        (entry(2, 2), leaf(PHYS + 0x2000, 0xd7), Kind::Rights),
        (entry(2, 1), leaf(text, 0xeb), Kind::Global),
        (entry(2, 1), leaf(text, 0x8b), Kind::Accessed),
        (entry(2, 2), leaf(PHYS + 0x2000, 0x47), Kind::Accessed),
        (entry(2, 1), leaf(text, 0xcb) | 1 << 61, Kind::Memory),
        (entry(2, 1), leaf(text, 0xcd), Kind::Entry),
        (entry(2, 8), leaf(PHYS, 0xc3), Kind::Extra),
        (entry(2, 0x100), leaf(PHYS, 0xc3), Kind::Extra),
        (entry(0, 0), leaf(0, 0xcf), Kind::Extra),
        (entry(2, 0x13), leaf(0x9000_3000, 0xd7), Kind::Leaf),
        (entry(2, 0x13), run & !(1 << 63), Kind::Leaf),
        (entry(2, 0x13), run | 1 << 5, Kind::Global),
        (entry(0, 258), 0, Kind::Missing),
        (entry(1, 0), pointer(7), Kind::Entry),
        (entry(1, 0), 0, Kind::Window),
        (entry(1, 1), pointer(2), Kind::Tables),
        (entry(1, 1), pointer(0), Kind::Extra),
        (entry(1, 0), pointer(1), Kind::Extra),
    ] {
        let kinds = changed(at, word);
        assert!(kinds.contains(&kind), "{at:#x} {word:#x}: {kinds:?} and not {kind:?}");
    }
}

#[test]
fn bits_that_no_hardware_looks_at_are_found_by_the_hash() {
    assert_eq!(changed(entry(2, 1), leaf(PHYS + 0x1000, 0xcb) | 0x300), []);
    assert_eq!(changed(entry(2, 0), 0xcc), []);
}

#[test]
fn findings_say_section_address_and_region() {
    let mut image = small::image();
    image[entry(2, 1)] |= 4;
    let report = try_check(&image, &small::document()).expect("can be checked");
    let texts: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    let expected = ".tables at 0xffffffc080005008 (physical 0x80005008): space kernel, region text, 4 KiB at 0xffffffc080001000: \
         grants rwx/- (privileged/user), and is declared rx/-";
    assert!(texts.iter().any(|text| text == expected), "{texts:#?}");
    let mut image = small::image();
    image[entry(2, 8)..][..8].copy_from_slice(&leaf(PHYS, 0xc3).to_le_bytes());
    let report = try_check(&image, &small::document()).expect("can be checked");
    assert!(report.findings.iter().any(|finding| finding.text.contains("guard moat")), "{:#?}", report.findings);
}

#[test]
fn each_change_of_the_document_is_found() {
    let space = "/spaces/0";
    for (pointer, value, kind) in [
        ("regions/1/privileged", json!("r"), Kind::Rights),
        ("regions/1/privileged", json!("r"), Kind::Section),
        ("regions/1/user", json!("rx"), Kind::Rights),
        ("regions/1/memory", json!("device_nGnRE"), Kind::Memory),
        ("regions/1/global", json!(true), Kind::Global),
        ("regions/1/phys", json!("0x80002000"), Kind::Document),
        ("regions/1/size", json!("0x2000"), Kind::Document),
        ("regions/5/leaves/0/run", json!(null), Kind::Leaf),
        ("regions/5/leaves/0/level", json!(1), Kind::Leaf),
        ("regions/0/virt", json!("0xffffffc080001000"), Kind::Document),
        ("regions/6/size", json!("0x400000"), Kind::Window),
        ("regions/2/guard_below", json!("0x1000"), Kind::Extra),
        ("regions/1/guard_above", json!("0x1000"), Kind::Extra),
        ("/registers", json!([{ "name": "satp", "value": "0x8000000000080004" }]), Kind::Register),
        ("/registers", json!([{ "name": "satp", "value": "0x9000000000080003" }]), Kind::Register),
        ("tables/count", json!(4), Kind::Tables),
        ("tables/bytes", json!(0x4000), Kind::Tables),
        ("tables/budget", json!(2), Kind::Tables),
        ("tables/start", json!("0x80004000"), Kind::Tables),
        ("tables/virt", json!("0xffffffc080004000"), Kind::Tables),
        ("tables/symbol", json!("other"), Kind::Tables),
        ("tables/self_map_slot", json!(511), Kind::Missing),
        ("tables/list/2/virt", json!("0x0"), Kind::Tables),
        ("tables/list/2/level", json!(1), Kind::Tables),
        ("tables/list/2/index", json!(9), Kind::Tables),
        ("tables/list/1/sha256", json!("00"), Kind::Hash),
        ("tables/list/0/entries", json!(2), Kind::Hash),
        ("format/scheme", json!("other"), Kind::NotChecked),
    ] {
        let (parent, key) = pointer.rsplit_once('/').expect("a path");
        let parent = if parent.is_empty() { space.to_owned() } else { format!("{space}/{parent}") };
        let mut document = small::document();
        document.pointer_mut(&parent).expect("is there")[key] = value;
        let kinds = kinds(&try_check(&small::image(), &document).expect("can be checked"));
        assert!(kinds.contains(&kind), "{pointer}: {kinds:?} and not {kind:?}");
    }
    assert_eq!(declared("/spaces/0/registers", json!([{ "name": "satp", "value": "0x8000000000080003" }])), []);
    let mode_only = json!([{ "name": "satp", "value": "0x8000000000000000", "mask": "0xfffff00000000000" }]);
    assert_eq!(declared("/spaces/0/registers", mode_only), [], "the linker decides about the root");
    assert_eq!(declared("/spaces/0/regions/2/guard_above", json!("0x1000")), [Kind::Extra]);
    assert_eq!(declared("/spaces/0/regions/1/guard_below", json!("0x1000")), []);
}

#[test]
fn sections_are_where_and_what_the_regions_are() {
    let with = |at: usize, bytes: &[u8]| {
        let mut image = small::image();
        image[at..at + bytes.len()].copy_from_slice(bytes);
        kinds(&try_check(&image, &small::document()).expect("can be checked"))
    };
    assert_eq!(with(small::segment(0) + 4, &[4]), [Kind::Section], "not executable");
    assert_eq!(with(small::segment(1) + 4, &[4]), [Kind::Section], "not writable");
    assert_eq!(with(small::segment(0) + 4, &[7]), [Kind::Section], "a segment that is also writable");
    let mut document = small::document();
    document["spaces"][0]["image"] = json!({ "name": "kernel", "sections": [
        { "name": ".text", "virt": "0xffffffc080001000", "size": "0x1000", "rights": "rx" }
    ] });
    let mut image = small::image();
    assert_eq!(kinds(&try_check(&image, &document).expect("can be checked")), []);
    image[small::segment(0) + 4] = 4;
    assert_eq!(
        kinds(&try_check(&image, &document).expect("can be checked")),
        [Kind::Section],
        "as declared, but linked"
    );
    let loaded_elsewhere = with(small::segment(1) + 24, &(PHYS + 0x9000).to_le_bytes());
    assert_eq!(loaded_elsewhere, [Kind::Section]);
    assert_eq!(with(24, &(VIRT + 0x2000).to_le_bytes()), [Kind::EntryPoint]);
    assert_eq!(with(24, &(PHYS + 0x1000).to_le_bytes()), [], "where it is while the MMU is off");
}

#[test]
fn a_position_independent_image_is_refused() {
    let mut image = small::image();
    image[16] = 3;
    let error = try_check(&image, &small::document()).expect_err("unfinished tables").to_string();
    assert!(error.contains("position independent"), "{error}");
}

#[test]
fn tables_that_are_filled_at_boot_are_looked_for_in_a_dump() {
    let mut document = small::document();
    document["spaces"][0]["tables"]["placement"] = json!("boot-filled");
    document["spaces"][0]["tables"].as_object_mut().expect("an object").remove("symbol");
    let mut bytes = small::image();
    let tables = bytes[TABLES..TABLES + small::TABLE_BYTES as usize].to_vec();
    bytes[TABLES..TABLES + small::TABLE_BYTES as usize].fill(0);
    let report = try_check(&bytes, &document).expect("can be checked");
    assert_eq!(report.findings, []);
    assert!(report.notes[0].contains("filled at boot"), "{:?}", report.notes);

    let image = Image::parse(bytes).expect("an image");
    let document = Document::parse(document.to_string().as_bytes()).expect("a document");
    let roots = [Root { space: None, phys: PHYS + TABLES as u64 }];
    let check = |dump: &[u8]| {
        let mut memory = PhysicalMemory::of_image(&image).expect("fits");
        memory.add_dump(PHYS + TABLES as u64, dump.to_vec()).expect("fits");
        check::check(&image, &document, &Machine { memory: &memory, roots: &roots, is_dump: true })
            .expect("can be checked")
    };
    assert_eq!(check(&tables).findings, []);
    let mut mutant = tables;
    mutant[0x2008] |= 4;
    assert_eq!(kinds(&check(&mutant)), [Kind::Hash, Kind::Rights]);
}

/// The findings of an image with some bytes changed.
#[track_caller]
fn with(at: usize, bytes: &[u8]) -> Report {
    let mut image = small::image();
    image[at..at + bytes.len()].copy_from_slice(bytes);
    try_check(&image, &small::document()).expect("can be checked")
}

#[track_caller]
fn says(report: &Report, kind: Kind, place: &str, text: &str) {
    let is_it =
        |finding: &&Finding| finding.kind == kind && finding.place.contains(place) && finding.text.contains(text);
    assert!(report.findings.iter().any(|finding| is_it(&finding)), "{kind:?}, {place}: {text}: {:#?}", report.findings);
}

#[test]
fn sections_outside_of_regions_are_found() {
    let data = small::header(2);
    let behind = with(data + 16, &(VIRT + 0x6000).to_le_bytes());
    says(&behind, Kind::Section, ".data at 0xffffffc080006000", "lie in no region");
    let long = with(data + 32, &0x1001u64.to_le_bytes());
    says(&long, Kind::Section, ".data at 0xffffffc080002000", "lie in no region");
    let executable = with(data + 8, &7u64.to_le_bytes());
    assert_eq!(executable.findings, [], "its segment does not grant it");
    let mut document = small::document();
    document["spaces"][0]["regions"][2]["kind"] = json!("window");
    document["spaces"][0]["regions"][2]["leaves"] = json!([]);
    let report = try_check(&small::image(), &document).expect("can be checked");
    says(&report, Kind::Section, ".data", "lie in no region");
}

#[test]
fn sections_are_as_their_blocks_say() {
    let block = |virt: &str, size: &str, rights: &str| {
        let mut document = small::document();
        document["spaces"][0]["image"] = json!({ "name": "kernel", "sections": [
            { "name": ".data", "virt": virt, "size": size, "rights": rights }
        ] });
        try_check(&small::image(), &document).expect("can be checked")
    };
    assert_eq!(block("0xffffffc080002000", "0x1000", "rw").findings, []);
    says(
        &block("0xffffffc080001000", "0x1000", "rw"),
        Kind::Section,
        ".data at 0xff",
        "declared to be at 0xffffffc080001000",
    );
    says(&block("0xffffffc080002000", "0xfff", "rw"), Kind::Section, ".data at 0xff", "room for 4095 bytes");
    says(&block("0xffffffc080002000", "0x1000", "r"), Kind::Section, ".data at 0xff", "grants more");
    says(&block("0xffffffc080002000", "0x1000", "rwx"), Kind::Section, ".data at 0xff", "grants less");
}

#[test]
fn tables_are_where_their_symbol_is_and_aligned() {
    // Section headers, which hold the same address, come last.
    let image = small::image();
    let value = (VIRT + TABLES as u64).to_le_bytes();
    let at = image[..small::header(0)].windows(8).rposition(|word| *word == value).expect("a symbol");
    let moved = |virt: u64| with(at, &virt.to_le_bytes());
    says(&moved(VIRT + TABLES as u64 + 0x10), Kind::Tables, ".tables at 0xffffffc080003010", "not aligned to 0x1000");
    says(&moved(VIRT + 0x9000), Kind::Tables, small::SYMBOL, "in no segment");
    says(&with(at + 8, &0x2000u64.to_le_bytes()), Kind::Tables, small::SYMBOL, "have 0x2000 bytes in the image");
}

#[test]
fn the_entry_point_is_executable_and_the_declared_one() {
    says(&with(24, &(VIRT + 0x2000).to_le_bytes()), Kind::EntryPoint, "ELF header", "0xffffffc080002000");
    let mut document = small::document();
    document["spaces"][0]["image"] = json!({ "name": "kernel", "sections": [], "entry": "0xffffffc080001000" });
    assert_eq!(try_check(&small::image(), &document).expect("can be checked").findings, []);
    document["spaces"][0]["image"]["entry"] = json!("0xffffffc080001004");
    let report = try_check(&small::image(), &document).expect("can be checked");
    says(&report, Kind::EntryPoint, ".text at 0xffffffc080001000", "declared to be at 0xffffffc080001004");
}

#[test]
fn a_stack_is_mapped_and_its_guard_is_not() {
    let mut document = small::document();
    document["spaces"][0]["regions"][2]["kind"] = json!("stack");
    document["spaces"][0]["regions"][2]["guard_above"] = json!("0x1000");
    let mut image = small::image();
    image[entry(2, 2)..][..8].fill(0);
    let report = try_check(&image, &document).expect("can be checked");
    says(&report, Kind::Missing, "0xffffffc080002000", "region data");
    says(&report, Kind::Extra, ".tables at 0xffffffc080005018", "guard above data is mapped at 0xffffffc080003000");
}

#[test]
fn relocations_that_a_loader_would_apply_are_found() {
    let check = |at: u64| try_check(&small::image_with(2, &[VIRT + at]), &small::document());
    let report = check(0x2010).expect("can be checked");
    says(&report, Kind::Relocation, ".data at 0xffffffc080002010", ".rela has a relocation");
    let error = check(0x3010).expect_err("unfinished tables").to_string();
    assert!(error.contains("1 relocations of .rela") && error.contains("0xffffffc080003010"), "{error}");
}

#[test]
fn relocations_that_were_applied_touched_entries_only() {
    let check = |at: u64| try_check(&small::image_with(0, &[VIRT + at]), &small::document()).expect("can be checked");
    for (at, what) in [(0x2010, "data"), (0x3000 + 258 * 8, "a pointer"), (0x5008, "a leaf")] {
        assert_eq!(check(at).findings, [], "{what}");
    }
    for (at, what) in [(0x3004 + 258 * 8, "half of a pointer"), (0x3000, "an absent entry"), (0x5009, "flags")] {
        let place = format!(".tables at {:#x}", VIRT + at);
        assert_eq!(kinds(&check(at)), [Kind::Relocation], "{what}");
        says(&check(at), Kind::Relocation, &place, "where no entry is");
    }
}

/// The kernel's space follows itself.
fn transition(from: Option<&str>, pc: u64, sp: u64, vectors: u64) -> Report {
    let mut document = small::document();
    let hex = |number: u64| format!("{number:#x}");
    document["transitions"] =
        json!([{ "name": "up", "to": "kernel", "pc": hex(pc), "sp": hex(sp), "vectors": hex(vectors) }]);
    if let Some(from) = from {
        document["transitions"][0]["from"] = json!(from);
    }
    try_check(&small::image(), &document).expect("can be checked")
}

#[test]
fn transitions_find_their_code_stack_and_vectors() {
    let (text, data) = (VIRT + 0x1000, VIRT + 0x2000);
    assert_eq!(transition(Some("kernel"), text, data + 0x1000, text).findings, []);
    says(&transition(Some("kernel"), data, data + 8, text), Kind::Transition, ".data at 0xff", "not executable");
    says(&transition(Some("kernel"), VIRT, data + 8, text), Kind::Transition, "virtual 0xff", "not executable");
    says(&transition(Some("kernel"), text, data, text), Kind::Transition, ".text at 0xff", "not writable");
    says(&transition(Some("kernel"), text, data + 8, data), Kind::Transition, ".data at 0xff", "the vectors");
    says(&transition(None, text, data + 8, text), Kind::Transition, ".text at 0xff", "before, and 0x80001000 after");
    let report = transition(Some("elsewhere"), text, data + 8, text);
    assert!(
        report.findings.is_empty() && report.notes.iter().any(|note| note.contains("0 of 1")),
        "{:?}",
        report.notes
    );
}

/// Two partitions behind the same tables: they share all that their user reaches.
fn partitions(common: Value, frames: u64) -> Vec<Kind> {
    let mut document = small::document();
    document["spaces"][0]["role"] = json!("partition");
    let mut twin = document["spaces"][0].clone();
    twin["name"] = json!("twin");
    document["spaces"].as_array_mut().expect("a list").push(twin);
    document["channels"] = json!([{ "name": "mail", "start": "0x90000000", "size": "0xf001" }]);
    document["isolation"] = json!([{
        "a": "kernel", "b": "twin", "verdict": "proven", "frames_a": frames, "frames_b": 16, "common": common
    }]);
    kinds(&try_check(&small::image(), &document).expect("can be checked"))
}

#[test]
fn isolated_spaces_share_nothing_but_channels() {
    let common = |channel: &str, size: &str| json!([{ "channel": channel, "start": "0x90000000", "size": size }]);
    assert_eq!(partitions(common("mail", "0x10000"), 16), []);
    assert_eq!(partitions(common("mail", "0x10000"), 17), [Kind::Isolation]);
    assert_eq!(partitions(common("mail", "0xf000"), 16), [Kind::Isolation]);
    assert_eq!(partitions(common("telephone", "0x10000"), 16), [Kind::Isolation]);
    assert_eq!(partitions(json!([]), 16), [Kind::Isolation]);
}

#[test]
fn a_map_that_breaks_a_rule_is_a_finding() {
    let mut document = small::document();
    document["verdict"] = json!("violated");
    assert_eq!(kinds(&try_check(&small::image(), &document).expect("can be checked")), [Kind::Document]);
}
