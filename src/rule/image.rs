//! The image that runs in a space: its sections and its entry point.

use super::catalogue::Rule;
use super::judge::{Judge, Who};
use crate::attr::Rights;
use crate::format::Format;
use crate::layout::LIST;
use crate::layout::{Order, pages, section_place, shared};
use crate::map::{Image, Section, Space};

impl<'a, const R: usize, const N: usize> Judge<'_, 'a, R, N> {
    /// The rules about the image of a space.
    pub(super) const fn image(&mut self, s: usize, format: &Format) {
        let spaces: &'a [Space<'a>] = self.map.spaces;
        let Some(image) = &spaces[s].image else { return };
        let mut i = 0;
        while i < image.sections.len() {
            let section = &image.sections[i];
            let (lo, hi) = self.section_bytes(s, section);
            if lo < hi {
                self.section_unmapped(s, section, lo, hi);
                self.section_regions(s, section, lo, hi);
            }
            i += 1;
        }
        self.sections_share_page(s, image.sections, format.page_size() as u128);
        self.entry_not_executable(s, image);
    }

    /// `section-unmapped`: every byte of a section is in a region.
    const fn section_unmapped(&mut self, s: usize, section: &Section<'a>, lo: u128, hi: u128) {
        let (mut p, end) = self.virt_around(s, lo, hi);
        let mut covered = lo;
        while p < end {
            let e = &self.layout.extents[self.by_virt.object(p)];
            p += 1;
            if e.space as usize != s || e.v_hi <= covered {
                continue;
            }
            if e.v_lo > covered {
                break;
            }
            covered = e.v_hi;
        }
        if covered < hi {
            self.report(Rule::SectionUnmapped, &[who(section), self.who_space(s)], &[covered, hi - covered]);
        }
    }

    /// `section-rights-mismatch`, `load-offset-mismatch`.
    const fn section_regions(&mut self, s: usize, section: &Section<'a>, lo: u128, hi: u128) {
        let layout = self.layout;
        let (mut p, end) = self.virt_around(s, lo, hi);
        while p < end {
            let i = self.by_virt.object(p);
            let e = &layout.extents[i];
            p += 1;
            if e.space as usize != s || shared((e.v_lo, e.v_hi), (lo, hi)).is_none() {
                continue;
            }
            let blame = [who(section), self.who(i)];
            if !self.facts[i].any.is(section.rights) {
                self.report(Rule::SectionRightsMismatch, &blame, &[]);
            }
            if let Some(load) = section.lma
                && e.has_phys
                && e.v_lo <= lo
                && load as u128 != self.behind(i, lo)
            {
                self.report(Rule::LoadOffsetMismatch, &blame, &[load as u128, self.behind(i, lo)]);
            }
        }
    }

    /// `sections-share-page`: rights are those of a page.
    const fn sections_share_page(&mut self, s: usize, sections: &'a [Section<'a>], page: u128) {
        let mut order = Order::<LIST>::EMPTY;
        let mut i = 0;
        while i < sections.len() {
            let (lo, hi) = self.section_pages(s, &sections[i], page);
            order.push(i, lo, hi);
            i += 1;
        }
        order.sort();
        let mut cursor = (0, 0);
        while let Some((a, b)) = order.pair(&mut cursor) {
            let (a, b) = if a < b { (a, b) } else { (b, a) };
            let (x, y) = (&sections[a], &sections[b]);
            if !x.rights.is(y.rights)
                && let Some((lo, hi)) = shared(self.section_pages(s, x, page), self.section_pages(s, y, page))
            {
                self.report(Rule::SectionsSharePage, &[who(x), who(y)], &[lo, hi - lo]);
            }
        }
    }

    /// First link address and end of a section; nothing where its region has none.
    const fn section_bytes(&self, s: usize, section: &Section<'_>) -> (u128, u128) {
        let layout = self.layout;
        let (first, end) = self.extents_of(s);
        let extents = layout.extents.split_at(end).0.split_at(first).1;
        match section_place(&self.map.spaces[s], extents, section) {
            Some(bytes) => bytes,
            None => (0, 0),
        }
    }

    /// The pages of a section; none where it is empty.
    const fn section_pages(&self, s: usize, section: &Section<'_>, page: u128) -> (u128, u128) {
        let (lo, hi) = self.section_bytes(s, section);
        if lo < hi { pages(lo, (hi - lo) as u64, page) } else { (lo, lo) }
    }

    /// `entry-not-executable`: the first instruction can be fetched.
    const fn entry_not_executable(&mut self, s: usize, image: &'a Image<'a>) {
        let Some(entry) = image.entry else { return };
        let name = Who::named(image.name, image.anchor);
        match self.holder(s, entry as u128) {
            None => self.report(Rule::EntryNotExecutable, &[name], &[entry as u128]),
            Some(i) if !self.facts[i].any.contains(Rights::X) => {
                self.report(Rule::EntryNotExecutable, &[name, self.who(i)], &[entry as u128]);
            }
            Some(_) => {}
        }
    }
}

const fn who<'a>(section: &Section<'a>) -> Who<'a> {
    Who::named(section.name, section.anchor)
}
