//! Many obligations in one.

use core::fmt;
use core::mem::{ManuallyDrop, replace, take};

use super::cover::Cover;
use super::hardware::{Maintain, meet};
use super::scope::{Extent, Id, Scope};
use super::shootdown::Interprocessor;
use super::token::{TlbFlush, check_reach};
use crate::edit::Kind;

/// Obligations that are met together, and what they released.
///
/// It remembers `N` ranges; neighbours in one range count once. A range too many, and all become one that holds them
/// all. What is more than [`Maintain::MANY`] invalidations is flushed as a whole address space.
///
/// Like a [`TlbFlush`] it is not to be dropped: that leaks, and does not compile with `panic = "abort"`.
#[must_use = "what the tokens of a batch owe is owed until it is flushed"]
pub struct Batch<K: Kind, const N: usize, T = ()> {
    /// The first `len` count.
    scopes: [Scope; N],
    len: usize,
    /// The first `kept` are some.
    released: ManuallyDrop<[Option<T>; N]>,
    kept: usize,
    kind: core::marker::PhantomData<fn() -> K>,
}

impl<K: Kind, const N: usize, T> Batch<K, N, T> {
    /// Nothing is owed.
    pub const fn new() -> Self {
        const { assert!(N > 0, "a batch remembers at least one range") };
        Self {
            scopes: [Scope::nothing(Id::Every); N],
            len: 0,
            released: ManuallyDrop::new([const { None }; N]),
            kept: 0,
            kind: core::marker::PhantomData,
        }
    }

    /// Takes a token that released nothing.
    pub fn add<C: Cover>(&mut self, token: TlbFlush<K, (), C>) {
        self.remember(token.scope());
        token.into_released();
    }

    /// Takes a token and what it released.
    ///
    /// # Errors
    /// `N` tokens are in it already: the token. It is to be flushed then; [`put`](Self::put) does that.
    pub fn push<C: Cover>(&mut self, token: TlbFlush<K, T, C>) -> Result<(), TlbFlush<K, T, C>> {
        let Some(place) = self.released.get_mut(self.kept) else { return Err(token) };
        let scope = token.scope();
        // The place is empty, so nothing is dropped by the assignment.
        *place = Some(token.into_released());
        self.kept += 1;
        self.remember(scope);
        Ok(())
    }

    /// Takes a token and what it released; where `N` are in it already these are flushed before, and what they released
    /// goes to `release`.
    pub fn put<C: Cover>(&mut self, token: TlbFlush<K, T, C>, hardware: &mut K::Hardware, release: impl FnMut(T)) {
        match self.push(token) {
            Ok(()) => {}
            Err(token) => {
                take(self).flush(hardware).for_each(release);
                self.remember(token.scope());
                self.released[0] = Some(token.into_released());
                self.kept = 1;
            }
        }
    }

    /// How many tokens with something released it can still take.
    #[must_use]
    pub const fn room(&self) -> usize {
        N - self.kept
    }

    /// Executes what is owed, and gives back what was released. Compiles where [`TlbFlush::flush`] does.
    pub fn flush(self, hardware: &mut K::Hardware) -> impl Iterator<Item = T> + use<K, N, T> {
        const { check_reach::<K>() };
        self.each(|scope| meet::<K, K::Reach>(scope, hardware));
        self.into_released()
    }

    /// Executes what is owed on every core, and gives back what was released.
    pub fn shootdown<I: Interprocessor<K>>(
        self,
        hardware: &mut K::Hardware,
        cores: &mut I,
    ) -> impl Iterator<Item = T> + use<K, N, T, I> {
        self.each(|scope| cores.everywhere(scope, hardware));
        self.into_released()
    }

    /// All of it as one token.
    pub fn into_token(self) -> TlbFlush<K, [Option<T>; N]> {
        let scope = self.scopes().iter().copied().fold(Scope::nothing(Id::Every), Scope::union);
        TlbFlush::new(scope, self.into_array())
    }

    /// What is owed, range by range.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        self.scopes.get(..self.len).unwrap_or(&self.scopes)
    }

    fn remember(&mut self, scope: Scope) {
        if scope.duty.is_none() {
            return;
        }
        if let Some(near) = self.scopes.iter_mut().take(self.len).find(|near| touch(near, &scope)) {
            *near = near.union(scope);
        } else if let Some(free) = self.scopes.get_mut(self.len) {
            *free = scope;
            self.len += 1;
        } else {
            self.scopes[0] = self.scopes.iter().copied().fold(scope, Scope::union);
            self.len = 1;
        }
    }

    /// Calls `execute` for each range, or once for all of them where there is much to do.
    fn each(&self, mut execute: impl FnMut(&Scope)) {
        let many = K::Regime::MANY;
        let steps = self.scopes().iter().fold(0, |sum: u64, scope| sum.saturating_add(scope.steps()));
        if steps > many && self.len > 1 {
            let all = self.scopes().iter().copied().fold(Scope::nothing(Id::Every), Scope::union);
            execute(&Scope { extent: Extent::Everywhere, ..all });
        } else {
            self.scopes().iter().for_each(|scope| execute(&scope.bounded(many)));
        }
    }

    fn into_released(self) -> impl Iterator<Item = T> + use<K, N, T> {
        self.into_array().into_iter().flatten()
    }

    fn into_array(self) -> [Option<T>; N] {
        let mut this = ManuallyDrop::new(self);
        replace(&mut *this.released, [const { None }; N])
    }
}

/// Whether both are owed alike and have no byte between them.
fn touch(a: &Scope, b: &Scope) -> bool {
    let (Extent::Range { start: s0, last: l0, stride: t0 }, Extent::Range { start: s1, last: l1, stride: t1 }) =
        (a.extent, b.extent)
    else {
        return a.extent == b.extent && a.id == b.id;
    };
    let near = s1 <= l0.saturating_add(1) && s0 <= l1.saturating_add(1);
    near && t0 == t1 && a.id == b.id && a.duty == b.duty
}

impl<K: Kind, const N: usize, T> Default for Batch<K, N, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Kind, const N: usize, T> Drop for Batch<K, N, T> {
    #[inline]
    fn drop(&mut self) {
        #[cfg(panic = "abort")]
        const {
            panic!("a `Batch` of `TlbFlush`es is dropped: call `flush` or `shootdown`, or return it on every path");
        }
    }
}

impl<K: Kind, const N: usize, T> fmt::Debug for Batch<K, N, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("scopes", &self.scopes()).field("released", &self.kept).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;
    use crate::flush::toy::{Op, ToyCore, ToyKind};
    use crate::flush::{Duty, OneCore, Recorder};

    type One = ToyKind<false, OneCore>;

    fn page(number: u64) -> Scope {
        let start = number << 12;
        let extent = Extent::Range { start, last: start | 0xfff, stride: 12 };
        Scope { duty: Duty::LEAF, extent, id: Id::One(1) }
    }

    fn ops<const N: usize>(batch: Batch<One, N>) -> Vec<Op> {
        let mut core = Recorder::<ToyCore, 64>::new();
        assert_eq!(batch.flush(&mut core).count(), 0);
        core.ops().to_vec()
    }

    #[test]
    fn neighbours_are_one_range() {
        let mut batch = Batch::<One, 4>::new();
        for number in [7, 8, 6, 20, 1] {
            batch.add(TlbFlush::new(page(number), ()));
        }
        assert_eq!(batch.scopes().len(), 3);
        let pages: Vec<u64> = ops(batch)
            .iter()
            .filter_map(|op| match op {
                Op::Page(page, Id::One(1), false) => Some(page >> 12),
                _ => None,
            })
            .collect();
        assert_eq!(pages, [6, 7, 8, 20, 1]);
    }

    #[test]
    fn many_steps_become_one_of_everything() {
        let mut batch = Batch::<One, 16>::new();
        (0..8).for_each(|n| batch.add(TlbFlush::new(page(n * 3), ())));
        assert_eq!(ops(batch).iter().filter(|op| matches!(op, Op::Page(..))).count(), 8);
        let mut batch = Batch::<One, 16>::new();
        (0..9).for_each(|n| batch.add(TlbFlush::new(page(n * 3), ())));
        assert_eq!(ops(batch), [Op::Barrier, Op::All(Id::One(1), false)]);
    }

    #[test]
    fn what_was_released_comes_back_in_order_and_a_full_batch_refuses() {
        let mut core = Recorder::<ToyCore, 64>::new();
        let mut batch = Batch::<One, 2, u32>::new();
        assert!(batch.push(TlbFlush::new(page(1), 10)).is_ok());
        assert!(batch.push(TlbFlush::new(page(5), 50)).is_ok());
        let token = batch.push(TlbFlush::new(page(9), 90)).expect_err("two are in it");
        assert_eq!(token.scope(), page(9));
        let mut released = Vec::new();
        batch.put(token, &mut core, |number| released.push(number));
        assert_eq!((released, batch.room()), (Vec::from([10, 50]), 1));
        assert_eq!(batch.flush(&mut core).collect::<Vec<_>>(), [90]);
        assert_eq!(core.ops().iter().filter(|op| matches!(op, Op::Page(..))).count(), 3);
    }

    #[test]
    fn a_batch_becomes_a_token_that_covers_all() {
        let mut batch = Batch::<One, 2, u8>::new();
        assert!(batch.push(TlbFlush::new(page(1), 1)).is_ok());
        batch.add(TlbFlush::new(Scope { id: Id::Every, ..page(4) }, ()));
        let token = batch.into_token();
        let extent = Extent::Range { start: 0x1000, last: 0x4fff, stride: 12 };
        assert_eq!(token.scope(), Scope { duty: Duty::LEAF, extent, id: Id::Every });
        assert_eq!(token.flush(&mut Recorder::new()), [Some(1), None]);
    }

    proptest! {
        #![proptest_config(crate::flush::toy::config())]

        /// Whatever is added, in whatever order: each page is invalidated, by itself or with everything.
        #[test]
        fn nothing_that_was_added_is_left_out(pages in prop::collection::vec((0u64..40, 0u16..3, 0u64..4), 0..24)) {
            let mut batch = Batch::<One, 5>::new();
            for (start, id, more) in &pages {
                let extent = Extent::Range { start: start << 12, last: ((start + more) << 12) | 0xfff, stride: 12 };
                batch.add(TlbFlush::new(Scope { duty: Duty::LEAF, extent, id: Id::One(*id) }, ()));
            }
            let ops = ops(batch);
            for (start, id, more) in pages {
                for number in start..=start + more {
                    let hit = ops.iter().any(|op| match *op {
                        Op::All(Id::Every, _) => true,
                        Op::All(Id::One(of), _) => of == id,
                        Op::Page(page, Id::Every, _) => page == number << 12,
                        Op::Page(page, Id::One(of), _) => page == number << 12 && of == id,
                        Op::Barrier => false,
                    });
                    prop_assert!(hit, "page {} of {}", number, id);
                }
            }
            prop_assert!(ops.len() <= 2 * 8);
        }
    }
}
