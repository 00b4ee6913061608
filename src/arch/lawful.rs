//! What must hold of every format, as constant functions that an architecture asserts beside its formats.

use crate::format::{Effect, Format, Inherited, LeafForm, NOT_ENCODABLE};

/// Levels continue each other, tables have their size, fields share no bit, and encodings stay in their fields.
pub(super) const fn is_lawful(format: &Format) -> bool {
    let mut level = 0;
    while level < format.levels {
        if !leaf_fields_are_apart(format, level) || !pointer_fields_are_apart(format, level) {
            return false;
        }
        level += 1;
    }
    effects_are_lawful(format)
        && levels_continue(format)
        && rights_fit(format)
        && memory_fits(format, 0)
        && memory_fits(format, 1)
}

/// Pointers as they are written restrict nothing below; what restricts changes rights and the global bit alone; and rights as
/// they are written imply nothing more.
pub(super) const fn effects_are_lawful(format: &Format) -> bool {
    let mut level = 0;
    while level < format.levels {
        let here = &format.level[level];
        let fields = format.rights_mask | format.global | format.not_global;
        if !are_within(here.inherit, fields)
            || (level == 0 && !here.inherit.is_empty())
            || !here.below(here.table_set, Inherited::NOTHING).is_nothing()
        {
            return false;
        }
        level += 1;
    }
    let mut i = 0;
    while i < 64 {
        let bits = format.rights[i];
        if bits != NOT_ENCODABLE && format.implied_rights(bits) != bits {
            return false;
        }
        i += 1;
    }
    are_within(format.implied, format.rights_mask)
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

const fn levels_continue(format: &Format) -> bool {
    let mut level = 0;
    while level + 1 < format.levels {
        let here = &format.level[level];
        if here.shift + here.bits != format.level[level + 1].shift
            || here.bits + format.entry_bytes.trailing_zeros() != format.table_shift
        {
            return false;
        }
        level += 1;
    }
    format.level[0].shift == format.page_shift
        && format.level[format.levels - 1].shift + format.root_bits() == format.input_bits
        && format.root_tables() <= format.max_root_tables
        && (format.entry_bytes == 8 || format.entry_bytes == 4)
}

/// No bit of a leaf belongs to two fields, and what marks a leaf as one is what is looked for.
const fn leaf_fields_are_apart(format: &Format, level: usize) -> bool {
    let form = &format.level[level];
    if matches!(form.form, LeafForm::None) {
        return form.leaf.is_never();
    }
    let mut run = 0;
    let mut i = 0;
    while i < format.runs.len() {
        if format.runs[i].size != 0 && format.runs[i].level == level && !format.runs[i].fold {
            run = format.runs[i].set;
        }
        i += 1;
    }
    let software = ((1 << format.software.1) - 1) << format.software.0;
    let fields = [
        format.address.encode(!(form.size() - 1)),
        form.leaf_set,
        format.rights_mask,
        format.memory_mask[form.memory],
        format.global_at(level) | format.not_global,
        software,
        format.guarded,
        format.accessed,
        format.dirty,
        run,
    ];
    are_apart(&fields) && fits(format, &fields) && form.leaf.matches(form.leaf_set)
}

const fn pointer_fields_are_apart(format: &Format, level: usize) -> bool {
    let form = &format.level[level];
    let address = format.address.encode(!(format.table_size() - 1));
    level == 0 || (are_apart(&[address, form.table_set]) && form.table.matches(form.table_set))
}

const fn are_apart(fields: &[u64]) -> bool {
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

/// An entry of four bytes has no field above them.
const fn fits(format: &Format, fields: &[u64]) -> bool {
    let mut i = 0;
    while i < fields.len() {
        if format.entry_bytes == 4 && fields[i] >> 32 != 0 {
            return false;
        }
        i += 1;
    }
    true
}

const fn rights_fit(format: &Format) -> bool {
    let (mut encodable, mut i) = (0, 0);
    while i < 64 {
        let bits = format.rights[i];
        if bits != NOT_ENCODABLE {
            encodable += 1;
            if bits & !format.rights_mask != 0 {
                return false;
            }
        }
        i += 1;
    }
    encodable > 0
}

const fn memory_fits(format: &Format, table: usize) -> bool {
    let (mut encodable, mut i) = (0, 0);
    while i < format.memory[table].len() {
        let bits = format.memory[table][i];
        if bits != NOT_ENCODABLE {
            encodable += 1;
            if bits & !format.memory_mask[table] != 0 {
                return false;
            }
        }
        i += 1;
    }
    encodable > 0
}
