//! Corrupted and truncated input: an error or findings, never a panic, and always an end.

mod small;

use cargo_tablature::check::{self, Machine, Root};
use cargo_tablature::elf::Image;
use cargo_tablature::evidence::Document;
use cargo_tablature::memory::PhysicalMemory;
use cargo_tablature::scheme::{Family, Permissions, Scheme};
use cargo_tablature::show;
use cargo_tablature::walk::{Found, Roots, Walk};
use proptest::prelude::*;

/// Whatever comes of it.
fn try_check(image: Vec<u8>, document: &[u8]) -> anyhow::Result<usize> {
    let document = Document::parse(document)?;
    let image = Image::parse(image)?;
    let memory = PhysicalMemory::of_image(&image)?;
    let roots = [Root { space: Some("kernel".to_owned()), phys: small::PHYS + small::TABLES as u64 }];
    let mut findings = 0;
    for roots in [&roots[..], &[]] {
        let report = check::check(&image, &document, &Machine { memory: &memory, roots, is_dump: false })?;
        findings += report.findings.iter().map(ToString::to_string).count();
    }
    Ok(findings)
}

/// Some changed bytes, and where the file ends.
fn changes(size: usize) -> impl Strategy<Value = (Vec<(usize, u8)>, usize)> {
    let end = prop_oneof![4 => Just(size), 1 => 0..size];
    (prop::collection::vec((0..size, any::<u8>()), 0..8), end)
}

fn change(bytes: &mut Vec<u8>, (changes, end): &(Vec<(usize, u8)>, usize)) {
    for (at, byte) in changes {
        bytes[*at] = *byte;
    }
    bytes.truncate(*end);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    /// Headers, section headers, symbols.
    #[test]
    fn a_changed_image_is_an_error_or_a_finding(
        head in changes(0x100), tail in changes(0x300), at in 0usize..0x3000, byte in any::<u8>()
    ) {
        let mut image = small::image();
        let rest = image.len() - (small::TABLES + small::TABLE_BYTES as usize);
        for (at, byte) in &head.0 {
            image[*at] = *byte;
        }
        let start = image.len() - rest;
        for (at, byte) in tail.0.iter().filter(|(at, _)| *at < rest) {
            image[start + at] = *byte;
        }
        image[small::TABLES + at] = byte;
        let _ = try_check(image, small::document().to_string().as_bytes());
    }

    #[test]
    fn a_truncated_image_is_an_error_or_a_finding(end in 0usize..small::image().len()) {
        let mut image = small::image();
        image.truncate(end);
        prop_assert!(try_check(image, small::document().to_string().as_bytes()).is_err());
    }

    #[test]
    fn a_changed_document_is_an_error_or_a_finding(changes in changes(2000)) {
        let mut document = small::document().to_string().into_bytes();
        change(&mut document, &changes);
        let _ = try_check(small::image(), &document);
    }

    /// Numbers of the document that are extreme and well-formed.
    #[test]
    fn extreme_numbers_are_findings(which in 0usize..400, number in prop_oneof![
        Just("0x0".to_owned()), Just("0x1".to_owned()), Just("0xffffffffffffffff".to_owned()),
        Just("0x10000000000000000".to_owned()), Just("0xfffffffffffff000".to_owned()), Just("0x8000000000000000".to_owned()),
    ], count in prop_oneof![Just(0u64), Just(u64::MAX), Just(1 << 63), Just(1 << 52), Just(39), Just(12), Just(64)]) {
        let mut document = small::document();
        let mut left = which;
        replace(&mut document, &mut left, &number, count);
        let _ = try_check(small::image(), document.to_string().as_bytes());
    }

    /// The tables of the image taken for tables of every kind, with registers of every architecture.
    #[test]
    fn an_image_of_another_kind_is_an_error_or_a_finding(
        family in any::<prop::sample::Index>(), granule in 12u32..17, bits in any::<Option<u32>>(), root in any::<bool>(),
        changes in prop::collection::vec((0usize..0x3000, any::<u8>()), 0..64), register in any::<u64>(),
    ) {
        let family: Family = *family.get(clap::ValueEnum::value_variants());
        let bits = bits.map(|bits| 25 + bits % 40).or(family.is_aarch64().then_some(39));
        let Ok(scheme) = Scheme::new(family, granule, bits) else { return Ok(()) };
        let mut document = small::document();
        let space = &mut document["spaces"][0];
        space["format"] = serde_json::json!({
            "name": family.name(), "scheme": family.name(), "granule": scheme.page_bytes(), "input_bits": scheme.input_bits,
            "levels": scheme.levels, "entry_bytes": scheme.entry_bytes(), "root_tables": scheme.root_tables(),
        });
        let names = ["MAIR_EL1", "MAIR0", "MAIR1", "PIR_EL1", "TCR_EL1", "VTCR_EL2", "TTBCR", "PWCL", "PGDL", "CR3", "satp"];
        let word = |turn: usize| register.rotate_left(turn as u32 * 7);
        space["registers"] = names.iter().enumerate().map(|(turn, name)| {
            serde_json::json!({ "name": name, "value": format!("{:#x}", word(turn)) })
        }).collect();
        if root {
            space["tables"]["upper_root"] = 1.into();
        }
        let mut image = small::image();
        for (at, byte) in changes {
            image[small::TABLES + at] = byte;
        }
        let checked = try_check(image, document.to_string().as_bytes());
        // Two kinds read the words of this image alike.
        let is_own = matches!(family, Family::Sv39 | Family::Sv39C9xx);
        prop_assert!(is_own || checked.map_or(true, |findings| findings > 0), "{scheme}");
    }

    /// Any bytes as tables of any kind, of which most are cycles and holes, and of which the dump may end anywhere.
    #[test]
    fn any_dump_can_be_drawn(
        seed in any::<u64>(), family in any::<prop::sample::Index>(), dense in any::<bool>(), indices in any::<Option<u64>>(),
        end in prop_oneof![3 => Just(0x1_0000usize), 1 => 1..0x1_0000usize],
    ) {
        let family: Family = *family.get(clap::ValueEnum::value_variants());
        let bits = family.is_aarch64().then_some(39);
        let permissions = indices.map(|register| Permissions { privileged: register, user: !register });
        let scheme = Scheme { permissions, ..Scheme::new(family, 12, bits).expect("exists") };
        let mut memory = PhysicalMemory::default();
        let mut bytes = random_tables(seed, dense);
        bytes.truncate(end);
        memory.add_dump(0, bytes).expect("fits");
        let roots = Roots { lower: Some(0), upper: Some(0x4000) };
        let found = Found::by(Walk::bounded(&memory, scheme, roots, 5000));
        prop_assert!(found.tables.len() < 5000);
        let _ = show::drawing(&scheme, roots, &found);
        let _ = show::tree(&scheme, &found);
    }
}

/// Replaces one number of a document: an address or size by one, a count by the other.
fn replace(value: &mut serde_json::Value, left: &mut usize, number: &str, count: u64) {
    match value {
        serde_json::Value::Array(list) => list.iter_mut().for_each(|value| replace(value, left, number, count)),
        serde_json::Value::Object(fields) => fields.values_mut().for_each(|value| replace(value, left, number, count)),
        serde_json::Value::String(text) if text.starts_with("0x") => {
            if *left == 0 {
                *text = number.to_owned();
            }
            *left = left.wrapping_sub(1);
        }
        serde_json::Value::Number(old) => {
            if *left == 0 {
                *old = count.into();
            }
            *left = left.wrapping_sub(1);
        }
        _ => {}
    }
}

/// Sixteen pages of words, most of which point among themselves in one architecture or another.
fn random_tables(seed: u64, dense: bool) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let words = (0..16 * 512).map(|_| {
        let word = next();
        let page = word >> 40 & 0x1f;
        match word & 7 {
            0 => word,
            1 => page << 12 | 3,
            2 => page << 10 | 1,
            3 => page << 12 | 7,
            // A directory of LoongArch; with short descriptors a table in the middle of a page.
            4 => page << 12 | word >> 50 & 0xc00,
            5 => page << 12 | 1,
            _ if dense => page << 12 | 0x7ff,
            _ => 0,
        }
    });
    words.flat_map(u64::to_le_bytes).collect()
}

#[test]
fn what_is_no_image_is_said_to_be_none() {
    for (bytes, text) in [
        (&b""[..], "no ELF file"),
        (b"\x7fELF", "ELF"),
        (b"{ \"schema\": 1 }", "no ELF file"),
        (&small::image()[..0x40], "program headers"),
    ] {
        let error = format!("{:#}", Image::parse(bytes.to_vec()).expect_err("no image"));
        assert!(error.contains(text), "{error}");
    }
    let mut object = small::image();
    object[16] = 1;
    assert!(format!("{:#}", Image::parse(object).expect_err("an object file")).contains("link it first"));
    let mut big = small::image();
    big[5] = 2;
    assert!(Image::parse(big).is_err());
}

#[test]
fn what_is_no_document_is_said_to_be_none() {
    for (text, expected) in [
        ("", "no evidence document"),
        ("{}", "schema"),
        ("[]", "no evidence document"),
        ("{\"schema\":\"tablature-evidence/2\"}", "tablature-evidence/2"),
        ("{\"schema\":\"tablature-evidence/1\"}", "map"),
    ] {
        let error = format!("{:#}", Document::parse(text.as_bytes()).expect_err("no document"));
        assert!(error.contains(expected), "{error}");
    }
}
