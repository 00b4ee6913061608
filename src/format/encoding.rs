//! Leaves whose fields lie elsewhere than those of pages.

use super::{Format, NOT_ENCODABLE, Pattern};
use crate::attr::{Access, Features};

/// Most groups of bits that move.
const GROUPS: usize = 3;

/// Where the fields of one kind of leaf lie that are elsewhere in a page: rights, memory type, not-global bit.
///
/// A format has one table of rights and one of memory types, in the places of a page; the bits of each group go round
/// the word to the left from there. A place above the word of a page is that of a right which a page lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moves {
    groups: [(u64, u32); GROUPS],
}

impl Moves {
    /// All fields lie where they do in a page.
    pub const NONE: Self = Self { groups: [(0, 0); GROUPS] };

    /// The same, and the bits of `mask` lie `left` places to the left, round the 64-bit word.
    ///
    /// # Panics
    /// If there are three groups already.
    #[must_use]
    pub const fn and(mut self, mask: u64, left: u32) -> Self {
        let mut i = 0;
        while self.groups[i].0 != 0 {
            i += 1;
        }
        self.groups[i] = (mask, left);
        self
    }

    /// The fields of a page in the places of this leaf.
    #[must_use]
    #[inline(always)]
    pub const fn place(self, word: u64) -> u64 {
        if self.groups[0].0 == 0 {
            return word;
        }
        let (mut kept, mut moved, mut i) = (word, 0, 0);
        while i < GROUPS {
            let (mask, left) = self.groups[i];
            kept &= !mask;
            moved |= (word & mask).rotate_left(left);
            i += 1;
        }
        kept | moved
    }

    /// The fields of this leaf in the places of a page; what is in none of them stays where it was.
    #[must_use]
    pub const fn collect(self, word: u64) -> u64 {
        if self.groups[0].0 == 0 {
            return word;
        }
        let (mut kept, mut moved, mut i) = (word, 0, 0);
        while i < GROUPS {
            let (mask, left) = self.groups[i];
            kept &= !mask;
            moved |= word.rotate_right(left) & mask;
            i += 1;
        }
        kept | moved
    }
}

/// How one kind of leaf is encoded.
#[derive(Clone, Copy, Debug)]
pub struct LeafEncoding {
    /// Which present entries are such leaves.
    pub leaf: Pattern,
    /// Bits set in each.
    pub leaf_set: u64,
    /// Fields that lie elsewhere than in pages.
    pub moves: Moves,
}

impl Format {
    /// How leaves at `level` are encoded that belong to a run of that many bytes (0 for none); `None` where there are
    /// none.
    #[must_use]
    #[inline(always)]
    pub const fn leaf_encoding(&self, level: usize, run: u64) -> Option<LeafEncoding> {
        let form = self.at(level);
        if form.leaf.is_never() {
            return None;
        }
        let own = LeafEncoding { leaf: form.leaf, leaf_set: form.leaf_set, moves: form.moves };
        if run == 0 {
            return Some(own);
        }
        match self.run(run) {
            Some(run) if run.level == level => match run.leaf {
                Some(encoding) => Some(encoding),
                None => Some(own),
            },
            _ => None,
        }
    }

    /// The rights bits of such a leaf; `None` where it cannot have that access.
    #[must_use]
    #[inline(always)]
    pub const fn rights_at(&self, level: usize, run: u64, access: Access) -> Option<u64> {
        let rights = self.rights[access.index()];
        match self.leaf_encoding(level, run) {
            Some(encoding) if rights != NOT_ENCODABLE => {
                let bits = encoding.moves.place(rights);
                if bits & !self.entry_mask() == 0 { Some(bits) } else { None }
            }
            _ => None,
        }
    }

    /// The bits of such a leaf that [`Format::rights_at`] may set.
    #[must_use]
    #[inline(always)]
    pub const fn rights_field(&self, level: usize, run: u64) -> u64 {
        match self.leaf_encoding(level, run) {
            Some(encoding) => encoding.moves.place(self.rights_mask) & self.entry_mask(),
            None => 0,
        }
    }

    /// What is set, at `level`, in a leaf valid for every address space.
    #[must_use]
    #[inline(always)]
    pub const fn global_at(&self, level: usize) -> u64 {
        if self.at(level).memory == 0 { self.global } else { self.block_global }
    }

    /// What is set, in such a leaf, if it is valid for one address space only.
    #[must_use]
    #[inline]
    pub const fn not_global_at(&self, level: usize, run: u64) -> u64 {
        match self.leaf_encoding(level, run) {
            Some(encoding) => encoding.moves.place(self.not_global),
            None => 0,
        }
    }

    /// Bits of a leaf or pointer that hardware may change at any time on a CPU with `features`.
    ///
    /// Where this is not 0, an editor of a live space changes entries by compare-and-exchange, and carries these bits
    /// over, as far as the new word leaves them clear and they are none of the rights.
    #[must_use]
    pub const fn updates(&self, features: Features) -> u64 {
        let asked = !self.update_feature.is_empty() && features.contains(self.update_feature);
        if self.always_updates || asked { self.hardware_sets } else { 0 }
    }

    /// The bits that an entry has.
    #[must_use]
    #[inline]
    pub const fn entry_mask(&self) -> u64 {
        if self.entry_bytes == 4 { u32::MAX as u64 } else { u64::MAX }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_comes_back() {
        let moves = Moves::NONE.and(1, 4).and(0xfe0, 6).and(1 << 32, 32);
        let word = 1 << 32 | 0b1111_1110_1101;
        assert_eq!(moves.place(word), 1 | 1 << 4 | 0b11_1111_1000_0000_1100);
        assert_eq!(moves.collect(moves.place(word)) & (1 << 32 | 0xfff & !(1 << 4)), word);
        assert_eq!(moves.place(0b1100), 0b1100);
        assert_eq!(Moves::NONE.place(word), word);
    }
}
