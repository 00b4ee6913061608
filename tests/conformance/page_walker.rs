//! page-walker 0.3.0: its formats, level by level.

mod operations;

use tablature::aarch64::{El1, G4K, G16K, G64K};
use tablature::format::Format;
use tablature::regime::Regime;
use tablature::{armv7, x86, x86_64};

/// Bits translated by each level, last first, and its index bits.
type Levels<'a> = &'a [(u32, u32)];

/// Page size, entry count and index of every level.
fn levels(format: &Format, levels: Levels<'_>) {
    assert_eq!(format.levels, levels.len(), "{}", format.name);
    for (level, &(shift, bits)) in levels.iter().enumerate() {
        assert_eq!((format.level[level].size(), format.index_bits(level)), (1 << shift, bits), "{}", format.name);
        // An index whose neighbours have all bits set.
        let index = 0x1555 & ((1 << bits) - 1);
        let virt = ((1u64 << shift) - 1) | (index << shift) | (!0 << (shift + bits));
        assert_eq!(format.index(virt, level), index as usize, "{} level {level}", format.name);
    }
}

/// The first address behind the lower half, and the first of the upper one.
fn sign_extended(format: &Format, low: u64, high: Option<u64>) {
    assert_eq!(format.upper_start(), high, "{}", format.name);
    assert!(format.is_canonical(low - 1) && !format.is_canonical(low), "{}", format.name);
    if let Some(high) = high {
        assert!(format.is_canonical(high) && format.is_canonical(u64::MAX) && !format.is_canonical(high - 1));
    }
}

#[test]
fn x86_of_32_bits() {
    levels(&x86::Legacy32::FORMAT, &[(12, 10), (22, 10)]);
    levels(&x86::Pae::FORMAT, &[(12, 9), (21, 9), (30, 2)]);
    // Theirs extends bit 31 into the host's 64 bits; a linear address has 32.
    sign_extended(&x86::Legacy32::FORMAT, 1 << 32, None);
    sign_extended(&x86::Pae::FORMAT, 1 << 32, None);
}

#[test]
fn x86_of_64_bits() {
    levels(&x86_64::Level4::FORMAT, &[(12, 9), (21, 9), (30, 9), (39, 9)]);
    levels(&x86_64::Level5::FORMAT, &[(12, 9), (21, 9), (30, 9), (39, 9), (48, 9)]);
    sign_extended(&x86_64::Level4::FORMAT, 1 << 47, Some(!0 << 47));
    sign_extended(&x86_64::Level5::FORMAT, 1 << 56, Some(!0 << 56));
}

#[test]
fn armv7() {
    levels(&armv7::Short::FORMAT, &[(12, 8), (20, 12)]);
    levels(&armv7::Lpae::FORMAT, &[(12, 9), (21, 9), (30, 2)]);
    sign_extended(&armv7::Short::FORMAT, 1 << 32, None);
}

/// Theirs of 16 and 64 KiB begin at bit 12, as no granule but that of 4 KiB does, and that of four levels has three.
#[test]
fn aarch64() {
    let of_4k = <El1<G4K, 39> as Regime>::FORMAT;
    levels(&of_4k, &[(12, 9), (21, 9), (30, 9)]);
    levels(&<El1<G4K, 48> as Regime>::FORMAT, &[(12, 9), (21, 9), (30, 9), (39, 9)]);
    levels(&<El1<G16K, 48> as Regime>::FORMAT, &[(14, 11), (25, 11), (36, 11), (47, 1)]);
    levels(&<El1<G64K, 48> as Regime>::FORMAT, &[(16, 13), (29, 13), (42, 6)]);
    // Each half has as many bits as the width says: the half is chosen by the bits above.
    sign_extended(&of_4k, 1 << 39, Some(!0 << 39));
}
