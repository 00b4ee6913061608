//! The extensions of the hart, from the device tree that OpenSBI hands over.
//!
//! Written out because it runs before the MMU is on, where a parser must not follow a pointer that the linker wrote.

use core::ptr::with_exposed_provenance;
use core::slice;

use tablature::riscv::Extensions;

/// Magic value, and tokens of the structure block (Devicetree Specification 0.4, 5.2 and 5.4.1).
const MAGIC: u32 = 0xd00d_feed;
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const NOP: u32 = 4;

/// The extensions that the tree at `address` names for its first hart; none if there is no tree.
///
/// # Safety
/// `address` is what firmware passes in `a1`: a device tree, which nobody changes.
pub(crate) unsafe fn extensions(address: usize) -> Extensions {
    let header = with_exposed_provenance::<[u8; 40]>(address);
    // SAFETY: the header of the tree; bytes need no alignment.
    let header = unsafe { &*header };
    let (Some(MAGIC), Some(size)) = (word(header, 0), word(header, 4)) else {
        return Extensions::NONE;
    };
    // SAFETY: the tree has that size.
    let tree = unsafe { slice::from_raw_parts(with_exposed_provenance(address), size as usize) };
    match isa(tree) {
        Some(isa) => Extensions::parse(isa),
        None => Extensions::NONE,
    }
}

/// The big-endian word at `at`.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// The first property `riscv,isa` of the tree.
fn isa(tree: &[u8]) -> Option<&[u8]> {
    let mut at = word(tree, 8)? as usize;
    let strings = tree.get(word(tree, 12)? as usize..)?;
    loop {
        let token = word(tree, at)?;
        at += 4;
        match token {
            BEGIN_NODE => at = (at + length(tree.get(at..)?)? + 1).next_multiple_of(4),
            END_NODE | NOP => {}
            PROPERTY => {
                let (size, name) = (word(tree, at)? as usize, word(tree, at + 4)? as usize);
                let value = tree.get(at + 8..)?.get(..size)?;
                if strings.get(name..)?.starts_with(b"riscv,isa\0") {
                    return Some(value);
                }
                at = (at + 8 + size).next_multiple_of(4);
            }
            _ => return None,
        }
    }
}

/// Bytes before the first NUL.
fn length(text: &[u8]) -> Option<usize> {
    text.iter().position(|&byte| byte == 0)
}
