//! The registers that go with the tables: they name the roots, and the same kind of tables as the document does.

use super::{Kind, Report, Subject};
use crate::evidence::Space;
use crate::scheme::Family;
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
        family if family.is_riscv() => riscv(subject, roots),
        Family::Ept => roots.lower.map(|root| claim("EPTP", "address", (12, 40), root >> 12)).into_iter().collect(),
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
    // With 52-bit addresses the lowest bits of a root register are the highest of the root.
    if !scheme.wide && scheme.page_shift != 16 {
        let lower = if scheme.family == Family::Stage2 { "VTTBR_" } else { "TTBR0_" };
        claims.extend(roots.lower.map(|root| claim(lower, "BADDR", (1, 47), root >> 1)));
        claims.extend(roots.upper.map(|root| claim("TTBR1_", "BADDR", (1, 47), root >> 1)));
    }
    claims
}

/// Mode and root (Privileged ISA, "satp", "hgatp").
fn riscv(subject: &Subject<'_>, roots: Roots) -> Vec<Claim> {
    let family = subject.scheme.family;
    let register = if family.is_guest() { "hgatp" } else { "satp" };
    let (mode, number) = match family {
        Family::Sv32 => (claim(register, "MODE", (31, 1), 1), (0, 22)),
        Family::Sv39 | Family::Sv39x4 => (claim(register, "MODE", (60, 4), 8), (0, 44)),
        Family::Sv48 | Family::Sv48x4 => (claim(register, "MODE", (60, 4), 9), (0, 44)),
        _ => (claim(register, "MODE", (60, 4), 10), (0, 44)),
    };
    let root = roots.lower.map(|root| claim(register, "PPN", number, root >> 12));
    std::iter::once(mode).chain(root).collect()
}

/// The root, levels, and that entries may forbid execution and writes of the kernel (SDM 3A).
fn x86(subject: &Subject<'_>, roots: Roots) -> Vec<Claim> {
    let five = u64::from(subject.scheme.family == Family::Level5);
    let root = roots.lower.map(|root| claim("CR3", "address", (12, 40), root >> 12));
    let rest =
        [claim("CR4", "LA57", (12, 1), five), claim("IA32_EFER", "NXE", (11, 1), 1), claim("CR0", "WP", (16, 1), 1)];
    rest.into_iter().chain(root).collect()
}
