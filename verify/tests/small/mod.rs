//! A small image for RISC-V, and the document of its map: both written out by hand.
#![allow(dead_code, reason = "each test file uses its part")]

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Where the image is linked, and loaded.
pub(crate) const VIRT: u64 = 0xffff_ffc0_8000_0000;
pub(crate) const PHYS: u64 = 0x8000_0000;
/// Offset of the tables in the file, and from the image's start in memory.
pub(crate) const TABLES: usize = 0x3000;
/// Bytes of the three tables.
pub(crate) const TABLE_BYTES: u64 = 0x3000;
pub(crate) const SYMBOL: &str = "__tablature_small_kernel";
const SECTIONS: [(&str, u32, u64, u64); 3] =
    [(".text", 6, 0x1000, 0x1000), (".data", 3, 0x2000, 0x1000), (".tables", 3, 0x3000, TABLE_BYTES)];

/// Flags of program headers: text, data, tables.
const SEGMENTS: [(u32, u64, u64); 3] = [(5, 0x1000, 0x1000), (6, 0x2000, 0x1000), (6, 0x3000, TABLE_BYTES)];

/// Number of an entry in a table of the image: its offset in the file.
pub(crate) const fn entry(table: usize, index: usize) -> usize {
    TABLES + table * 0x1000 + index * 8
}

/// A pointer to one of the tables.
pub(crate) const fn pointer(table: u64) -> u64 {
    (PHYS + TABLES as u64 + table * 0x1000) >> 2 | 1
}

/// A leaf with these low bits.
pub(crate) const fn leaf(phys: u64, bits: u64) -> u64 {
    phys >> 2 | bits
}

/// Text (rx), data (rw), tables (rw), and a NAPOT run of 64 KiB at 0x9000_0000 (rw, user).
pub(crate) fn entries() -> Vec<(usize, usize, u64)> {
    let mut entries = vec![
        (0, 258, pointer(1)),
        (1, 0, pointer(2)),
        (2, 1, leaf(PHYS + 0x1000, 0xcb)),
        (2, 2, leaf(PHYS + 0x2000, 0xc7)),
        (2, 3, leaf(PHYS + 0x3000, 0xc7)),
        (2, 4, leaf(PHYS + 0x4000, 0xc7)),
        (2, 5, leaf(PHYS + 0x5000, 0xc7)),
    ];
    entries.extend((0x10..0x20).map(|index| (2, index, leaf(0x9000_8000, 0xd7) | 1 << 63)));
    entries
}

/// The image.
pub(crate) fn image() -> Vec<u8> {
    image_with(0, &[])
}

/// The image with relocations of these link addresses, in a section with these flags: 2 where it is loaded.
pub(crate) fn image_with(flags: u32, relocations: &[u64]) -> Vec<u8> {
    let mut file = vec![0; TABLES + TABLE_BYTES as usize];
    for (table, index, word) in entries() {
        file[entry(table, index)..][..8].copy_from_slice(&word.to_le_bytes());
    }
    let strings = b"\0.text\0.data\0.tables\0.symtab\0.strtab\0.rela\0".to_vec();
    let names = format!("\0{SYMBOL}\0").into_bytes();
    let at = |bytes: &[u8], name: &[u8]| {
        bytes.windows(name.len()).position(|window| window == name).expect("is there") as u32
    };
    let strings_at = append(&mut file, &strings);
    let names_at = append(&mut file, &names);
    let mut symbol = vec![0; 24];
    symbol.extend(1u32.to_le_bytes());
    symbol.extend([0x11, 0, 3, 0]);
    symbol.extend((VIRT + TABLES as u64).to_le_bytes());
    symbol.extend(TABLE_BYTES.to_le_bytes());
    let symbols_at = append(&mut file, &symbol);
    let mut headers = vec![0; 64];
    for (name, flags, offset, size) in SECTIONS {
        headers.extend(section([at(&strings, name.as_bytes()), 1, flags], [VIRT + offset, offset, size], [0, 0, 0]));
    }
    let name = |name: &[u8]| at(&strings, name);
    headers.extend(section([name(b".symtab"), 2, 0], [0, symbols_at, 48], [5, 1, 24]));
    headers.extend(section([name(b".strtab"), 3, 0], [0, names_at, names.len() as u64], [0, 0, 0]));
    headers.extend(section([name(b".strtab"), 3, 0], [0, strings_at, strings.len() as u64], [0, 0, 0]));
    if !relocations.is_empty() {
        let list: Vec<u8> = relocations.iter().flat_map(|virt| [*virt, 2, 0].map(u64::to_le_bytes).concat()).collect();
        let list_at = append(&mut file, &list);
        // What is loaded lies in a segment, and the text has room for a list.
        let list_virt = if flags == 0 { 0 } else { VIRT + 0x1800 };
        headers.extend(section([name(b".rela"), 4, flags], [list_virt, list_at, list.len() as u64], [4, 0, 24]));
    }
    let headers_at = append(&mut file, &headers);
    file[..16].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let mut header = Vec::new();
    header.extend([2u16, 243].map(u16::to_le_bytes).concat());
    header.extend(1u32.to_le_bytes());
    header.extend([VIRT + 0x1000, 64, headers_at].map(u64::to_le_bytes).concat());
    header.extend(0u32.to_le_bytes());
    header.extend([64u16, 56, 3, 64, if relocations.is_empty() { 7 } else { 8 }, 6].map(u16::to_le_bytes).concat());
    file[16..16 + header.len()].copy_from_slice(&header);
    for (index, (flags, offset, size)) in SEGMENTS.into_iter().enumerate() {
        let mut program = [1, flags].map(u32::to_le_bytes).concat();
        program.extend([offset, VIRT + offset, PHYS + offset, size, size, 0x1000].map(u64::to_le_bytes).concat());
        file[segment(index)..][..56].copy_from_slice(&program);
    }
    file
}

/// Offset of a program header.
pub(crate) const fn segment(index: usize) -> usize {
    64 + index * 56
}

/// Offset of a section header.
pub(crate) fn header(index: usize) -> usize {
    let image = image();
    let at = image[40..48].iter().rev().fold(0, |at, byte| at << 8 | usize::from(*byte));
    at + index * 64
}

fn append(file: &mut Vec<u8>, bytes: &[u8]) -> u64 {
    file.resize(file.len().next_multiple_of(8), 0);
    let at = file.len() as u64;
    file.extend(bytes);
    at
}

fn section([name, kind, flags]: [u32; 3], places: [u64; 3], [link, info, entry]: [u32; 3]) -> Vec<u8> {
    let mut header = [name, kind].map(u32::to_le_bytes).concat();
    header.extend(u64::from(flags).to_le_bytes());
    header.extend(places.map(u64::to_le_bytes).concat());
    header.extend([link, info].map(u32::to_le_bytes).concat());
    header.extend([8, u64::from(entry)].map(u64::to_le_bytes).concat());
    header
}

/// SHA-256 of a table whose pointers hold distances.
fn digest(table: usize) -> (String, usize) {
    let mut words = [0u64; 512];
    for (_, index, word) in entries().into_iter().filter(|(of, ..)| *of == table) {
        words[index] = if word & 0xf == 1 { word - ((PHYS + TABLES as u64) >> 2) } else { word };
    }
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let text = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    (text, words.iter().filter(|word| **word != 0).count())
}

fn hex(number: u64) -> String {
    format!("{number:#x}")
}

fn region(name: &str, kind: &str, offset: u64, size: u64, rights: &str) -> Value {
    let (virt, phys) = (hex(VIRT + offset), hex(PHYS + offset));
    json!({
        "name": name, "kind": kind, "virt": virt, "size": hex(size), "phys": phys, "resource": "ram",
        "privileged": rights, "user": "", "memory": "normal_wb", "global": false, "requirements": [],
        "leaves": [{ "virt": virt, "phys": phys, "level": 0, "size": "0x1000", "count": size >> 12 }],
    })
}

/// The document.
pub(crate) fn document() -> Value {
    let tables: Vec<Value> = [(2, 0), (1, VIRT & !0x3fff_ffff), (0, VIRT)]
        .into_iter()
        .enumerate()
        .map(|(index, (level, virt))| {
            let (sha256, entries) = digest(index);
            json!({ "index": index, "level": level, "virt": hex(virt), "sha256": sha256, "entries": entries })
        })
        .collect();
    let nothing = |name: &str, kind: &str, virt: u64, size: u64| {
        json!({
            "name": name, "kind": kind, "virt": hex(virt), "size": hex(size), "privileged": "", "user": "",
            "global": false, "requirements": [], "leaves": [],
        })
    };
    let run = json!({
        "name": "frames", "kind": "map", "virt": hex(VIRT + 0x1_0000), "size": "0x10000", "phys": "0x90000000",
        "resource": "ram", "privileged": "rw", "user": "rw", "memory": "normal_wb", "global": false, "requirements": [],
        "leaves": [{
            "virt": hex(VIRT + 0x1_0000), "phys": "0x90000000", "level": 0, "size": "0x1000", "count": 16,
            "run": "0x10000",
        }],
    });
    let format = json!({
        "name": "riscv::Sv39", "architecture": "riscv", "scheme": "riscv-sv39", "granule": 4096, "input_bits": 39,
        "levels": 3, "entry_bytes": 8, "root_tables": 1, "two_halves": true, "split_roots": false,
    });
    json!({
        "schema": "tablature-evidence/1",
        "map": { "name": "small" },
        "format": format,
        "cpu": { "pa_bits": 56 },
        "resources": [
            { "name": "ram", "start": "0x80000000", "size": "0x40000000", "memory": "normal_wb", "reserved": false }
        ],
        "spaces": [{
            "name": "kernel", "role": "kernel", "format": format, "registers": [],
            "tables": {
                "placement": "linked", "count": 3, "bytes": TABLE_BYTES, "symbol": SYMBOL, "lower_root": 0, "list": tables,
            },
            "regions": [
                nothing("null", "guard", 0, 0x1000),
                region("text", "map", 0x1000, 0x1000, "rx"),
                region("data", "map", 0x2000, 0x1000, "rw"),
                region("pool", "map", 0x3000, 0x3000, "rw"),
                nothing("moat", "guard", VIRT + 0x8000, 0x1000),
                run,
                nothing("heap", "window", VIRT + 0x10_0000, 0x4000),
            ],
        }],
    })
}
