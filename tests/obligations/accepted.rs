//! None of these loses a token, and all of them compile.
#![crate_type = "lib"]
#![deny(warnings)]
#![allow(missing_docs)]

mod kernel;
use kernel::{Kernel, Refused, change, owed, work};
use tablature::addr::{PhysAddr, VirtAddr};
use tablature::attr::{Access, MemoryType, Rights};
use tablature::edit::{AddressSpace, Live, MapError, Mapping, PromoteError, Protect, Reclaim, UnmapError};
use tablature::flush::{Batch, Interrupts, Mailboxes, Recorder, TlbFlush};
use tablature::page::{Frame, Page, Size2M, Size4K};
use tablature::riscv::RiscV;
use tablature::table::Attributes;
use tablature::tables::Tables;

type Core = Recorder<RiscV, 8>;
type Space = AddressSpace<Kernel, Live>;

pub fn at_once(core: &mut Core) {
    owed(1).flush(core);
}

pub fn on_all_branches(core: &mut Core, number: u32) -> u32 {
    let token = owed(2);
    match number {
        0 => token.flush(core),
        1 => token.widen().flush(core),
        2 => {
            let (a, ()) = token.join(owed(())).flush(core);
            a
        }
        _ => return token.flush(core) + 1,
    }
}

pub fn tried(core: &mut Core) -> Result<u32, Refused> {
    Ok(change(3)?.flush(core))
}

pub fn tried_before(core: &mut Core) -> Result<u32, Refused> {
    let number = work()?;
    let token = change(number)?;
    let number = token.flush(core);
    work()?;
    Ok(number)
}

pub fn matched(core: &mut Core) -> u32 {
    match change(4) {
        Ok(token) => token.flush(core),
        Err(Refused) => 0,
    }
}

pub fn let_else(core: &mut Core) -> u32 {
    let Ok(token) = change(5) else { return 0 };
    token.flush(core)
}

pub fn mapped(core: &mut Core) -> Result<u32, Refused> {
    change(6).map(|token| token.flush(core))
}

pub fn expected(core: &mut Core) -> u32 {
    change(7).expect("the change is possible").flush(core)
}

pub fn handed_on() -> Result<TlbFlush<Kernel, u32>, Refused> {
    let token = change(8)?;
    Ok(token)
}

pub fn in_a_loop(core: &mut Core) {
    for number in 0..3 {
        owed(number).flush(core);
    }
}

pub fn leaked() {
    core::mem::forget(owed(9));
}

pub fn vouched_for() -> u32 {
    // SAFETY: the snippet is never run.
    unsafe { owed(10).assume_flushed() }
}

pub fn later(core: &mut Core) {
    let token = owed(11);
    let flush = move |core: &mut Core| token.flush(core);
    flush(core);
}

pub fn batched(core: &mut Core) -> u32 {
    let mut batch = Batch::<Kernel, 4, u32>::new();
    let mut sum = 0;
    for number in 0..9 {
        batch.put(owed(number), core, |released| sum += released);
        batch.add(owed(()));
    }
    sum + batch.flush(core).sum::<u32>()
}

pub fn pushed(core: &mut Core) -> u32 {
    let mut batch = Batch::<Kernel, 4, u32>::new();
    match batch.push(owed(12)) {
        Ok(()) => batch.into_token().flush(core).into_iter().flatten().sum(),
        Err(token) => batch.flush(core).sum::<u32>() + token.flush(core),
    }
}

pub fn shot_down<I: Interrupts>(core: &mut Core, mailboxes: &Mailboxes<Kernel, 4>, interrupts: I) -> u32 {
    // SAFETY: the snippet is never run.
    match unsafe { mailboxes.from(1, interrupts) } {
        Some(mut others) => owed(13).shootdown(core, &mut others),
        None => 0,
    }
}

pub struct NoInterrupts;

// SAFETY: the snippet is never run.
unsafe impl Interrupts for NoInterrupts {
    fn uses(&mut self, _: usize) -> bool {
        false
    }

    fn interrupt(&mut self, _: usize) {}
}

pub fn shot_down_by(core: &mut Core, mailboxes: &Mailboxes<Kernel, 4>) -> u32 {
    shot_down(core, mailboxes, NoInterrupts)
}

const DATA: Attributes = Attributes::new(Access::kernel(Rights::RW), MemoryType::NormalWb);

pub fn edited(space: &mut Space, request: &Mapping) -> Result<(), MapError> {
    // SAFETY: the snippet is never run.
    let token = unsafe { space.map(request)? };
    space.reclaim(token);
    // SAFETY: the snippet is never run.
    let token = unsafe { space.map_page(Page::<Size4K>::at::<0x1000>(), Frame::at::<0x8000_0000>(), DATA)? };
    let tables: Tables<Kernel> = space.flush(token);
    tables.free(space.memory_mut());
    Ok(())
}

pub fn unmapped(space: &mut Space) -> Result<Frame<Size2M>, UnmapError> {
    // SAFETY: the snippet is never run.
    let token = unsafe { space.unmap(VirtAddr::new(0x1000), 0x1000, Reclaim::Free)? };
    space.reclaim(token);
    // SAFETY: the snippet is never run.
    let token = unsafe { space.unmap_page(Page::<Size2M>::at::<0x20_0000>())? };
    Ok(space.flush(token).0)
}

pub fn changed(space: &mut Space, change: &Protect) -> Result<(), Refused> {
    // SAFETY: the snippet is never run.
    let token = unsafe { space.protect(VirtAddr::new(0x1000), 0x1000, change) }.map_err(|_| Refused)?;
    space.flush(token);
    // SAFETY: the snippet is never run.
    let token = unsafe { space.protect_page(Page::<Size4K>::at::<0x1000>(), change) }.map_err(|_| Refused)?;
    space.flush(token);
    let frame = Frame::<Size4K>::containing(PhysAddr::new(0x8000_0000));
    // SAFETY: the snippet is never run.
    let token = unsafe { space.remap_page(Page::at::<0x1000>(), frame, DATA) }.map_err(|_| Refused)?;
    space.flush(token);
    // SAFETY: the snippet is never run.
    let token = unsafe { space.split::<Size4K>(VirtAddr::new(0x20_0000)) }.map_err(|_| Refused)?;
    space.flush(token);
    Ok(())
}

pub fn promoted(space: &mut Space) -> Result<(), PromoteError> {
    // SAFETY: the snippet is never run.
    let token = unsafe { space.promote(Page::<Size2M>::at::<0x20_0000>())? };
    space.reclaim(token);
    Ok(())
}

pub fn retired(space: Space) {
    // SAFETY: the snippet is never run.
    let (token, mut core) = unsafe { space.retire() };
    token.flush(&mut core).free();
}

pub fn branded(a: &mut Space, b: &mut Space, page: Page<Size4K>) -> Result<Frame<Size4K>, UnmapError> {
    a.branded_mut(|a| {
        b.branded_mut(|b| {
            // SAFETY: the snippet is never run.
            let one = unsafe { a.unmap_page(page) }?;
            let (frame, _) = a.flush(one);
            // SAFETY: as above.
            let other = unsafe { b.unmap_page(page) }?;
            b.flush(other);
            Ok(frame)
        })
    })
}
