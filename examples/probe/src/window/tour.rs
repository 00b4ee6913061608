//! Everything that a page can become, once; and a run of all pages.

use core::fmt::{self, Write};

use tablature::addr::PhysAddr;
use tablature::edit::{Kind, Ro, Rw};
use tablature::page::{Frame, OwnedFrame, OwnedFrames, Size4K};
use tablature::space::Of;
use tablature::window::{Unmapped, Window, WindowRegion};

use super::bench::Bench;
use super::{PAGE, start};
use crate::Machine;

/// The last word of a page.
const LAST: usize = PAGE as usize - 4;
const WORD: u32 = 0x7461_6273;

/// The window and its frames again; `None` if the library gave something else back than it should.
type Again<R, K> = Option<(Window<R, K>, OwnedFrames<Size4K>)>;

/// Two pages.
type Two<R, K> = (Unmapped<R, K>, Unmapped<R, K>);

impl<R: WindowRegion<Size = Size4K>, K: Kind<Regime = Of<R::Space>>, M: Machine> Bench<'_, R, K, M> {
    /// All of it.
    pub(super) fn tour(
        &mut self,
        window: Window<R, K>,
        (frames, device): (OwnedFrames<Size4K>, OwnedFrame<Size4K>),
        out: &mut dyn Write,
    ) -> Result<Again<R, K>, fmt::Error> {
        let Some((mut window, mut frames)) = self.run(window, frames, out)? else { return Ok(None) };
        let (Some(first), Some(second), Some(frame)) = (window.next_page(), window.next_page(), frames.next_frame())
        else {
            return Ok(None);
        };
        let (first, second) = self.pages(first, second, frame, out)?;
        let first = self.device(first, device, out)?;
        let pages = Window::from(first).join(second.into()).and_then(|pages| pages.join(window));
        Ok(pages.ok().map(|window| (window, frames)))
    }

    /// A page is mapped, written, protected, unmapped; its frame goes to another page.
    #[inline(never)]
    fn pages(
        &mut self,
        first: Unmapped<R, K>,
        second: Unmapped<R, K>,
        frame: OwnedFrame<Size4K>,
        out: &mut dyn Write,
    ) -> Result<Two<R, K>, fmt::Error> {
        let (virt, there) = (first.page().start().as_u64(), second.page().start().as_u64());
        self.gone(virt, 2, out)?;
        let mut page = self.meet(first.map(frame, Rw));
        for offset in [0, LAST] {
            let written = page.write(self.live, offset, WORD + offset as u32).map(|()| 1);
            self.same((virt, "a write of the handle"), written, 1, out)?;
            self.holds(&page, (offset, WORD + offset as u32), out)?;
        }
        self.store(virt, true, out)?;
        let outside = page.write(self.live, LAST + 4, 0u32).map_or(0, |()| 1);
        self.same((virt, "a write of the handle outside"), Some(outside), 0, out)?;
        let page = self.meet(page.protect(Ro));
        self.holds(&page, (LAST, WORD + LAST as u32), out)?;
        self.store(virt, false, out)?;
        let executed = self.machine.execute(virt).map(|()| 0);
        self.judge((virt, "a call"), executed, None, out)?;
        let page = self.meet(page.protect(Rw));
        self.store(virt, true, out)?;
        let (first, frame) = self.meet(page.unmap());
        self.gone(virt, 2, out)?;
        let page = self.meet(second.map(frame, Ro));
        self.holds(&page, (0, WORD), out)?;
        self.gone(virt, 1, out)?;
        let (second, _) = self.meet(page.unmap());
        self.gone(there, 1, out)?;
        Ok((first, second))
    }

    /// A page goes to registers.
    #[inline(never)]
    fn device(
        &mut self,
        page: Unmapped<R, K>,
        device: OwnedFrame<Size4K>,
        out: &mut dyn Write,
    ) -> Result<Unmapped<R, K>, fmt::Error> {
        let page = self.meet(page.map_device(device, Rw));
        self.shows(&page, out)?;
        let (page, _) = self.meet(page.unmap());
        self.gone(page.page().start().as_u64(), 1, out)?;
        Ok(page)
    }

    /// All pages are mapped as one run, written, protected, and unmapped, each page by itself and in pieces.
    #[inline(never)]
    fn run(
        &mut self,
        window: Window<R, K>,
        frames: OwnedFrames<Size4K>,
        out: &mut dyn Write,
    ) -> Result<Again<R, K>, fmt::Error> {
        let (virt, pages) = (start::<R>(), window.len());
        self.gone(virt, pages, out)?;
        let Ok(owed) = window.map_run(frames, Rw) else { return Ok(None) };
        let mut run = self.meet(owed);
        for i in 0..pages {
            let written = run.write(self.live, i * PAGE as usize, !WORD + i as u32).map(|()| 1);
            self.same((virt + i as u64 * PAGE, "a write of the handle"), written, 1, out)?;
        }
        self.all_hold(&run, |i| !WORD + i as u32, out)?;
        // The first half becomes read-only, and then comes the end of the other.
        let half = run.take_run(pages / 2);
        let half = self.meet(half.protect(Ro));
        self.all_hold(&half, |i| !WORD + i as u32, out)?;
        for i in 0..pages as u64 {
            self.store(virt + i * PAGE, i >= pages as u64 / 2, out)?;
        }
        self.all_hold(&run, |i| !WORD + (pages / 2 + i) as u32, out)?;
        let (upper, frames) = self.meet(run.unmap());
        let (first, count) = (frames.first().start().as_u64() - self.site.frames, frames.len());
        self.same((virt, "the first frame"), Some(first as u32), (pages / 2) as u32 * PAGE as u32, out)?;
        self.same((virt, "the number of frames"), Some(count as u32), upper.len() as u32, out)?;
        self.gone(upper.page().start().as_u64(), upper.len(), out)?;
        self.all_hold(&half, |i| !WORD + i as u32, out)?;
        let (lower, _) = self.meet(half.unmap());
        self.gone(virt, pages, out)?;
        Ok(lower.join(upper).ok().map(|window| (window, self.frames_again(pages))))
    }

    /// The frames of the run, which came back in two halves.
    fn frames_again(&self, pages: usize) -> OwnedFrames<Size4K> {
        let first = Frame::containing(PhysAddr::new(self.site.frames));
        // SAFETY: both halves were just given back.
        unsafe { OwnedFrames::assume(first, pages) }
    }
}
