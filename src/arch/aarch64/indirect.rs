//! Permission indirection (FEAT_S1PIE): descriptors hold an index, registers say what it permits.

/// Descriptor bits of each stage 1 permission index (FEAT_S1PIE, DDI 0487 D8.4.2 "Indirect permissions"): PIIndex[3:0] is
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
