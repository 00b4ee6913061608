//! `x86_64`: `OffsetPageTable`, page by page.

use x86_64::structures::paging::mapper::{MapToError, TranslateResult};
use x86_64::structures::paging::{
    FrameAllocator, Mapper as _, OffsetPageTable, Page, PageSize, PageTable, PageTableFlags, PhysFrame, Size1GiB,
    Size2MiB, Size4KiB, Translate,
};
use x86_64::{PhysAddr, VirtAddr};

use crate::arena;
use crate::mapper::{Answer, DONE, Mapper, Region, Rights, largest};

/// `x86_64`.
pub struct X86Crate(OffsetPageTable<'static>);

struct Frames;

// SAFETY: the arena gives each frame once.
unsafe impl FrameAllocator<Size4KiB> for Frames {
    fn allocate_frame(&mut self) -> Option<PhysFrame> {
        Some(PhysFrame::containing_address(PhysAddr::new(arena::table())))
    }
}

const DATA: PageTableFlags = PageTableFlags::PRESENT.union(PageTableFlags::WRITABLE).union(PageTableFlags::NO_EXECUTE);
const READ_ONLY: PageTableFlags = PageTableFlags::PRESENT.union(PageTableFlags::NO_EXECUTE);

fn flags(region: &Region) -> PageTableFlags {
    let rights = match region.rights {
        Rights::R => READ_ONLY,
        Rights::Rw => DATA,
        Rights::Rx => PageTableFlags::PRESENT,
    };
    let device = PageTableFlags::NO_CACHE | PageTableFlags::WRITE_THROUGH;
    rights | if region.device { device } else { PageTableFlags::empty() }
}

fn page(virt: u64) -> Page {
    Page::containing_address(VirtAddr::new(virt))
}

impl X86Crate {
    fn map<S: PageSize>(&mut self, virt: u64, phys: u64, flags: PageTableFlags) -> Result<(), MapToError<S>>
    where
        OffsetPageTable<'static>: x86_64::structures::paging::Mapper<S>,
    {
        let (page, frame) = (VirtAddr::new(virt), PhysAddr::new(phys));
        let (page, frame) = (Page::<S>::containing_address(page), PhysFrame::<S>::containing_address(frame));
        // The flags of the tables above grant everything, as those of the other mappers do.
        let above = PageTableFlags::PRESENT | PageTableFlags::WRITABLE;
        // SAFETY: no hardware uses the tables.
        unsafe { self.0.map_to_with_table_flags(page, frame, flags, above, &mut Frames) }.map(|flush| flush.ignore())
    }
}

impl Mapper for X86Crate {
    const NAME: &'static str = "x86_64 0.15";

    fn new() -> Self {
        let root = arena::pointer(arena::empty_table()).cast::<PageTable>();
        // SAFETY: a table without entries, which nobody else has.
        let root = unsafe { &mut *root };
        // SAFETY: physical memory is seen at its addresses, as far as it holds tables.
        Self(unsafe { OffsetPageTable::new(root, VirtAddr::zero()) })
    }

    fn root(&self) -> u64 {
        std::ptr::from_ref(self.0.level_4_table()).addr() as u64
    }

    fn map_each(&mut self, pages: impl Iterator<Item = (u64, u64)>) -> Answer {
        for (virt, phys) in pages {
            self.map::<Size4KiB>(virt, phys, DATA).ok()?;
        }
        DONE
    }

    fn map_largest(&mut self, region: &Region) -> Answer {
        for (virt, phys, size) in largest(region) {
            match size {
                Size1GiB::SIZE => self.map::<Size1GiB>(virt, phys, flags(region)).ok()?,
                Size2MiB::SIZE => self.map::<Size2MiB>(virt, phys, flags(region)).ok()?,
                _ => self.map::<Size4KiB>(virt, phys, flags(region)).ok()?,
            }
        }
        DONE
    }

    fn protect_each(&mut self, pages: impl Iterator<Item = u64>) -> Answer {
        for virt in pages {
            // SAFETY: no hardware uses the tables.
            unsafe { self.0.update_flags(page(virt), READ_ONLY) }.ok()?.ignore();
        }
        DONE
    }

    fn unmap_each(&mut self, pages: impl Iterator<Item = u64>) -> Answer {
        for virt in pages {
            self.0.unmap(page(virt)).ok()?.1.ignore();
        }
        DONE
    }

    fn translate_each(&self, pages: impl Iterator<Item = u64>) -> Answer {
        let mut sum = 0u64;
        for virt in pages {
            let TranslateResult::Mapped { frame, offset, .. } = self.0.translate(VirtAddr::new(virt)) else {
                return None;
            };
            sum = sum.wrapping_add(frame.start_address().as_u64() + offset);
        }
        Some(sum)
    }
}
