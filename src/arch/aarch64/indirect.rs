//! Permission indirection (FEAT_S1PIE): descriptors hold an index, registers say what it permits.

use crate::attr::{Features, Rights};
use crate::format::Format;

/// What the permission indirection registers hold: four bits for each index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// PIR_ELx: the privileged level.
    pub privileged: u64,
    /// PIRE0_ELx: EL0.
    pub user: u64,
}

impl Permissions {
    /// Those behind the indices of `format`; `None` where its descriptors hold permissions themselves.
    pub(super) const fn of(format: &Format, features: Features) -> Option<Self> {
        if format.free_rights.is_empty() || !features.contains(format.free_rights) {
            return None;
        }
        let list = format.indirect_rights();
        let mut permissions = Self { privileged: 0, user: 0 };
        let mut i = 0;
        while i < list.len() {
            if let Some(access) = list[i] {
                permissions.privileged |= permission(access.privileged) << (4 * i);
                permissions.user |= permission(access.user) << (4 * i);
            }
            i += 1;
        }
        Some(permissions)
    }
}

/// The encoding of rights in PIR_ELx, permission overlays off (DDI 0487, D8). There is no writing without reading,
/// which the rules refuse.
const fn permission(rights: Rights) -> u64 {
    match (rights.contains(Rights::R), rights.contains(Rights::W), rights.contains(Rights::X)) {
        (false, _, false) => 0b0000,
        (true, false, false) => 0b0001,
        (false, _, true) => 0b0010,
        (true, false, true) => 0b0011,
        (true, true, false) => 0b0101,
        (true, true, true) => 0b0111,
    }
}

/// Descriptor bits of each stage 1 permission index (FEAT_S1PIE, DDI 0487 D8 "Indirect permissions"): PIIndex[3:0] is
/// bits 54, 53, 51 and 6. Bit 7 (nDirty) stays 0: a writable page is dirty.
pub(super) const fn permission_indices() -> [u64; 16] {
    let mut bits = [0; 16];
    let mut i = 0;
    while i < 16 {
        let index = i as u64;
        bits[i] = (index >> 3) << 54 | (index >> 2 & 1) << 53 | (index >> 1 & 1) << 51 | (index & 1) << 6;
        i += 1;
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attr::Access;
    use crate::format::{Leaf, View};
    use crate::regime::Regime;

    type El1 = crate::aarch64::El1<crate::aarch64::G4K, 39>;

    #[test]
    fn an_index_stands_for_the_same_access_in_the_descriptor_and_in_the_registers() {
        let accesses = [
            Access::kernel(Rights::X),
            Access::kernel(Rights::RW),
            Access { privileged: Rights::R, user: Rights::RW },
            Access { privileged: Rights::NONE, user: Rights::X },
        ];
        let used = accesses.iter().fold(0, |bits, access| bits | 1 << access.index());
        let format = El1::FORMAT.with_indirect_rights(used);
        let registers = Permissions::of(&format, Features::S1PIE).expect("indirection");
        for access in accesses {
            let leaf = Leaf {
                address: 0x4000_0000,
                access,
                memory: crate::attr::MemoryType::NormalWb,
                global: true,
                run: 0,
                software: 0,
                guarded: false,
            };
            let word = format.encode_leaf(0, &leaf).expect("an encoding");
            // PIIndex[3:0] is bits 54, 53, 51 and 6.
            let index = (word >> 54 & 1) << 3 | (word >> 53 & 1) << 2 | (word >> 51 & 1) << 1 | word >> 6 & 1;
            let field = |register: u64| register >> (4 * index) & 0xf;
            assert_eq!(field(registers.privileged), permission(access.privileged), "{access:?}");
            assert_eq!(field(registers.user), permission(access.user), "{access:?}");
            assert_eq!(format.view(0, word), View::Leaf(leaf));
        }
        assert_eq!(Permissions::of(&El1::FORMAT, Features::NONE), None);
    }
}
