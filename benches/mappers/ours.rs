//! This library, offline: with the cursor page by page, and by ranges; a translator translates.

use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, Features, MemoryType, Rights};
use tablature::edit::{AddressSpace, Halves, Kind, Mapping, Protect, Reclaim};
use tablature::flush::{OneCore, Recorder};
use tablature::page::{Frame, Page, Size2M, Size4K};
use tablature::regime::With;
use tablature::table::Attributes;
use tablature::tables::{Identity, Memory, Ranges};
use tablature::x86_64::{Level4, X86};

use crate::arena;
use crate::mapper::{self, Answer, BASE, DONE, Mapper, Region};

enum Kernel {}

impl Kind for Kernel {
    // Leaves of 1 GiB are what others use without asking.
    type Regime = With<Level4, { Features::PDPE1GB.bits() }>;
    type Memory = Memory<Identity, Ranges<1>>;
    type Hardware = Recorder<X86, 4>;
    type Reach = OneCore;
}

/// This library.
pub struct Ours(Option<AddressSpace<Kernel>>);

const DATA: Attributes = Attributes::new(Access::kernel(Rights::RW), MemoryType::NormalWb);
const READ_ONLY: Protect = Protect::access(Access::kernel(Rights::R));

fn attributes(region: &Region) -> Attributes {
    let rights = match region.rights {
        mapper::Rights::R => Rights::R,
        mapper::Rights::Rw => Rights::RW,
        mapper::Rights::Rx => Rights::RX,
    };
    let memory = if region.device { MemoryType::DeviceNgnre } else { MemoryType::NormalWb };
    Attributes::new(Access::kernel(rights), memory)
}

#[inline]
fn page(virt: u64) -> Page<Size4K> {
    Page::containing(VirtAddr::new(virt))
}

impl Ours {
    fn space(&mut self) -> &mut AddressSpace<Kernel> {
        self.0.as_mut().expect("it is back")
    }
}

impl Mapper for Ours {
    const NAME: &'static str = "ours";

    fn new() -> Self {
        let (start, bytes) = arena::all();
        let mut tables = Ranges::new();
        // SAFETY: the arena is memory, and who had it before does not use it any more.
        assert!(unsafe { tables.add(PhysAddr::new(start), bytes) });
        // SAFETY: it is seen at its address, and its provenance is exposed.
        let view = unsafe { Identity::new(PhysAddr::new(start), bytes) };
        Self(Some(AddressSpace::new(Memory::new(view, tables), Halves::Both).expect("there are tables")))
    }

    fn root(&self) -> u64 {
        self.0.as_ref().and_then(|space| space.roots().lower).expect("a root")
    }

    fn map_each(&mut self, pages: impl Iterator<Item = (u64, u64)>) -> Answer {
        let mut cursor = self.space().cursor(VirtAddr::new(BASE));
        for (virt, phys) in pages {
            cursor.map(page(virt), Frame::containing(PhysAddr::new(phys)), DATA).ok()?;
        }
        DONE
    }

    fn map_range(&mut self, region: &Region) -> Answer {
        let (virt, phys) = (VirtAddr::new(region.virt), PhysAddr::new(region.phys));
        self.space().map(&Mapping::new(virt, phys, region.bytes, attributes(region))).ok()?;
        DONE
    }

    fn protect_each(&mut self, pages: impl Iterator<Item = u64>) -> Answer {
        let mut cursor = self.space().cursor(VirtAddr::new(BASE));
        for virt in pages {
            cursor.protect(page(virt), &READ_ONLY).ok()?;
        }
        DONE
    }

    fn protect_range(&mut self, region: &Region) -> Answer {
        self.space().protect(VirtAddr::new(region.virt), region.bytes, &READ_ONLY).ok()?;
        DONE
    }

    fn unmap_each(&mut self, pages: impl Iterator<Item = u64>) -> Answer {
        let mut cursor = self.space().cursor(VirtAddr::new(BASE));
        for virt in pages {
            cursor.unmap(page(virt)).ok()?;
        }
        DONE
    }

    fn unmap_range(&mut self, region: &Region) -> Answer {
        self.space().unmap(VirtAddr::new(region.virt), region.bytes, Reclaim::Keep).ok()?;
        DONE
    }

    fn reclaim(&mut self, region: &Region) -> Answer {
        self.space().unmap(VirtAddr::new(region.virt), region.bytes, Reclaim::Free).ok()?;
        DONE
    }

    fn translate_each(&self, pages: impl Iterator<Item = u64>) -> Answer {
        let mut translator = self.0.as_ref()?.translator();
        let mut sum = 0u64;
        for virt in pages {
            sum = sum.wrapping_add(translator.translate(VirtAddr::new(virt)).ok()?.as_u64());
        }
        Some(sum)
    }

    fn translate_alone(&self, pages: impl Iterator<Item = u64>) -> Answer {
        let space = self.0.as_ref()?;
        let mut sum = 0u64;
        for virt in pages {
            sum = sum.wrapping_add(space.translate(VirtAddr::new(virt)).ok()?.as_u64());
        }
        Some(sum)
    }

    fn split_each(&mut self, leaves: impl Iterator<Item = u64>) -> Answer {
        for virt in leaves {
            self.space().split::<Size4K>(VirtAddr::new(virt)).ok()?;
        }
        DONE
    }

    fn promote_each(&mut self, leaves: impl Iterator<Item = u64>) -> Answer {
        for virt in leaves {
            self.space().promote(Page::<Size2M>::containing(VirtAddr::new(virt))).ok()?;
        }
        DONE
    }

    fn open_and_count(&mut self) -> Answer {
        let (roots, memory) = self.0.take()?.into_roots();
        // SAFETY: these are the tables of a space of this kind, and the memory is theirs.
        let space = unsafe { AddressSpace::from_roots(roots, memory) }.ok()?;
        let leaves = space.leaves(VirtAddr::new(BASE)).count();
        self.0 = Some(space);
        Some(leaves as u64)
    }
}
