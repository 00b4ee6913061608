//! The checker on tables of every kind, of which no machine here has an image: it agrees with the documents, and finds every
//! change. The tables are those that the declarations put into this program.

mod maps;

use anyhow::{Context as _, Result};
use cargo_tablature::evidence::Document;
use tablature::evidence::{Evidence, Generator};
use tablature::space::Declared;

use super::mutate::Mutation;

/// The document of a map.
fn document<S: Declared>() -> Result<Document> {
    let generator = Generator::with_compiler("tests", "1.2.3", "rustc 1.95.0");
    let evidence = Evidence::of(S::MAP, &generator).map_err(|error| anyhow::anyhow!("{error}"))?;
    Document::parse(evidence.to_json().as_bytes())
}

/// An image that has the tables of `S` where they are declared, under their symbol, and nothing else.
fn image<S: Declared>(document: &Document) -> Result<Vec<u8>> {
    let memory = S::memory();
    // SAFETY: the tables are initialized words that nothing changes.
    let words = (0..memory.bytes / 8).map(|index| unsafe { memory.start.wrapping_add(index).read() });
    let tables: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    let space = &document.spaces[S::INDEX];
    let (start, size) = (memory.physical, tables.len() as u64);
    let symbol = space.tables.symbol.as_ref().context("no symbol")?;
    let text = space.regions.iter().find(|region| region.privileged.name().ends_with('x')).context("no text")?;
    let entry = text.virt.address().context("no address")?;

    const TABLES: u64 = 0x1000;
    let mut file = vec![0; TABLES as usize];
    file.extend(&tables);
    let names_at = file.len() as u64;
    let names = format!("\0{symbol}\0.symtab\0.strtab\0");
    let name = |name: &str| names.find(name).map_or(0, |at| at as u32);
    file.extend(names.bytes());
    file.resize(file.len().next_multiple_of(8), 0);
    let symbols_at = file.len() as u64;
    file.extend([0; 24]);
    file.extend([name(symbol).to_le_bytes(), [0x11, 0, 0xf1, 0xff]].concat());
    file.extend([start, size].map(u64::to_le_bytes).concat());
    let headers_at = file.len() as u64;
    file.extend([0; 64]);
    file.extend(section([name(".symtab"), 2], [symbols_at, 48], [2, 1], 24));
    file.extend(section([name(".strtab"), 3], [names_at, names.len() as u64], [0, 0], 0));

    let mut header = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0];
    header.extend([entry, 64, headers_at].map(u64::to_le_bytes).concat());
    header.extend(0u32.to_le_bytes());
    header.extend([64u16, 56, 1, 64, 3, 2].map(u16::to_le_bytes).concat());
    header.extend([1u32, 6].map(u32::to_le_bytes).concat());
    header.extend([TABLES, start, start, size, size, 0x1000].map(u64::to_le_bytes).concat());
    file[..header.len()].copy_from_slice(&header);
    Ok(file)
}

fn section([name, kind]: [u32; 2], [at, size]: [u64; 2], [link, info]: [u32; 2], entry: u64) -> Vec<u8> {
    let mut header = [name, kind].map(u32::to_le_bytes).concat();
    header.extend([0, 0, at, size].map(u64::to_le_bytes).concat());
    header.extend([link, info].map(u32::to_le_bytes).concat());
    header.extend([8, entry].map(u64::to_le_bytes).concat());
    header
}

/// Checks the tables of `S`, and every change of them.
fn every_change_is_found<S: Declared>() {
    let name = S::MAP.name;
    let document = document::<S>().expect(name);
    let image = image::<S>(&document).expect(name);
    let mut mutation = Mutation::new(image, document).unwrap_or_else(|error| panic!("{name}: {error:#}"));
    mutation.all_tables().unwrap_or_else(|error| panic!("{name}: {error:#}"));
    let all: u64 = mutation.tally.values().map(|(changes, _)| changes).sum();
    println!("{name}: {all} changes, each found");
    for class in ["address", "rights", "memory type", "table pointer", "missing leaf", "missing table", "extra leaf"] {
        // Entries of Sv32 have no memory types.
        let is_there =
            mutation.tally.keys().any(|name| name.starts_with(class)) || class == "memory type" && name == "sv32";
        assert!(is_there, "{name}: no change of {class}");
    }
    // Each class of bits means something somewhere, but for those that are ignored, and pointers of a second stage.
    for (class, (changes, meant)) in &mutation.tally {
        let means_nothing = *class == "ignored" || *class == "rights in a pointer";
        assert!(*meant > 0 || means_nothing, "{name}: none of {changes} changes of {class} was found by what it means");
    }
}

macro_rules! test {
    ($($test:ident: $($map:ident $space:ident),*;)*) => { $(
        #[test]
        fn $test() {
            $(every_change_is_found::<maps::$map::$space::Space>();)*
        }
    )* };
}

test! {
    changes_of_tables_with_permission_indices_are_found: indirect kernel;
    changes_of_other_aarch64_tables_are_found: host kernel, lpa2 kernel, stage2 cell, el2 monitor, el3 monitor;
    changes_of_other_riscv_tables_are_found: sv32 kernel, c9xx kernel, sv57 kernel, sv39x4 cell, sv48x4 cell;
    changes_of_other_x86_64_tables_are_found: level5 kernel, ept4 cell, ept5 cell;
    changes_of_32_bit_x86_tables_are_found: pae kernel, legacy kernel;
    changes_of_long_descriptors_are_found: lpae kernel, hyp monitor, lpae_guest cell;
    changes_of_short_descriptors_are_found: short kernel;
    changes_of_loongarch_tables_are_found: la64 kernel;
}
