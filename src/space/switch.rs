//! Going from one declared space to another, as partitions do: one register write.
//!
//! Spaces that have the same kernel are a family. [`Switcher`] stands for a core on which one of them is live; what was
//! checked once is a [`Destination`], a word to keep beside the saved registers of a partition.
//!
//! ```
//! tablature::memory_map! {
//!     mod board for x86_64::Level4;
//!     cpu { features = [nx, pcid]; }
//!     physical { dram : 0x20_0000, 1 GiB, normal; }
//!     space plc (user) {
//!         asid 1;
//!         tables at boot;
//!         code (rx, user)   : 0x1_0000 => dram + 4 MiB, 64 KiB;
//!         text (rx, global) : 0xffff_ffff_8020_0000 => dram, 2 MiB;
//!     }
//!     space hmi (user) {
//!         asid 2;
//!         tables at boot;
//!         code (rx, user)   : 0x1_0000 => dram + 5 MiB, 64 KiB;
//!         text (rx, global) : 0xffff_ffff_8020_0000 => dram, 2 MiB;
//!     }
//! }
//! # #[cfg(target_arch = "x86_64")]
//! # mod scheduler {
//! # use super::board;
//! use board::{hmi, plc};
//! use tablature::edit::ActiveError;
//! use tablature::space::{Installed, Switcher};
//!
//! fn schedule(live: Installed<plc::Space>) -> Result<(), ActiveError> {
//!     let mut core = Switcher::new(live);
//!     let partitions = [core.check::<plc::Space>()?, core.check::<hmi::Space>()?];
//!     loop {
//!         for next in &partitions {
//!             core.switch(next); // mov cr3, rax
//!         }
//!     }
//! }
//! # }
//! # fn main() {}
//! ```
//!
//! | | between spaces with identifiers | without |
//! |---|---|---|
//! | AArch64 | `msr ttbr0_el1; isb` | does not compile |
//! | RISC-V | `csrw satp` | and a fence of ASID 0, which leaves what is global |
//! | x86-64 | `mov cr3` with bit 63 set: nothing is dropped | `mov cr3` drops what is not global |
//!
//! # The kernel of a space
//!
//! It is the regions from which the running code may be fetched, and which it may use without `unsafe`: those that grant
//! the user nothing, global ones, and registers that the kernel may access. Where the two halves have roots of their own
//! (AArch64), the spaces of a family have regions in the lower half alone: the upper half is that of the space with which
//! the MMU was turned on, and stays.

use core::fmt;
use core::marker::PhantomData;

use super::{Declared, Installed, Of, check_links};
use crate::attr::MemoryType;
use crate::edit::{Activate, Active, ActiveError};
use crate::flush::{Architecture, Duty, Extent, Hardware, Id, Maintain, Scope, ThisCpu};
use crate::map::{Kind, Region};

/// How a regime goes from one root to another that maps the running code alike.
#[diagnostic::on_unimplemented(
    message = "this crate does not know how to switch between spaces of `{Self}`",
    label = "a regime without a switch between declared spaces",
    note = "`Activate::activate` of the regime `Of` the space writes all of its registers"
)]
pub trait Switch: Activate {
    /// What spaces without identifiers need.
    const UNTAGGED: Untagged<Self::Architecture>;

    /// The word of the space in use: what [`Switch::switch_with`] writes to come back. With `tag` it keeps what is cached.
    fn word_with<H: Hardware<Self::Architecture>>(tag: Option<u32>, hardware: &mut H) -> u64;

    /// The register write, and what the architecture demands before the new translations are used.
    ///
    /// # Safety
    /// The word is one of [`Switch::word_with`] under this regime; the code, stack and data in use are mapped alike by the
    /// tables it names.
    unsafe fn switch_with<H: Hardware<Self::Architecture>>(word: u64, hardware: &mut H);
}

/// What a switch between spaces without identifiers needs after the register write.
#[derive(Clone, Copy, Debug)]
pub enum Untagged<A: Architecture> {
    /// More than instructions after the write: the architecture has no such switch.
    None,
    /// The write drops what is cached.
    Dropped,
    /// This drops what is cached.
    Then(A::Op),
}

/// A space with the kernel of `K` is live on this core, and the code that runs uses nothing of it but its kernel.
///
/// # Invariants
/// What [`Declared`] says of `K` holds of the kernel that this core uses.
#[derive(Debug)]
pub struct Switcher<K>(PhantomData<(K, *const ())>);

/// A space with the kernel of `K` that this core can go to.
///
/// # Invariants
/// The word names the tables of a space that [`Switcher::check`] accepted on this core.
pub struct Destination<K>(u64, PhantomData<(K, *const ())>);

impl<K> Clone for Destination<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Destination<K> {}

impl<K> fmt::Debug for Destination<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Destination").field(&format_args!("{:#x}", self.0)).finish()
    }
}

impl<K> Destination<K> {
    /// What the switch writes: `satp`, TTBR0, CR3.
    #[must_use]
    pub const fn word(self) -> u64 {
        self.0
    }
}

impl<K: Declared> Switcher<K>
where
    K::Regime: Switch,
    ThisCpu: Hardware<<K::Regime as Maintain>::Architecture>,
{
    /// From here on the core goes from one space with this kernel to another.
    #[must_use]
    pub const fn new(_live: Installed<K>) -> Self {
        Self(PhantomData)
    }

    /// Finds out, once, whether this core can go to `To`: it goes there and comes back. What the core has cached under the
    /// identifier of `To` is dropped, whoever left it.
    ///
    /// Spaces whose kernels differ do not compile here, nor does a space without an identifier where another has one or the
    /// architecture needs one.
    ///
    /// # Errors
    /// [`ActiveError`] if the tables are not filled, or the core cannot hold the root or the identifier.
    pub fn check<To: Declared<Regime = K::Regime>>(&mut self) -> Result<Destination<K>, ActiveError> {
        // SAFETY: this core, on which a space with the kernel of `K` is live by the invariant.
        unsafe { check_with::<K, To, _>(&mut ThisCpu) }
    }

    /// Makes the space live: a register write, and nothing that depends on what is in it.
    #[inline(always)]
    pub fn switch(&mut self, to: &Destination<K>) {
        // SAFETY: by the invariants, the word names tables with the kernel of `K`, which is what the running code uses.
        unsafe { switch_with::<K, _>(to, &mut ThisCpu) }
    }
}

/// Goes from the live space `From` to another space of its map, whose kernel may be another: from the space of the boot code
/// to the first one of a family.
///
/// # Safety
/// As for [`install`](super::install): what the program touches next is mapped by `To` to where it is now. The two are
/// spaces of one map.
///
/// # Errors
/// [`ActiveError`] if the tables are not filled, or the core cannot hold the root or the identifier. Then `From` is still
/// live, but its proof is gone.
pub unsafe fn enter<From, To>(live: Installed<From>) -> Result<Installed<To>, ActiveError>
where
    From: Declared<Regime = To::Regime>,
    To: Declared,
    To::Regime: Switch,
    ThisCpu: Hardware<<To::Regime as Maintain>::Architecture>,
{
    // SAFETY: passed on to the caller.
    unsafe { enter_with::<From, To, _>(live, &mut ThisCpu) }?;
    // SAFETY: the registers of this core hold the roots of `To`; the rest is what `From` and `To` have in common.
    Ok(unsafe { Installed::assert() })
}

/// [`enter`] on some hardware.
///
/// # Safety
/// As for [`enter`].
///
/// # Errors
/// As for [`enter`].
#[doc(hidden)]
pub unsafe fn enter_with<From, To, H>(_live: Installed<From>, hardware: &mut H) -> Result<(), ActiveError>
where
    From: Declared<Regime = To::Regime>,
    To: Declared,
    To::Regime: Switch,
    H: Hardware<<To::Regime as Maintain>::Architecture>,
{
    check_links::<To>()?;
    drop_cached::<To, _>(hardware);
    // SAFETY: passed on to the caller.
    unsafe { Of::<To>::activate(&active::<To>(), hardware) }
}

/// [`Switcher::check`] on some hardware.
///
/// # Safety
/// A space with the kernel of `K` is in use on it.
///
/// # Errors
/// As for [`Switcher::check`].
#[doc(hidden)]
pub unsafe fn check_with<K, To, H>(hardware: &mut H) -> Result<Destination<K>, ActiveError>
where
    K: Declared,
    K::Regime: Switch,
    To: Declared<Regime = K::Regime>,
    H: Hardware<<K::Regime as Maintain>::Architecture>,
{
    const { assert_family::<K, To>() };
    check_links::<To>()?;
    let here = Of::<K>::active(hardware)?;
    drop_cached::<To, _>(hardware);
    // SAFETY: the kernel is the same, and its tables are filled.
    unsafe { Of::<To>::activate(&active::<To>(), hardware) }?;
    let word = K::Regime::word_with(To::SPACE.asid, hardware);
    // SAFETY: as before.
    unsafe { Of::<K>::activate(&here, hardware) }?;
    Ok(Destination(word, PhantomData))
}

/// [`Switcher::switch`] on some hardware.
///
/// # Safety
/// A space with the kernel of `K` is in use on it, and the destination was checked on it.
#[doc(hidden)]
#[inline(always)]
pub unsafe fn switch_with<K, H>(to: &Destination<K>, hardware: &mut H)
where
    K: Declared,
    K::Regime: Switch,
    H: Hardware<<K::Regime as Maintain>::Architecture>,
{
    // SAFETY: by the invariant of the destination.
    unsafe { K::Regime::switch_with(to.0, hardware) };
    if let (None, Untagged::Then(op)) = const { (K::SPACE.asid, K::Regime::UNTAGGED) } {
        // SAFETY: an invalidation.
        unsafe { hardware.execute(op) };
    }
}

/// What the registers hold for `S`.
fn active<S: Declared>() -> Active {
    Active { roots: S::roots(), id: const { id::<S>() } }
}

const fn id<S: Declared>() -> Id {
    match S::SPACE.asid {
        Some(asid) => Id::One(asid as u16),
        None => Id::Every,
    }
}

/// Whoever used the identifier before has left nothing.
fn drop_cached<S: Declared, H>(hardware: &mut H)
where
    S::Regime: Activate,
    H: Hardware<<S::Regime as Maintain>::Architecture>,
{
    let scope = Scope { duty: Duty::WALK, extent: Extent::Everywhere, id: const { id::<S>() } };
    Of::<S>::sequence(&scope, false, hardware);
}

/// Whether one `Switcher` goes to both; evaluated while [`Switcher::check`] is compiled.
///
/// # Panics
/// It does not.
#[doc(hidden)]
pub const fn assert_family<K, To>()
where
    K: Declared,
    K::Regime: Switch,
    To: Declared<Regime = K::Regime>,
{
    let (k, to) = (K::SPACE.asid.is_some(), To::SPACE.asid.is_some());
    assert!(k == to, "of two spaces between which is switched, both have an `asid` or neither");
    assert!(
        k || !matches!(<K::Regime as Switch>::UNTAGGED, Untagged::None),
        "spaces of this regime are switched between only with an `asid` each: without it, two could be mixed up in a TLB"
    );
    assert!(
        !K::FORMAT.split_roots || !(K::SHAPE.upper || To::SHAPE.upper),
        "the upper half has a root of its own, which stays: spaces between which is switched have regions in the lower half alone"
    );
    assert!(
        has_kernel::<K, To>(),
        "a kernel region of the first space is not the same in the other: code that runs in it, or uses it, would be lost"
    );
    assert!(
        has_kernel::<To, K>(),
        "a kernel region of the other space is not the same in the first: code that runs in it, or uses it, would be lost"
    );
}

/// Whether `To` has every region of the kernel of `From`.
const fn has_kernel<From: Declared, To: Declared>() -> bool {
    let regions = From::SPACE.regions;
    let mut i = 0;
    while i < regions.len() {
        if is_kernel::<From>(i) && !has_region::<From, To>(i) {
            return false;
        }
        i += 1;
    }
    true
}

/// Whether a region is part of the kernel.
const fn is_kernel<S: Declared>(i: usize) -> bool {
    let region = &S::SPACE.regions[i];
    if matches!(region.kind, Kind::Guard) {
        return false;
    }
    let kernel = !region.access.privileged.is_empty() || matches!(region.kind, Kind::Window);
    let device = match memory::<S>(i) {
        Some(memory) => memory.is_device(),
        None => true,
    };
    region.global || kernel && (device || region.access.user.is_empty() || !S::FORMAT.user)
}

const fn has_region<From: Declared, To: Declared>(i: usize) -> bool {
    let (mut j, len) = (0, To::SPACE.regions.len());
    while j < len {
        if is_same::<From, To>(i, j) {
            return true;
        }
        j += 1;
    }
    false
}

/// Whether region `i` of `A` is region `j` of `B`: addresses, rights, memory type. Pages of a window are in tables of its
/// own, so that no two windows are the same.
const fn is_same<A: Declared, B: Declared>(i: usize, j: usize) -> bool {
    let (x, y) = (&A::EXTENTS[i], &B::EXTENTS[j]);
    let (a, b): (&Region<'_>, &Region<'_>) = (&A::SPACE.regions[i], &B::SPACE.regions[j]);
    let unmapped = matches!(a.kind, Kind::Window | Kind::Guard) || matches!(b.kind, Kind::Window | Kind::Guard);
    let memory = match (a.raw_memory, b.raw_memory, memory::<A>(i), memory::<B>(j)) {
        (Some(one), Some(other), _, _) => one == other,
        (None, None, Some(one), Some(other)) => one.is(other),
        _ => false,
    };
    !unmapped
        && memory
        && x.v_lo == y.v_lo
        && x.v_hi == y.v_hi
        && x.p_lo == y.p_lo
        && a.access.index() == b.access.index()
        && a.global == b.global
}

/// The memory type of a region, if all of it has one that has a name.
const fn memory<S: Declared>(i: usize) -> Option<MemoryType> {
    let (region, extent) = (&S::SPACE.regions[i], &S::EXTENTS[i]);
    if region.raw_memory.is_some() {
        return None;
    }
    match region.memory {
        Some(memory) => Some(memory),
        None if extent.uniform && (extent.holder as usize) < S::MAP.resources.len() => {
            Some(S::MAP.resources[extent.holder as usize].memory)
        }
        None => None,
    }
}
