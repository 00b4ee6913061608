//! Descriptors against the manual and against golden words.

use super::*;
use crate::attr::{Access, MemoryType, Rights};
use crate::format::{Leaf, View};

const LEAF: Leaf = Leaf {
    address: 0x8020_0000,
    access: Access::kernel(Rights::RW),
    memory: MemoryType::NormalWb,
    global: true,
    run: 0,
    software: 0,
    guarded: false,
};

#[test]
fn names() {
    assert_eq!(<El1<G4K, 39> as Regime>::FORMAT.name, "AArch64 EL1, 4 KiB granule, 39 bits");
    assert_eq!(<Stage2<G64K, 4294967295> as Regime>::FORMAT.name, "AArch64 stage 2, 64 KiB granule, 4294967295 bits");
}

#[test]
fn smoke() {
    let f = <El1<G4K, 39> as Regime>::FORMAT;
    let word = f.encode_leaf(0, &LEAF).unwrap();
    assert_eq!(word, 0x0060_0000_8020_0707);
    assert_eq!(f.view(0, word), View::Leaf(LEAF));
}
