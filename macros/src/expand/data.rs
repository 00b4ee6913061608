//! The declaration as a `Map`: every field that was written down; the rest is `BLANK`.

mod space;

use proc_macro2::{Ident, Literal, Punct, Spacing, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

use super::{Anchors, Context};
use crate::ast::{
    Channel, Cpu, Device, Expr, Isolation, Name, Parent, Phys, Policy, Range, Resource, Rights, Transition,
};

/// `Type { field: value, …, ..Type::BLANK }`, a field at a time.
struct Record<'c, 'a> {
    context: &'c Context<'a>,
    ty: &'static str,
    fields: TokenStream,
    /// What fields that are not set are taken from, if not from `BLANK`.
    base: Option<TokenStream>,
}

impl<'c, 'a> Record<'c, 'a> {
    fn new(context: &'c Context<'a>, ty: &'static str, anchor: u16) -> Self {
        let anchor = Literal::u16_unsuffixed(anchor);
        Self { context, ty, fields: quote_spanned!(context.site=> anchor: #anchor,), base: None }
    }

    /// A record that differs from `base` in what is set, or is `base` where nothing is.
    fn upon(context: &'c Context<'a>, ty: &'static str, base: TokenStream) -> Self {
        Self { context, ty, fields: TokenStream::new(), base: Some(base) }
    }

    fn set(&mut self, field: &str, value: impl ToTokens) -> &mut Self {
        let field = Ident::new(field, self.context.site);
        let value = self.context.with_comma(value.to_token_stream());
        self.fields.extend(quote_spanned!(self.context.site=> #field: #value));
        self
    }

    fn set_some(&mut self, field: &str, value: Option<TokenStream>) -> &mut Self {
        if let Some(value) = value {
            let value = self.context.some(value);
            self.set(field, value);
        }
        self
    }

    fn flag(&mut self, field: &str, value: bool) -> &mut Self {
        if value { self.set(field, quote!(true)) } else { self }
    }

    fn finish(&self) -> TokenStream {
        let (krate, fields) = (self.context.krate, &self.fields);
        let ty = Ident::new(self.ty, self.context.site);
        match &self.base {
            Some(base) if fields.is_empty() => base.clone(),
            Some(base) => quote_spanned!(self.context.site=> #krate::map::#ty { #fields ..#base }),
            None => quote_spanned!(self.context.site=> #krate::map::#ty { #fields ..#krate::map::#ty::BLANK }),
        }
    }
}

/// The `Map` of the declaration. Anchors are given in the order of the fields.
pub(super) fn map(c: &Context<'_>, anchors: &mut Anchors) -> TokenStream {
    let (krate, d) = (c.krate, c.declaration);
    let name = c.text(&d.name.to_string());
    let cpu = c.cpu(&d.cpu, anchors);
    let policy = c.policy(&d.policy, anchors);
    let resources = c.slice(d.resources.iter().map(|it| c.resource(it, anchors)));
    let spaces = c.slice(d.spaces.iter().enumerate().map(|(i, it)| c.space(i, it, anchors)));
    let channels = c.slice(d.channels.iter().map(|it| c.channel(it, anchors)));
    let isolation = c.slice(d.isolation.iter().map(|it| c.isolation(it, anchors)));
    let devices = c.slice(d.devices.iter().map(|it| c.device(it, anchors)));
    let transitions = c.slice(d.transitions.iter().map(|it| c.transition(it, anchors)));
    let module = &d.name;
    quote_spanned! {c.site=>
        #krate::map::Map {
            name: #name,
            anchor: 0,
            format: <#module::__Space<{ #krate::__private::WHOLE_MAP }> as #krate::__private::InRegime>::FORMAT,
            cpu: #cpu,
            policy: #policy,
            resources: #resources,
            spaces: #spaces,
            channels: #channels,
            isolation: #isolation,
            devices: #devices,
            transitions: #transitions,
        }
    }
}

impl Context<'_> {
    /// The value and a comma. Where the user's expression is none, rustc stumbles over the comma: at the expression then.
    fn with_comma(&self, value: TokenStream) -> TokenStream {
        let end = value.clone().into_iter().last().map_or(self.site, |token| token.span());
        let mut comma = Punct::new(',', Spacing::Alone);
        comma.set_span(end);
        quote_spanned!(self.site=> #value #comma)
    }

    fn variant(&self, ty: &str, variant: &str) -> TokenStream {
        let (krate, ty) = (self.krate, Ident::new(ty, self.site));
        let variant = Ident::new(variant, self.site);
        quote_spanned!(self.site=> #krate::map::#ty::#variant)
    }

    fn memory(&self, variant: &str) -> TokenStream {
        let (krate, variant) = (self.krate, Ident::new(variant, self.site));
        quote_spanned!(self.site=> #krate::attr::MemoryType::#variant)
    }

    fn rights(&self, rights: Rights) -> TokenStream {
        let (krate, bits) = (self.krate, Literal::u8_unsuffixed(rights));
        quote_spanned!(self.site=> #krate::attr::Rights::from_bits(#bits))
    }

    fn features(&self, names: &[&str]) -> TokenStream {
        let krate = self.krate;
        let names = names.iter().map(|name| Ident::new(name, self.site));
        quote_spanned!(self.site=> #krate::attr::Features::NONE #(.union(#krate::attr::Features::#names))*)
    }

    fn name_literal(&self, name: Option<&Name>) -> Option<TokenStream> {
        let text = self.name(name?);
        Some(quote!(#text))
    }

    fn cpu(&self, cpu: &Cpu, anchors: &mut Anchors) -> TokenStream {
        let anchor = cpu.place.map_or(0, |place| anchors.add(place, "cpu"));
        let values = |list: &Vec<Expr>| self.slice(list.iter().map(|value| self.number(value)));
        let mut record = Record::new(self, "Cpu", anchor);
        record
            .set_some("pa_bits", cpu.pa_bits.as_ref().map(|it| self.small(it)))
            .set_some("features", cpu.features.as_deref().map(|it| self.features(it)))
            .set_some("modes", cpu.modes.as_deref().map(|it| self.features(it)))
            .set_some("start_level", cpu.start_level.as_ref().map(|it| self.signed(it)))
            .set_some("mair", cpu.mair.as_ref().map(values))
            .set_some("pat", cpu.pat.as_ref().map(values))
            .set("mtrr", self.slice(cpu.mtrr.iter().map(|it| self.range(it, "mtrr", anchors))))
            .set("pmp", self.slice(cpu.pmp.iter().map(|it| self.range(it, "pmp", anchors))))
            .set("parents", self.slice(cpu.parents.iter().map(|it| self.parent(it, anchors))))
            .finish()
    }

    fn range(&self, range: &Range, what: &str, anchors: &mut Anchors) -> TokenStream {
        Record::new(self, "Range", anchors.add(range.place, &format!("{what}_{}", range.name.text)))
            .set("name", self.name(&range.name))
            .set("base", self.number(&range.base))
            .set("size", self.number(&range.size))
            .set("kind", self.name(&range.kind))
            .finish()
    }

    fn parent(&self, parent: &Parent, anchors: &mut Anchors) -> TokenStream {
        Record::new(self, "Parent", anchors.add(parent.place, &format!("restriction_{}", parent.name.text)))
            .set("name", self.name(&parent.name))
            .set("space", self.name(&parent.space))
            .set("virt", self.number(&parent.virt))
            .set("size", self.number(&parent.size))
            .flag("deny_user", parent.user)
            .flag("deny_write", parent.write)
            .flag("deny_exec", parent.exec)
            .finish()
    }

    fn policy(&self, policy: &Policy, anchors: &mut Anchors) -> TokenStream {
        let krate = self.krate;
        let guards = policy.stack_guards;
        let leaves = self.variant("LeafPolicy", if policy.pages_only { "PagesOnly" } else { "Largest" });
        let below = self.option(policy.tables_below.as_ref().map(|it| self.number(it)));
        let pool = self.option(policy.table_pool.as_ref().map(|pool| {
            Record::new(self, "Pool", anchors.add_warned(pool.place, "table_pool", 1))
                .set("phys", self.phys(&pool.phys))
                .set("size", self.number(&pool.size))
                .finish()
        }));
        quote_spanned! {self.site=>
            #krate::map::Policy { stack_guards: #guards, leaves: #leaves, tables_below: #below, table_pool: #pool }
        }
    }

    fn resource(&self, resource: &Resource, anchors: &mut Anchors) -> TokenStream {
        let mut record = Record::new(self, "Resource", anchors.add_warned(resource.place, &resource.name.text, 1));
        record.set("name", self.name(&resource.name)).set("memory", self.memory(resource.memory));
        if let Some(base) = &resource.base {
            record.set("base", self.number(base));
        }
        if let Some(size) = &resource.size {
            record.set("size", self.number(size));
        }
        record
            .flag("reserved", resource.reserved)
            .set_some("owner", self.name_literal(resource.owner.as_ref()))
            .set_some("rights", resource.rights.map(|it| self.rights(it)))
            .set_some("within", self.name_literal(resource.within.as_ref()))
            .finish()
    }

    /// Whether a name in a physical place means a resource: it is one, or it is not written like a constant.
    fn is_resource(&self, name: &str) -> bool {
        name.chars().any(char::is_lowercase) || self.declaration.resources.iter().any(|it| it.name.text == name)
    }

    fn phys(&self, phys: &Phys) -> TokenStream {
        let krate = self.krate;
        match phys {
            Phys::Named { name, offset, .. } if self.is_resource(&name.text) => {
                self.in_resource(name, self.offset(offset.as_ref()))
            }
            Phys::Channel { name, offset } => {
                let (name, offset) = (self.name(name), self.offset(offset.as_ref()));
                quote_spanned!(self.site=> #krate::map::Phys::Channel { channel: #name, offset: #offset })
            }
            Phys::Named { whole: address, .. } | Phys::At(address) => {
                let address = self.number(address);
                quote_spanned!(self.site=> #krate::map::Phys::At(#address))
            }
        }
    }

    fn in_resource(&self, name: &Name, offset: TokenStream) -> TokenStream {
        let (krate, name) = (self.krate, self.name(name));
        quote_spanned!(self.site=> #krate::map::Phys::In { resource: #name, offset: #offset })
    }

    fn offset(&self, offset: Option<&Expr>) -> TokenStream {
        offset.map_or_else(|| quote!(0), |it| self.number(it))
    }

    fn channel(&self, channel: &Channel, anchors: &mut Anchors) -> TokenStream {
        Record::new(self, "Channel", anchors.add(channel.place, &format!("channel_{}", channel.name.text)))
            .set("name", self.name(&channel.name))
            .set("phys", self.phys(&channel.phys))
            .set("size", self.number(&channel.size))
            .set("from", self.name(&channel.from))
            .set("to", self.names(&channel.to))
            .flag("two_way", channel.two_way)
            .finish()
    }

    fn isolation(&self, isolation: &Isolation, anchors: &mut Anchors) -> TokenStream {
        Record::new(self, "Isolation", anchors.add(isolation.place, "isolation"))
            .set("spaces", self.names(&isolation.spaces))
            .set("except", self.names(&isolation.except))
            .finish()
    }

    fn device(&self, device: &Device, anchors: &mut Anchors) -> TokenStream {
        let mut record = Record::new(self, "Device", anchors.add(device.place, &format!("dma_{}", device.name.text)));
        let windows = device.windows.iter().map(|it| {
            Record::new(self, "DmaWindow", anchors.add(it.place, &format!("{}_{}", device.name.text, it.name.text)))
                .set("name", self.name(&it.name))
                .set("iova", self.number(&it.iova))
                .set("phys", self.phys(&it.phys))
                .set("size", self.number(&it.size))
                .set("rights", self.rights(it.rights))
                .finish()
        });
        record
            .set("name", self.name(&device.name))
            .set("owner", self.name(&device.owner))
            .set("iommu", device.iommu)
            .set("coherent", device.coherent)
            .set_some("addr_bits", device.addr_bits.as_ref().map(|it| self.small(it)))
            .set("windows", self.slice(windows))
            .finish()
    }

    fn transition(&self, transition: &Transition, anchors: &mut Anchors) -> TokenStream {
        let number = |expr: &Option<Expr>| expr.as_ref().map(|it| self.number(it));
        Record::new(self, "Transition", anchors.add(transition.place, &format!("transition_{}", transition.name.text)))
            .set("name", self.name(&transition.name))
            .set_some("from", self.name_literal(transition.from.as_ref()))
            .set("to", self.name(&transition.to))
            .set_some("pc", number(&transition.pc))
            .set_some("sp", number(&transition.sp))
            .set_some("vectors", number(&transition.vectors))
            .flag("in_place", transition.in_place)
            .flag("bbm", transition.bbm)
            .finish()
    }
}
