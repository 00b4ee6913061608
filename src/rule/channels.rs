//! Channels: memory that spaces share on purpose.

use super::catalogue::Rule;
use super::isolation::names;
use super::judge::{Judge, Who};
use crate::attr::Rights;
use crate::map::{Channel, Kind};
use crate::text::same;

/// The region that is the end of a channel in a space.
enum End {
    None,
    One(usize),
    Many,
}

impl<'a, const R: usize, const N: usize> Judge<'_, 'a, R, N> {
    /// The rules about channels, each in turn.
    pub(super) const fn channels(&mut self) {
        let channels: &'a [Channel<'a>] = self.map.channels;
        let mut c = 0;
        while c < channels.len() {
            if channels[c].size > 0 && self.knows_ends(&channels[c]) {
                self.channel(c, &channels[c]);
            }
            c += 1;
        }
    }

    const fn knows_ends(&self, channel: &Channel<'_>) -> bool {
        let mut known = self.space_named(channel.from).is_some();
        let mut i = 0;
        while i < channel.to.len() {
            known = known && self.space_named(channel.to[i]).is_some();
            i += 1;
        }
        known
    }

    /// `channel-ends-invalid`, `channel-two-writers`, `channel-ends-differ`, `channel-executable`.
    const fn channel(&mut self, c: usize, channel: &Channel<'a>) {
        let who = self.who_channel(c);
        if names(channel.to, channel.from) {
            self.report(Rule::ChannelEndsInvalid, &[who, Who::named(channel.from, 0)], &[]);
            return;
        }
        let sender = self.end(c, channel.from);
        if let Some(i) = sender {
            if !self.facts[i].any.contains(Rights::W) {
                self.report(Rule::ChannelEndsInvalid, &[who, self.who(i)], &[]);
            }
            self.channel_executable(who, i);
        }
        let mut t = 0;
        while t < channel.to.len() {
            if let Some(i) = self.end(c, channel.to[t]) {
                self.channel_executable(who, i);
                if let Some(from) = sender {
                    self.receiver(who, channel, from, i);
                }
            }
            t += 1;
        }
        self.channel_third_party(c, channel);
    }

    /// The one region of a space that is an end of the channel; reports none or several.
    const fn end(&mut self, c: usize, space: &'a str) -> Option<usize> {
        match self.find_end(c, space) {
            End::One(i) => Some(i),
            End::None | End::Many => {
                let anchor = match self.space_named(space) {
                    Some((_, space)) => space.anchor,
                    None => 0,
                };
                let who = [self.who_channel(c), Who::named(space, anchor)];
                self.report(Rule::ChannelEndsInvalid, &who, &[]);
                None
            }
        }
    }

    const fn find_end(&self, c: usize, space: &str) -> End {
        let Some((s, _)) = self.space_named(space) else { return End::None };
        let mut found = End::None;
        let (mut i, end) = self.extents_of(s);
        while i < end {
            if self.facts[i].channel as usize == c && matches!(self.region(i).kind, Kind::Channel) {
                found = match found {
                    End::None => End::One(i),
                    End::One(_) | End::Many => End::Many,
                };
            }
            i += 1;
        }
        found
    }

    const fn channel_executable(&mut self, who: Who<'a>, i: usize) {
        if self.facts[i].any.contains(Rights::X) {
            self.report(Rule::ChannelExecutable, &[who, self.who(i)], &[]);
        }
    }

    const fn receiver(&mut self, who: Who<'a>, channel: &Channel<'_>, from: usize, to: usize) {
        let layout = self.layout;
        let (x, y) = (&layout.extents[from], &layout.extents[to]);
        if !channel.two_way && self.facts[to].any.contains(Rights::W) {
            self.report(Rule::ChannelTwoWriters, &[who, self.who(to), self.who(from)], &[]);
        }
        let ends = [who, self.who(from), self.who(to)];
        if x.size != y.size {
            self.report(Rule::ChannelEndsDiffer, &ends, &[x.size, y.size]);
        }
        if x.has_phys && y.has_phys && x.phys != y.phys {
            self.report(Rule::ChannelEndsDiffer, &ends, &[x.phys, y.phys]);
        }
    }

    /// `channel-third-party`: its ends reach the memory of a channel, and kernel windows.
    const fn channel_third_party(&mut self, c: usize, channel: &Channel<'_>) {
        let Some((lo, hi)) = self.channel_pages(c) else { return };
        let (mut p, end) = self.by_phys.around(lo, hi);
        while p < end {
            let i = self.by_phys.object(p);
            p += 1;
            let Some((from, to)) = self.phys_meets(i, lo, hi) else { continue };
            let space = self.space_of(i).name;
            // Of several maps in one end, none is the end.
            let is_end = (same(space, channel.from) || names(channel.to, space))
                && matches!(self.find_end(c, space), End::One(end) if end == i);
            if !is_end && !self.is_kernel_window(i) {
                self.report(Rule::ChannelThirdParty, &[self.who_channel(c), self.who(i)], &[from, to - from]);
            }
        }
    }
}
