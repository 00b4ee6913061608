//! What pointers make of the leaves below them, and what bits say without being set.

use super::{Format, LevelFormat, Moves, Pattern, View};

/// A pattern, and what it does to a leaf: some bits count as set, others as clear.
#[derive(Clone, Copy, Debug)]
pub struct Effect {
    /// Where it is looked for, and what.
    pub pattern: Pattern,
    /// Bits that count as set.
    pub set: u64,
    /// Bits that count as clear.
    pub clear: u64,
}

impl Effect {
    /// What a leaf's word counts as, where these patterns are looked for in itself.
    pub(super) const fn on(effects: &[Self], word: u64) -> u64 {
        let (mut bits, mut i) = (word, 0);
        while i < effects.len() {
            let effect = &effects[i];
            if effect.pattern.matches(word) {
                bits = bits & !effect.clear | effect.set;
            }
            i += 1;
        }
        bits
    }
}

/// What the pointers of a walk do to the leaf at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inherited {
    set: u64,
    clear: u64,
}

impl Inherited {
    /// Nothing: where a walk starts.
    pub const NOTHING: Self = Self { set: 0, clear: 0 };

    /// Whether it leaves every leaf as it is.
    #[must_use]
    pub const fn is_nothing(self) -> bool {
        self.set | self.clear == 0
    }

    /// The same for a leaf whose fields lie elsewhere than in a page.
    const fn placed(self, moves: Moves) -> Self {
        Self { set: moves.place(self.set), clear: moves.place(self.clear) }
    }

    /// The word of a leaf as it counts.
    #[must_use]
    pub const fn apply(self, word: u64) -> u64 {
        word & !self.clear | self.set
    }
}

impl LevelFormat {
    /// What holds below a pointer of this level, where `above` held for the pointer.
    #[must_use]
    pub const fn below(&self, pointer: u64, above: Inherited) -> Inherited {
        let mut inherited = above;
        let mut i = 0;
        while i < self.inherit.len() {
            let effect = &self.inherit[i];
            if effect.pattern.matches(pointer) {
                inherited.set |= effect.set;
                inherited.clear |= effect.clear;
            }
            i += 1;
        }
        inherited
    }
}

impl Format {
    /// What `word` means at `level` below pointers that restrict it: what the walk of the hardware comes to.
    #[must_use]
    pub const fn view_below(&self, level: usize, word: u64, above: Inherited) -> View {
        match self.view(level, word) {
            View::Leaf(_) if !above.is_nothing() => {
                self.view(level, above.placed(self.moves_of(level, word)).apply(word))
            }
            other => other,
        }
    }

    /// The rights bits of a leaf with those that others make count.
    pub(super) const fn implied_rights(&self, word: u64) -> u64 {
        Effect::on(self.implied, word) & self.rights_mask
    }
}
