//! The entries of one level: fields that do not overlap, and patterns that tell them apart.

use super::Law;
use crate::format::{Format, LeafForm, LevelFormat, Moves, NOT_ENCODABLE, Run};

pub(super) const fn level_law(format: &Format, level: usize) -> Option<Law> {
    let form = &format.level[level];
    if level > 0
        && let Some(law) = pointer_law(format, form)
    {
        return Some(law);
    }
    if !form.leaf.is_never()
        && let Some(law) = leaf_law(format, level, &Run::NONE)
    {
        return Some(law);
    }
    if matches!(form.form, LeafForm::None) && !form.leaf.is_never() {
        return Some(Law::LeafPattern);
    }
    let mut i = 0;
    while i < format.runs.len() {
        let run = &format.runs[i];
        if run.size != 0 && run.level == level {
            if !run.size.is_power_of_two() || run.size <= form.size() || run.size >> form.bits > form.size() {
                return Some(Law::Runs);
            }
            if let Some(law) = leaf_law(format, level, run) {
                return Some(law);
            }
        }
        i += 1;
    }
    None
}

const fn pointer_law(format: &Format, form: &LevelFormat) -> Option<Law> {
    let address = format.address.encode(!(format.table_size() - 1) & ((1 << format.max_output_bits) - 1));
    if address & form.table_set != 0 {
        return Some(Law::PointerFields);
    }
    if (address | form.table_set) & !format.entry_mask() != 0 {
        return Some(Law::EntryWidth);
    }
    if !form.table.matches(form.table_set) || form.table.mask & address != 0 {
        return Some(Law::TablePattern);
    }
    // Where a pointer has no bit of its own (LoongArch), its address makes it present.
    if form.table_set & format.present == 0 && address & !format.present != 0 {
        return Some(Law::Present);
    }
    None
}

/// The fields of one kind of leaf, each in its place.
struct LeafParts {
    /// Address, fixed bits, rights, memory, global, software, guarded, accessed, dirty, the mark of the run.
    fields: [u64; 10],
    table: usize,
}

impl LeafParts {
    const fn of(format: &Format, level: usize, run: &Run, set: u64, moves: Moves) -> Self {
        let form = &format.level[level];
        let size = if run.fold { run.size } else { form.size() };
        let address = format.address.encode(!(size - 1) & ((1 << format.max_output_bits) - 1));
        let software = ((1 << format.software.1) - 1) << format.software.0;
        let rights = moves.place(format.rights_mask) & format.entry_mask();
        let memory = moves.place(format.memory_mask[form.memory]);
        let global = format.global_at(level) | moves.place(format.not_global);
        let fields =
            [address, set, rights, memory, global, software, format.guarded, format.accessed, format.dirty, run.set];
        Self { fields, table: form.memory }
    }

    /// Bits that differ from leaf to leaf.
    const fn varying(&self) -> u64 {
        let (mut all, mut i) = (0, 0);
        while i < self.fields.len() {
            if i != 1 && i != 9 {
                all |= self.fields[i];
            }
            i += 1;
        }
        all
    }
}

const fn leaf_law(format: &Format, level: usize, run: &Run) -> Option<Law> {
    let Some(encoding) = format.leaf_encoding(level, run.size) else { return Some(Law::Runs) };
    let form = &format.level[level];
    let parts = LeafParts::of(format, level, run, encoding.leaf_set, encoding.moves);
    if !are_apart(&parts.fields) {
        return Some(Law::LeafFields);
    }
    let varying = parts.varying();
    if (varying | encoding.leaf_set | run.set) & !format.entry_mask() != 0 {
        return Some(Law::EntryWidth);
    }
    let fixed = encoding.leaf_set | run.set;
    if !encoding.leaf.matches(fixed & encoding.leaf.mask) || encoding.leaf.mask & varying != 0 {
        return Some(Law::LeafPattern);
    }
    let mut i = 0;
    while i < 64 {
        if format.rights[i] != NOT_ENCODABLE {
            let rights = encoding.moves.place(format.rights[i]);
            // What no leaf changes, and what these rights say.
            let known = !varying | parts.fields[2];
            let word = fixed | rights;
            if rights & !format.entry_mask() == 0 {
                if word & format.present == 0 && !memory_is_present(format, parts.table, encoding.moves) {
                    return Some(Law::Present);
                }
                if level > 0 && !form.table.is_never() && (word ^ form.table.value) & form.table.mask & known == 0 {
                    return Some(Law::LeafIsNoPointer);
                }
            }
        }
        i += 1;
    }
    None
}

/// Whether every memory type has a present bit.
const fn memory_is_present(format: &Format, table: usize, moves: Moves) -> bool {
    let mut i = 0;
    while i < format.memory[table].len() {
        let bits = format.memory[table][i];
        if bits != NOT_ENCODABLE && moves.place(bits) & format.present == 0 {
            return false;
        }
        i += 1;
    }
    true
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
