//! What leaves say, remembered: most of them say the same as one before.

use crate::attr::{Access, MemoryType, Rights};
use crate::format::{Format, Inherited, Leaf, View};

/// What leaves of one level say, below pointers that withhold the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    level: usize,
    above: Inherited,
    /// The bits that tell: all but those of the address.
    mask: u64,
    /// What they are.
    flags: u64,
    /// The bits of an address that no word has: those within a leaf, or within a run of one address.
    inside: u64,
    leaf: Leaf,
}

const NOTHING: Leaf = Leaf {
    address: 0,
    access: Access::kernel(Rights::NONE),
    memory: MemoryType::Inherent,
    global: false,
    run: 0,
    software: 0,
    guarded: false,
};

/// Words that continue a leaf.
#[derive(Clone, Copy, Debug)]
pub(super) struct Following {
    /// The next one.
    pub(super) word: u64,
    /// By how much they grow.
    pub(super) step: u64,
    /// How many there are at most.
    pub(super) most: u64,
}

impl Known {
    /// What no word says.
    pub(super) const NEVER: Self =
        Self { level: 0, above: Inherited::NOTHING, mask: 0, flags: 1, inside: 0, leaf: NOTHING };

    /// What `leaf` says, which is what `word` means.
    const fn of(format: &Format, (level, above): (usize, Inherited), word: u64, leaf: Leaf) -> Self {
        let inside = match format.run(leaf.run) {
            Some(run) if run.fold => run.size - 1,
            _ => format.at(level).size() - 1,
        };
        // By law none of these bits is part of a pattern, of a field, or of the mark of a run.
        let address = format.address.encode(!inside & highest(format));
        let flags = word & !address;
        if flags & format.present == 0 {
            // Its address alone makes it present: others of the same flags may be absent.
            return Self::NEVER;
        }
        Self { level, above, mask: !address, flags, inside, leaf }
    }

    /// Whether it is what leaves of that level say, below pointers that withhold that.
    fn is_of(&self, (level, above): (usize, Inherited)) -> bool {
        (self.level, self.above) == (level, above)
    }

    /// Whether `word` says the same, which is of the same level below the same pointers.
    #[inline(always)]
    pub(super) const fn is_in(&self, word: u64) -> bool {
        word & self.mask == self.flags
    }

    /// Whether all of these words do.
    #[inline(always)]
    pub(super) fn is_in_all<const N: usize>(&self, words: [u64; N]) -> bool {
        let (some, all) = words.iter().fold((0, u64::MAX), |(some, all), word| (some | word, all & word));
        self.is_in(some) & self.is_in(all)
    }

    /// The leaf in a word that says the same. Where the entries of a run have one address, that is its address.
    #[inline(always)]
    pub(super) const fn leaf(&self, format: &Format, word: u64) -> Leaf {
        Leaf { address: format.address.decode(word) & !self.inside, ..self.leaf }
    }

    /// The same with the address of its own first byte; `virt` is the first that it translates.
    #[inline(always)]
    pub(super) const fn own_leaf(&self, format: &Format, word: u64, virt: u64) -> Leaf {
        let leaf = self.leaf(format, word);
        Leaf { address: leaf.address | virt & self.inside, ..leaf }
    }

    /// The words of leaves that say the same, the first of which translates to `phys`, and each to what is behind the one
    /// before; `None` where entries of a run have one address, and where there is no such word.
    pub(super) const fn following(&self, format: &Format, phys: u64) -> Option<Following> {
        let (size, address) = (format.at(self.level).size(), &format.address);
        let word = self.flags | address.encode(phys);
        if self.inside != size - 1 || word & self.mask != self.flags || address.decode(word) & !self.inside != phys {
            return None;
        }
        // Words grow as addresses do as long as nothing is carried out of the bits that keep their order.
        let step = size >> address.shift_right;
        let field = (address.mask & !self.inside & highest(format)) >> address.shift_right;
        let ordered = field & !field.wrapping_add(step);
        Some(Following { word, step, most: ((ordered - (word & ordered)) >> step.trailing_zeros()) + 1 })
    }
}

/// The highest address.
const fn highest(format: &Format) -> u64 {
    (1 << format.max_output_bits) - 1
}

/// How many are remembered: what hardware notes in leaves makes several of one.
const KINDS: usize = 4;

/// Reads words, and remembers what leaves said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decoder {
    known: [Known; KINDS],
    /// The one that is forgotten next.
    oldest: usize,
    last: Known,
}

impl Decoder {
    /// It knows nothing yet.
    pub(super) const fn new() -> Self {
        Self { known: [Known::NEVER; KINDS], oldest: 0, last: Known::NEVER }
    }

    /// What the last leaf said, if it was one of that level below pointers that withhold that.
    pub(super) fn last(&self, place: (usize, Inherited)) -> Known {
        if self.last.is_of(place) { self.last } else { Known::NEVER }
    }

    /// What `word` means at that level below pointers that withhold that. If it is a leaf, it is the last one then.
    #[inline(never)]
    pub(super) fn view(&mut self, format: &Format, place: (usize, Inherited), word: u64) -> View {
        for known in self.known.iter().filter(|known| known.is_of(place)) {
            if known.is_in(word) {
                self.last = *known;
                return View::Leaf(known.leaf(format, word));
            }
        }
        let view = format.view_below(place.0, word, place.1);
        if let View::Leaf(leaf) = view {
            self.last = Known::of(format, place, word, leaf);
            self.known[self.oldest % KINDS] = self.last;
            self.oldest = self.oldest.wrapping_add(1);
        }
        view
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::{AddressField, Pattern};
    use crate::regime::Regime;
    use crate::riscv::Sv39;

    const LAST: (usize, Inherited) = (0, Inherited::NOTHING);

    /// What leaves like `word` say.
    fn known(format: &Format, word: u64) -> Known {
        let mut decoder = Decoder::new();
        assert!(matches!(decoder.view(format, LAST, word), View::Leaf(_)), "{word:#x} is a leaf");
        decoder.last(LAST)
    }

    /// Behind a run of one address, a word that is higher by a page is none of a leaf.
    #[test]
    fn entries_of_one_address_grow_by_nothing() {
        const N: u64 = 1 << 63;
        let format = &Sv39::FORMAT;
        let run = known(format, N | (0x8_0000 | 0b1000) << 10 | 0xc7);
        assert!(run.is_in(N | (0x9_0000 | 0b1000) << 10 | 0xc7) && !run.is_in(N | (0x9_0000 | 0b1001) << 10 | 0xc7));
        assert!(run.following(format, 0x8001_0000).is_none());
        let page = known(format, 0x8_0000 << 10 | 0xc7);
        let next = page.following(format, 0x8000_1000).map(|next| (next.word, next.step));
        assert_eq!(next, Some((0x8_0001 << 10 | 0xc7, 1 << 10)));
    }

    /// Where an address makes a word present, another address may not.
    #[test]
    fn a_leaf_without_a_bit_of_its_own_is_like_no_other() {
        const ADDRESS: u64 = 0xffff_f000;
        const WRITE: u64 = 1;
        let format = &Format { present: ADDRESS | WRITE, ..Format::of_levels("addresses", 12, &[9, 9]) }
            .with_addresses(AddressField::in_place(ADDRESS), 32)
            .with_leaves(0, Pattern::new(0, 0), 0)
            .with_rights(WRITE, &[(Access::kernel(Rights::R), 0), (Access::kernel(Rights::RW), WRITE)])
            .with_memory(0, &[(MemoryType::NormalWb, 0)]);
        assert!(known(format, 0x5000 | WRITE).is_in(WRITE));
        let bare = known(format, 0x5000);
        assert!(!bare.is_in(0) && !bare.is_in(0x5000), "0 is absent");
    }
}
