//! What must hold of every format, asserted where the formats are made.

use super::{El1, El2, El2And0, El3, G4K, G16K, G64K, Stage2};
use crate::attr::Features;
use crate::format::{Format, LeafForm};
use crate::regime::Regime;

/// Leaves that need 52-bit addresses are leaves in the wide format alone.
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
    true
}

const fn lawful(format: &Format) -> bool {
    format.is_lawful()
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
