//! The hashes of a document are those of the tables in the program, whose pointers are cleared of where the tables lie by
//! the bits of the manuals.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tablature::space::Declared;

use crate::document;
use crate::regimes::*;

/// What a word of a table at a level is with the tables `base` bytes lower.
type Moved = fn(level: u64, word: u64, base: u64) -> u64;

fn aarch64(level: u64, word: u64, base: u64) -> u64 {
    if level > 0 && word & 3 == 3 { word - base } else { word }
}

fn riscv(_: u64, word: u64, base: u64) -> u64 {
    if word & 0xf == 1 { word - (base >> 2) } else { word }
}

fn x86(level: u64, word: u64, base: u64) -> u64 {
    if level > 0 && word & 1 == 1 && word & 0x80 == 0 { word - base } else { word }
}

fn ept(level: u64, word: u64, base: u64) -> u64 {
    if level > 0 && word & 7 != 0 && word & 0x80 == 0 { word - base } else { word }
}

fn short(level: u64, word: u64, base: u64) -> u64 {
    if level > 0 && word & 3 == 1 { word - base } else { word }
}

fn loongarch64(level: u64, word: u64, base: u64) -> u64 {
    if level > 0 && word != 0 && word & 0x40 == 0 { word - base } else { word }
}

/// The tables of `S` in this program.
fn words<S: Declared>() -> Vec<u64> {
    let memory = S::memory();
    // SAFETY: the tables are initialized words that nothing changes.
    (0..memory.bytes / 8).map(|index| unsafe { memory.start.wrapping_add(index).read() }).collect()
}

/// Compares every table of `S` with the document of its map.
fn compare<S: Declared>(table_bytes: usize, entry_bytes: usize, moved: Moved) {
    let document = document(S::MAP).value;
    let tables = &document["spaces"][S::INDEX]["tables"];
    let bytes: Vec<u8> = words::<S>().iter().flat_map(|word| word.to_le_bytes()).collect();
    let base = S::memory().physical;
    assert_eq!(tables["bytes"], bytes.len(), "{}", S::MAP.name);
    assert_eq!(tables["count"], bytes.len() / table_bytes, "{}", S::MAP.name);
    let list = tables["list"].as_array().expect("a list");
    let mut next = 0;
    for table in list {
        let field = |name: &str| table[name].as_u64();
        let (index, level) = (field("index").expect("a number") as usize, field("level").expect("a number"));
        let count = field("tables").unwrap_or(1) as usize;
        assert_eq!(index, next, "{}: tables follow each other", S::MAP.name);
        next = index + count;
        let bytes = &bytes[index * table_bytes..next * table_bytes];
        let mut hash = Sha256::new();
        let mut present = 0;
        for entry in bytes.chunks(entry_bytes) {
            let mut word = [0; 8];
            word[..entry_bytes].copy_from_slice(entry);
            let word = moved(level, u64::from_le_bytes(word), base);
            present += u64::from(word != 0);
            hash.update(&word.to_le_bytes()[..entry_bytes]);
        }
        let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(table["sha256"], Value::from(hash), "{}, table {index}", S::MAP.name);
        assert_eq!(field("entries"), Some(present), "{}, table {index}", S::MAP.name);
    }
    assert_eq!(next * table_bytes, bytes.len(), "{}: no table is missing", S::MAP.name);
}

#[test]
fn placed_tables_of_every_architecture_have_the_hashes_of_their_documents() {
    compare::<crate::plant::plant::start::Space>(0x1000, 8, aarch64);
    compare::<crate::plant::plant::kernel::Space>(0x1000, 8, aarch64);
    compare::<crate::plant::plant::hmi::Space>(0x1000, 8, aarch64);
    compare::<large_pages::kernel::Space>(0x1_0000, 8, aarch64);
    compare::<guest::cell::Space>(0x1000, 8, aarch64);
    compare::<sv39::kernel::Space>(0x1000, 8, riscv);
    compare::<sv32::kernel::Space>(0x1000, 4, riscv);
    compare::<g_stage::cell::Space>(0x1000, 8, riscv);
    compare::<level4::kernel::Space>(0x1000, 8, x86);
    compare::<legacy::kernel::Space>(0x1000, 4, x86);
    compare::<pae::kernel::Space>(0x1000, 8, x86);
    compare::<ept::cell::Space>(0x1000, 8, ept);
    compare::<lpae::kernel::Space>(0x1000, 8, aarch64);
    compare::<short::kernel::Space>(0x400, 4, short);
    compare::<la64::kernel::Space>(0x1000, 8, loongarch64);
}

#[test]
fn tables_that_the_linker_placed_have_them_too() {
    compare::<linked_a64::kernel::Space>(0x1000, 8, aarch64);
    compare::<linked_x86::kernel::Space>(0x1000, 8, x86);
    // Where the target's linker script is not in force, they are as at address 0.
    compare::<linked_riscv::kernel::Space>(0x1000, 8, riscv);
}

#[test]
fn the_hash_is_the_one_of_the_standard() {
    // FIPS 180-4, of "abc".
    let hash: String = Sha256::digest(b"abc").iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn the_hash_does_not_depend_on_where_the_tables_lie() {
    let [a, b] = [linked_x86::MAP, linked_x86_again::MAP].map(|map| document(map).value);
    let hashes = |document: &Value| document["spaces"][0]["tables"]["list"].clone();
    assert_eq!(hashes(&a), hashes(&b));
}
