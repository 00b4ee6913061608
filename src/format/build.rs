//! Formats from the few things that differ.

use super::{
    AddressField, Format, LeafForm, LevelFormat, MAX_LEVELS, MemoryRegister, NOT_ENCODABLE, Pattern, RawField, Run,
};
use crate::attr::{Access, Features, MemoryType};

impl Format {
    /// A format without levels and encodings, of which others are changes: `Format { present: 1, ..Format::BLANK }`.
    ///
    /// Entries have eight bytes. There is one range, one privilege, no optional feature, no identifier; hardware never
    /// writes to the tables.
    pub const BLANK: Self = Self {
        name: "",
        page_shift: 12,
        table_shift: 12,
        levels: 0,
        level: [LevelFormat::NONE; MAX_LEVELS],
        entry_bytes: 8,
        input_bits: 0,
        range_bits: 0,
        upper_half: false,
        split_roots: false,
        legal_input_bits: (0, 0),
        output_bits: 0,
        wide_output: Features::NONE,
        max_output_bits: 0,
        max_root_tables: 1,
        deep_start: (MAX_LEVELS, 0),
        present: 0,
        address: AddressField::in_place(0),
        rights: [NOT_ENCODABLE; 64],
        rights_mask: 0,
        implied: &[],
        updating: &[],
        memory: [[NOT_ENCODABLE; MemoryType::COUNT]; 2],
        memory_mask: [0; 2],
        inherent_memory: false,
        memory_override: Features::NONE,
        memory_gate: [(MemoryType::Inherent, Features::NONE)],
        memory_register: MemoryRegister::NONE,
        memory_slot: [[0; 8]; 2],
        memory_share: [0; MemoryType::COUNT],
        raw_memory: RawField { shift: 0, bits: 0, reserved: 0 },
        runs: [Run::NONE; 3],
        global: 0,
        block_global: 0,
        not_global: 0,
        software: (0, 0),
        guarded: 0,
        accessed: 0,
        table_accessed: 0,
        dirty: 0,
        always_updates: false,
        update_feature: Features::NONE,
        hardware_sets: 0,
        dirty_read_only: Features::NONE,
        guest: false,
        user: false,
        user_required: false,
        write_only: false,
        break_before_make: false,
        free_resize: Features::NONE,
        asid_bits: (0, 0, Features::NONE),
        asid_feature: Features::NONE,
        mode: Features::NONE,
        wide: None,
        needs: Features::NONE,
        default_features: Features::NONE,
        no_execute: Features::NONE,
        free_rights: Features::NONE,
        rights_slot: [NOT_ENCODABLE; 16],
    };

    /// The geometry of a walk: the index bits of each level, the last one first and the root's at the end.
    ///
    /// A table has as many entries of eight bytes as the widest level below the root; a wider root is several of them in
    /// a row.
    ///
    /// # Panics
    /// If there is no level, or there are more than [`MAX_LEVELS`].
    #[must_use]
    pub const fn of_levels(name: &'static str, page_shift: u32, bits: &[u32]) -> Self {
        assert!(!bits.is_empty() && bits.len() <= MAX_LEVELS, "a format has one to six levels");
        let root = bits.len() - 1;
        let mut format = Self { name, page_shift, levels: bits.len(), ..Self::BLANK };
        let (mut widest, mut shift, mut i) = (if root == 0 { bits[0] } else { 0 }, page_shift, 0);
        while i < bits.len() {
            format.level[i].shift = shift;
            format.level[i].bits = bits[i];
            shift += bits[i];
            if i < root && bits[i] > widest {
                widest = bits[i];
            }
            i += 1;
        }
        if bits[root] > widest {
            format.level[root].bits = widest;
            format.max_root_tables = 1 << (bits[root] - widest);
        }
        format.table_shift = widest + format.entry_bytes.trailing_zeros();
        Self { input_bits: shift, range_bits: shift, legal_input_bits: (shift, shift), ..format }
    }

    /// The same with addresses of `output_bits` bits in `field`.
    #[must_use]
    pub const fn with_addresses(self, field: AddressField, output_bits: u32) -> Self {
        Self { address: field, output_bits, max_output_bits: output_bits, ..self }
    }

    /// The same with table pointers, at every level but the last: which present entries they are, and the bits set in each.
    #[must_use]
    pub const fn with_pointers(mut self, table: Pattern, set: u64) -> Self {
        let mut level = 1;
        while level < self.levels {
            self.level[level].table = table;
            self.level[level].table_set = set;
            level += 1;
        }
        self
    }

    /// The same with leaves at `level`: which present entries they are, and the bits set in each.
    ///
    /// # Panics
    /// If there is no such level.
    #[must_use]
    pub const fn with_leaves(mut self, level: usize, leaf: Pattern, set: u64) -> Self {
        assert!(level < self.levels, "the format has no such level");
        self.level[level].form = LeafForm::Always;
        self.level[level].leaf = leaf;
        self.level[level].leaf_set = set;
        self
    }

    /// The same with a field of rights, and what it says for each access that it can say.
    #[must_use]
    pub const fn with_rights(mut self, mask: u64, rights: &[(Access, u64)]) -> Self {
        self.rights_mask = mask;
        let mut i = 0;
        while i < rights.len() {
            self.rights[rights[i].0.index()] = rights[i].1;
            i += 1;
        }
        self
    }

    /// The same with a field of memory types, and what it says for each that it can say.
    #[must_use]
    pub const fn with_memory(mut self, mask: u64, types: &[(MemoryType, u64)]) -> Self {
        self.memory_mask = [mask; 2];
        let mut i = 0;
        while i < types.len() {
            self.memory[0][types[i].0 as usize] = types[i].1;
            self.memory[1][types[i].0 as usize] = types[i].1;
            i += 1;
        }
        self
    }
}

impl Pattern {
    /// The bits of `mask`, with those of `value` set and the others clear.
    #[must_use]
    pub const fn new(mask: u64, value: u64) -> Self {
        Self { mask, value }
    }
}
