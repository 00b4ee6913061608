//! Names, references, waivers, and declarations of nothing.

use super::catalogue::Rule;
use super::judge::{Judge, Who};
use crate::layout::{NOWHERE, find_channel, find_resource, find_space};
use crate::map::{Kind, Phys, Region, Space, Virt, Waiver};
use crate::text::{hash, resembles, same};

/// Slots of the hash table that finds duplicate names.
const SLOTS: usize = 8192;

/// Names that must differ from each other.
#[derive(Clone, Copy)]
enum Scope {
    Resources,
    Spaces,
    Channels,
    Devices,
    Transitions,
    Regions(usize),
    Windows(usize),
}

impl<'a, const R: usize, const N: usize> Judge<'_, 'a, R, N> {
    /// `duplicate-name`, `invalid-name`, `empty-declaration` and `waiver-invalid`.
    pub(super) const fn names(&mut self) {
        self.scope(Scope::Resources);
        self.scope(Scope::Spaces);
        self.scope(Scope::Channels);
        self.scope(Scope::Devices);
        self.scope(Scope::Transitions);
        if self.map.spaces.is_empty() {
            self.report(Rule::EmptyDeclaration, &[Who::named("system", self.map.anchor)], &[]);
        }
        let mut s = 0;
        while s < self.map.spaces.len() {
            self.scope(Scope::Regions(s));
            if self.map.spaces[s].regions.is_empty() {
                self.report(Rule::EmptyDeclaration, &[self.who_space(s)], &[]);
            }
            s += 1;
        }
        let mut d = 0;
        while d < self.map.devices.len() {
            self.scope(Scope::Windows(d));
            d += 1;
        }
        self.empty_objects();
        let mut i = 0;
        while i < self.layout.len {
            self.region_name_parts(i);
            i += 1;
        }
    }

    const fn count(&self, scope: Scope) -> usize {
        match scope {
            Scope::Resources => self.map.resources.len(),
            Scope::Spaces => self.map.spaces.len(),
            Scope::Channels => self.map.channels.len(),
            Scope::Devices => self.map.devices.len(),
            Scope::Transitions => self.map.transitions.len(),
            Scope::Regions(s) => self.map.spaces[s].regions.len(),
            Scope::Windows(d) => self.map.devices[d].windows.len(),
        }
    }

    /// Owner, name and anchor of an object.
    const fn entry(&self, scope: Scope, i: usize) -> (&'a str, &'a str, u16) {
        match scope {
            Scope::Resources => ("", self.map.resources[i].name, self.map.resources[i].anchor),
            Scope::Spaces => ("", self.map.spaces[i].name, self.map.spaces[i].anchor),
            Scope::Channels => ("", self.map.channels[i].name, self.map.channels[i].anchor),
            Scope::Devices => ("", self.map.devices[i].name, self.map.devices[i].anchor),
            Scope::Transitions => ("", self.map.transitions[i].name, self.map.transitions[i].anchor),
            Scope::Regions(s) => {
                let region = &self.map.spaces[s].regions[i];
                (self.map.spaces[s].name, region.name, region.anchor)
            }
            Scope::Windows(d) => {
                let window = &self.map.devices[d].windows[i];
                (self.map.devices[d].name, window.name, window.anchor)
            }
        }
    }

    /// `duplicate-name`, `invalid-name`: names are unique identifiers (Rust reference, identifiers and keywords).
    const fn scope(&mut self, scope: Scope) {
        let count = self.count(scope);
        let mut seen = [0u16; SLOTS];
        let mut i = 0;
        while i < count {
            let (owner, name, anchor) = self.entry(scope, i);
            if !is_identifier(name) {
                self.report(Rule::InvalidName, &[Who::of(owner, name, anchor)], &[]);
            }
            if i < SLOTS / 2 {
                let mut slot = hash(name) as usize % SLOTS;
                while seen[slot] != 0 && !same(self.entry(scope, seen[slot] as usize - 1).1, name) {
                    slot = (slot + 1) % SLOTS;
                }
                if seen[slot] == 0 {
                    seen[slot] = i as u16 + 1;
                } else {
                    self.report(Rule::DuplicateName, &[Who::of(owner, name, anchor)], &[]);
                }
            } else if self.is_taken(scope, i, name) {
                self.report(Rule::DuplicateName, &[Who::of(owner, name, anchor)], &[]);
            }
            i += 1;
        }
    }

    /// Whether an object before `end` has the name; for the names beyond the hash table.
    const fn is_taken(&self, scope: Scope, end: usize, name: &str) -> bool {
        let mut i = 0;
        while i < end {
            if same(self.entry(scope, i).1, name) {
                return true;
            }
            i += 1;
        }
        false
    }

    /// `empty-declaration` of resources, channels and DMA windows.
    const fn empty_objects(&mut self) {
        let mut i = 0;
        while i < self.map.resources.len() {
            if self.map.resources[i].size == 0 {
                self.report(Rule::EmptyDeclaration, &[self.who_resource(i as u16)], &[0]);
            }
            i += 1;
        }
        i = 0;
        while i < self.map.channels.len() {
            if self.map.channels[i].size == 0 {
                self.report(Rule::EmptyDeclaration, &[self.who_channel(i)], &[0]);
            }
            i += 1;
        }
        i = 0;
        while i < self.map.devices.len() {
            let mut w = 0;
            while w < self.map.devices[i].windows.len() {
                if self.map.devices[i].windows[w].size == 0 {
                    self.report(Rule::EmptyDeclaration, &[self.who_window(i, w)], &[0]);
                }
                w += 1;
            }
            i += 1;
        }
    }

    /// Rights that are none (`invalid-name`), no bytes (`empty-declaration`), and `waiver-invalid` (DO-178C).
    const fn region_name_parts(&mut self, i: usize) {
        let region = self.region(i);
        let bad = self.layout.extents[i].bad;
        if bad && !region.bad_rights.is_empty() {
            self.report(Rule::InvalidName, &[self.who(i), Who::named(region.bad_rights, 0)], &[]);
        }
        if bad && self.layout.extents[i].size == 0 && self.is_resolved(region) {
            self.report(Rule::EmptyDeclaration, &[self.who(i)], &[0]);
        }
        let mut w = 0;
        while w < region.waivers.len() {
            let waiver = &region.waivers[w];
            let known = match Rule::named(waiver.rule) {
                Some(rule) => rule.is_waivable(),
                None => false,
            };
            if !known || !has_reason(waiver) {
                let hint = if known { "" } else { similar_rule(waiver.rule) };
                self.report_hint(Rule::WaiverInvalid, &[self.who(i)], &[], hint);
            }
            w += 1;
        }
    }

    /// Whether the size of a region is known: written down, or that of something that exists.
    const fn is_resolved(&self, region: &Region<'_>) -> bool {
        match (region.size, region.phys) {
            (Some(_), _) => true,
            (None, Phys::In { resource, .. }) => match find_resource(self.map, resource) {
                NOWHERE => false,
                at => self.map.resources[at as usize].size > 0,
            },
            (None, Phys::Channel { channel, .. }) => find_channel(self.map, channel) != NOWHERE,
            // That it has no physical side says it all.
            (None, Phys::None) => matches!(region.kind, Kind::Window | Kind::Guard),
            (None, _) => true,
        }
    }

    /// `unknown-name`: every referenced object exists.
    pub(super) const fn references(&mut self) {
        self.object_references();
        let mut s = 0;
        while s < self.map.spaces.len() {
            if let Some(tables) = &self.map.spaces[s].tables {
                let who = Who::of(self.map.spaces[s].name, "tables", tables.anchor);
                self.expect_place(who, tables.phys);
                if let Some(region) = tables.linked_in {
                    self.expect_region(who, s, region);
                }
            }
            self.section_references(s);
            s += 1;
        }
        let mut i = 0;
        while i < self.layout.len {
            self.region_references(i);
            i += 1;
        }
    }

    const fn section_references(&mut self, s: usize) {
        let spaces: &'a [Space<'a>] = self.map.spaces;
        let Some(image) = &spaces[s].image else { return };
        let mut i = 0;
        while i < image.sections.len() {
            let section = &image.sections[i];
            if let Some(region) = section.region {
                self.expect_region(Who::named(section.name, section.anchor), s, region);
            }
            i += 1;
        }
    }

    const fn region_references(&mut self, i: usize) {
        let (region, e) = (self.region(i), &self.layout.extents[i]);
        let settled = e.has_virt && (e.has_phys || matches!(region.kind, Kind::Guard));
        if settled && region.alias_of.is_none() && region.guards.is_none() && region.inside.is_none() {
            return;
        }
        let (space, who) = (e.space as usize, self.who(i));
        if !e.has_phys && !matches!(region.kind, Kind::Guard) {
            self.expect_place(who, region.phys);
        }
        if let Virt::After { region: other, .. } = region.virt
            && !e.has_virt
        {
            self.expect_before(who, space, e.region, other);
        }
        let others = [region.alias_of, region.guards, region.inside];
        let mut k = 0;
        while k < others.len() {
            if let Some(other) = others[k] {
                self.expect_region(who, space, other);
            }
            k += 1;
        }
    }

    const fn object_references(&mut self) {
        let map = self.map;
        let mut i = 0;
        while i < map.resources.len() {
            let r = &map.resources[i];
            let who = self.who_resource(i as u16);
            if let Some(owner) = r.owner {
                self.expect_space(who, owner);
            }
            if let Some(parent) = r.within {
                self.expect_place(who, Phys::In { resource: parent, offset: 0 });
            }
            i += 1;
        }
        i = 0;
        while i < map.channels.len() {
            let who = self.who_channel(i);
            self.expect_place(who, map.channels[i].phys);
            self.expect_space(who, map.channels[i].from);
            self.expect_spaces(who, map.channels[i].to);
            i += 1;
        }
        i = 0;
        while i < map.isolation.len() {
            let who = Who::named("isolation", map.isolation[i].anchor);
            self.expect_spaces(who, map.isolation[i].spaces);
            self.expect_channels(who, map.isolation[i].except);
            i += 1;
        }
        i = 0;
        while i < map.cpu.parents.len() {
            self.expect_space(Who::named(map.cpu.parents[i].name, map.cpu.parents[i].anchor), map.cpu.parents[i].space);
            i += 1;
        }
        if let Some(pool) = &map.policy.table_pool {
            self.expect_place(Who::named("table_pool", pool.anchor), pool.phys);
        }
        self.active_references();
    }

    /// References of what acts on its own: devices and switches.
    const fn active_references(&mut self) {
        let map = self.map;
        let mut i = 0;
        while i < map.devices.len() {
            self.expect_space(Who::named(map.devices[i].name, map.devices[i].anchor), map.devices[i].owner);
            let mut w = 0;
            while w < map.devices[i].windows.len() {
                self.expect_place(self.who_window(i, w), map.devices[i].windows[w].phys);
                w += 1;
            }
            i += 1;
        }
        i = 0;
        while i < map.transitions.len() {
            let who = Who::named(map.transitions[i].name, map.transitions[i].anchor);
            if let Some(from) = map.transitions[i].from {
                self.expect_space(who, from);
            }
            self.expect_space(who, map.transitions[i].to);
            i += 1;
        }
    }

    pub(super) const fn who_channel(&self, i: usize) -> Who<'a> {
        Who::named(self.map.channels[i].name, self.map.channels[i].anchor)
    }

    pub(super) const fn who_window(&self, device: usize, w: usize) -> Who<'a> {
        let window = &self.map.devices[device].windows[w];
        Who::of(self.map.devices[device].name, window.name, window.anchor)
    }

    const fn expect_spaces(&mut self, who: Who<'a>, names: &'a [&'a str]) {
        let mut i = 0;
        while i < names.len() {
            self.expect_space(who, names[i]);
            i += 1;
        }
    }

    const fn expect_channels(&mut self, who: Who<'a>, names: &'a [&'a str]) {
        let mut i = 0;
        while i < names.len() {
            if find_channel(self.map, names[i]) == NOWHERE {
                self.unknown(who, names[i], Scope::Channels);
            }
            i += 1;
        }
    }

    const fn expect_space(&mut self, who: Who<'a>, name: &'a str) {
        if find_space(self.map, name) == NOWHERE {
            self.unknown(who, name, Scope::Spaces);
        }
    }

    const fn expect_region(&mut self, who: Who<'a>, space: usize, name: &'a str) {
        if crate::layout::find_region(&self.map.spaces[space], name) == NOWHERE {
            self.unknown(who, name, Scope::Regions(space));
        }
    }

    /// What a region stands behind is declared in front of it.
    const fn expect_before(&mut self, who: Who<'a>, space: usize, region: u16, name: &'a str) {
        let at = crate::layout::find_region(&self.map.spaces[space], name);
        if at == NOWHERE || at >= region {
            self.unknown(who, name, Scope::Regions(space));
        }
    }

    const fn expect_place(&mut self, who: Who<'a>, phys: Phys<'a>) {
        match phys {
            Phys::In { resource, .. } if find_resource(self.map, resource) == NOWHERE => {
                self.unknown(who, resource, Scope::Resources);
            }
            Phys::Channel { channel, .. } if find_channel(self.map, channel) == NOWHERE => {
                self.unknown(who, channel, Scope::Channels);
            }
            _ => {}
        }
    }

    const fn unknown(&mut self, who: Who<'a>, name: &'a str, scope: Scope) {
        let (mut hint, mut i) = ("", 0);
        while i < self.count(scope) && hint.is_empty() {
            let candidate = self.entry(scope, i).1;
            if resembles(name, candidate) && !same(name, candidate) {
                hint = candidate;
            }
            i += 1;
        }
        self.report_hint(Rule::UnknownName, &[who, Who::named(name, 0)], &[], hint);
    }

    /// A space of that name.
    pub(super) const fn space_named(&self, name: &str) -> Option<(usize, &'a Space<'a>)> {
        match find_space(self.map, name) {
            NOWHERE => None,
            at => {
                let spaces: &'a [Space<'a>] = self.map.spaces;
                Some((at as usize, &spaces[at as usize]))
            }
        }
    }
}

/// Whether a waiver says why.
pub(super) const fn has_reason(waiver: &Waiver<'_>) -> bool {
    !waiver.reason.trim_ascii().is_empty()
}

const fn similar_rule(name: &str) -> &'static str {
    let mut i = 0;
    while i < Rule::ALL.len() {
        if Rule::ALL[i].is_waivable() && resembles(name, Rule::ALL[i].id()) {
            return Rule::ALL[i].id();
        }
        i += 1;
    }
    ""
}

/// Which bytes an identifier is made of.
const WORD: [bool; 256] = {
    let mut word = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        word[byte] = matches!(byte as u8, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'A'..=b'Z');
        byte += 1;
    }
    word
};

/// Longest keyword in bytes.
const LONGEST_KEYWORD: usize = 8;

const fn is_identifier(name: &str) -> bool {
    let bytes = name.as_bytes();
    let len = bytes.len();
    if len == 0 || bytes[0].is_ascii_digit() {
        return false;
    }
    let mut i = 0;
    while i < len {
        if !WORD[bytes[i] as usize] {
            return false;
        }
        i += 1;
    }
    len > LONGEST_KEYWORD || !is_keyword(bytes)
}

/// Strict and reserved keywords of edition 2024, and `_`.
const fn is_keyword(name: &[u8]) -> bool {
    match name.len() {
        1 => matches!(name, b"_"),
        2 => matches!(name, b"as" | b"do" | b"fn" | b"if" | b"in"),
        3 => matches!(
            name,
            b"box" | b"dyn" | b"for" | b"gen" | b"let" | b"mod" | b"mut" | b"pub" | b"ref" | b"try" | b"use"
        ),
        4 => matches!(
            name,
            b"else" | b"enum" | b"impl" | b"loop" | b"move" | b"priv" | b"self" | b"Self" | b"true" | b"type"
        ),
        5 => matches!(
            name,
            b"async"
                | b"await"
                | b"break"
                | b"const"
                | b"crate"
                | b"false"
                | b"final"
                | b"macro"
                | b"match"
                | b"super"
                | b"trait"
                | b"where"
                | b"while"
                | b"yield"
        ),
        6 => matches!(name, b"become" | b"extern" | b"return" | b"static" | b"struct" | b"typeof" | b"unsafe"),
        7 => matches!(name, b"unsized" | b"virtual"),
        8 => matches!(name, b"abstract" | b"continue" | b"override"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        for good in ["a", "_a", "A9", "uart0", "kernel_text", "moves"] {
            assert!(is_identifier(good), "{good}");
        }
        for bad in ["", "_", "9a", "move", "self", "Self", "a-b", "a.b", "é", "continue", "gen"] {
            assert!(!is_identifier(bad), "{bad}");
        }
    }

    #[test]
    fn a_waiver_of_a_misspelt_rule_gets_a_hint() {
        assert_eq!(similar_rule("wx-alais"), "wx-alias");
        assert_eq!(similar_rule("write-xor-execute-everywhere"), "");
    }
}
