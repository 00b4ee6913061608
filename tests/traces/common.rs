//! What all architectures have in common: the scopes that are tried, and what a core may have cached.

use tablature::flush::{Architecture, Change, Extent, Id, Maintain, Recorder, Scope, duty};

/// Whether a translation is stale, or merely near to one that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What a leaf said, be it valid or absent.
    Leaf,
    /// What a pointer said on the way to such a leaf.
    Pointer,
}

/// Something that a core has cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cached {
    pub(crate) kind: Kind,
    /// First address.
    pub(crate) start: u64,
    /// Bytes.
    pub(crate) bytes: u64,
    /// Identifier.
    pub(crate) id: u16,
    pub(crate) global: bool,
    /// 0 is the core that flushes.
    pub(crate) core: u8,
}

impl Cached {
    pub(crate) fn covers(&self, address: u64) -> bool {
        address >= self.start && address - self.start < self.bytes
    }
}

/// The identifier of the space that changed, and another.
pub(crate) const OURS: u16 = 5;
pub(crate) const THEIRS: u16 = 9;

/// First address of all ranges; every format has it.
pub(crate) const START: u64 = 0x4000_0000;
const PAGE: u64 = 0x1000;

/// One change of entries of one size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) change: Change,
    pub(crate) extent: Extent,
    pub(crate) id: Id,
    pub(crate) every_core: bool,
}

impl Case {
    /// What it owes under the regime.
    pub(crate) fn scope<R: Maintain>(&self) -> Scope {
        Scope { duty: duty(R::DUTIES, self.change, R::FEATURES), extent: self.extent, id: self.id }
    }

    /// The same change as a range, for what everything is.
    fn range(&self) -> (u64, u64) {
        match self.extent {
            Extent::Range { start, last, .. } => (start, last),
            _ => (START, START + 0xff_ffff),
        }
    }

    /// Whether the extent names its leaves one by one, and few.
    pub(crate) fn is_small(&self) -> bool {
        matches!(self.extent, Extent::Range { start, last, stride } if (last - start) >> stride < 32)
    }

    /// What is stale after the change on the core that flushes, and with `everywhere` on another, too.
    pub(crate) fn stale(&self, leaf: bool, pointers: bool, everywhere: bool) -> Vec<Cached> {
        let (start, last) = self.range();
        let bytes = match self.extent {
            Extent::Range { stride, .. } => 1 << stride,
            _ => PAGE,
        };
        let middle = (start + (last - start) / 2) & !(bytes - 1);
        let mut all = Vec::new();
        let whose: &[(u16, bool)] = match self.id {
            Id::One(_) => &[(OURS, false)],
            Id::Every => &[(OURS, false), (THEIRS, false), (OURS, true), (THEIRS, true)],
        };
        for core in 0..=u8::from(everywhere) {
            for &(id, global) in whose {
                for address in [start, middle, last & !(bytes - 1)] {
                    if leaf {
                        all.push(Cached { kind: Kind::Leaf, start: address, bytes, id, global, core });
                    }
                    if pointers && !global {
                        all.push(Cached { kind: Kind::Pointer, start: START, bytes: 1 << 30, id, global, core });
                    }
                }
            }
        }
        all
    }

    /// Leaves that a precise flush leaves alone: those beside the range, and those of another space.
    pub(crate) fn bystanders(&self) -> Vec<Cached> {
        let (start, last) = self.range();
        let leaf = |start, id, global| Cached { kind: Kind::Leaf, start, bytes: PAGE, id, global, core: 0 };
        let mut all = vec![leaf(start - 4 * PAGE, OURS, false), leaf(last + 1 + 4 * PAGE, OURS, false)];
        if self.id != Id::Every {
            all.push(leaf(start, THEIRS, false));
            all.push(leaf(start - 4 * PAGE, OURS, true));
        }
        all
    }
}

/// Every change, extent, identifier and reach. `large` is log2 of the large leaf above a page.
pub(crate) fn cases(large: u32) -> impl Iterator<Item = Case> {
    let range = |bytes: u64, stride| Extent::Range { start: START, last: START + bytes - 1, stride };
    let extents = [
        range(PAGE, 12),
        range(8 * PAGE, 12),
        range(256 * PAGE, 12),
        range(1 << large, large),
        range(4 << large, large),
        Extent::Everywhere,
    ];
    let ids = [Id::One(OURS), Id::Every];
    Change::ALL.into_iter().flat_map(move |change| {
        extents.into_iter().flat_map(move |extent| {
            ids.into_iter().flat_map(move |id| {
                [false, true].into_iter().map(move |every_core| Case { change, extent, id, every_core })
            })
        })
    })
}

/// What the regime executes for the scope on a core with these registers.
pub(crate) fn trace<R: Maintain>(
    scope: &Scope,
    every_core: bool,
    registers: &[(<R::Architecture as Architecture>::Register, u64)],
) -> Vec<<R::Architecture as Architecture>::Op> {
    let mut recorder = Recorder::<R::Architecture, 640>::new();
    for (register, value) in registers {
        recorder = recorder.with(*register, *value);
    }
    R::sequence(scope, every_core, &mut recorder);
    assert_eq!(recorder.executed(), recorder.ops().len(), "more operations than the recorder holds");
    recorder.ops().to_vec()
}
