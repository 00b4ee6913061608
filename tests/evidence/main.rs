//! Documents of evidence, judged by the schema and by computations of their own.

mod changes;
mod classes;
mod document;
mod facts;
mod hashes;
mod isolation;
mod masters;
mod plant;
mod regimes;
mod sizes;

use tablature::evidence::{Evidence, Generator};
use tablature::map::Map;

/// The document of a map, which keeps the schema.
fn document(map: &Map<'_>) -> document::Document {
    let generator = Generator::with_compiler("tests", "1.2.3", "rustc 1.95.0 (some hash)");
    let evidence = Evidence::of(map, &generator).expect("a document");
    document::Document::of(&evidence.to_json())
}

tablature::memory_map! {
    /// Tables that the program fills.
    mod boot for riscv::Sv39;
    physical { ram : 0x8000_0000, 1 GiB, normal; }
    space kernel {
        tables at boot;
        text (rx) : 0xffff_ffc0_0000_0000 => ram, 20 KiB;
    }
}
