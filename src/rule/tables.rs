//! The memory that tables lie in: how much they need, who reaches it, who writes it.

use super::catalogue::Rule;
use super::finding::MAX_CULPRITS;
use super::judge::{Judge, SUPERVISOR, Who};
use crate::attr::Rights;
use crate::format::Format;
use crate::layout::{LIST, Layout, NOWHERE, TOP, place, shared};
use crate::map::{Kind, Phys, Placement, Resource, Role, Tables};
use crate::plan::{self, Shape};

/// A pool whose place is known.
#[derive(Clone, Copy)]
struct Pool {
    space: usize,
    lo: u128,
    hi: u128,
}

impl<'a, const R: usize, const N: usize> Judge<'_, 'a, R, N> {
    /// The rules about the tables of one space; returns how many bytes they take where a pool asks for that. The shapes of
    /// the first spaces are known.
    pub(super) const fn space_tables(&mut self, s: usize, format: &Format, shapes: &[Shape]) -> u128 {
        let space = &self.map.spaces[s];
        if space.budget.is_none() && space.tables.is_none() && self.map.policy.table_pool.is_none() {
            return 0;
        }
        let shape = if s < shapes.len() { shapes[s] } else { Shape::of(self.map, self.layout, s, format) };
        let need = shape.tables();
        if let Some(budget) = space.budget
            && need > budget as usize
            && self.leaves_are_settled()
        {
            self.table_budget_exceeded(s, need, budget as usize, format);
        }
        let bytes = need as u128 * format.table_size() as u128;
        if s < LIST {
            self.table_bytes[s] = bytes;
        }
        if let Some(tables) = &self.map.spaces[s].tables {
            self.pool(s, tables, bytes, format);
        }
        bytes
    }

    /// `table-budget-exceeded`: names the regions without which the tables would fit.
    const fn table_budget_exceeded(&mut self, s: usize, need: usize, budget: usize, format: &Format) {
        let mut who = [self.who_space(s); MAX_CULPRITS];
        let mut saved = [0; MAX_CULPRITS];
        let mut count = 1;
        let (mut i, end) = self.extents_of(s);
        let mut without: Layout<R> = *self.layout;
        while i < end {
            let bad = without.extents[i].bad;
            without.extents[i].bad = true;
            let rest = Shape::of(self.map, &without, s, format).tables();
            without.extents[i].bad = bad;
            if rest <= budget {
                let mut at = if count < MAX_CULPRITS { count } else { MAX_CULPRITS };
                while at > 1 && saved[at - 1] < need - rest {
                    at -= 1;
                }
                if at < MAX_CULPRITS {
                    let mut k = MAX_CULPRITS - 1;
                    while k > at {
                        who[k] = who[k - 1];
                        saved[k] = saved[k - 1];
                        k -= 1;
                    }
                    who[at] = self.who(i);
                    saved[at] = need - rest;
                    count += (count < MAX_CULPRITS) as usize;
                }
            }
            i += 1;
        }
        self.report(Rule::TableBudgetExceeded, who.split_at(count).0, &[need as u128, budget as u128]);
    }

    /// Whether every region lies where it can and has the leaves it asks for. If not, that is the first cause, and
    /// counts mean nothing.
    const fn leaves_are_settled(&self) -> bool {
        let mut i = 0;
        while i < self.errors.len {
            match self.errors.list[i].rule {
                Rule::VaOverlap | Rule::VaNotCanonical | Rule::CrossesCanonicalHole | Rule::VaOutOfRange => {
                    return false;
                }
                Rule::VaBitsInvalid | Rule::LeafSizeInvalid | Rule::LeafMisaligned | Rule::GuardInsideLeaf => {
                    return false;
                }
                _ => i += 1,
            }
        }
        true
    }

    const fn who_tables(&self, s: usize) -> Who<'a> {
        let anchor = match &self.map.spaces[s].tables {
            Some(tables) => tables.anchor,
            None => 0,
        };
        Who::of(self.map.spaces[s].name, "tables", anchor)
    }

    /// The rules about one pool.
    const fn pool(&mut self, s: usize, tables: &Tables<'_>, need: u128, format: &Format) {
        let who = self.who_tables(s);
        if let Some(size) = tables.size {
            if !self.leaves_are_settled() {
                // The count would follow from leaves that there cannot be.
            } else if need > size as u128 {
                self.report(Rule::TablePoolTooSmall, &[self.who_space(s), who], &[need, size as u128]);
            } else if need < size as u128 {
                self.report(Rule::BudgetSlack, &[who], &[need, size as u128]);
            }
        }
        if tables.hw_ad {
            self.feature(who, format.update_feature);
        }
        self.linked_tables(s, tables);
        let (start, resource) = place(self.map, tables.phys);
        let holder = match (start, self.placed(s, need)) {
            (_, Some(pool)) => {
                self.pool_place(s, &pool, format);
                self.segment(pool.lo, pool.lo + 1).resource
            }
            _ if resource == NOWHERE => return,
            _ => resource,
        };
        if holder == NOWHERE {
            let lo = match start {
                Some(lo) => lo,
                None => return,
            };
            self.report(Rule::TablesOutsideRam, &[who], &[lo]);
            return;
        }
        self.pool_memory(s, tables, self.resource(holder), holder, format);
    }

    /// `tables-outside-ram`, `tables-reachable-by-user`, `tables-not-mapped` of tables whose place the linker or the program chooses: the
    /// region they are linked in maps them, and without any region that could, nothing edits them.
    const fn linked_tables(&mut self, s: usize, tables: &Tables<'_>) {
        if self.placed(s, 0).is_some() {
            return;
        }
        let holder = match tables.linked_in {
            Some(name) => self.find(s, name),
            None => NOWHERE,
        };
        if holder != NOWHERE {
            let (i, e) = (holder as usize, &self.layout.extents[holder as usize]);
            if !e.has_phys && !e.bad {
                // Without a physical side there is no telling where the linker puts them.
                self.report(Rule::TablesOutsideRam, &[self.who_tables(s)], &[]);
            } else if let Some(memory) = self.first_type(i)
                && memory.is_device()
            {
                self.report(Rule::TablesOutsideRam, &[self.who_tables(s), self.who(i)], &[]);
            }
            if self.is_a_tenants(i) {
                let who = [self.who(i), self.who_tables(s)];
                self.report(Rule::TablesReachableByUser, &who, &[e.p_lo, e.size]);
            }
            if tables.runtime_edit && !self.facts[i].access.privileged.contains(Rights::W) {
                self.report(Rule::TablesNotMapped, &[self.who_tables(s)], &[]);
            }
            return;
        }
        let (_, resource) = place(self.map, tables.phys);
        let (lo, hi) = if resource == NOWHERE { (0, TOP) } else { self.bytes(resource) };
        let (mut p, end) = self.by_phys.around(lo, lo + 1);
        while p < end {
            let i = self.by_phys.object(p);
            let e = &self.layout.extents[i];
            // Wherever in the resource they are, whoever has all of it has them.
            if e.p_lo <= lo && hi <= e.p_hi && self.is_a_tenants(i) {
                self.report(Rule::TablesReachableByUser, &[self.who(i), self.who_tables(s)], &[lo, hi - lo]);
            }
            p += 1;
        }
        if tables.runtime_edit && !self.has_editors() {
            self.report(Rule::TablesNotMapped, &[self.who_tables(s)], &[]);
        }
    }

    /// Whether any region is there to write tables.
    const fn has_editors(&mut self) -> bool {
        if let Some(known) = self.editors {
            return known;
        }
        let mut i = 0;
        while i < self.layout.len && !(self.facts[i].counts && self.edits_tables(i)) {
            i += 1;
        }
        let found = i < self.layout.len;
        self.editors = Some(found);
        found
    }

    /// Whether a user, a partition or a guest reaches a region.
    const fn is_a_tenants(&self, i: usize) -> bool {
        let tenant = matches!(self.space_of(i).role, Role::Partition | Role::Guest)
            && !self.declared_format(self.layout.extents[i].space as usize).user;
        tenant || !self.facts[i].access.user.is_empty()
    }

    /// Whether a region is there to write tables: a kernel's, writable, declared for tables or a linear map.
    const fn edits_tables(&self, i: usize) -> bool {
        let (fact, region) = (&self.facts[i], self.region(i));
        let writes = fact.access.privileged.contains(Rights::W) && fact.access.user.is_empty();
        writes && fact.domain == SUPERVISOR && (region.tables || matches!(region.kind, Kind::Linear))
    }

    /// `tables-outside-ram` (DDI 0487 D8, walks are Normal), `tables-need-write` (DDI 0487 D8; RISC-V Svadu; SDM 3A
    /// 4.8).
    const fn pool_memory(&mut self, s: usize, tables: &Tables<'_>, memory: &Resource<'_>, index: u16, format: &Format) {
        let who = [self.who_tables(s), self.who_resource(index)];
        let writable = match memory.rights {
            Some(rights) => rights.contains(Rights::W),
            None => true,
        };
        if memory.memory.is_device() {
            self.report(Rule::TablesOutsideRam, &who, &[]);
        } else if !writable && (tables.hw_ad || (format.always_updates && !tables.preset_ad)) {
            self.report(Rule::TablesNeedWrite, &who, &[]);
        }
    }

    /// `root-unaligned` (RISC-V privileged, hgatp; DDI 0487 D8 concatenated tables), `pa-out-of-range`.
    const fn pool_place(&mut self, s: usize, pool: &Pool, format: &Format) {
        let root = format.root_tables() as u128 * format.table_size() as u128;
        if pool.lo % root != 0 {
            self.report(Rule::RootUnaligned, &[self.who_tables(s)], &[pool.lo, root]);
        }
        if let Some(below) = self.map.policy.tables_below
            && pool.hi > below as u128
        {
            self.report(Rule::PaOutOfRange, &[self.who_tables(s)], &[pool.lo, below as u128]);
        }
    }

    /// Where the tables of a space lie, if a declared address says so.
    const fn placed(&self, s: usize, need: u128) -> Option<Pool> {
        let Some(tables) = &self.map.spaces[s].tables else { return None };
        let in_resource = match (tables.placement, tables.phys) {
            (Placement::Placed, _) | (_, Phys::At(_)) => true,
            (Placement::Linked | Placement::BootFilled, _) => false,
        };
        let size = match tables.size {
            Some(size) => size as u128,
            None => need,
        };
        match place(self.map, tables.phys).0 {
            Some(lo) if in_resource => Some(Pool { space: s, lo, hi: lo + size }),
            _ => None,
        }
    }

    /// The rules about pools and everything that reaches them; `total` is what all spaces need.
    pub(super) const fn pools(&mut self, total: u128) {
        self.common_pool(total);
        let mut s = 0;
        while s < self.map.spaces.len() {
            if let Some(pool) = self.known_pool(s) {
                self.pool_regions(&pool);
                self.windows_over(Rule::TablesOverlapRegion, self.who_tables(s), pool.lo, pool.hi);
                self.pool_is_mapped(&pool);
                let mut t = s + 1;
                while t < self.map.spaces.len() {
                    if let Some(other) = self.known_pool(t)
                        && let Some((lo, hi)) = shared((pool.lo, pool.hi), (other.lo, other.hi))
                    {
                        let who = [self.who_tables(s), self.who_tables(t)];
                        self.report(Rule::TablesOverlapRegion, &who, &[lo, hi - lo]);
                    }
                    t += 1;
                }
            }
            s += 1;
        }
    }

    const fn known_pool(&self, s: usize) -> Option<Pool> {
        let Some(tables) = &self.map.spaces[s].tables else { return None };
        let need = match tables.size {
            Some(_) => 0,
            None if s < LIST => self.table_bytes[s],
            None => plan::tables(self.map, self.layout, s) as u128 * self.declared_format(s).table_size() as u128,
        };
        self.placed(s, need)
    }

    /// `table-pool-too-small` of the pool of all spaces.
    const fn common_pool(&mut self, total: u128) {
        let Some(pool) = &self.map.policy.table_pool else { return };
        if total <= pool.size as u128 || !self.leaves_are_settled() {
            return;
        }
        let mut who = [Who::named("table_pool", pool.anchor); MAX_CULPRITS];
        let mut s = 0;
        while s < self.map.spaces.len() && s < MAX_CULPRITS - 1 {
            who[s] = self.who_space(s);
            s += 1;
        }
        self.report(Rule::TablePoolTooSmall, who.split_at(s + 1).0, &[total, pool.size as u128]);
    }

    /// `tables-reachable-by-user`, `tables-overlap-region`, `memory-type-mismatch` with table walks.
    const fn pool_regions(&mut self, pool: &Pool) {
        let (mut p, end) = self.by_phys.around(pool.lo, pool.hi);
        while p < end {
            let i = self.by_phys.object(p);
            p += 1;
            let Some((lo, hi)) = self.phys_meets(i, pool.lo, pool.hi) else { continue };
            let who = [self.who(i), self.who_tables(pool.space)];
            let region = self.region(i);
            if self.is_a_tenants(i) {
                self.report(Rule::TablesReachableByUser, &who, &[lo, hi - lo]);
            } else if region.tables {
                let walked = self.segment(pool.lo, pool.lo + 1).resource;
                if walked != NOWHERE
                    && let Some(memory) = self.first_type(i)
                    && !memory.is(self.resource(walked).memory)
                {
                    self.report(Rule::MemoryTypeMismatch, &who, &[lo, hi - lo]);
                }
            } else if !(matches!(region.kind, Kind::Linear) && self.facts[i].domain == SUPERVISOR) {
                self.report(Rule::TablesOverlapRegion, &who, &[lo, hi - lo]);
            }
        }
    }

    /// `tables-not-mapped`: what edits tables can write them.
    const fn pool_is_mapped(&mut self, pool: &Pool) {
        let edited = match &self.map.spaces[pool.space].tables {
            Some(tables) => tables.runtime_edit,
            None => false,
        };
        let (mut p, end) = self.by_phys.around(pool.lo, pool.hi);
        while p < end && edited {
            let i = self.by_phys.object(p);
            let e = &self.layout.extents[i];
            if e.p_lo <= pool.lo && pool.hi <= e.p_hi && self.edits_tables(i) {
                return;
            }
            p += 1;
        }
        if edited {
            let who = [self.who_tables(pool.space)];
            self.report(Rule::TablesNotMapped, &who, &[pool.lo, pool.hi - pool.lo]);
        }
    }
}
