//! What changes of live tables owe, and the sequences that do it.
//!
//! ```text
//!   dsb ishst                        the stores reach every walker before anything is invalidated
//!   tlbi <name>is, <operand> …       by address, by range, or everything
//!   dsb ish                          all of that has happened
//!   isb                              and instructions from here on are fetched through what is there now
//! ```
//!
//! A change that no TLB can hold anything of (absent to present) owes `dsb ishst; isb` alone: what faults is never cached.
//! Where no other core uses the tables, `nshst`, `nsh` and the invalidations without `is` do.
//!
//! # Names and operands
//!
//! | regime | by address | all of an identifier | all |
//! |---|---|---|---|
//! | EL1&0 | `va[a][l]e1`: ASID, VA\[55:12\] | `aside1` | `vmalle1` |
//! | EL2 | `va[l]e2`: VA\[55:12\] | `alle2` | `alle2` |
//! | EL2&0 | `va[l]e2`: ASID, VA\[55:12\] | `aside1` with HCR_EL2.TGE, or `alle2` | `alle2` |
//! | EL3 | `va[l]e3`: VA\[55:12\] | `alle3` | `alle3` |
//! | stage 2 | `ipas2[l]e1`: IPA\[51:12\], and then `vmalle1` | `vmalls12e1` | `alle1` |
//!
//! The `l` is there where only leaves changed: pointers to tables may stay cached. The hint for the level (bits 47:44) is
//! 0, because a range may hold leaves of several. With FEAT_TLBIRANGE, up to four instructions and one for an odd page
//! cover any range of up to 2^21 pages, except where TCR_ELx.DS is set with the 4 KiB granule.
//!
//! EL1&0 means the tables of the VMID in VTTBR_EL2, if there is an EL2, and never those of a host: a hypervisor that edits
//! tables of its guest's first stage does so with HCR_EL2.TGE clear.
//!
//! # Second stages
//!
//! TLBs may hold what both stages together translate to, and know nothing of guest-physical addresses there. So the
//! invalidation by guest-physical address is completed (`dsb`), and then all of the first stage goes, too. Both act on the
//! VMID that VTTBR_EL2 holds, and the latter on the host while HCR_EL2.{E2H, TGE} are set; for another VMID every VMID is
//! invalidated (`alle1`), and under a host the whole VMID (`vmalls12e1`), which never means the host.
//!
//! # Break-before-make
//!
//! FEAT_BBM level 1 ([`Features::BBML1`]) frees changes of the contiguous bit; changes of size only where the nT bit of
//! blocks is set meanwhile, which no block here has. Level 2 ([`Features::BBML2`]) frees changes of size, too. Either CPU
//! may report a TLB conflict abort in between, and a program that declares the feature promises to run on one that does
//! not, or to handle it. Where a TLB may hold leaves of two sizes for one address, invalidation by address is not
//! guaranteed to find both (D8 "TLB maintenance due to TLB conflict"), so that such a change asks for everything in every
//! address space ([`Maintain::RESIZES_HIDE`]). What it gains is that the memory stays mapped meanwhile.
//!
//! A change of memory type may need cache maintenance beside that (D7 "Memory types and attributes"): those who asked for
//! it know which lines.

use static_assertions::const_assert;

use super::Vmsa;
use super::entry::Translation;
use super::granule::GranuleSize;
use super::operation::{A64, Barrier, Domain, Instruction, Register, Tlb};
use super::regs::HCR;
use crate::attr::Features;
use crate::flush::{Addresses, Change, Duty, DutyRule, Extent, Hardware, Id, Maintain, Scope, covers_every_change};

/// More invalidations by address than this are slower than everything at once: each is a message to every core.
const MANY_ADDRESSES: u64 = 512;
/// Pages that one instruction of FEAT_TLBIRANGE can cover: NUM = 31, SCALE = 3.
const MANY_PAGES: u64 = 32 << 16;

const MAINTENANCE: &str = "DDI 0487 J.a, D8 \"TLB maintenance\"";
const BREAK: &str = "DDI 0487 J.a, D8 \"Using break-before-make when updating translation table entries\"";
const SIZES: &str = "DDI 0487 J.a, D8 \"Support levels for changing table or block size\"";

const fn rule(change: Change, given: Features, duty: Duty, manual: &'static str) -> DutyRule {
    DutyRule { change, given, duty, manual }
}

/// What each change owes, in every regime and stage.
pub(super) const DUTIES: &[DutyRule] = &[
    // What faults is never cached; the walker and this core have to see the store.
    rule(Change::Map, Features::NONE, Duty::PUBLISH, MAINTENANCE),
    rule(Change::Link, Features::NONE, Duty::PUBLISH, MAINTENANCE),
    // A core may go on with the stricter leaf for as long as it likes, so that one that retries would fault for ever.
    rule(Change::Relax, Features::NONE, Duty::LEAF, MAINTENANCE),
    rule(Change::Restrict, Features::NONE, Duty::LEAF, MAINTENANCE),
    rule(Change::Unmap, Features::NONE, Duty::LEAF, MAINTENANCE),
    rule(Change::Unlink, Features::NONE, Duty::WALK, MAINTENANCE),
    // Two translations of one address with different outputs or types would lose coherency and order.
    rule(Change::Remap, Features::NONE, Duty::LEAF.broken(), BREAK),
    rule(Change::Retype, Features::NONE, Duty::LEAF.broken(), BREAK),
    // A global leaf beside one of an ASID is two hits for one address.
    rule(Change::Globality, Features::NONE, Duty::LEAF.broken(), BREAK),
    // So are leaves of two sizes, unless the CPU copes.
    rule(Change::Contiguous, Features::BBML1, Duty::LEAF, SIZES),
    rule(Change::Contiguous, Features::BBML2, Duty::LEAF, SIZES),
    rule(Change::Contiguous, Features::NONE, Duty::LEAF.broken(), BREAK),
    rule(Change::Split, Features::BBML2, Duty::LEAF, SIZES),
    rule(Change::Split, Features::NONE, Duty::LEAF.broken(), BREAK),
    rule(Change::Promote, Features::BBML2, Duty::WALK, SIZES),
    rule(Change::Promote, Features::NONE, Duty::WALK.broken(), BREAK),
];

const_assert!(covers_every_change(DUTIES));

macro_rules! maintained {
    ($($name:ident),*) => {$(
        impl<G: super::Granule, const WIDTH: u32> Maintain for super::$name<G, WIDTH> {
            type Architecture = A64;
            const DUTIES: &'static [DutyRule] = DUTIES;
            const BROADCAST_FEATURE: Option<Features> = Some(Features::NONE);
            const RESIZES_HIDE: bool = true;
            // The least that is too much with FEAT_TLBIRANGE; without, `by_address` has a bound of its own.
            const MANY: u64 = MANY_PAGES;

            #[inline(always)]
            fn sequence_with<H: Hardware<A64>>(
                features: Features,
                scope: &Scope,
                every_core: bool,
                hardware: &mut H,
            ) {
                let domain = if every_core { Domain::Inner } else { Domain::Local };
                let (translation, granule) = (<Self as Vmsa>::TRANSLATION, <Self as Vmsa>::GRANULE);
                Job { translation, granule, features, domain, hardware }.run(scope);
            }

            #[inline(always)]
            fn pages_with<H: Hardware<A64>>(
                features: Features,
                leaves: Addresses,
                duty: Duty,
                id: Id,
                every_core: bool,
                hardware: &mut H,
            ) {
                let domain = if every_core { Domain::Inner } else { Domain::Local };
                let (translation, granule) = (<Self as Vmsa>::TRANSLATION, <Self as Vmsa>::GRANULE);
                Job { translation, granule, features, domain, hardware }.run_pages(leaves, duty, id);
            }
        }
    )*};
}

maintained!(El1, El2, El3, El2And0, Stage2);

/// One execution of a sequence.
struct Job<'a, H> {
    translation: Translation,
    granule: GranuleSize,
    features: Features,
    domain: Domain,
    hardware: &'a mut H,
}

/// The names for one address and for a range, and the identifier as they take it.
#[derive(Clone, Copy)]
struct ByAddress {
    one: Tlb,
    range: Tlb,
    identifier: u64,
}

impl ByAddress {
    const fn new(names: (Tlb, Tlb), identifier: u64) -> Self {
        Self { one: names.0, range: names.1, identifier }
    }
}

impl<H: Hardware<A64>> Job<'_, H> {
    /// For a scope that is known where this is compiled, what is left of it are the instructions.
    #[inline(always)]
    fn run(&mut self, scope: &Scope) {
        let Scope { duty, extent, id } = *scope;
        let invalidates = duty.leaf | duty.walk && !matches!(extent, Extent::Nowhere);
        if !self.begin(duty) {
            return;
        }
        if invalidates {
            let is_first = !matches!(self.translation, Translation::Stage2);
            if is_first && matches!(extent, Extent::Everywhere) {
                self.first_stage_everything(id);
            } else if !self.one_leaf(scope) {
                self.many_leaves(scope);
            }
        }
        self.end(invalidates);
    }

    /// The same for pages side by side: instructions for ranges, and second stages, are a function of their own.
    #[inline(always)]
    fn run_pages(&mut self, pages: Addresses, duty: Duty, id: Id) {
        if !self.begin(duty) {
            return;
        }
        let invalidates = duty.leaf | duty.walk;
        if invalidates && (matches!(self.translation, Translation::Stage2) || self.has_ranges()) {
            self.many_leaves(&pages.scope(duty, id).bounded(MANY_PAGES));
        } else if invalidates {
            let names = if pages.len() > MANY_ADDRESSES { None } else { self.first_stage_names(duty, id) };
            match names {
                Some(names) => self.each(names, pages),
                None => self.first_stage_everything(id),
            }
        }
        self.end(invalidates);
    }

    /// The barrier before all else; `false`, and nothing done, where nothing is owed.
    #[inline(always)]
    fn begin(&mut self, duty: Duty) -> bool {
        let owes = duty.publish | duty.leaf | duty.walk;
        if owes {
            self.barrier(Barrier::DsbStores(self.domain));
        }
        owes
    }

    /// The barriers behind all else.
    #[inline(always)]
    fn end(&mut self, invalidated: bool) {
        if invalidated {
            self.barrier(Barrier::Dsb(self.domain));
        }
        self.barrier(Barrier::Isb);
    }

    /// The most frequent case, one leaf of a first stage; `false`, and nothing done, for any other.
    #[inline(always)]
    fn one_leaf(&mut self, scope: &Scope) -> bool {
        let Extent::Range { start, last, stride } = scope.extent else { return false };
        let stride = self.leaf_shift(stride);
        if matches!(self.translation, Translation::Stage2) || start >> stride != last >> stride {
            return false;
        }
        match self.first_stage_names(scope.duty, scope.id) {
            Some(names) => {
                self.one(names, start >> stride << stride);
                true
            }
            None => false,
        }
    }

    #[inline(never)]
    fn many_leaves(&mut self, scope: &Scope) {
        match self.translation {
            Translation::Stage2 => self.second_stage(scope),
            _ => self.first_stage(scope),
        }
    }

    fn first_stage(&mut self, scope: &Scope) {
        let done = match self.first_stage_names(scope.duty, scope.id) {
            Some(names) => self.by_address(names, scope.extent),
            None => false,
        };
        if !done {
            self.first_stage_everything(scope.id);
        }
    }

    /// `None` where the regime has no instruction for that.
    #[inline(always)]
    fn first_stage_names(&mut self, duty: Duty, id: Id) -> Option<ByAddress> {
        let walk = duty.walk;
        let el1 = |host: bool| match (id, walk, host) {
            (Id::Every, true, _) => Some(ByAddress::new((Tlb::Vaae1, Tlb::Rvaae1), 0)),
            (Id::Every, false, _) => Some(ByAddress::new((Tlb::Vaale1, Tlb::Rvaale1), 0)),
            (Id::One(id), true, false) => Some(ByAddress::new((Tlb::Vae1, Tlb::Rvae1), asid(id))),
            (Id::One(id), false, false) => Some(ByAddress::new((Tlb::Vale1, Tlb::Rvale1), asid(id))),
            (Id::One(id), true, true) => Some(ByAddress::new((Tlb::Vae2, Tlb::Rvae2), asid(id))),
            (Id::One(id), false, true) => Some(ByAddress::new((Tlb::Vale2, Tlb::Rvale2), asid(id))),
        };
        match self.translation {
            Translation::El1 => el1(false),
            // There is no `vaae2`; `vaae1` means this regime only while the host runs programs of its own.
            Translation::El2And0 => match id {
                Id::Every if !self.is_host() => None,
                _ => el1(true),
            },
            Translation::El3 if walk => Some(ByAddress::new((Tlb::Vae3, Tlb::Rvae3), 0)),
            Translation::El3 => Some(ByAddress::new((Tlb::Vale3, Tlb::Rvale3), 0)),
            _ if walk => Some(ByAddress::new((Tlb::Vae2, Tlb::Rvae2), 0)),
            _ => Some(ByAddress::new((Tlb::Vale2, Tlb::Rvale2), 0)),
        }
    }

    #[inline(always)]
    fn first_stage_everything(&mut self, id: Id) {
        let (everything, identifier) = match (self.translation, id) {
            (Translation::El1, Id::One(id)) => (Tlb::Aside1, asid(id)),
            (Translation::El1, Id::Every) => (Tlb::Vmalle1, 0),
            (Translation::El2And0, Id::One(id)) => match self.is_host() {
                true => (Tlb::Aside1, asid(id)),
                false => (Tlb::Alle2, 0),
            },
            (Translation::El3, _) => (Tlb::Alle3, 0),
            _ => (Tlb::Alle2, 0),
        };
        self.invalidate(everything, identifier);
    }

    fn second_stage(&mut self, scope: &Scope) {
        let current = self.hardware.read(Register::VttbrEl2) >> 48;
        let is_current = match scope.id {
            Id::One(vmid) => u64::from(vmid) == current,
            Id::Every => false,
        };
        if !is_current {
            return self.invalidate(Tlb::Alle1, 0);
        }
        let names = if scope.duty.walk { (Tlb::Ipas2e1, Tlb::Ripas2e1) } else { (Tlb::Ipas2le1, Tlb::Ripas2le1) };
        if !self.is_host() && self.by_address(ByAddress::new(names, 0), scope.extent) {
            self.barrier(Barrier::Dsb(self.domain));
            self.invalidate(Tlb::Vmalle1, 0);
        } else {
            self.invalidate(Tlb::Vmalls12e1, 0);
        }
    }

    /// Whether `e1` means the host: HCR_EL2.{E2H, TGE} are set. Only EL2 may ask.
    #[inline(always)]
    fn is_host(&mut self) -> bool {
        let hcr = self.hardware.read(Register::HcrEl2);
        HCR::E2H.is_set(hcr) && HCR::TGE.is_set(hcr)
    }

    /// Address by address or with ranges; `false`, and nothing done, where everything at once is better.
    fn by_address(&mut self, names: ByAddress, extent: Extent) -> bool {
        let Extent::Range { start, last, stride } = extent else { return false };
        let stride = self.leaf_shift(stride);
        if last >> stride > start >> stride && self.has_ranges() && self.by_range(names, start, last) {
            return true;
        }
        let leaves = Addresses::of(&Extent::Range { start, last, stride }, MANY_ADDRESSES);
        leaves.inspect(|leaves| self.each(names, *leaves)).is_some()
    }

    #[inline(always)]
    fn each(&mut self, names: ByAddress, leaves: Addresses) {
        for address in leaves {
            self.one(names, address);
        }
    }

    /// The largest leaf of at most that size: of a contiguous run, each entry may be cached for itself.
    #[inline(always)]
    fn leaf_shift(&self, stride: u32) -> u32 {
        let mut shift = self.granule.page_shift();
        while shift + self.granule.index_bits() <= stride && shift < 48 {
            shift += self.granule.index_bits();
        }
        shift
    }

    /// `false`, and nothing done, where the range has too many pages; a few blocks may still be few addresses.
    fn by_range(&mut self, names: ByAddress, start: u64, last: u64) -> bool {
        let page = self.granule.page_shift();
        let unit = self.base_shift();
        let mut at = start >> unit << unit;
        let mut pages = (last >> page).saturating_sub(at >> page).saturating_add(1);
        if pages > MANY_PAGES {
            return false;
        }
        let mut scale = 4;
        while scale > 0 {
            scale -= 1;
            // 0 to 32: less than the next scale takes, which left less than one of its units.
            let number = pages >> (5 * scale + 1);
            if number > 0 {
                self.invalidate(names.range, names.identifier | self.range(at, number, scale));
                let covered = number << (5 * scale + 1);
                at = at.wrapping_add(covered << page);
                pages -= covered;
            }
        }
        if pages > 0 {
            self.one(names, at);
        }
        true
    }

    /// Whether a range needs no hint of the level: with TCR_ELx.DS and the 4 KiB granule, the hint 0 makes the range
    /// unpredictable unless it starts at a multiple of 512 GiB (D8 "TLB maintenance instructions that apply to a range of
    /// addresses").
    fn has_ranges(&self) -> bool {
        let level_0 = matches!(self.granule, GranuleSize::Four) && self.features.contains(Features::LPA2);
        self.features.contains(Features::TLBIRANGE) && !level_0
    }

    /// log2 of the unit of BaseADDR: 64 KiB where TCR_ELx.DS is set, and the granule elsewhere.
    fn base_shift(&self) -> u32 {
        if self.features.contains(Features::LPA2) { 16 } else { self.granule.page_shift() }
    }

    /// TG, SCALE, NUM, BaseADDR; TTL = 0.
    fn range(&self, at: u64, number: u64, scale: u32) -> u64 {
        let granule = match self.granule {
            GranuleSize::Four => 1,
            GranuleSize::Sixteen => 2,
            GranuleSize::SixtyFour => 3,
        };
        let base = (at >> self.base_shift()) & ((1 << 37) - 1);
        granule << 46 | u64::from(scale) << 44 | (number - 1) << 39 | base
    }

    #[inline(always)]
    fn one(&mut self, names: ByAddress, address: u64) {
        let bits = if matches!(self.translation, Translation::Stage2) { 40 } else { 44 };
        self.invalidate(names.one, names.identifier | (address >> 12 & ((1 << bits) - 1)));
    }

    #[inline(always)]
    fn invalidate(&mut self, name: Tlb, operand: u64) {
        self.execute(Instruction::Invalidate(name, self.domain, operand));
    }

    #[inline(always)]
    fn barrier(&mut self, barrier: Barrier) {
        self.execute(Instruction::Barrier(barrier));
    }

    #[inline(always)]
    fn execute(&mut self, instruction: Instruction) {
        // SAFETY: barriers and invalidations are always sound, by the contract of `Hardware`; nothing else comes here.
        unsafe { self.hardware.execute(instruction) }
    }
}

/// Bits 63:48 of an operand.
const fn asid(id: u16) -> u64 {
    (id as u64) << 48
}
