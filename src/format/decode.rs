//! What a raw word means.

use super::{Format, Leaf, LeafForm, Moves, Run, View};
use crate::attr::{Access, MemoryType, Rights};

impl Format {
    /// What `word` means at `level`.
    #[must_use]
    pub const fn view(&self, level: usize, word: u64) -> View {
        let form = self.at(level);
        if word & self.present == 0 {
            return View::Absent;
        }
        if level > 0 && form.table.matches(word) {
            return View::Table { address: self.address.decode(word) };
        }
        let own = self.own_run(level, word);
        if matches!(form.form, LeafForm::None) || (own.is_none() && !form.leaf.matches(word)) {
            return View::Reserved;
        }
        let fields = self.moves_of(level, word).collect(word);
        let (Some(access), Some(memory)) = (self.decode_rights(fields), self.decode_memory(form.memory, fields)) else {
            return View::Reserved;
        };
        let run = match own {
            Some(run) => run,
            None => match self.decode_run(level, word) {
                Some(run) => run,
                None => return View::Reserved,
            },
        };
        let size = if run.fold { run.size } else { form.size() };
        let global = self.global_at(level);
        View::Leaf(Leaf {
            address: self.address.decode(word) & !(size - 1),
            access,
            memory,
            global: (global | self.not_global) != 0 && fields & self.not_global == 0 && word & global == global,
            run: run.size,
            software: ((word >> self.software.0) & ((1 << self.software.1) - 1)) as u8,
            guarded: self.guarded != 0 && word & self.guarded != 0,
        })
    }

    /// Where the fields of a leaf lie.
    pub(super) const fn moves_of(&self, level: usize, word: u64) -> Moves {
        match self.own_run(level, word) {
            Some(Run { leaf: Some(encoding), .. }) => encoding.moves,
            _ => self.at(level).moves,
        }
    }

    /// The run whose entries have an encoding of their own that the word has.
    const fn own_run(&self, level: usize, word: u64) -> Option<Run> {
        let mut i = 0;
        while i < self.runs.len() {
            let run = self.runs[i];
            if let Some(encoding) = run.leaf
                && run.level == level
                && encoding.leaf.matches(word)
            {
                return Some(run);
            }
            i += 1;
        }
        None
    }

    /// The run that the word belongs to; `None` where it is marked as part of one but has no legal encoding of it.
    const fn decode_run(&self, level: usize, word: u64) -> Option<Run> {
        let mut i = 0;
        while i < self.runs.len() {
            let run = self.runs[i];
            let inside = if run.fold { self.address.encode(run.size - 1) } else { 0 };
            let mark = run.set & !inside;
            if run.size != 0 && run.leaf.is_none() && run.level == level && word & mark == mark {
                return if word & (mark | inside) == run.set { Some(run) } else { None };
            }
            i += 1;
        }
        Some(Run::NONE)
    }

    /// The canonical access behind the rights bits: the kernel has the data part of the user's rights and does not
    /// execute user pages, wherever the bits allow that reading.
    pub(super) const fn decode_rights(&self, word: u64) -> Option<Access> {
        let bits = self.implied_rights(word);
        let mut user = 1;
        while user < 8 {
            let access = Access::user(Rights::from_bits(user));
            if self.rights[access.index()] == bits {
                return Some(access);
            }
            user += 1;
        }
        let mut i = 0;
        while i < 64 {
            if self.rights[i] == bits {
                return Some(Access::from_index(i));
            }
            i += 1;
        }
        None
    }

    /// The first memory type with that encoding.
    pub(super) const fn decode_memory(&self, table: usize, word: u64) -> Option<MemoryType> {
        let bits = word & self.memory_mask[table & 1];
        let mut i = 0;
        while i < MemoryType::COUNT {
            if self.memory[table & 1][i] == bits {
                return Some(MemoryType::ALL[i]);
            }
            i += 1;
        }
        None
    }
}

/// Whether a table pointer, read as a leaf, maps the table: a recursive slot is of no use elsewhere (RISC-V reserves the
/// word, on AArch64 it lacks the access flag), and would give a guest its own tables.
pub(crate) const fn shows_pointers(format: &Format) -> bool {
    let pointer = format.encode_table(format.levels - 1, format.table_size());
    let leaf = &format.level[0];
    !format.guest
        && format.root_bits() == leaf.bits
        && leaf.leaf.matches(pointer)
        && pointer & leaf.leaf_set == leaf.leaf_set
        && matches!(format.view(0, pointer), View::Leaf(_))
}
