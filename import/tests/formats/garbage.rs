//! Whatever a file holds, what comes of it is an error or a declaration: never a panic, never without end.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;
use tablature_import::{Format, Options, Surroundings, import_bytes};

use crate::data::directory;
use crate::tree;

/// A change of a file.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Cut(Index),
    Remove(Index, usize),
    Repeat(Index, usize),
    Write(Index, &'static str),
}

/// Words that mean something to some format.
const WORDS: [&str; 14] = [
    "0xffffffffffffffff",
    "-1",
    "(",
    "}",
    "{ {",
    "<map mr=\"ring\" vaddr=\"0\"/>",
    "\"",
    "#define A A(A)\n",
    "#if\n",
    "MAP_REGION(",
    "size=\"0xfffffffffffff000\"",
    "<<",
    "\u{202e}",
    "/*",
];

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, mask)| Change::Flip(at, mask)),
        any::<Index>().prop_map(Change::Cut),
        (any::<Index>(), 1_usize..64).prop_map(|(at, count)| Change::Remove(at, count)),
        (any::<Index>(), 1_usize..64).prop_map(|(at, count)| Change::Repeat(at, count)),
        (any::<Index>(), prop::sample::select(&WORDS[..])).prop_map(|(at, word)| Change::Write(at, word)),
    ]
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let Some(last) = bytes.len().checked_sub(1) else { break };
        let at = |index: &Index| index.index(last + 1);
        let end = |index: &Index, count: usize| (at(index) + count).min(last + 1);
        match change {
            Change::Flip(index, mask) => bytes[at(index)] ^= mask,
            Change::Cut(index) => bytes.truncate(at(index)),
            Change::Remove(index, count) => drop(bytes.drain(at(index)..end(index, *count))),
            Change::Repeat(index, count) => {
                let part = bytes[at(index)..end(index, *count)].to_vec();
                bytes.splice(at(index)..at(index), part);
            }
            Change::Write(index, word) => drop(bytes.splice(at(index)..at(index), word.bytes())),
        }
    }
    bytes
}

/// Reads bytes as a format; what can be read is written and judged, too.
fn swallow(bytes: Vec<u8>, format: Format) {
    let surroundings = Surroundings { include: vec![directory().join("tf-a")], define: vec!["IMAGE_BL31".into()] };
    let options = Options { from: Some(format), surroundings, ..Options::default() };
    if let Ok(imported) = import_bytes(&[(bytes, Path::new("garbage"))], &options) {
        let text = imported.declaration();
        let _ = imported.findings();
        assert!(text.map_or_else(|reason| !reason.is_empty(), |text| text.starts_with("tablature::memory_map! {")));
    }
}

fn seed(format: Format) -> Vec<u8> {
    let file = match format {
        Format::Dtb => return tree::good(),
        Format::TfA => "tf-a/bad.c",
        Format::Zephyr => "zephyr/bad.c",
        Format::Microkit => "microkit/good.system",
        Format::Jailhouse => "jailhouse/inmate.c",
    };
    std::fs::read(directory().join(file)).expect("a file")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn files_with_changes_do_no_harm(
        format in prop::sample::select(&Format::ALL[..]),
        changes in prop::collection::vec(change(), 1..8),
    ) {
        swallow(changed(seed(format.1), &changes), format.1);
    }

    #[test]
    fn bytes_do_no_harm(
        format in prop::sample::select(&Format::ALL[..]),
        bytes in prop::collection::vec(any::<u8>(), 0..256),
    ) {
        let _ = Format::guess(&bytes);
        swallow(bytes, format.1);
    }
}

#[test]
fn deep_and_long_files_do_no_harm() {
    let deep = 20_000;
    for (format, text) in [
        (Format::Microkit, "<system>".repeat(deep)),
        (Format::Microkit, format!("<system>{}", "<protection_domain name=\"a\">".repeat(deep))),
        (Format::Jailhouse, format!("config = {{ .mem_regions = {}", "{".repeat(deep))),
        (
            Format::Jailhouse,
            format!("config = {{ .cell = {{}}, .mem_regions = {{ {} }} }};", "{ 1, 2, 3, 4 },".repeat(deep)),
        ),
        (Format::TfA, "MAP_REGION(".repeat(deep)),
        (Format::TfA, format!("MAP_REGION_FLAT({}1, 2, 3)", "(".repeat(deep))),
        (Format::Zephyr, "MMU_REGION_FLAT_ENTRY(\"a\", 4096, 4096, 0),".repeat(deep)),
        (Format::Zephyr, "#if 1\n".repeat(deep)),
    ] {
        swallow(text.into_bytes(), format);
    }
}
