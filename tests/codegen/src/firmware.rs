//! Firmware that uses what there is at run time and does nothing else, for what it is linked from.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(all(target_os = "none", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
mod start {
    use core::hint::black_box;
    use core::panic::PanicInfo;
    use core::sync::atomic::AtomicBool;

    use codegen::notation::board::kernel::{Space, heap};
    use codegen::notation::cores::{self, Anywhere, Bells};
    use codegen::notation::space::{self, Building, Running};
    use codegen::notation::{self, Kernel};
    use tablature::addr::{PhysAddr, VirtAddr};
    use tablature::edit::{AddressSpace, Live, Rw};
    use tablature::flush::{Duty, Extent, Id, Scope, Tag, ThisCpu, TlbFlush};
    use tablature::page::{Frame, OwnedFrame, OwnedFrames, Page, Size2M, Size4K};
    use tablature::space::Installed;
    use tablature::window::{MappedRun, Window};

    /// Where the linker begins. No argument is known to the compiler, and no result is thrown away.
    #[unsafe(no_mangle)]
    extern "C" fn _start(numbers: &[u64; 3]) -> ! {
        let [virt, phys, size] = *black_box(numbers);
        // SAFETY: this program is linked and never run.
        let live = unsafe { notation::notation_install() };
        if let Ok(live) = &live {
            window(live, phys);
        }
        tokens(virt);
        // SAFETY: as above.
        if let Ok(space) = unsafe { space::notation_new(PhysAddr::new(phys)) } {
            let space = offline(space, VirtAddr::new(virt), PhysAddr::new(phys), size);
            // SAFETY: as above.
            let running = unsafe { space.assume_live(ThisCpu) };
            let running = in_use(running, VirtAddr::new(virt), PhysAddr::new(phys), size);
            together(running, VirtAddr::new(virt), PhysAddr::new(phys), size);
        }
        loop {
            core::hint::spin_loop();
        }
    }

    fn window(live: &Installed<Space>, phys: u64) {
        let Some(mut window) = heap::window::<Kernel>(live) else { return };
        let Some(page) = window.next_page() else { return };
        let frame = Frame::<Size4K>::containing(PhysAddr::new(phys));
        // SAFETY: as above.
        let page = notation::notation_window_map(page, unsafe { OwnedFrame::assume(frame) });
        let page = notation::notation_window_protect(page);
        black_box(page.read::<u64>(live, phys as usize));
        black_box(&page);
        registers(&mut window, frame);
        let run = window.take_run(black_box(4));
        // SAFETY: as above.
        let frames = unsafe { OwnedFrames::assume(frame, black_box(4)) };
        if let Ok(run) = notation::notation_window_map_run(run, frames) {
            use_run(run, live);
        }
    }

    /// A page of registers, and pages side by side again.
    fn registers(window: &mut Window<heap, Kernel>, frame: Frame<Size4K>) {
        let (Some(page), Some(beside)) = (window.next_page(), window.next_page()) else { return };
        // SAFETY: as above.
        let page = page.map_device(unsafe { OwnedFrame::assume(frame) }, Rw).flush(&mut ThisCpu);
        let (page, _) = page.unmap().flush(&mut ThisCpu);
        if let Ok(both) = Window::from(page).join(Window::from(beside)) {
            black_box(both.len());
        }
    }

    fn use_run(mut run: MappedRun<heap, Kernel, Rw>, live: &Installed<Space>) {
        black_box(run.write(live, black_box(8), 1u32));
        run.zero(live);
        let _ = black_box(notation::notation_window_protect_run(run.take_run(black_box(1))));
        let _ = black_box(notation::notation_window_unmap_run(run.take_run(black_box(1))));
        black_box(&run);
    }

    fn tokens(virt: u64) {
        notation::notation_flush_page(Page::containing(VirtAddr::new(virt)));
        notation::notation_flush_fixed();
        notation::notation_flush_everything();
        let scope = |duty| {
            let extent = Extent::Range { start: virt, last: black_box(virt) | 0xffff, stride: black_box(12) };
            Scope { duty, extent, id: Id::One(black_box(5)) }
        };
        let two = || (TlbFlush::new(scope(Duty::LEAF), virt), TlbFlush::new(scope(Duty::WALK), virt));
        let (first, second) = two();
        black_box(space::notation_batch(first, second));
        let (first, second) = two();
        black_box(cores::notation_join(first, second));
    }

    fn offline(mut space: Building, virt: VirtAddr, phys: PhysAddr, size: u64) -> Building {
        let (page, frame) = (Page::<Size4K>::containing(virt), Frame::<Size4K>::containing(phys));
        black_box(space::notation_map_page(&mut space, page, frame)).ok();
        black_box(space::notation_map_range(&mut space, virt, phys, size)).ok();
        black_box(space::notation_protect_range(&mut space, virt, size)).ok();
        black_box(space::notation_remap_page(&mut space, page, frame)).ok();
        black_box(space::notation_split_and_promote(&mut space, Page::<Size2M>::containing(virt))).ok();
        black_box(space::notation_translate(&space, virt));
        black_box(space::notation_cursor(&mut space, page, frame));
        black_box(space::notation_unmap_range(&mut space, virt, size)).ok();
        black_box(space::notation_reclaim_range(&mut space, virt, size)).ok();
        space
    }

    fn in_use(mut space: Running, virt: VirtAddr, phys: PhysAddr, size: u64) -> Running {
        let frame = Frame::<Size4K>::containing(phys);
        // SAFETY: as above.
        black_box(unsafe { space::notation_live_map(&mut space, virt, phys, size) }.is_ok());
        // SAFETY: as above.
        black_box(unsafe { space::notation_live_protect(&mut space, virt, size) }).ok();
        // SAFETY: as above.
        black_box(unsafe { space::notation_live_cursor(&mut space, virt, frame) }).ok();
        // SAFETY: as above.
        black_box(unsafe { space::notation_live_unmap(&mut space, virt, size) }).ok();
        let (page, large) = (Page::containing(virt), Page::containing(virt));
        // SAFETY: as above.
        unsafe { cores::notation_live_pages(&mut space, page, large, frame) };
        black_box(cores::notation_read(&space, virt, size));
        space
    }

    /// What takes other cores, or other spaces.
    fn together(mut space: Running, virt: VirtAddr, phys: PhysAddr, size: u64) {
        static BELLS: [AtomicBool; 4] = [const { AtomicBool::new(false) }; 4];
        let core = black_box(1);
        // SAFETY: as above.
        if let Ok(mut other) = unsafe { space::notation_new(phys) } {
            black_box(cores::notation_share(&mut space, &mut other, virt, size));
            // SAFETY: as above.
            let frame = unsafe { OwnedFrame::assume(Frame::containing(phys)) };
            black_box(cores::notation_entry(&mut other, frame));
            black_box(&other);
        }
        // SAFETY: as above.
        unsafe { cores::notation_retire(space) };
        // SAFETY: as above.
        if let Ok(space) = unsafe { cores::notation_new_anywhere(phys) } {
            // SAFETY: as above.
            let mut space: AddressSpace<Anywhere, Live> = unsafe { space.assume_live(ThisCpu) };
            // SAFETY: as above.
            black_box(unsafe { cores::notation_shootdown(&mut space, core, Bells(&BELLS), virt, size) });
            black_box(&space);
        }
        // SAFETY: as above.
        black_box(unsafe { cores::notation_serve(core) });
        black_box(cores::notation_enter(core, &mut Tag::new(), Bells(&BELLS)));
    }

    /// Its name is looked for in what is linked.
    #[panic_handler]
    fn panic(_: &PanicInfo<'_>) -> ! {
        loop {
            core::hint::spin_loop();
        }
    }
}

/// Says where this program runs.
#[cfg(not(target_os = "none"))]
fn main() {
    println!("this is firmware that is linked and never run; see `cargo xtask codegen`");
}
