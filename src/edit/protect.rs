//! Changing what is mapped, and not where it goes.

use super::change::{Keep, run_of};
use super::error::ProtectError;
use super::kind::Kind;
use super::leaves::{is_granted, tables_to_cut};
use super::ledger::Ledger;
use super::levels::Levels;
use super::node::{Node, Sort};
use super::range::Span;
use super::tree::{Gone, Tree};
use crate::addr::VirtAddr;
use crate::attr::{Access, Features, MemoryType, Rights};
use crate::flush::{Change, Duty};
use crate::format::{Format, Leaf, MAX_LEVELS, NOT_ENCODABLE, View, clamp};
use crate::table::Attributes;

/// What is to change of leaves; everything else stays as each has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protect {
    /// Rights.
    pub access: Option<Access>,
    /// Memory type.
    pub memory: Option<MemoryType>,
    /// Validity for every address space.
    pub global: Option<bool>,
}

impl Protect {
    /// Other rights.
    #[must_use]
    pub const fn access(access: Access) -> Self {
        Self { access: Some(access), memory: None, global: None }
    }

    /// Another memory type. The program writes back what caches hold of the memory where that matters.
    #[must_use]
    pub const fn memory(memory: MemoryType) -> Self {
        Self { access: None, memory: Some(memory), global: None }
    }

    /// Everything that attributes say.
    #[must_use]
    pub const fn all(attributes: Attributes) -> Self {
        Self { access: Some(attributes.access), memory: Some(attributes.memory), global: Some(attributes.global) }
    }
}

/// A change as masks of words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edit {
    /// Bits to keep, by level.
    keep: [u64; MAX_LEVELS],
    /// Bits to set, by level; [`NOT_ENCODABLE`] where leaves cannot have what is asked for.
    set: [u64; MAX_LEVELS],
    change: Protect,
}

impl Edit {
    /// The masks of `change`.
    pub(super) fn new(format: &Format, features: Features, change: Protect) -> Self {
        Self::of_levels(format, features, 0, format.levels, change)
    }

    /// Those for leaves of `level` alone: numbers, where the compiler knows the change.
    #[inline(always)]
    pub(super) fn of_level(format: &Format, features: Features, level: usize, change: Protect) -> Self {
        Self::of_levels(format, features, level, level + 1, change)
    }

    #[inline(always)]
    fn of_levels(format: &Format, features: Features, from: usize, to: usize, change: Protect) -> Self {
        let everything = Access { privileged: Rights::RWX, user: Rights::RWX };
        let granted = is_granted(
            format,
            features,
            Attributes {
                access: change.access.unwrap_or(everything),
                memory: change.memory.unwrap_or(MemoryType::Inherent),
                global: true,
            },
        );
        let mut edit = Self { keep: [u64::MAX; MAX_LEVELS], set: [NOT_ENCODABLE; MAX_LEVELS], change };
        for level in from..to {
            if let (true, Some((clear, set))) = (granted, masks(format, features, level, change)) {
                edit.keep[clamp(level)] = !clear;
                edit.set[clamp(level)] = set;
            }
        }
        edit
    }

    /// Whether leaves of `level` can have what is asked for.
    pub(super) const fn fits(&self, level: usize) -> bool {
        self.set[clamp(level)] != NOT_ENCODABLE
    }

    /// The leaf `word` with the change.
    #[inline(always)]
    pub(super) fn apply(&self, format: &Format, level: usize, word: u64) -> u64 {
        match self.of_bits(format, level) {
            Some((keep, set)) => word & keep | set,
            None => self.encode_anew(format, level, word),
        }
    }

    /// The bits of leaves of `level` that are kept, and those that are set; `None` where leaves differ in more than bits.
    #[inline(always)]
    const fn of_bits(&self, format: &Format, level: usize) -> Option<(u64, u64)> {
        let mut i = 0;
        while i < format.runs.len() {
            if format.runs[i].leaf.is_some() {
                return None;
            }
            i += 1;
        }
        Some((self.keep[clamp(level)], self.set[clamp(level)]))
    }

    /// For formats in which entries of runs are encoded in their own way.
    fn encode_anew(&self, format: &Format, level: usize, word: u64) -> u64 {
        let View::Leaf(leaf) = format.view(level, word) else { return word };
        let leaf = Leaf {
            access: self.change.access.unwrap_or(leaf.access),
            memory: self.change.memory.unwrap_or(leaf.memory),
            global: self.change.global.unwrap_or(leaf.global),
            ..leaf
        };
        format.encode_leaf(level, &leaf).unwrap_or(word)
    }
}

/// The bits that leaves of `level` lose and get; `None` where there is no encoding.
#[inline(always)]
fn masks(format: &Format, features: Features, level: usize, change: Protect) -> Option<(u64, u64)> {
    let (mut clear, mut set) = (0, 0);
    let form = format.at(level);
    if let Some(access) = change.access {
        clear |= format.rights_field(level, 0);
        set |= format.rights_at(level, 0, access)?;
        let shadow = format.dirty_read_only;
        if !shadow.is_empty() && features.contains(shadow) && !access.any().contains(Rights::W) {
            clear |= format.dirty;
        }
    }
    if let Some(memory) = change.memory {
        let bits = format.memory_bits(form.memory, memory);
        if bits == NOT_ENCODABLE {
            return None;
        }
        clear |= form.moves.place(format.memory_mask[form.memory & 1]);
        set |= form.moves.place(bits);
    }
    if let Some(global) = change.global {
        clear |= format.global_at(level) | format.not_global_at(level, 0);
        set |= if global { format.global_at(level) } else { format.not_global_at(level, 0) };
    }
    Some((clear, set))
}

/// What entries that changed one after the other owe.
struct Row {
    /// The bits of the last word that changed, without its address, and what the change of those owes.
    last: Option<(u64, Duty)>,
    all: Option<(Span, Duty, bool)>,
}

/// What a change owed: the bits of the word, before and after, without its address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streak {
    old: u64,
    new: u64,
    duty: Duty,
}

impl<K: Kind, L: Ledger<K>> Tree<'_, K, L> {
    /// Changes all leaves of a range, or none.
    pub(super) fn protect(&mut self, virt: VirtAddr, size: u64, change: &Protect) -> Result<(), ProtectError> {
        let span = Span::new(Self::FORMAT, virt, size, Self::FORMAT.page_size())?;
        let edit = Edit::new(Self::FORMAT, Self::FEATURES, *change);
        let node = self.lowest(span)?;
        let tables = self.survey_protect(node, span, &edit)?;
        self.reserve(tables).map_err(ProtectError::OutOfTables)?;
        self.protect_in(node, span, &edit);
        Ok(())
    }

    fn survey_protect(&self, node: Node, span: Span, edit: &Edit) -> Result<u64, ProtectError> {
        if node.level == 0 {
            return self.survey_pages_of(Node { level: 0, ..node }, span, edit).map(|()| 0);
        }
        let node = self.in_sight(node)?;
        let mut tables = 0;
        let mut rest = Some(span);
        while let Some(all) = rest {
            let part = all.first_part(Self::shift(node.level));
            rest = all.behind(part);
            let index = self.index(node, part.start);
            let word = self.checked(node, index)?;
            match Levels::<K::Regime>::sort(node.level, word) {
                Sort::Table => {
                    tables += self.survey_protect(node.below::<K::Regime>(index, word), part, edit)?;
                }
                Sort::Leaf => tables += self.survey_leaf(node, index, word, part, edit)?,
                Sort::Absent => return Err(ProtectError::NotMapped(self.found(node, index, word))),
                Sort::Reserved => return Err(ProtectError::Reserved(self.found(node, index, word))),
            }
        }
        Ok(tables)
    }

    #[inline(always)]
    fn survey_pages_of(&self, mut node: Node, span: Span, edit: &Edit) -> Result<(), ProtectError> {
        let (from, to) = (self.index(node, span.start), self.index(node, span.last));
        self.first(&mut node, from)?;
        // All of them first, which takes no decision for each.
        if !(Self::ALIKE && self.is_row_like(node, from, to + 1, Self::FORMAT.level[0].leaf)) {
            self.first_page_missing(node, from, to)?;
        }
        if edit.fits(0) { Ok(()) } else { Err(ProtectError::NotEncodable(edit.change)) }
    }

    /// Whether pages are what has the pattern of one, and nothing else is.
    const ALIKE: bool = {
        let leaf = Self::FORMAT.level[0].leaf;
        let mut alike = leaf.mask & leaf.value & Self::FORMAT.present != 0;
        let mut i = 0;
        while i < Self::FORMAT.runs.len() {
            alike &= Self::FORMAT.runs[i].leaf.is_none();
            i += 1;
        }
        alike
    };

    /// The first entry that is no page, as the error that it is.
    fn first_page_missing(&self, node: Node, from: usize, to: usize) -> Result<(), ProtectError> {
        for index in from..to + 1 {
            let word = self.load(node, index);
            if Levels::<K::Regime>::sort(node.level, word) != Sort::Leaf {
                return Err(match Levels::<K::Regime>::sort(node.level, word) {
                    Sort::Absent => ProtectError::NotMapped(self.found(node, index, word)),
                    _ => ProtectError::Reserved(self.found(node, index, word)),
                });
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn survey_leaf(&self, node: Node, index: usize, word: u64, part: Span, edit: &Edit) -> Result<u64, ProtectError> {
        if !edit.fits(node.level) {
            return Err(ProtectError::NotEncodable(edit.change));
        }
        let new = edit.apply(Self::FORMAT, node.level, word);
        if part.is_whole(Self::shift(node.level)) || new == word {
            return Ok(0);
        }
        if (0..node.level).any(|level| Self::has_leaf(level) && !edit.fits(level)) {
            return Err(ProtectError::NotEncodable(edit.change));
        }
        match Self::child_word(node.level, word) {
            None if Self::PAGES => Err(ProtectError::InsideLeaf(self.found(node, index, word))),
            Some(_) => Ok(tables_to_cut(Self::FORMAT, node.level, part)),
            None => Err(ProtectError::Reserved(self.found(node, index, word))),
        }
    }

    pub(super) fn protect_in(&mut self, node: Node, span: Span, edit: &Edit) {
        let node = self.shown(node);
        let (from, to) = (self.index(node, span.start), self.index(node, span.last));
        self.loosen(node, from, from, to, edit);
        self.loosen(node, to, from, to, edit);
        if node.level == 0 {
            return self.protect_leaves(Node { level: 0, ..node }, from, to, edit);
        }
        // From the end, where the check was last: what it read of many tables is still in the cache there.
        let mut rest = Some(span);
        while let Some(all) = rest {
            let part = all.last_part(Self::shift(node.level));
            rest = all.before(part);
            let index = self.index(node, part.start);
            let word = self.load(node, index);
            match Levels::<K::Regime>::sort(node.level, word) {
                Sort::Table => self.protect_in(node.below::<K::Regime>(index, word), part, edit),
                Sort::Leaf if part.is_whole(Self::shift(node.level)) => self.protect_leaves(node, index, index, edit),
                // What was not refused, where leaves are pages.
                _ if Self::PAGES => {}
                _ => self.protect_inside(node, index, part, edit),
            }
        }
    }

    /// Takes apart the run of entry `index`, if it changes and reaches out of `from..=to`.
    fn loosen(&mut self, node: Node, index: usize, from: usize, to: usize, edit: &Edit) {
        if !Self::HAS_RUNS {
            return;
        }
        let word = self.load(node, index);
        if Levels::<K::Regime>::sort(node.level, word) == Sort::Leaf
            && edit.apply(Self::FORMAT, node.level, word) != word
        {
            self.dissolve(node, index, from, to, Keep::All);
        }
    }

    /// Changes part of a leaf.
    fn protect_inside(&mut self, node: Node, index: usize, part: Span, edit: &Edit) {
        let word = self.load(node, index);
        let new = edit.apply(Self::FORMAT, node.level, word);
        if new == word {
            return;
        }
        self.dissolve(node, index, usize::MAX, 0, Keep::All);
        let word = self.load(node, index);
        let Some(child) = self.take(node, index) else { return };
        self.fill_split(node, index, word, child);
        self.protect_in(child, part, edit);
        self.swap_in(node, index, word, child, Self::duty_between(node.level, word, new));
    }

    /// Changes the leaves `from..=to`.
    #[inline(always)]
    fn protect_leaves(&mut self, node: Node, from: usize, to: usize, edit: &Edit) {
        let node = self.shown(node);
        if let (false, Some((keep, set))) = (L::LIVE, edit.of_bits(Self::FORMAT, node.level)) {
            return self.change_row(node, from, to + 1, keep, set);
        }
        let mut streak = Row { last: None, all: None };
        let mut index = from;
        while index <= to {
            let word = self.load(node, index);
            let new = edit.apply(Self::FORMAT, node.level, word);
            if L::LIVE && new == word {
                index += 1;
                continue;
            }
            let mut duty = Duty::NONE;
            if L::LIVE && !node.fresh {
                duty = Self::duty_again(&mut streak, node.level, word, new);
                if Self::breaks(node, duty) {
                    index = self.protect_broken(node, index, to, edit);
                    continue;
                }
                let slot = Self::slot(node, index);
                let global = Self::is_global(node.level, word) | Self::is_global(node.level, new);
                streak.all = Some(match streak.all {
                    None => (slot, duty, global),
                    Some((span, all, every)) => {
                        (Span { start: span.start, last: slot.last }, all.union(duty), every | global)
                    }
                });
            }
            self.update(node, index, word, duty, |old| edit.apply(Self::FORMAT, node.level, old));
            index += 1;
        }
        if let Some((span, duty, global)) = streak.all {
            self.owe(node, duty, span, global);
        }
    }

    /// What the change of one leaf owes; `last` remembers it for leaves that differ in nothing but their addresses.
    #[inline(always)]
    pub(super) fn duty_of_edit(&self, last: &mut Option<Streak>, level: usize, word: u64, changed: u64) -> Duty {
        if !L::LIVE {
            return Duty::NONE;
        }
        let bits = !Self::address_bits(level);
        let (old, new) = (word & bits, changed & bits);
        match *last {
            Some(last) if last.old == old && last.new == new => last.duty,
            _ => {
                let duty = Self::duty_between(level, word, changed);
                *last = Some(Streak { old, new, duty });
                duty
            }
        }
    }

    /// [`duty_between`](Self::duty_between), remembered for leaves that differ in nothing but their addresses.
    fn duty_again(streak: &mut Row, level: usize, word: u64, new: u64) -> Duty {
        let flags = word & !Self::address_bits(level);
        match streak.last {
            Some((last, duty)) if last == flags => duty,
            _ => {
                let duty = Self::duty_between(level, word, new);
                streak.last = Some((flags, duty));
                duty
            }
        }
    }

    /// Changes as many leaves from `from` on as must be broken first, with one flush for all. Gives the index behind.
    fn protect_broken(&mut self, node: Node, from: usize, to: usize, edit: &Edit) -> usize {
        let word = self.load(node, from);
        let most = match (Self::RECALLS, run_of(Self::FORMAT, node.level, word)) {
            (true, _) => to,
            (false, Some(run)) => (from + (run.size >> Self::shift(node.level)) as usize - 1).min(to),
            (false, None) => from,
        };
        let (mut gaps, mut global, mut end) = (Self::open_none(node), false, from);
        while end <= most {
            let old = self.load(node, end);
            let new = edit.apply(Self::FORMAT, node.level, old);
            let now = Self::duty_between(node.level, old, new);
            if Levels::<K::Regime>::sort(node.level, old) != Sort::Leaf || !now.before_make {
                break;
            }
            global |= Self::is_global(node.level, old) | Self::is_global(node.level, new);
            gaps.open_leaf(self, end, old, now, Gone { global, ..Self::gone_leaf(node, end, old) });
            end += 1;
        }
        let vacant = gaps.settle(self);
        for index in from..end {
            vacant.mend(self, index, word, |old, _| edit.apply(Self::FORMAT, node.level, old));
        }
        let span = Span { start: Self::slot(node, from).start, last: Self::slot(node, end - 1).last };
        self.owe(node, Self::duty(Change::Map), span, global);
        end
    }
}
