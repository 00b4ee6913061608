//! What table descriptors do to the leaves below them, and what bits of a leaf imply (DDI 0487 J.a, D8).

use super::entry::descriptor::{STAGE1, STAGE2, TABLE};
use super::entry::{Translation, mask};
use crate::format::{Effect, Pattern};

const USER: u64 = mask(STAGE1::AP_USER);
const READ_ONLY: u64 = mask(STAGE1::AP_READ_ONLY);
const DBM: u64 = mask(STAGE1::DBM);

/// Where all of `bits` are set.
const fn marked(bits: u64, set: u64, clear: u64) -> Effect {
    Effect { pattern: Pattern { mask: bits, value: bits }, set, clear }
}

/// Hierarchical permissions with EL0 (D8).
pub(super) const TWO_LEVEL_POINTER: &[Effect] = &[
    marked(mask(TABLE::AP_NO_USER), 0, USER),
    marked(mask(TABLE::AP_READ_ONLY), READ_ONLY, DBM),
    marked(mask(TABLE::UXN), mask(STAGE1::UXN), 0),
    marked(mask(TABLE::PXN), mask(STAGE1::PXN), 0),
];

/// Hierarchical permissions with one Exception level (D8).
pub(super) const ONE_LEVEL_POINTER: &[Effect] =
    &[marked(mask(TABLE::AP_READ_ONLY), READ_ONLY, DBM), marked(mask(TABLE::UXN), mask(STAGE1::UXN), 0)];

/// What EL0 may write is not executable at EL1, whatever PXN says (D8).
const USER_WRITES: Effect =
    Effect { pattern: Pattern { mask: USER | READ_ONLY, value: USER }, set: mask(STAGE1::PXN), clear: 0 };
/// DBM says nothing where hardware does not manage dirty state.
const NO_DBM: Effect = marked(DBM, 0, DBM);
/// Where it does, what is read-only and has DBM can be written: it is clean (D8 "Hardware management of dirty state").
const CLEAN: Effect = marked(DBM | READ_ONLY, 0, DBM | READ_ONLY);
const CLEAN_USER: Effect = marked(DBM | READ_ONLY | USER, mask(STAGE1::PXN), 0);
const CLEAN_GUEST: Effect = marked(DBM, mask(STAGE2::S2AP_WRITE), DBM);

/// What bits of a leaf imply where hardware does not manage dirty state.
pub(super) const fn implied(translation: Translation) -> &'static [Effect] {
    match translation {
        Translation::El1 | Translation::El2And0 => &[USER_WRITES, NO_DBM],
        _ => &[NO_DBM],
    }
}

/// What they imply where it does.
pub(super) const fn updating(translation: Translation) -> &'static [Effect] {
    match translation {
        Translation::El1 | Translation::El2And0 => &[USER_WRITES, NO_DBM, CLEAN, CLEAN_USER],
        Translation::El2 | Translation::El3 => &[NO_DBM, CLEAN],
        Translation::Stage2 => &[CLEAN_GUEST],
    }
}

#[cfg(test)]
mod tests {
    use crate::aarch64::{El1, El2, G4K, Stage2};
    use crate::attr::{Access, Features, Rights};
    use crate::format::{Format, Inherited, View};
    use crate::regime::{Regime, With};

    const CLEAN: u64 = 1 << 51;
    const READ_ONLY: u64 = 1 << 7;
    const USER: u64 = 1 << 6;

    fn access(format: &Format, word: u64, above: Inherited) -> Access {
        match format.view_below(0, word, above) {
            View::Leaf(leaf) => leaf.access,
            view => panic!("{word:#x} reads {view:?}"),
        }
    }

    /// A leaf that some other system keeps clean, as `word` with DBM, is read-only or writable after what the CPU does.
    fn both<R: Regime>(word: u64) -> [Access; 2] {
        type Updated<R> = With<R, { Features::HAFDBS.bits() }>;
        let read = |format: &Format| access(format, word | CLEAN, Inherited::NOTHING);
        [read(&R::FORMAT), read(&<Updated<R> as Regime>::FORMAT)]
    }

    #[test]
    fn clean_leaves_are_writable_where_hardware_manages_dirty_state() {
        // AF, SH, AttrIndx = 1, page.
        let page = 0x8020_0707;
        let (pxn, uxn) = (1 << 53, 1 << 54);
        let kernel = [Rights::R, Rights::RW].map(Access::kernel);
        assert_eq!(both::<El1<G4K, 39>>(page | pxn | uxn | READ_ONLY), kernel);
        assert_eq!(both::<El2<G4K, 39>>(page | uxn | READ_ONLY), kernel);
        assert_eq!(both::<El1<G4K, 39>>(page | pxn | uxn), [Access::kernel(Rights::RW); 2]);
        // What EL0 may write EL1 does not execute.
        let user = both::<El1<G4K, 39>>(page | uxn | READ_ONLY | USER);
        assert_eq!(user, [Access { privileged: Rights::RX, user: Rights::R }, Access::user(Rights::RW)]);
        // S2AP = 01, MemAttr = 1111, XN = 10.
        assert_eq!(both::<Stage2<G4K, 40>>(0x8020_077f | uxn), kernel);
    }

    /// Neither a table above, nor whoever takes the right to write, leaves DBM to give it back.
    #[test]
    fn clean_leaves_can_be_made_read_only() {
        let format = <With<El1<G4K, 39>, { Features::HAFDBS.bits() }> as Regime>::FORMAT;
        let word = 0x0060_0000_8020_0707 | CLEAN | READ_ONLY;
        let above = format.level[1].below(1 << 62 | 3, Inherited::NOTHING);
        assert_eq!(access(&format, word, above), Access::kernel(Rights::R));
        let read = format.rights_at(0, 0, Access::kernel(Rights::R)).expect("encodable");
        assert_eq!(word & !format.rights_field(0, 0) | read, 0x0060_0000_8020_0787);
        // What hardware writes beside the rights is the access flag alone.
        assert_eq!(format.updates(Features::HAFDBS) & !format.rights_mask, 1 << 10);
        assert_eq!(format.updates(Features::NONE), 0);
    }
}
