//! Formats, leaves and runs: what exists, what a feature must allow, what is aligned.

use super::catalogue::Rule;
use super::judge::{Judge, Who};
use crate::attr::{Features, Rights};
use crate::format::{Format, LeafForm, MAX_LEVELS};
use crate::layout::shared;
use crate::layout::{Extent, TOP, pa_bits};
use crate::map::{Range, Region};

impl<'a, const R: usize, const N: usize> Judge<'_, 'a, R, N> {
    /// `feature-missing`: reports the first of `features` that the CPU lacks.
    pub(super) const fn feature(&mut self, who: Who<'a>, features: Features) {
        let mut missing = features.without(self.features);
        while !missing.is_empty() {
            self.report(Rule::FeatureMissing, &[who, Who::feature(missing)], &[]);
            missing = missing.without(missing.first());
        }
    }

    /// `feature-missing`, `va-bits-invalid`, `start-level-invalid`: the format of a space exists on this CPU.
    pub(super) const fn space_format(&mut self, s: usize, format: &Format) {
        let who = self.who_space(s);
        let declared = self.declared_format(s);
        let wide = pa_bits(self.map) > declared.output_bits;
        if wide {
            self.feature(Who::named("pa_bits", self.map.cpu.anchor), declared.wide_output);
        }
        if let Some(modes) = self.map.cpu.modes
            && !declared.mode.is_empty()
            && !modes.contains(declared.mode)
        {
            self.report(Rule::FeatureMissing, &[who, Who::feature(declared.mode)], &[]);
        }
        self.va_bits_invalid(s, declared);
        self.start_level_invalid(s, format);
    }

    /// `va-bits-invalid` (DDI 0487 D8 TxSZ), and the features of the width.
    const fn va_bits_invalid(&mut self, s: usize, format: &Format) {
        let who = self.who_space(s);
        let (least, most) = format.legal_input_bits;
        let (bits, output) = (format.input_bits, pa_bits(self.map));
        if bits > most {
            self.report(Rule::VaBitsInvalid, &[who], &[bits as u128, most as u128]);
        } else if bits < least {
            self.report(Rule::VaBitsInvalid, &[who], &[bits as u128, least as u128]);
        } else {
            self.feature(who, format.needs);
        }
        if format.has_start_level() && bits > output && bits <= most {
            self.report(Rule::VaBitsInvalid, &[who], &[bits as u128, output as u128]);
        }
    }

    /// `start-level-invalid` (DDI 0487 D8, VTCR_EL2.SL0).
    const fn start_level_invalid(&mut self, s: usize, format: &Format) {
        let Some(start) = self.map.cpu.start_level else { return };
        if !format.has_start_level() {
            return;
        }
        let who = [self.who_space(s)];
        if start < -1 || start > 3 {
            self.report(Rule::StartLevelInvalid, &who, &[start.unsigned_abs() as u128, 3]);
        }
        let (roots, most) = (format.root_tables(), format.max_root_tables);
        if roots > most {
            self.report(Rule::StartLevelInvalid, &who, &[roots as u128, most as u128]);
        }
        let (levels, bits) = format.deep_start;
        let output = pa_bits(self.map);
        if format.levels >= levels && output < bits {
            self.report(Rule::StartLevelInvalid, &who, &[output as u128, bits as u128]);
        }
    }

    /// The rules about leaves, runs and features of one region.
    pub(super) const fn leaves(&mut self, i: usize, region: &Region<'_>, e: &Extent, format: &Format) {
        if let Some(page) = region.page
            && let Some(usable) = self.leaf_size(i, page, format)
        {
            if usable && page > format.page_size() {
                self.aligned(i, Rule::LeafMisaligned, e, page);
            }
            self.leaf_spans(i, e, page, self.map.cpu.mtrr, "mtrr:", false);
            self.leaf_spans(i, e, page, self.map.cpu.pmp, "pmp:", true);
        }
        if let Some(page) = region.page_min
            && let Some(true) = self.leaf_size(i, page, format)
            && page > format.page_size()
        {
            self.aligned(i, Rule::LeafMisaligned, e, page);
        }
        if let Some(unit) = region.round
            && unit % format.page_size() != 0
        {
            self.leaf_size(i, unit, format);
        }
        if let Some(size) = region.contiguous {
            match format.run(size) {
                None => self.contiguous_size_invalid(i, size, format),
                Some(run) if !self.features.contains(run.feature) => self.feature(self.who(i), run.feature),
                Some(_) => self.aligned(i, Rule::ContiguousMisaligned, e, size),
            }
        }
        if region.bti {
            self.feature(self.who(i), Features::BTI);
        }
        if !self.facts[i].any.contains(Rights::X) {
            self.feature(self.who(i), format.no_execute);
        }
    }

    /// `leaf-size-invalid` (DDI 0487 D8; RISC-V privileged, superpages; SDM 3A 4.5), `feature-missing`. Whether the
    /// CPU has the size, if the format does.
    const fn leaf_size(&mut self, i: usize, page: u64, format: &Format) -> Option<bool> {
        let (mut below, mut above) = (format.page_size(), 0);
        let mut level = 0;
        while level < MAX_LEVELS {
            let size = format.level[level].size();
            let form = format.level[level].form;
            level += 1;
            match form {
                LeafForm::None => continue,
                LeafForm::With(feature) if size == page && !self.features.contains(feature) => {
                    self.feature(self.who(i), feature);
                    return Some(false);
                }
                // A level above the root of this walk has no leaves either.
                _ if size == page && level <= format.levels => return Some(true),
                _ if size == page => break,
                _ if size < page => below = size,
                _ if above == 0 => above = size,
                _ => {}
            }
        }
        if above == 0 {
            self.report(Rule::LeafSizeInvalid, &[self.who(i)], &[page as u128, below as u128]);
        } else {
            self.report(Rule::LeafSizeInvalid, &[self.who(i)], &[page as u128, below as u128, above as u128]);
        }
        None
    }

    /// `contiguous-size-invalid` (DDI 0487 D8; RISC-V Svnapot).
    const fn contiguous_size_invalid(&mut self, i: usize, size: u64, format: &Format) {
        let mut numbers = [size as u128, 0, 0, 0];
        let (mut count, mut r) = (1, 0);
        while r < format.runs.len() {
            if format.runs[r].size != 0 {
                numbers[count] = format.runs[r].size as u128;
                count += 1;
            }
            r += 1;
        }
        self.report(Rule::ContiguousSizeInvalid, &[self.who(i)], numbers.split_at(count).0);
    }

    /// `leaf-misaligned`, `contiguous-misaligned`: both addresses and the size are multiples of `unit`.
    const fn aligned(&mut self, i: usize, rule: Rule, e: &Extent, unit: u64) {
        let unit = unit as u128;
        let places = [(e.has_virt, e.virt), (e.has_phys, e.phys), (true, e.size)];
        let mut k = 0;
        while k < places.len() {
            if places[k].0 && places[k].1 % unit != 0 {
                self.report(rule, &[self.who(i)], &[places[k].1, unit]);
            }
            k += 1;
        }
    }

    /// `leaf-spans-attribute-boundary`: one leaf, one MTRR type and one PMP entry (SDM 3A 12.11.9; riscv-isa-manual
    /// #347). Only a leaf in which a range begins or ends can span two.
    const fn leaf_spans(
        &mut self,
        i: usize,
        e: &Extent,
        page: u64,
        list: &'a [Range<'a>],
        kind: &'static str,
        any: bool,
    ) {
        if !e.has_phys || list.len() < 2 {
            return;
        }
        let page = page as u128;
        let mut worst: Option<(u128, usize, usize)> = None;
        let mut k = 0;
        while k < 2 * list.len() {
            let range = &list[k / 2];
            let border = range.base as u128 + if k % 2 == 0 { 0 } else { (range.size as u128).saturating_sub(1) };
            k += 1;
            if border < e.phys || border >= e.phys + e.size {
                continue;
            }
            let leaf = e.phys + (border - e.phys) / page * page;
            let first = match worst {
                Some((lowest, ..)) => leaf < lowest,
                None => true,
            };
            if first && let Some((a, b)) = spanned(list, leaf, leaf + page, any) {
                worst = Some((leaf, a, b));
            }
        }
        if let Some((_, a, b)) = worst {
            let who = [self.who(i), range_who(&list[a], kind), range_who(&list[b], kind)];
            self.report(Rule::LeafSpansAttributeBoundary, &who, &[list[b].base as u128, page]);
        }
    }

    /// Asid rules: `asid-invalid` (DDI 0487 D8; RISC-V privileged, satp; SDM 3A 4.10.1), `feature-missing`.
    pub(super) const fn identifiers(&mut self) {
        let mut s = 0;
        while s < self.map.spaces.len() {
            if let Some(id) = self.map.spaces[s].asid {
                let format = self.declared_format(s);
                self.feature(self.who_space(s), format.asid_feature);
                let (narrow, wide, feature) = format.asid_bits;
                let widened = !feature.is_empty() && self.features.contains(feature);
                let bits = if widened { wide } else { narrow };
                if id as u64 >= 1 << bits {
                    self.report(Rule::AsidInvalid, &[self.who_space(s)], &[id as u128, (1 << bits) - 1]);
                }
                let mut before = s;
                while before > 0 {
                    before -= 1;
                    if let Some(other) = self.map.spaces[before].asid
                        && other == id
                    {
                        self.report(Rule::AsidInvalid, &[self.who_space(before), self.who_space(s)], &[id as u128]);
                        break;
                    }
                }
            }
            s += 1;
        }
    }
}

/// The two lowest ranges that a leaf meets, if they differ in kind or any two are too many.
const fn spanned(list: &[Range<'_>], lo: u128, hi: u128, any: bool) -> Option<(usize, usize)> {
    let (mut first, mut second, mut differ) = (usize::MAX, usize::MAX, any);
    let mut k = 0;
    while k < list.len() {
        let range = &list[k];
        let end = range.base as u128 + range.size as u128;
        if end <= TOP && shared((lo, hi), (range.base as u128, end)).is_some() {
            differ = differ || (first != usize::MAX && !crate::text::same(list[first].kind, range.kind));
            if first == usize::MAX || range.base < list[first].base {
                second = first;
                first = k;
            } else if second == usize::MAX || range.base < list[second].base {
                second = k;
            }
        }
        k += 1;
    }
    if second != usize::MAX && differ { Some((first, second)) } else { None }
}

/// `mtrr:ram`; a name that says its kind already stays as it is.
const fn range_who<'a>(range: &Range<'a>, kind: &'static str) -> Who<'a> {
    let bytes = range.name.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b':' {
            return Who::named(range.name, range.anchor);
        }
        i += 1;
    }
    Who::of(kind, range.name, range.anchor)
}
