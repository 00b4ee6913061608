//! A space, its tables, its image and its regions as data.

use proc_macro2::{Literal, TokenStream};
use quote::{quote, quote_spanned};

use super::super::{Anchors, Context};
use super::Record;
use crate::ast::{Clauses, Expr, Guard, Image, Input, Location, Name, Phys, Region, Space, Tables, Virt};
use crate::words;

impl Context<'_> {
    pub(super) fn space(&self, index: usize, space: &Space, anchors: &mut Anchors) -> TokenStream {
        let anchor = anchors.enter_space(space.place, &format!("space_{}", space.name.text));
        let mut record = Record::new(self, "Space", anchor);
        record.set("name", self.name(&space.name)).set("role", self.variant("Role", space.role));
        let (krate, in_regime) = (self.krate, self.in_regime(index));
        let format = quote_spanned!(self.site=> <#in_regime as #krate::__private::InRegime>::FORMAT);
        let tables = space.tables.as_ref();
        let record = record
            .set_some("format", space.regime.as_ref().map(|_| format.clone()))
            .set_some("asid", space.asid.as_ref().map(|it| self.small(it)))
            .set_some("self_map_slot", space.self_map.as_ref().map(|it| self.small(it)))
            .set_some("budget", tables.and_then(|it| it.budget.as_ref()).map(|it| self.small(it)))
            .set_some("tables", tables.map(|it| self.tables(space, it, anchors)))
            .set_some("image", space.image.as_ref().map(|it| self.image(it, anchors)))
            .set(
                "regions",
                self.slice(space.regions.iter().map(|it| self.region(&space.name.text, &format, it, anchors))),
            )
            .finish();
        anchors.leave_space();
        record
    }

    fn tables(&self, space: &Space, tables: &Tables, anchors: &mut Anchors) -> TokenStream {
        let mut record =
            Record::new(self, "Tables", anchors.add_warned(tables.place, &format!("tables_of_{}", space.name.text), 1));
        let resource = match &tables.location {
            Location::Linked => None,
            Location::LinkedIn(name) => match space.regions.iter().find(|region| region.name.text == name.text) {
                Some(region) => {
                    record.set_some("linked_in", self.name_literal(Some(name)));
                    self.resource_of(region)
                }
                // A name that nothing has is what it resembles.
                None if self.is_rather_a_region(&name.text, space) => {
                    record.set_some("linked_in", self.name_literal(Some(name)));
                    None
                }
                None => Some(name),
            },
            Location::Placed(phys) => {
                record.set("placement", self.variant("Placement", "Placed")).set("phys", self.phys(phys));
                None
            }
            Location::Boot(resource) => {
                record.set("placement", self.variant("Placement", "BootFilled"));
                resource.as_ref()
            }
        };
        if let Some(name) = resource {
            record.set("phys", self.in_resource(name, quote!(0)));
        }
        record
            .set_some("size", tables.size.as_ref().map(|it| self.number(it)))
            .flag("hw_ad", tables.hw_ad)
            .flag("preset_ad", tables.preset_ad)
            .flag("runtime_edit", tables.runtime_edit)
            .finish()
    }

    /// Whether a name that nothing has is that of a region with a slip.
    fn is_rather_a_region(&self, name: &str, space: &Space) -> bool {
        let mut regions = space.regions.iter().map(|region| region.name.text.as_str());
        let similar = |names: &mut dyn Iterator<Item = &str>| words::similar(name, names).is_some();
        let mut resources = self.declaration.resources.iter().map(|resource| resource.name.text.as_str());
        !similar(&mut resources) && similar(&mut regions)
    }

    /// The resource that a region maps by name.
    fn resource_of<'r>(&self, region: &'r Region) -> Option<&'r Name> {
        match (&region.phys, &region.virt) {
            (Some(Phys::Named { name, .. }), _) if self.is_resource(&name.text) => Some(name),
            (None, Some(Virt::Identity(_))) => Some(&region.name),
            _ => None,
        }
    }

    fn image(&self, image: &Image, anchors: &mut Anchors) -> TokenStream {
        let mut record = Record::new(self, "Image", anchors.add(image.place, &format!("image_{}", image.name.text)));
        let number = |expr: &Option<Expr>| expr.as_ref().map(|it| self.number(it));
        let sections = image.sections.iter().map(|it| {
            let place = anchors.add(it.place, &format!("{}_{}", image.name.text, it.name.text));
            let mut section = Record::new(self, "Section", place);
            section.set("name", self.name(&it.name)).set_some("region", self.name_literal(it.region.as_ref()));
            for (field, value) in [("virt", number(&it.virt)), ("size", number(&it.size))] {
                if let Some(value) = value {
                    section.set(field, value);
                }
            }
            section
                .set("rights", self.rights(it.rights))
                .set_some("lma", number(&it.load))
                .set("contents", self.variant("Contents", it.contents))
                .set("inputs", self.slice(it.inputs.iter().map(|input| self.input(input))))
                .finish()
        });
        record
            .set("name", self.name(&image.name))
            .set_some("entry", number(&image.entry))
            .set_some("entry_symbol", self.name_literal(image.entry_symbol.as_ref()))
            .set("sections", self.slice(sections))
            .finish()
    }

    fn input(&self, input: &Input) -> TokenStream {
        let (krate, name, keep) = (self.krate, self.name(&input.name), input.keep);
        quote_spanned!(self.site=> #krate::map::Input { name: #name, keep: #keep })
    }

    fn region(&self, space: &str, format: &TokenStream, region: &Region, anchors: &mut Anchors) -> TokenStream {
        let grants = &region.grants;
        let anchor = anchors.add_warned(
            region.place,
            &format!("{space}_{}", region.name.text),
            1 + region.clauses.waivers.len().min(1),
        );
        let (krate, anchor) = (self.krate, Literal::u16_unsuffixed(anchor));
        let (name, kind) = (self.name(&region.name), self.variant("Kind", region.kind().variant()));
        let (privileged, user) = region.access();
        let (privileged, user) = (Literal::u8_unsuffixed(privileged), Literal::u8_unsuffixed(user));
        // A call, and no field at a time: a region is a few statements for the compiler, and not a hundred.
        let base = match (&region.virt, &region.size, &region.phys) {
            (Some(Virt::At(virt)), Some(size), Some(Phys::Named { name: resource, offset, .. }))
                if self.is_resource(&resource.text) =>
            {
                let (virt, size) = (self.with_comma(self.number(virt)), self.with_comma(self.number(size)));
                let (resource, offset) = (self.name(resource), self.with_comma(self.offset(offset.as_ref())));
                quote_spanned! {self.site=>
                    #krate::__private::region_in(
                        #anchor, #name, #kind, #privileged, #user, #virt #size #resource, #offset
                    )
                }
            }
            _ => {
                let virt = self.with_comma(self.virt(region));
                let size = self.with_comma(self.option(region.size.as_ref().map(|it| self.number(it))));
                let phys = match (&region.phys, &region.virt) {
                    (Some(phys), _) => self.phys(phys),
                    (None, Some(Virt::Identity(_))) if grants.guard.is_none() => {
                        self.in_resource(&region.name, quote!(0))
                    }
                    _ => quote_spanned!(self.site=> #krate::map::Phys::None),
                };
                let phys = self.with_comma(phys);
                quote_spanned! {self.site=>
                    #krate::__private::region(#anchor, #name, #kind, #privileged, #user, #virt #size #phys)
                }
            }
        };
        let mut record = Record::upon(self, "Region", base);
        record
            .flag("user", grants.user || grants.user_rights.is_some_and(|rights| rights != 0))
            .flag("global", grants.global)
            .flag("tables", grants.tables)
            .set_some("size_symbol", self.name_literal(region.size_symbol.as_ref()));
        self.clauses(&mut record, format, &region.clauses);
        let waivers = region.clauses.waivers.iter().map(|it| {
            let reason = it.reason.as_ref().map_or_else(|| quote!(""), |reason| self.verbatim(reason));
            let anchor = anchors.add(it.place, &format!("waiver_of_{}", region.name.text));
            Record::new(self, "Waiver", anchor).set("rule", self.text(&it.rule)).set("reason", reason).finish()
        });
        if !region.clauses.waivers.is_empty() {
            record.set("waivers", self.slice(waivers));
        }
        let requirements = &region.attributes.requirements;
        if !requirements.is_empty() {
            record.set("requirements", quote_spanned!(self.site=> &[#(#requirements),*]));
        }
        record.finish()
    }

    fn virt(&self, region: &Region) -> TokenStream {
        let krate = self.krate;
        match &region.virt {
            None => quote_spanned!(self.site=> #krate::map::Virt::At(0)),
            Some(Virt::At(address) | Virt::Identity(Some(address))) => {
                let address = self.number(address);
                quote_spanned!(self.site=> #krate::map::Virt::At(#address))
            }
            Some(Virt::Identity(None)) => quote_spanned!(self.site=> #krate::map::Virt::Identity),
            Some(Virt::After { region, gap }) => {
                let (region, gap) = (self.name(region), self.offset(gap.as_ref()));
                quote_spanned!(self.site=> #krate::map::Virt::After { region: #region, gap: #gap })
            }
        }
    }

    fn clauses(&self, record: &mut Record<'_, '_>, format: &TokenStream, clauses: &Clauses) {
        let sized = |guard: &Guard, page: TokenStream| match guard {
            Guard::Page => page,
            Guard::Bytes(size) => self.number(size),
        };
        for (field, guard) in [("guard_below", &clauses.guard_below), ("guard_above", &clauses.guard_above)] {
            if let Some(guard) = guard {
                record.set(field, sized(guard, quote_spanned!(self.site=> #format.page_size())));
            }
        }
        let number = |expr: &Option<Expr>| expr.as_ref().map(|it| self.number(it));
        record
            .flag("grows_up", clauses.grows_up)
            .set_some("worst_case", number(&clauses.worst_case))
            .set_some("page", number(&clauses.page))
            .set_some("page_max", number(&clauses.page_max))
            .set_some("page_min", number(&clauses.page_min))
            .set_some("contiguous", number(&clauses.contiguous))
            .set_some("round", clauses.round.as_ref().map(|it| sized(it, quote!(0))))
            .set_some("alias_of", self.name_literal(clauses.alias_of.as_ref()))
            .set_some("memory", clauses.memory.map(|it| self.memory(it)))
            .set_some("software", number(&clauses.software))
            .set_some("raw_memory", number(&clauses.raw_memory))
            .flag("dirty", clauses.dirty)
            .flag("bti", clauses.bti)
            .set_some("guards", self.name_literal(clauses.of.as_ref()))
            .set_some("inside", self.name_literal(clauses.inside.as_ref()));
    }
}
