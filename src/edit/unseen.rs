//! What a space remembers of the obligations that it gave out, until it executes them itself.

use super::kind::Kind;
use super::ledger::Duties;
use crate::flush::{Extent, Id, Scope};

/// What was not seen flushed. A program may flush it out of sight; then it is flushed once more.
#[derive(Clone, Copy, Debug)]
pub struct Unseen {
    /// What became absent, in a regime with break-before-make: nothing becomes valid there before it is flushed.
    pub(super) broken: Scope,
    /// Where leaves may be cached in sizes that the tables do not have any more, and pointers to the tables that had them:
    /// what changes there owes this, too, for its own invalidations are as far apart as the leaves that the tables have.
    pub(super) resized: Scope,
}

/// Nothing.
const NOTHING: Scope = Scope::nothing(Id::Every);

impl Unseen {
    /// Nothing.
    pub(super) const NOTHING: Self = Self { broken: NOTHING, resized: NOTHING };

    /// `scope` was flushed wherever it may have been cached.
    pub(super) const fn flushed<K: Kind>(&mut self, scope: &Scope) {
        if scope.covers(&self.broken) {
            self.broken = NOTHING;
        }
        let finds = !Duties::<K::Regime>::HIDES || matches!(scope.extent, Extent::Everywhere);
        if finds && scope.covers(&self.resized) {
            self.resized = NOTHING;
        }
    }
}
