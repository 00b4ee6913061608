//! The registers that go with the tables: they name the roots, and the same kind of tables as the document does.

use super::{Kind, Report, Subject};
use crate::evidence::Space;
use crate::scheme::{Family, Scheme};
use crate::walk::Roots;

/// Bits of a register, and what they must be.
struct Claim {
    /// How the register's name starts.
    register: &'static str,
    /// The field, as the manual names it.
    field: &'static str,
    low: u32,
    bits: u32,
    value: u64,
}

const fn claim(register: &'static str, field: &'static str, (low, bits): (u32, u32), value: u64) -> Claim {
    Claim { register, field, low, bits, value }
}

/// Compares what the document says of the registers with the tables that were walked.
pub(super) fn check(subject: &Subject<'_>, roots: Roots, report: &mut Report) {
    let scheme = &subject.scheme;
    let claims = match scheme.family {
        family if family.is_aarch64() => aarch64(subject, roots),
        family if family.is_lpae() => lpae(subject, roots),
        family if family.is_riscv() => riscv(subject, roots),
        Family::Short => short(roots),
        Family::Loongarch64 => loongarch(subject, roots),
        Family::Ept => ept(subject, roots),
        _ => x86(subject, roots),
    };
    for Claim { register, field, low, bits, value } in claims {
        let Some(found) = bits_of(subject.space, register, low, bits) else { continue };
        if found != value {
            let text = format!("{register}.{field} is {found:#x}, and these tables need {value:#x}");
            report.add(Kind::Register, subject.name(), text);
        }
    }
}

/// Some bits of a register, if the map decides about all of them.
fn bits_of(space: &Space, register: &str, low: u32, bits: u32) -> Option<u64> {
    let register = space.registers.iter().find(|written| written.name.starts_with(register))?;
    let field = (1u64 << bits) - 1;
    let mask = register.mask.map_or(Some(u64::MAX), |mask| mask.address())?;
    (mask >> low & field == field).then_some(register.value.address()? >> low & field)
}

/// Widths and granules of both halves, or that a half has no walks; and the roots (DDI 0487, D19.2).
fn aarch64(subject: &Subject<'_>, roots: Roots) -> Vec<Claim> {
    let scheme = &subject.scheme;
    let size = u64::from(64 - scheme.input_bits);
    let (lower_granule, upper_granule) = match scheme.page_shift {
        12 => (0, 2),
        14 => (2, 1),
        _ => (1, 3),
    };
    let control = if scheme.family == Family::Stage2 { "VTCR_" } else { "TCR_" };
    let mut claims = Vec::new();
    if roots.lower.is_some() {
        claims.push(claim(control, "T0SZ", (0, 6), size));
        claims.push(claim(control, "TG0", (14, 2), lower_granule));
    }
    if matches!(scheme.family, Family::El1 | Family::El20) {
        claims.push(claim(control, "EPD0", (7, 1), roots.lower.is_none().into()));
        claims.push(claim(control, "EPD1", (23, 1), roots.upper.is_none().into()));
        if roots.upper.is_some() {
            claims.push(claim(control, "T1SZ", (16, 6), size));
            claims.push(claim(control, "TG1", (30, 2), upper_granule));
        }
    }
    if scheme.family == Family::Stage2 {
        claims.extend(start_level(scheme).map(|start| claim(control, "SL0", (6, 2), start)));
    }
    if scheme.permissions.is_some() {
        claims.push(claim("TCR2_", "PIE", (1, 1), 1));
        claims.extend((scheme.family == Family::El3).then(|| claim(control, "PIE", (35, 1), 1)));
    }
    // With 52-bit addresses the lowest bits of a root register are the highest of the root.
    if !scheme.wide && scheme.page_shift != 16 {
        let lower = if scheme.family == Family::Stage2 { "VTTBR_" } else { "TTBR0_" };
        claims.extend(roots.lower.map(|root| claim(lower, "BADDR", (1, 47), root >> 1)));
        claims.extend(roots.upper.map(|root| claim("TTBR1_", "BADDR", (1, 47), root >> 1)));
    }
    claims
}

/// VTCR_EL2.SL0, which says where a walk starts; five levels take another field, too (DDI 0487, "VTCR_EL2").
fn start_level(scheme: &Scheme) -> Option<u64> {
    let levels = scheme.levels as u64;
    match scheme.page_shift {
        12 if levels <= 4 => levels.checked_sub(2),
        14 | 16 => levels.checked_sub(1).filter(|start| *start < 4),
        _ => None,
    }
}

/// Long descriptors, their width, and the root (DDI 0406, B4.1 "TTBCR", "HTCR", "VTCR", "TTBR0", "HTTBR", "VTTBR").
fn lpae(subject: &Subject<'_>, roots: Roots) -> Vec<Claim> {
    let scheme = &subject.scheme;
    let size = 32u64.wrapping_sub(scheme.input_bits.into());
    let (mut claims, root) = match scheme.family {
        Family::Lpae => (
            vec![
                claim("TTBCR", "EAE", (31, 1), 1),
                claim("TTBCR", "T0SZ", (0, 3), size),
                claim("TTBCR", "EPD0", (7, 1), 0),
            ],
            "TTBR0",
        ),
        Family::LpaePl2 => (vec![claim("HTCR", "T0SZ", (0, 3), size)], "HTTBR"),
        // S repeats the sign of T0SZ.
        _ => {
            let start = (scheme.levels as u64).saturating_sub(2);
            (vec![claim("VTCR", "S, T0SZ", (0, 5), size & 0x1f), claim("VTCR", "SL0", (6, 2), start)], "VTTBR")
        }
    };
    claims.extend(roots.lower.map(|root_at| claim(root, "BADDR", (5, 35), root_at >> 5)));
    claims
}

/// One root for all addresses (DDI 0406, B4.1 "TTBCR", "TTBR0").
fn short(roots: Roots) -> Vec<Claim> {
    let kind = [claim("TTBCR", "EAE", (31, 1), 0), claim("TTBCR", "N", (0, 3), 0)];
    kind.into_iter().chain(roots.lower.map(|root| claim("TTBR0", "base", (14, 18), root >> 14))).collect()
}

/// What each level translates, 8-byte entries, and the roots (LoongArch Reference Manual vol. 1, 7.5 "PWCL", "PWCH", "PGDL").
fn loongarch(subject: &Subject<'_>, roots: Roots) -> Vec<Claim> {
    let scheme = &subject.scheme;
    let bases = [("PWCL", "PTbase", 0), ("PWCL", "Dir1_base", 10), ("PWCL", "Dir2_base", 20), ("PWCH", "Dir3_base", 0)];
    let widths =
        [("PWCL", "PTwidth", 5), ("PWCL", "Dir1_width", 15), ("PWCL", "Dir2_width", 25), ("PWCH", "Dir3_width", 6)];
    let mut claims = vec![claim("PWCL", "PTEWidth", (30, 2), 0), claim("PWCH", "Dir4_width", (18, 6), 0)];
    for level in 0..scheme.levels.min(4) {
        // The fields of PWCH are wider.
        let bits = if level == 3 { 6 } else { 5 };
        let index = u64::from(scheme.entries(level).trailing_zeros());
        claims.push(claim(bases[level].0, bases[level].1, (bases[level].2, bits), scheme.shift(level).into()));
        claims.push(claim(widths[level].0, widths[level].1, (widths[level].2, bits), index));
    }
    claims.extend(roots.lower.map(|root| claim("PGDL", "Base", (12, 52), root >> 12)));
    claims.extend(roots.upper.map(|root| claim("PGDH", "Base", (12, 52), root >> 12)));
    claims
}

/// Length of the walk and root (SDM 3C, "Extended-Page-Table Pointer (EPTP)").
fn ept(subject: &Subject<'_>, roots: Roots) -> Vec<Claim> {
    let length = claim("EPTP", "page-walk length", (3, 3), subject.scheme.levels as u64 - 1);
    std::iter::once(length).chain(roots.lower.map(|root| claim("EPTP", "address", (12, 40), root >> 12))).collect()
}

/// Mode and root (Privileged ISA, "satp", "hgatp").
fn riscv(subject: &Subject<'_>, roots: Roots) -> Vec<Claim> {
    let family = subject.scheme.family;
    let register = if family.is_guest() { "hgatp" } else { "satp" };
    let (mode, number) = match family {
        Family::Sv32 | Family::Sv32x4 => (claim(register, "MODE", (31, 1), 1), (0, 22)),
        Family::Sv39 | Family::Sv39C9xx | Family::Sv39x4 => (claim(register, "MODE", (60, 4), 8), (0, 44)),
        Family::Sv48 | Family::Sv48x4 => (claim(register, "MODE", (60, 4), 9), (0, 44)),
        _ => (claim(register, "MODE", (60, 4), 10), (0, 44)),
    };
    let root = roots.lower.map(|root| claim(register, "PPN", number, root >> 12));
    std::iter::once(mode).chain(root).collect()
}

/// The root, the kind of paging, and that entries may forbid execution and writes of the kernel (SDM 3A, "Paging Modes and
/// Control Bits").
fn x86(subject: &Subject<'_>, roots: Roots) -> Vec<Claim> {
    let family = subject.scheme.family;
    let mut claims = vec![claim("CR0", "WP", (16, 1), 1)];
    let (root, low) = match family {
        Family::Legacy => ((12, 20), 12),
        Family::Pae => ((5, 27), 5),
        _ => ((12, 40), 12),
    };
    match family {
        Family::Legacy | Family::Pae => {
            claims.push(claim("CR4", "PAE", (5, 1), u64::from(family == Family::Pae)));
            let is_large = |leaves: &crate::evidence::Leaves| leaves.level > 0;
            let has_large = subject.space.regions.iter().flat_map(|region| &region.leaves).any(is_large);
            claims.extend((family == Family::Legacy && has_large).then(|| claim("CR4", "PSE", (4, 1), 1)));
        }
        _ => claims.push(claim("CR4", "LA57", (12, 1), u64::from(family == Family::Level5))),
    }
    claims.extend((family != Family::Legacy).then(|| claim("IA32_EFER", "NXE", (11, 1), 1)));
    claims.extend(roots.lower.map(|address| claim("CR3", "address", root, address >> low)));
    claims
}
