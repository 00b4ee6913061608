//! The linker scripts of small maps: beside files to read, and refused where there can be none. That linkers obey them is
//! `cargo xtask test --only "link"`.
#![cfg(feature = "std")]

use std::path::PathBuf;

use tablature::link::{Error, Fragment};
use tablature::map::{Image, Map, Phys, Placement, Region, Section, Space, Tables};

/// A kernel in the upper half, with all that an image block can say, and a partition of its own.
mod linked {
    tablature::memory_map! {
        pub mod linked for riscv::Sv39;
        physical {
            dram : 0x8000_0000, 1 GiB, normal;
        }
        space kernel {
            tables <= 16 in table_pool;
            image firmware {
                entry 0xffff_ffc0_8020_0000, symbol _start;
                section ".text" (rx) in text, keep ".init", from ".text";
                section ".rodata" (r) in rodata;
                section ".data" (rw) in data, 64 KiB;
                section ".bss" (rw) in data + 64 KiB, nobits;
                section ".stack" (rw) in stack, reserve;
            }
            null   (guard) : 0x0, 4 KiB;
            text   (rx) : 0xffff_ffc0_8020_0000 => dram + 2 MiB, symbol __text_size max 256 KiB;
            rodata (r)  : after text => dram + 0x24_0000, 256 KiB;
            data   (rw) : after rodata => dram + 0x28_0000, 512 KiB;
            stack  (rw) : after data => dram + 0x30_1000, 60 KiB, guard below;
            table_pool (rw, tables) : 0xffff_ffc0_8050_0000 => dram + 5 MiB, 128 KiB;
        }
        space plc (user) {
            tables <= 8 at 0x8060_0000;
            image plc { section ".text" (rx) : 0x1_0000, 64 KiB; }
            code (rx, user) : 0x1_0000 => dram + 16 MiB, 64 KiB;
        }
    }
}

/// Placed tables, first in a section and in one of their own; linked ones among the data.
mod placed {
    tablature::memory_map! {
        pub mod placed for x86_64::Level4;
        physical {
            dram : 0x20_0000, 510 MiB, normal;
        }
        space kernel {
            tables <= 16 at dram + 6 MiB;
            image kernel {
                entry 0xffff_ffff_8020_0000;
                section ".text" (rx) in text;
                section ".data" (rw) in data;
                section ".tables" (rw) in pool, from ".table_memory";
            }
            text (rx) : 0xffff_ffff_8020_0000 => dram, 2 MiB;
            data (rw) : after text => dram + 4 MiB, 256 KiB;
            pool (rw, tables) : 0xffff_ffff_8080_0000 => dram + 6 MiB, 64 KiB;
        }
        space run (run) {
            tables <= 16 at dram + 7 MiB;
            text (rx) : 0xffff_ffff_8020_0000 => dram, 2 MiB;
            more (r, tables) : 0xffff_ffff_8100_0000 => dram + 7 MiB, 64 KiB;
        }
        space start (boot) {
            tables <= 16 in data;
            text (rx) : 0xffff_ffff_8020_0000 => dram, 2 MiB;
            data (rw) : after text => dram + 4 MiB, 256 KiB;
        }
    }
}

/// No image: symbols and assertions alone.
mod bare {
    tablature::memory_map! {
        pub mod bare for aarch64::El1<G16K, 36>;
        physical { dram : 0x4000_0000, 1 GiB, normal; }
        space kernel { tables in dram; code (rx) : identity => dram, 32 MiB; }
        space later (run) { tables at boot; code (rx) : identity => dram, 32 MiB; }
    }
}

/// The text is the file's; `TABLATURE_BLESS=1` writes the file anew.
fn golden(name: &str, fragment: &Fragment<'_>) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/link").join(format!("{name}.ld"));
    if std::env::var_os("TABLATURE_BLESS").is_some() {
        fragment.write(&path).expect("the directory is there");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(fragment.to_string(), expected, "{}", path.display());
}

#[test]
fn sections_tables_and_symbols_are_those_of_the_map() {
    golden("kernel", &Fragment::of_image(linked::linked::MAP, "firmware").expect("it is sound"));
    golden("plc", &Fragment::of_image(linked::linked::MAP, "plc").expect("it is sound"));
    golden("placed", &Fragment::of(placed::placed::MAP).expect("it is sound"));
    golden("bare", &Fragment::of(bare::bare::MAP).expect("it is sound"));
}

/// The map of `placed` with another space in place of all.
fn with(space: Space<'static>) -> Map<'static> {
    Map { spaces: Box::leak(Box::new([space])), ..*placed::placed::MAP }
}

fn image(sections: Vec<Section<'static>>) -> Option<Image<'static>> {
    Some(Image { name: "image", sections: sections.leak(), ..Image::BLANK })
}

fn refused(space: Space<'static>) -> String {
    Fragment::of(&with(space)).expect_err("it cannot be written").to_string()
}

const KERNEL: Space<'static> = placed::placed::MAP.spaces[0];
const TEXT: Section<'static> = Section { name: ".text", region: Some("text"), ..Section::BLANK };
const DATA: Section<'static> = Section { name: ".data", region: Some("data"), ..Section::BLANK };

#[test]
fn a_section_has_a_place_and_a_name_of_its_own() {
    let nowhere = Section { region: Some("txet"), ..TEXT };
    assert!(refused(Space { image: image(vec![nowhere]), ..KERNEL }).contains("`.text` has no place"));
    let outside = Section { region: None, virt: 0x1000, size: 0x1000, ..TEXT };
    assert!(refused(Space { image: image(vec![outside]), ..KERNEL }).contains("`.text` has no place"));
    assert!(refused(Space { image: image(vec![TEXT, TEXT]), ..KERNEL }).contains("are `.text`"));
    let same_segment = Section { name: "text", ..DATA };
    assert!(refused(Space { image: image(vec![TEXT, same_segment]), ..KERNEL }).contains("text`: rename one"));
    for name in ["", "a b", ".te\"xt", "1text", "тext", "*/"] {
        let space = Space { image: image(vec![Section { name, ..TEXT }]), ..KERNEL };
        assert!(matches!(Fragment::of(&with(space)), Err(Error::Name { .. })), "{name}");
    }
}

#[test]
fn tables_are_where_a_section_starts() {
    let tables = |offset| {
        Some(Tables { placement: Placement::Placed, phys: Phys::In { resource: "dram", offset }, ..Tables::BLANK })
    };
    let space = |offset| Space { tables: tables(offset), ..KERNEL };
    assert!(refused(space(0x40_1000)).contains("declared at 0x601000, inside the section `.data`"));
    assert!(Fragment::of(&with(space(0x40_0000))).is_ok());
    let no_bits = Section { contents: tablature::map::Contents::NoBits, ..DATA };
    let tables = Some(Tables { linked_in: Some("data"), ..Tables::BLANK });
    let text = refused(Space { tables, image: image(vec![TEXT, no_bits]), ..KERNEL });
    assert!(text.contains("linked in `data`, whose sections are not in the file"), "{text}");
}

#[test]
fn only_images_that_exist_and_maps_that_fit_are_written() {
    let error = Fragment::of_image(linked::linked::MAP, "hmi").expect_err("there is none");
    assert_eq!(error.to_string(), "no space has an image `hmi`");
    let many = vec![Region { name: "r", ..Region::BLANK }; 8193].leak();
    let error = Fragment::of(&with(Space { regions: many, ..KERNEL })).expect_err("too many");
    assert!(matches!(error, Error::TooManyRegions { regions: 8193 }));
    assert!(Fragment::of(linked::linked::MAP).expect_err("two sections `.text`").to_string().contains("`.text`"));
    let missing = Fragment::of(bare::bare::MAP).expect("it is sound").emit();
    assert!(matches!(missing, Err(Error::NoBuildScript { variable: "OUT_DIR" })));
}
