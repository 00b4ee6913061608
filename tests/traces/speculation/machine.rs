//! The memory and the hardware of a space whose cores speculate.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::rc::Rc;

use tablature::addr::PhysAddr;
use tablature::edit::Kind;
use tablature::flush::{Architecture, Hardware, Maintain, Reach};
use tablature::tables::{EntryAt, Place, TableAccess, TableMemory};

use super::world::World;

/// A handle to all of it.
pub(crate) struct Machine<A: Architecture>(pub(crate) Rc<RefCell<World<A>>>);

impl<A: Architecture> Clone for Machine<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

// SAFETY: the tables are vectors, which outlive their use: what is freed stays there, full of garbage.
unsafe impl<R: Maintain> TableAccess<R> for Machine<R::Architecture> {
    fn load(&self, entry: EntryAt) -> Option<u64> {
        self.0.borrow().read(entry.table.as_u64(), entry.index)
    }

    unsafe fn store(&mut self, entry: EntryAt, word: u64) {
        let mut world = self.0.borrow_mut();
        world.obey();
        match entry.place {
            // Cores look around before the store, too, and so between two of them.
            Place::Linked { .. } => world.speculate(),
            Place::Fresh => world.speculate_rarely(),
        }
        world.write(entry.table.as_u64(), entry.index, word);
        match entry.place {
            Place::Linked { .. } => world.speculate(),
            Place::Fresh => world.speculate_rarely(),
        }
    }

    unsafe fn exchange(&mut self, entry: EntryAt, current: u64, new: u64) -> Result<(), u64> {
        let now = TableAccess::<R>::load(self, entry).ok_or(0_u64)?;
        if now != current {
            return Err(now);
        }
        // SAFETY: as for this function.
        unsafe { TableAccess::<R>::store(self, entry, new) };
        Ok(())
    }
}

// SAFETY: as above; each table is given out once until it is freed.
unsafe impl<R: Maintain> TableMemory<R> for Machine<R::Architecture> {
    fn allocate(&mut self, tables: usize) -> Option<PhysAddr> {
        Some(PhysAddr::new(self.0.borrow_mut().allocate(tables)))
    }

    unsafe fn free(&mut self, table: PhysAddr, tables: usize) {
        self.0.borrow_mut().give_back(table.as_u64(), tables);
    }
}

impl<A: Architecture> Hardware<A> for Machine<A> {
    fn read(&mut self, register: A::Register) -> u64 {
        let world = self.0.borrow();
        world.setting.registers.iter().find(|(name, _)| *name == register).map_or(0, |(_, value)| *value)
    }

    unsafe fn execute(&mut self, op: A::Op) {
        self.0.borrow_mut().ops.push(op);
    }
}

/// Spaces of a regime that one core uses, or every one.
pub(crate) struct Speculating<R, C>(PhantomData<(R, C)>);

impl<R: Maintain, C: Reach> Kind for Speculating<R, C> {
    type Regime = R;
    type Memory = Machine<R::Architecture>;
    type Hardware = Machine<R::Architecture>;
    type Reach = C;
}
