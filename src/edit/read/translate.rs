//! Where addresses go, without more than that.

use core::ops::ControlFlow;

use super::{Reader, Words};
use crate::addr::{PhysAddr, VirtAddr};
use crate::edit::node::Node;
use crate::format::{Inherited, MAX_LEVELS, Pattern, clamp};
use crate::regime::Regime;
use crate::walk::Fault;

impl<R: Regime, W: Words<R>> Reader<R, W> {
    const PLAIN: [Pattern; MAX_LEVELS] = {
        let mut all = [Pattern::NEVER; MAX_LEVELS];
        let mut level = 0;
        while level < R::FORMAT.levels {
            all[level] = R::FORMAT.plain_leaf(level);
            level += 1;
        }
        all
    };
    const WITHHOLDS_LITTLE: bool = R::FORMAT.withholds_little();

    /// What `virt` translates to.
    ///
    /// # Errors
    /// As for [`Reader::page`].
    #[inline]
    pub fn translate(&self, virt: VirtAddr) -> Result<PhysAddr, Fault> {
        match self.at_first_sight(virt) {
            Some(phys) => Ok(phys),
            None => self.translate_slowly(virt),
        }
    }

    /// What an address translates to by a leaf that one comparison tells to be one.
    #[inline(always)]
    pub(in crate::edit) fn at_first_sight(&self, virt: VirtAddr) -> Option<PhysAddr> {
        self.descend(virt, |_, _| ())
    }

    /// The same; `pass` is told each table on the way, and its level.
    #[inline(always)]
    fn descend(&self, virt: VirtAddr, mut pass: impl FnMut(Node, usize)) -> Option<PhysAddr> {
        let (format, virt) = (Self::FORMAT, virt.as_u64());
        if !format.is_canonical(virt) || self.is_foreign(virt) {
            return None;
        }
        let root = if format.split_roots && format.is_upper(virt) { self.roots.upper } else { self.roots.lower };
        let mut node = Node::root(format, PhysAddr::new(root?), virt);
        let mut level = format.levels - 1;
        while level > 0 {
            pass(node, level);
            node = Node { level, ..node };
            let index = format.index(virt, level);
            match Self::down(node, index, self.words.glance(node, index)?, virt) {
                ControlFlow::Continue(below) => node = below,
                ControlFlow::Break(found) => return found,
            }
            level -= 1;
        }
        // Apart from the loop, so that all that depends on the level is constant.
        self.at_last(node, virt)
    }

    /// Goes on below an entry that points to a table, or ends there.
    #[inline(always)]
    fn down(node: Node, index: usize, word: u64, virt: u64) -> ControlFlow<Option<PhysAddr>, Node> {
        let (format, form) = (Self::FORMAT, Self::FORMAT.at(node.level));
        if word & format.present == 0 || !form.table.matches(word) {
            return ControlFlow::Break(Self::plain_leaf(node.level, word, virt));
        }
        if !Self::WITHHOLDS_LITTLE && !form.below(word, Inherited::NOTHING).is_nothing() {
            return ControlFlow::Break(None);
        }
        ControlFlow::Continue(node.below::<R>(index, word))
    }

    /// Ends in a table of the last level.
    #[inline(always)]
    fn at_last(&self, node: Node, virt: u64) -> Option<PhysAddr> {
        let word = self.words.glance(Node { level: 0, ..node }, Self::FORMAT.index(virt, 0))?;
        Self::plain_leaf(0, word, virt)
    }

    /// What an address translates to by a leaf, if it is a plain one.
    #[inline(always)]
    fn plain_leaf(level: usize, word: u64, virt: u64) -> Option<PhysAddr> {
        let inside = Self::FORMAT.at(level).size() - 1;
        let phys = Self::FORMAT.address.decode(word) & !inside | virt & inside;
        Self::PLAIN[clamp(level)].matches(word).then_some(PhysAddr::new(phys))
    }

    /// The same of any leaf, and why there is none.
    #[cold]
    #[inline(never)]
    fn translate_slowly(&self, virt: VirtAddr) -> Result<PhysAddr, Fault> {
        self.page(virt).map(|found| found.address)
    }

    /// Translates many addresses: who is near to the one before costs two words, wherever in the tables that is.
    #[must_use]
    pub const fn translator(self) -> Translator<R, W>
    where
        W: Copy,
    {
        Translator { reader: self, node: Node::fresh(PhysAddr::new(0), 1), first: 0, bytes: 0 }
    }
}

/// Translates many addresses, and remembers the last table but one on the way: what that translates (1 GiB, where pages of
/// 4 KiB have tables of 512 entries) is found from there. Made by [`Reader::translator`].
///
/// ```
/// # use tablature::addr::{PhysAddr, VirtAddr};
/// # use tablature::edit::{Reader, Roots};
/// # use tablature::riscv::Sv39;
/// # let dump = [(0x8000_0000, 0x2000_0401), (0x8000_1000, 0x2000_0801), (0x8000_2008, 0x2400_00c7)];
/// # let read = |address: PhysAddr| Some(dump.iter().find(|(at, _)| *at == address.as_u64()).map_or(0, |(_, word)| *word));
/// # let reader = Reader::<Sv39, _>::new(Roots { lower: Some(0x8000_0000), upper: None }, &read);
/// let mut translator = reader.translator();
/// assert_eq!(translator.translate(VirtAddr::new(0x1234)), Ok(PhysAddr::new(0x9000_0234)));
/// assert_eq!(translator.translate(VirtAddr::new(0x1678)), Ok(PhysAddr::new(0x9000_0678)));
/// assert!(translator.translate(VirtAddr::new(0x2000)).is_err());
/// ```
///
/// Of tables that somebody changes meanwhile it may say what they said before.
///
/// # Invariant
/// The `bytes` bytes from `first` on are canonical and not foreign, and what `node` translates: a table of level 1 that is
/// no root, was looked at, and withholds nothing by the pointers to it.
#[derive(Clone, Copy, Debug)]
pub struct Translator<R: Regime, W> {
    reader: Reader<R, W>,
    node: Node,
    first: u64,
    bytes: u64,
}

impl<R: Regime, W: Words<R>> Translator<R, W> {
    /// What `virt` translates to.
    ///
    /// # Errors
    /// As for [`Reader::page`].
    #[inline]
    pub fn translate(&mut self, virt: VirtAddr) -> Result<PhysAddr, Fault> {
        match self.nearby(virt.as_u64()) {
            Some(phys) => Ok(phys),
            None => self.anew(virt),
        }
    }

    /// What an address translates to below the table that is remembered.
    #[inline(always)]
    fn nearby(&self, virt: u64) -> Option<PhysAddr> {
        if virt.wrapping_sub(self.first) >= self.bytes {
            return None;
        }
        let (node, index) = (Node { level: 1, ..self.node }, R::FORMAT.index(virt, 1));
        // SAFETY: by the invariant.
        let word = unsafe { self.reader.words.load_again(node, index) }?;
        match Reader::<R, W>::down(node, index, word, virt) {
            ControlFlow::Continue(last) => self.reader.at_last(last, virt),
            ControlFlow::Break(found) => found,
        }
    }

    /// What an address translates to from the root on; its table is remembered.
    #[inline(never)]
    fn anew(&mut self, virt: VirtAddr) -> Result<PhysAddr, Fault> {
        let format = &R::FORMAT;
        let mut near = None;
        let found = self.reader.descend(virt, |node, level| {
            if level == 1 && format.levels > 2 {
                near = Some(Node { level: 1, ..node });
            }
        });
        let span = format.at(1).shift + format.index_bits(1);
        if let Some(node) = near.and_then(|node| self.reader.words.look(node)) {
            (self.node, self.first, self.bytes) = (node, virt.as_u64() >> span << span, 1 << span);
        }
        match found {
            Some(phys) => Ok(phys),
            None => self.reader.translate_slowly(virt),
        }
    }
}
