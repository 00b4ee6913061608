//! The formats of the library by name, for maps that are known only when a file is read.

use tablature::aarch64::{El1, El2, El2And0, El3, G4K, G16K, G64K, Stage2};
use tablature::format::Format;
use tablature::regime::Regime;
use tablature::{armv7, riscv, x86_64};

/// The format that `aarch64 4K VA39 EL1`, `sv39`, `x86_64 4-level`, `x86_64 ept` and their like name.
///
/// # Errors
/// A name the library has no regime for.
pub fn named(name: &str) -> Result<Format, String> {
    let words: Vec<&str> = name.split_whitespace().collect();
    let found = match words.as_slice() {
        ["aarch64", granule, bits, regime] => {
            let bits = bits.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0);
            aarch64(regime, granule, bits)
        }
        ["sv32"] => Some(riscv::Sv32::FORMAT),
        ["sv39"] => Some(riscv::Sv39::FORMAT),
        ["sv48"] => Some(riscv::Sv48::FORMAT),
        ["sv57"] => Some(riscv::Sv57::FORMAT),
        ["sv39x4"] => Some(riscv::Sv39x4::FORMAT),
        ["sv48x4"] => Some(riscv::Sv48x4::FORMAT),
        ["x86_64", "4-level"] => Some(x86_64::Level4::FORMAT),
        ["x86_64", "5-level"] => Some(x86_64::Level5::FORMAT),
        ["x86_64", "ept"] => Some(x86_64::Ept4::FORMAT),
        ["armv7", "4K", "IPA40", "S2"] => Some(<armv7::LpaeStage2>::FORMAT),
        _ => None,
    };
    found.ok_or_else(|| format!("format `{name}`"))
}

/// The widths are types, so each one that a file may name is spelt out.
macro_rules! widths {
    ($regime:ident, $granule:ty, $bits:ident: $($width:literal)*) => {
        match $bits {
            $($width => Some($regime::<$granule, $width>::FORMAT),)*
            _ => None,
        }
    };
}

macro_rules! granules {
    ($regime:ident, $name:ident, $bits:ident) => {
        match $name {
            "4K" => granules!(@ $regime, G4K, $bits),
            "16K" => granules!(@ $regime, G16K, $bits),
            "64K" => granules!(@ $regime, G64K, $bits),
            _ => None,
        }
    };
    (@ $regime:ident, $granule:ty, $bits:ident) => {
        widths!($regime, $granule, $bits: 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38
            39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56)
    };
}

fn aarch64(regime: &str, granule: &str, bits: u32) -> Option<Format> {
    match regime {
        "EL1" => granules!(El1, granule, bits),
        "EL2" => granules!(El2, granule, bits),
        "EL2&0" => granules!(El2And0, granule, bits),
        "EL3" => granules!(El3, granule, bits),
        "S2" => granules!(Stage2, granule, bits),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_found_by_name() {
        for (name, input, page, levels) in [
            ("aarch64 4K VA39 EL1", 39, 12, 3),
            ("aarch64 64K VA42 EL3", 42, 16, 2),
            ("aarch64 4K IPA40 S2", 40, 12, 3),
            ("sv48", 48, 12, 4),
            ("x86_64 5-level", 57, 12, 5),
            ("x86_64 ept", 48, 12, 4),
            ("armv7 4K IPA40 S2", 40, 12, 3),
        ] {
            let format = named(name).expect(name);
            assert_eq!((format.input_bits, format.page_shift, format.levels), (input, page, levels), "{name}");
        }
        assert!(named("armv7 4K VA32 PL1").is_err());
        assert!(named("aarch64 8K VA39 EL1").is_err());
    }
}
