//! Rights and privileges of one region.

use super::catalogue::Rule;
use super::judge::{Judge, Who};
use crate::attr::{Access, Rights};
use crate::format::Format;
use crate::layout::shared;
use crate::layout::{Extent, TOP};
use crate::map::Region;
use crate::text::same;

impl<'a, const R: usize, const N: usize> Judge<'_, 'a, R, N> {
    /// `rights-empty`, `wx`, `write-only`, `rights-not-encodable`.
    ///
    /// Whether the region kept them all.
    pub(super) const fn rights(&mut self, i: usize, region: &Region<'_>, format: &Format) -> bool {
        if !region.bad_rights.is_empty() {
            return false;
        }
        let fact = self.facts[i];
        if fact.any.is_empty() {
            self.report(Rule::RightsEmpty, &[self.who(i)], &[]);
            return false;
        }
        let both = fact.any.contains(Rights::W) && fact.any.contains(Rights::X);
        if both {
            self.report(Rule::Wx, &[self.who(i)], &[]);
        }
        if is_write_only(fact.access.privileged) || is_write_only(fact.access.user) {
            if !format.write_only {
                self.report(Rule::WriteOnly, &[self.who(i)], &[]);
            }
            return false;
        }
        let encodable = is_encodable(format, fact.access);
        if !encodable {
            self.report(Rule::RightsNotEncodable, &[self.who(i)], &[]);
        }
        encodable && !both
    }

    /// `regime-has-no-user`, `gstage-leaf-not-user`, `user-in-kernel-half`, `kernel-executes-user-page`,
    /// `parent-restricts-leaf`.
    pub(super) const fn privileges(&mut self, i: usize, region: &Region<'_>, e: &Extent, format: &Format) {
        let access = self.facts[i].access;
        let wants_user = region.user || !access.user.is_empty();
        if wants_user && !format.user && !format.user_required {
            self.report(Rule::RegimeHasNoUser, &[self.who(i)], &[]);
        }
        if format.user_required && !region.user {
            self.report(Rule::GstageLeafNotUser, &[self.who(i)], &[]);
        }
        if access.user.is_empty() {
            return self.parent_restricts_leaf(i, e);
        }
        if e.has_virt && format.upper_half && e.virt >= TOP - (1u128 << format.range_bits) {
            self.report(Rule::UserInKernelHalf, &[self.who(i)], &[e.virt]);
        }
        if access.privileged.contains(Rights::X) {
            self.report(Rule::KernelExecutesUserPage, &[self.who(i)], &[]);
        }
        self.parent_restricts_leaf(i, e);
    }

    /// `parent-restricts-leaf`: table entries take rights from all leaves below (DDI 0487 D8 hierarchical control;
    /// SDM 3A 4.6).
    const fn parent_restricts_leaf(&mut self, i: usize, e: &Extent) {
        let map = self.map;
        let fact = self.facts[i];
        let mut p = 0;
        while p < map.cpu.parents.len() {
            let parent = &map.cpu.parents[p];
            let below = (parent.virt as u128, parent.virt as u128 + parent.size as u128);
            if let Some((at, _)) = shared((e.v_lo, e.v_hi), below) {
                let taken = (parent.deny_user && !fact.access.user.is_empty())
                    || (parent.deny_write && fact.any.contains(Rights::W))
                    || (parent.deny_exec && fact.any.contains(Rights::X));
                if taken && same(parent.space, self.space_of(i).name) {
                    let who = [self.who(i), Who::named(parent.name, parent.anchor)];
                    self.report(Rule::ParentRestrictsLeaf, &who, &[at]);
                }
            }
            p += 1;
        }
    }
}

/// RISC-V privileged, PTE encoding R=0 W=1; DDI 0487 D8 stage 1; SDM 3A 4.6.
const fn is_write_only(rights: Rights) -> bool {
    rights.contains(Rights::W) && !rights.contains(Rights::R)
}

/// Whether a page can say the pair. A regime with one privilege stores it in either place.
const fn is_encodable(format: &Format, access: Access) -> bool {
    if format.user {
        return format.rights_at(0, 0, access).is_some();
    }
    let any = access.any();
    format.rights_at(0, 0, Access::kernel(any)).is_some() || format.rights_at(0, 0, Access::user(any)).is_some()
}
