//! What can be read of a space in either state.

use super::kind::{Kind, State};
use super::read::{
    CopyError, Dump, Found, Leaves, Linked, PhysicalBytes, QueryError, Reader, Regions, Rule, Translator, Uniform,
    VisitError, Visitor,
};
use super::space::AddressSpace;
use crate::addr::{PhysAddr, VirtAddr};
use crate::walk::Fault;

impl<K: Kind, St: State> AddressSpace<K, St> {
    /// A reader of its tables, without those that another space shares with it.
    #[must_use]
    #[inline]
    pub fn reader(&self) -> Reader<K::Regime, Linked<'_, K::Memory>> {
        Reader::new(self.roots, Linked(&self.memory)).without(self.borders.shared.map(|shared| shared.span))
    }

    /// What `virt` translates to, and by which leaf: [`Reader::page`].
    ///
    /// # Errors
    /// The [`Fault`] of the hardware.
    pub fn page(&self, virt: VirtAddr) -> Result<Found, Fault> {
        self.reader().page(virt)
    }

    /// What `virt` translates to: [`Reader::translate`].
    ///
    /// # Errors
    /// The [`Fault`] of the hardware.
    #[inline]
    pub fn translate(&self, virt: VirtAddr) -> Result<PhysAddr, Fault> {
        match self.reader().at_first_sight(virt) {
            Some(phys) => Ok(phys),
            None => self.translate_slowly(virt),
        }
    }

    /// Apart, so that no reader has to be made for the quick way.
    #[cold]
    #[inline(never)]
    fn translate_slowly(&self, virt: VirtAddr) -> Result<PhysAddr, Fault> {
        self.page(virt).map(|found| found.address)
    }

    /// Translates many addresses: [`Reader::translator`].
    #[must_use]
    #[inline]
    pub fn translator(&self) -> Translator<K::Regime, Linked<'_, K::Memory>> {
        self.reader().translator()
    }

    /// What all of `size` bytes from `virt` have in common: [`Reader::query`].
    ///
    /// # Errors
    /// [`QueryError`], whose variants are the other outcomes.
    pub fn query(&self, virt: VirtAddr, size: u64) -> Result<Uniform, QueryError> {
        self.reader().query(virt, size)
    }

    /// The mapped regions, in ascending order, from the leaf that holds `start` on: [`Reader::regions`].
    #[must_use]
    pub fn iter(&self, start: VirtAddr) -> Regions<K::Regime, Linked<'_, K::Memory>> {
        self.reader().regions(start)
    }

    /// The leaves, in ascending order, from the one that holds `start` on: [`Reader::leaves`].
    #[must_use]
    pub fn leaves(&self, start: VirtAddr) -> Leaves<K::Regime, Linked<'_, K::Memory>> {
        self.reader().leaves(start)
    }

    /// Calls `visitor` at each entry that translates some of the `size` bytes from `virt`: [`Reader::walk`].
    ///
    /// # Errors
    /// [`VisitError`]; entries before were visited.
    pub fn walk<V: Visitor>(&self, virt: VirtAddr, size: u64, visitor: &mut V) -> Result<(), VisitError<V::Stop>> {
        self.reader().walk(virt, size, visitor)
    }

    /// Its tables as text: [`Reader::dump`].
    #[must_use]
    pub fn dump(&self) -> Dump<K::Regime, Linked<'_, K::Memory>> {
        self.reader().dump()
    }

    /// Copies the bytes from `virt` on into `bytes`: [`Reader::copy_out`].
    ///
    /// # Errors
    /// [`CopyError`].
    pub fn copy_out<M: PhysicalBytes>(
        &self,
        virt: VirtAddr,
        bytes: &mut [u8],
        rule: Rule,
        memory: &M,
    ) -> Result<(), CopyError> {
        self.reader().copy_out(virt, bytes, rule, memory)
    }

    /// Copies `bytes` to `virt` on: [`Reader::copy_in`].
    ///
    /// # Errors
    /// [`CopyError`].
    pub fn copy_in<M: PhysicalBytes>(
        &self,
        virt: VirtAddr,
        bytes: &[u8],
        rule: Rule,
        memory: &mut M,
    ) -> Result<(), CopyError> {
        self.reader().copy_in(virt, bytes, rule, memory)
    }
}
