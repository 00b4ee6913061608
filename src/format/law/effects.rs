//! What bits do to others.

use super::Law;
use crate::format::{Effect, Format, Inherited, NOT_ENCODABLE};

/// Pointers as they are written restrict nothing below; what restricts changes rights and the global bit alone; and rights
/// as they are written imply nothing more.
pub(super) const fn effects(format: &Format) -> Option<Law> {
    let fields = format.rights_mask | format.global | format.not_global;
    let mut level = 0;
    while level < format.levels {
        let here = &format.level[level];
        if !are_within(here.inherit, fields)
            || (level == 0 && !here.inherit.is_empty())
            || !here.below(here.table_set, Inherited::NOTHING).is_nothing()
        {
            return Some(Law::Effects);
        }
        level += 1;
    }
    if !imply_nothing_more(format, format.implied) || !imply_nothing_more(format, format.updating) {
        return Some(Law::Effects);
    }
    None
}

/// Rights as they are written stay what they are.
const fn imply_nothing_more(format: &Format, effects: &[Effect]) -> bool {
    let mut i = 0;
    while i < 64 {
        let bits = format.rights[i];
        if bits != NOT_ENCODABLE && Effect::on(effects, bits) != bits {
            return false;
        }
        i += 1;
    }
    are_within(effects, format.rights_mask)
}

const fn are_within(effects: &[Effect], fields: u64) -> bool {
    let mut i = 0;
    while i < effects.len() {
        let Effect { pattern, set, clear } = effects[i];
        if pattern.is_never() || set & clear != 0 || (set | clear) & !fields != 0 {
            return false;
        }
        i += 1;
    }
    true
}
