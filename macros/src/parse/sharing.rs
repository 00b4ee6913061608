//! What stands between spaces: channels, isolation, DMA, transitions.

use proc_macro2::Delimiter;

use super::{Owner, attributes, items, once, phys, rights};
use crate::ast::{Channel, Device, Isolation, Transition, Window};
use crate::cursor::Cursor;
use crate::diag::{Diagnostics, Parsed};

pub(super) fn channel(input: &mut Cursor, start: usize) -> Parsed<Channel> {
    const FORM: &str = "channel telemetry : 16 KiB in dram, plc -> hmi;";
    let name = input.name("the name of the channel")?;
    input.expect_punct(":", FORM)?;
    let size = input.expr("its size", &["in"])?;
    input.expect_word("in", FORM)?;
    let phys = phys(input, &[])?;
    input.expect_punct(",", FORM)?;
    let from = input.name("the space that sends")?;
    // Behind `macro_rules!` the two tokens of the arrow are apart.
    let two_way = input.eat_punct("<->") || (input.eat_punct("<-") && input.eat_punct(">"));
    if !two_way {
        input.expect_punct("->", FORM)?;
    }
    let to = input.names("a space that receives")?;
    let place = input.since(start);
    input.expect_punct(";", FORM)?;
    Ok(Channel { name, place, size, phys, from, to, two_way })
}

pub(super) fn isolate(input: &mut Cursor, start: usize) -> Parsed<Isolation> {
    const FORM: &str = "isolate plc, hmi except telemetry;";
    let spaces = input.names("a space")?;
    let except = if input.eat_word("except") { input.names("a channel")? } else { Vec::new() };
    let place = input.since(start);
    input.expect_punct(";", FORM)?;
    Ok(Isolation { place, spaces, except })
}

const DMA: &str = "dma nic for plc (iommu) { ring (rw) : 0x1000 => dram + 4 MiB, 64 KiB; }";

pub(super) fn device(input: &mut Cursor, start: usize, errors: &mut Diagnostics) -> Parsed<Device> {
    let name = input.name("the name of the DMA master")?;
    input.expect_word("for", DMA)?;
    let owner = input.name("the space it works for")?;
    let place = input.since(start);
    let mut device = Device { name, place, owner, iommu: true, coherent: true, addr_bits: None, windows: Vec::new() };
    if let Some(group) = input.eat_group(Delimiter::Parenthesis) {
        errors.keep(options(&mut Cursor::inside(&group), &mut device));
    }
    let body = input.expect_group(Delimiter::Brace, DMA)?;
    items(&mut Cursor::inside(&body), errors, |body, _| {
        attributes(body, Owner::Other)?;
        let window = window(body, &device.name.text)?;
        device.windows.push(window);
        body.expect_punct(";", DMA)
    });
    Ok(device)
}

fn options(inner: &mut Cursor, device: &mut Device) -> Parsed<()> {
    while !inner.is_end() {
        if inner.eat_word("iommu") {
            device.iommu = true;
        } else if inner.eat_word("no_iommu") {
            device.iommu = false;
        } else if inner.eat_word("coherent") {
            device.coherent = true;
        } else if inner.eat_word("incoherent") {
            device.coherent = false;
        } else if inner.eat_word("addr_bits") {
            device.addr_bits = Some(inner.expr("the width of its addresses", &[])?);
        } else {
            return inner.expected("`iommu`, `no_iommu`, `coherent`, `incoherent` or `addr_bits 32`");
        }
        if !inner.is_end() {
            inner.expect_punct(",", "(no_iommu, addr_bits 32)")?;
        }
    }
    Ok(())
}

fn window(body: &mut Cursor, device: &str) -> Parsed<Window> {
    const FORM: &str = "ring (rw) : 0x1000 => dram + 4 MiB, 64 KiB;";
    let start = body.position();
    let name = body.name("the name of a DMA window")?;
    let group = body.expect_group(Delimiter::Parenthesis, FORM)?;
    let mut inner = Cursor::inside(&group);
    let owner = format!("{device}.{}", name.text);
    let rights = if inner.is_end() { 0 } else { rights(&mut inner, &owner)? };
    body.expect_punct(":", FORM)?;
    let iova = body.expr("its first device address", &[])?;
    body.expect_punct("=>", FORM)?;
    let phys = phys(body, &[])?;
    body.expect_punct(",", FORM)?;
    let size = body.expr("its size", &[])?;
    Ok(Window { name, place: body.since(start), rights, iova, phys, size })
}

pub(super) fn transition(input: &mut Cursor, start: usize) -> Parsed<Transition> {
    const FORM: &str = "transition start : off -> kernel, pc 0x4008_0000, sp 0x4010_0000;";
    let name = input.name("the name of the transition")?;
    input.expect_punct(":", FORM)?;
    let from = if input.eat_word("off") { None } else { Some(input.name("a space, or `off`")?) };
    input.expect_punct("->", FORM)?;
    let to = input.name("a space")?;
    let place = input.since(start);
    let mut transition =
        Transition { name, place, from, to, pc: None, sp: None, vectors: None, in_place: false, bbm: false };
    let mut seen = Vec::new();
    while input.eat_punct(",") {
        once(&mut seen, input, &[])?;
        if input.eat_word("pc") {
            transition.pc = Some(input.expr("an address", &[])?);
        } else if input.eat_word("sp") {
            transition.sp = Some(input.expr("an address", &[])?);
        } else if input.eat_word("vectors") {
            transition.vectors = Some(input.expr("an address", &[])?);
        } else if input.eat_word("in_place") {
            transition.in_place = true;
        } else if input.eat_word("bbm") {
            transition.bbm = true;
        } else {
            return input.expected("`pc`, `sp`, `vectors`, `in_place` or `bbm`");
        }
    }
    transition.place = input.since(start);
    input.expect_punct(";", FORM)?;
    Ok(transition)
}
