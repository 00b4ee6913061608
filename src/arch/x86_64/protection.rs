//! Tables that the kernel itself may only read.

use crate::flush::Hardware;
use crate::regime::Regime;
use crate::tables::{EntryAt, TableAccess};

use super::operation::{Op, Register, X86};
use super::regs::{CR0, ones};

/// Access to tables that are mapped read-only, so that a stray write of the kernel faults: `CR0.WP` is clear while one
/// entry is written, and as before afterwards.
///
/// Reads need nothing. Memory for tables goes with it as with any access: `Memory<WriteThroughProtection<_, _>, _>`.
///
/// While `CR0.WP` is clear the processor holds ring 0 to no read-only page (SDM volume 3A, "Access Rights"), whatever runs.
/// So who edits such tables disables interrupts around it. Shadow stacks are in the way: with `CR4.CET` set, `CR0.WP` cannot
/// be cleared.
#[derive(Clone, Copy, Debug)]
pub struct WriteThroughProtection<M, H> {
    memory: M,
    hardware: H,
}

impl<M, H: Hardware<X86>> WriteThroughProtection<M, H> {
    /// Access through `memory`, whose mappings of tables are read-only or not.
    ///
    /// # Safety
    /// `hardware` is the processor that runs this whenever an entry is written, in ring 0, with `CR4.CET` clear.
    pub const unsafe fn new(memory: M, hardware: H) -> Self {
        Self { memory, hardware }
    }

    /// The access without it.
    pub fn into_inner(self) -> M {
        self.memory
    }

    /// Runs `write` with `CR0.WP` clear.
    fn open<T>(&mut self, write: impl FnOnce(&mut M) -> T) -> T {
        let before = self.hardware.read(Register::Cr0);
        let wp = ones(CR0::WP);
        if before & wp == 0 {
            return write(&mut self.memory);
        }
        // SAFETY: it takes no right from anybody, and `new` promised that the processor accepts it.
        unsafe { self.hardware.execute(Op::Write(Register::Cr0, before & !wp)) };
        let result = write(&mut self.memory);
        // SAFETY: the value it had.
        unsafe { self.hardware.execute(Op::Write(Register::Cr0, before)) };
        result
    }
}

// SAFETY: entries are read and written by `memory`, whose access it is.
unsafe impl<R: Regime, M: TableAccess<R>, H: Hardware<X86>> TableAccess<R> for WriteThroughProtection<M, H> {
    fn load(&self, entry: EntryAt) -> Option<u64> {
        self.memory.load(entry)
    }

    unsafe fn store(&mut self, entry: EntryAt, word: u64) {
        // SAFETY: passed on to the caller.
        self.open(|memory| unsafe { memory.store(entry, word) });
    }

    unsafe fn exchange(&mut self, entry: EntryAt, current: u64, new: u64) -> Result<(), u64> {
        // SAFETY: passed on to the caller.
        self.open(|memory| unsafe { memory.exchange(entry, current, new) })
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;
    use std::rc::Rc;
    use std::vec::Vec;

    use super::*;
    use crate::addr::PhysAddr;
    use crate::flush::ThisCpu;
    use crate::tables::Place;
    use crate::x86_64::Level4;

    const CR0: u64 = 0x8001_0033;
    const WP: u64 = 1 << 16;

    /// A processor whose CR0 its tables can see.
    #[derive(Clone)]
    struct Processor(Rc<Cell<u64>>, Vec<u64>);

    impl Hardware<X86> for Processor {
        fn read(&mut self, register: Register) -> u64 {
            assert_eq!(register, Register::Cr0);
            self.0.get()
        }

        unsafe fn execute(&mut self, op: Op) {
            let Op::Write(Register::Cr0, value) = op else { panic!("{op:?}") };
            self.0.set(value);
            self.1.push(value);
        }
    }

    /// One entry on a read-only page.
    struct ReadOnly(Rc<Cell<u64>>, u64);

    impl ReadOnly {
        fn check(&self) {
            assert_eq!(self.0.get() & WP, 0, "#PF: a write to a read-only page");
        }
    }

    // SAFETY: there is one entry, for whichever is asked.
    unsafe impl TableAccess<Level4> for ReadOnly {
        fn load(&self, _: EntryAt) -> Option<u64> {
            Some(self.1)
        }

        unsafe fn store(&mut self, _: EntryAt, word: u64) {
            self.check();
            self.1 = word;
        }

        unsafe fn exchange(&mut self, _: EntryAt, current: u64, new: u64) -> Result<(), u64> {
            self.check();
            if self.1 == current {
                self.1 = new;
                Ok(())
            } else {
                Err(self.1)
            }
        }
    }

    const ENTRY: EntryAt = EntryAt { table: PhysAddr::new(0x1000), index: 3, place: Place::Fresh };

    fn protected(cr0: u64) -> WriteThroughProtection<ReadOnly, Processor> {
        let shared = Rc::new(Cell::new(cr0));
        // SAFETY: there is no hardware.
        unsafe { WriteThroughProtection::new(ReadOnly(shared.clone(), 7), Processor(shared, Vec::new())) }
    }

    #[test]
    fn each_write_opens_the_page_and_closes_it() {
        let mut tables = protected(CR0);
        // SAFETY: there are no tables.
        unsafe { tables.store(ENTRY, 9) };
        assert_eq!(tables.hardware.1, [CR0 & !WP, CR0]);
        assert_eq!(tables.load(ENTRY), Some(9));
        // SAFETY: as above.
        assert_eq!(unsafe { tables.exchange(ENTRY, 8, 1) }, Err(9));
        // SAFETY: as above.
        assert_eq!(unsafe { tables.exchange(ENTRY, 9, 1) }, Ok(()));
        assert_eq!(tables.hardware.1.len(), 6, "an exchange that fails closes it, too");
        assert_eq!((tables.hardware.0.get(), tables.into_inner().1), (CR0, 1));
    }

    #[test]
    fn a_processor_without_protection_is_left_without() {
        let mut tables = protected(CR0 & !WP);
        // SAFETY: there are no tables.
        unsafe { tables.store(ENTRY, 9) };
        assert_eq!((tables.hardware.1.len(), tables.hardware.0.get()), (0, CR0 & !WP));
    }

    #[test]
    fn it_costs_no_memory() {
        assert_eq!(size_of::<WriteThroughProtection<u64, ThisCpu>>(), size_of::<u64>());
    }
}
