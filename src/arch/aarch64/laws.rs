//! What must hold of every format, asserted where the formats are made.

use super::{El1, El2, El2And0, El3, G4K, G16K, G64K, Stage2};
use crate::attr::Features;
use crate::format::{Format, LeafForm, NOT_ENCODABLE};
use crate::regime::Regime;

/// Levels continue each other, tables fill their granule, and the width is that of the walk.
const fn levels_fit(format: &Format) -> bool {
    let mut level = 0;
    while level + 1 < format.levels {
        let here = &format.level[level];
        if here.shift + here.bits != format.level[level + 1].shift || here.bits + 3 != format.table_shift {
            return false;
        }
        level += 1;
    }
    format.level[0].shift == format.page_shift
        && format.level[format.levels - 1].shift + format.root_bits() == format.input_bits
        && format.root_tables() <= format.max_root_tables
}

/// No bit of an entry belongs to two fields.
const fn fields_are_apart(format: &Format) -> bool {
    let contiguous = format.runs[0].set;
    let software = ((1 << format.software.1) - 1) << format.software.0;
    let address = format.address.bits();
    let level = &format.level[1];
    let fields = [
        address,
        format.rights_mask,
        format.memory_mask[0],
        format.not_global,
        format.guarded,
        contiguous,
        software,
        level.leaf_set | level.table_set,
    ];
    let (mut seen, mut i) = (0, 0);
    while i < fields.len() {
        if seen & fields[i] != 0 {
            return false;
        }
        seen |= fields[i];
        i += 1;
    }
    true
}

/// Rights and memory types set no bits but their own.
const fn encodings_stay_in_their_fields(format: &Format) -> bool {
    let mut i = 0;
    while i < 64 {
        if format.rights[i] != NOT_ENCODABLE && format.rights[i] & !format.rights_mask != 0 {
            return false;
        }
        i += 1;
    }
    let mut i = 0;
    while i < format.memory[0].len() {
        if format.memory[0][i] != NOT_ENCODABLE && format.memory[0][i] & !format.memory_mask[0] != 0 {
            return false;
        }
        i += 1;
    }
    true
}

/// Leaves that need 52-bit addresses are leaves in the wide format alone, and a run is a power of two of its level.
const fn leaves_fit(format: &Format) -> bool {
    let wide = format.wide.is_none();
    let mut i = 0;
    while i < format.levels {
        let exists = match format.level[i].form {
            LeafForm::None => false,
            LeafForm::Always => true,
            LeafForm::With(_) => wide,
        };
        if exists == format.level[i].leaf.is_never() {
            return false;
        }
        i += 1;
    }
    let mut i = 0;
    while i < format.runs.len() {
        let run = &format.runs[i];
        if run.size != 0 && (!run.size.is_power_of_two() || run.size <= format.level[run.level].size()) {
            return false;
        }
        i += 1;
    }
    true
}

const fn lawful(format: &Format) -> bool {
    levels_fit(format)
        && fields_are_apart(format)
        && encodings_stay_in_their_fields(format)
        && leaves_fit(format)
        && match format.wide {
            Some((feature, wide)) => is_one(feature) && wide.wide.is_none() && lawful(wide),
            None => true,
        }
}

const fn is_one(feature: Features) -> bool {
    !feature.is_empty() && feature.without(feature.first()).is_empty()
}

macro_rules! lawful {
    ($($granule:ty: $($bits:literal)*;)*) => {$($(const _: () = {
        assert!(lawful(&<El1<$granule, $bits> as Regime>::FORMAT));
        assert!(lawful(&<El2<$granule, $bits> as Regime>::FORMAT));
        assert!(lawful(&<El3<$granule, $bits> as Regime>::FORMAT));
        assert!(lawful(&<El2And0<$granule, $bits> as Regime>::FORMAT));
        assert!(lawful(&<Stage2<$granule, $bits> as Regime>::FORMAT));
    };)*)*};
}

lawful! {
    G4K: 16 25 39 40 48 52;
    G16K: 16 25 36 40 47 48 52;
    G64K: 17 29 42 46 48 52;
}

#[cfg(test)]
mod tests {
    use crate::aarch64::{El1, El2, El3, G4K, G16K, G64K, Stage2};
    use crate::arch::laws;
    use crate::regime::Regime;

    #[test]
    fn pointers_only_take_rights() {
        laws::restrictions(&<El1<G4K, 39> as Regime>::FORMAT);
        laws::restrictions(&<El1<G16K, 47> as Regime>::FORMAT);
        laws::restrictions(&<El2<G64K, 48> as Regime>::FORMAT);
        laws::restrictions(&<El3<G4K, 48> as Regime>::FORMAT);
        laws::restrictions(&<Stage2<G4K, 40> as Regime>::FORMAT);
        if let Some((_, wide)) = <El1<G4K, 48> as Regime>::FORMAT.wide {
            laws::restrictions(wide);
        }
    }
}
