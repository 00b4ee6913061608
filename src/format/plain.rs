//! Words that are leaves at first sight: most are, and one comparison tells.

use super::{Format, LeafForm, NOT_ENCODABLE, Pattern};
use crate::attr::{Access, MemoryType, Rights};

/// Bits of a field that are left open at most, for each combination is looked at.
const OPEN: u32 = 6;

/// A field that must read as something.
#[derive(Clone, Copy)]
enum Field {
    Rights,
    /// In leaves that use this one of the two tables.
    Memory(usize),
}

impl Format {
    /// A pattern of words that are leaves at `level`, of an address of their own, whatever their other bits say; of no words,
    /// where none is known. Below pointers that withhold something they are that as well, if
    /// [`Format::withholds_little`] says so.
    ///
    /// Other words may be leaves, too: [`Format::view`] tells.
    #[must_use]
    pub(crate) const fn plain_leaf(&self, level: usize) -> Pattern {
        let form = self.at(level);
        let in_place = form.moves.place(u64::MAX >> 1) == u64::MAX >> 1;
        if matches!(form.form, LeafForm::None) || !in_place || form.leaf.value & self.present == 0 {
            return Pattern::NEVER;
        }
        let Pattern { mut mask, value } = form.leaf;
        let mut i = 0;
        while i < self.runs.len() {
            let run = &self.runs[i];
            if run.size != 0 && run.level == level {
                let mark = run.set & !self.address.encode(run.size - 1);
                if run.leaf.is_some() || (run.fold && (mark == 0 || mark & value != 0)) {
                    return Pattern::NEVER;
                }
                // Without its mark, a word is part of no run that has one address.
                mask |= if run.fold { mark } else { 0 };
            }
            i += 1;
        }
        let (rights, memory) = (self.open(Field::Rights), self.open(Field::Memory(form.memory)));
        if rights.is_never() || memory.is_never() || mask & (rights.mask | memory.mask) != 0 {
            return Pattern::NEVER;
        }
        Pattern { mask: mask | rights.mask | memory.mask, value: value | rights.value | memory.value }
    }

    /// Whether no pointer makes a plain leaf one that is none.
    #[must_use]
    pub(crate) const fn withholds_little(&self) -> bool {
        let fixed = self.open(Field::Rights).mask;
        let mut level = 0;
        while level < self.levels {
            let effects = self.at(level).inherit;
            let mut i = 0;
            while i < effects.len() {
                if (effects[i].set | effects[i].clear) & fixed != 0 {
                    return false;
                }
                i += 1;
            }
            level += 1;
        }
        true
    }

    /// A pattern of words of which the field can be read, with as many bits left open as may be.
    const fn open(&self, field: Field) -> Pattern {
        let start = self.usual(field);
        let mut open = 0u64;
        if start == NOT_ENCODABLE || !self.reads(field, start) {
            return Pattern::NEVER;
        }
        let all = self.mask_of(field);
        let mut rest = all & !self.looked_at(field);
        while rest != 0 && open.count_ones() < OPEN {
            let bit = rest & rest.wrapping_neg();
            rest ^= bit;
            // All combinations of what is open already, beside the other value of this bit.
            let (mut combination, mut all_read) = (0u64, true);
            loop {
                all_read &= self.reads(field, start & !open ^ bit | combination);
                combination = combination.wrapping_sub(open) & open;
                if combination == 0 || !all_read {
                    break;
                }
            }
            open |= if all_read { bit } else { 0 };
        }
        let mask = (all | self.looked_at(field)) & !open;
        Pattern { mask, value: start & mask }
    }

    /// The bits of the field.
    const fn mask_of(&self, field: Field) -> u64 {
        match field {
            Field::Rights => self.rights_mask,
            Field::Memory(table) => self.memory_mask[table & 1],
        }
    }

    /// Bits beside the field that say how it is read.
    const fn looked_at(&self, field: Field) -> u64 {
        let (mut bits, mut i) = (0, 0);
        while let Field::Rights = field
            && i < self.implied.len()
        {
            bits |= self.implied[i].pattern.mask & !self.rights_mask;
            i += 1;
        }
        bits
    }

    /// The field of what is mapped most.
    const fn usual(&self, field: Field) -> u64 {
        let (encodings, usual): (&[u64], _) = match field {
            Field::Rights => (&self.rights, Access::kernel(Rights::RW).index()),
            Field::Memory(table) if self.inherent_memory => (&self.memory[table & 1], MemoryType::Inherent as usize),
            Field::Memory(table) => (&self.memory[table & 1], MemoryType::NormalWb as usize),
        };
        let (mut i, mut found) = (0, encodings[usual]);
        while i < encodings.len() && found == NOT_ENCODABLE {
            found = encodings[i];
            i += 1;
        }
        found
    }

    /// Whether a word with these bits of the field, and no others, can be read.
    const fn reads(&self, field: Field, word: u64) -> bool {
        match field {
            Field::Rights => self.decode_rights(word).is_some(),
            Field::Memory(table) => self.decode_memory(table, word).is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::leaf_of;
    use crate::format::{Inherited, View};
    use crate::regime::Regime;
    use crate::table::Attributes;

    /// Words that match are leaves of their own address, below any pointers; and those of kernels match.
    fn are_leaves<R: Regime>(plain_by_level: &[bool]) {
        let format = &R::FORMAT;
        let mut random = 1u64;
        let mut next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 32 ^ random << 20) & format.entry_mask()
        };
        for (level, &is_plain) in plain_by_level.iter().enumerate() {
            let plain = format.plain_leaf(level);
            assert_eq!(!plain.is_never(), is_plain, "{} {level}", format.name);
            for _ in 0..20_000 {
                let word = next() & !plain.mask | plain.value;
                if !plain.matches(word) || (level > 0 && format.at(level).table.matches(word)) {
                    continue;
                }
                let mut above = Inherited::NOTHING;
                for upper in level + 1..format.levels {
                    above = format.at(upper).below(next(), above);
                }
                let above = if format.withholds_little() { above } else { Inherited::NOTHING };
                let View::Leaf(leaf) = format.view_below(level, word, above) else {
                    panic!("{} {level} {word:#x} is no leaf", format.name);
                };
                assert_eq!(leaf.address, format.address.decode(word) & !(format.at(level).size() - 1));
            }
        }
    }

    #[test]
    fn plain_words_are_leaves_whatever_else_they_say() {
        use crate::aarch64::{El1, El2, G4K, G16K, G64K, Stage2};
        use crate::riscv::{Sv32, Sv39, Sv39x4};
        use crate::x86_64::{Level4, Level5};
        are_leaves::<Level4>(&[true, true, true, false]);
        are_leaves::<Level5>(&[true, true, true, false, false]);
        are_leaves::<Sv39>(&[true, true, true]);
        are_leaves::<Sv32>(&[true, true]);
        are_leaves::<Sv39x4>(&[true, true, true]);
        are_leaves::<El1<G4K, 48>>(&[true, true, true, false]);
        are_leaves::<El2<G16K, 48>>(&[true, true, false]);
        are_leaves::<El1<G64K, 48>>(&[true, true, false]);
        are_leaves::<Stage2<G4K, 40>>(&[true, true, true]);
        are_leaves::<crate::x86::Legacy32>(&[true, true]);
        are_leaves::<crate::loongarch64::La64>(&[true, true, true]);
    }

    /// What a kernel maps most is plain.
    #[test]
    fn leaves_of_kernels_are_plain() {
        fn check<R: Regime>(memory: MemoryType) {
            for rights in [Rights::R, Rights::RW, Rights::RX] {
                let attributes = Attributes::new(Access::kernel(rights), memory);
                let word = R::FORMAT.encode_leaf(0, &leaf_of(attributes, 0x8765_4000)).expect("it has one");
                assert!(R::FORMAT.plain_leaf(0).matches(word), "{} {rights:?}", R::FORMAT.name);
            }
        }
        check::<crate::x86_64::Level4>(MemoryType::NormalWb);
        check::<crate::riscv::Sv39>(MemoryType::Inherent);
        check::<crate::aarch64::El1<crate::aarch64::G4K, 48>>(MemoryType::NormalWb);
    }
}
