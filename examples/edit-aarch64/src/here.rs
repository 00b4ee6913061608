//! A machine whose program reaches physical memory at its own addresses.

use core::arch::asm;
use core::ptr::with_exposed_provenance_mut;

use churn::Bench;
use core_aarch64::RETURN;
use probe::{Fault, Machine, Right, Spot, Walk, Who, Width};

/// The machine `M`, under a map that has the frames where they are.
pub(crate) struct Here<M>(M);

impl<M> Here<M> {
    /// # Safety
    /// The frames that are stored to are mapped to themselves, writable, and nobody else's.
    pub(crate) const unsafe fn new(machine: M) -> Self {
        Self(machine)
    }

    /// The machine, for probes.
    pub(crate) const fn machine(&mut self) -> &mut M {
        &mut self.0
    }
}

impl<M: Machine> Bench for Here<M> {
    const RETURN: u32 = RETURN;

    fn store(&mut self, phys: u64, word: u32) {
        // SAFETY: as the caller of `new` promises.
        unsafe { with_exposed_provenance_mut::<u32>(phys as usize).write_volatile(word) };
        if word == RETURN {
            // SAFETY: maintenance of caches to the point of unification changes no contents.
            unsafe {
                asm!(
                    "dc cvau, {at}",
                    "dsb ish",
                    "ic ivau, {at}",
                    "dsb ish",
                    "isb",
                    at = in(reg) phys,
                    options(nostack, preserves_flags),
                );
            }
        }
    }
}

impl<M: Machine> Machine for Here<M> {
    const WALKS: bool = M::WALKS;

    fn translate(&mut self, spot: &Spot, right: Right, who: Who) -> Walk {
        self.0.translate(spot, right, who)
    }

    fn memory(&mut self, virt: u64) -> Option<u8> {
        self.0.memory(virt)
    }

    fn read(&mut self, virt: u64, width: Width) -> Result<u32, Fault> {
        self.0.read(virt, width)
    }

    fn write(&mut self, virt: u64, width: Width) -> Result<(), Fault> {
        self.0.write(virt, width)
    }

    fn execute(&mut self, virt: u64) -> Result<(), Fault> {
        self.0.execute(virt)
    }

    fn is_harmless(&self, word: u32) -> bool {
        self.0.is_harmless(word)
    }
}
