//! What is not in one space: channels, DMA masters, transitions.

use super::{Writer, list, place, rights_or_name, word};
use crate::system::{Channel, Dma, Num, Transition};

pub(super) fn channel(out: &mut Writer, channel: &Channel) -> Result<(), String> {
    let arrow = match channel.direction.as_str() {
        "one_way" => "->",
        "two_way" => "<->",
        other => return Err(format!("channel direction `{other}`")),
    };
    let place = place(channel.phys, channel.resource.as_deref(), channel.offset).ok_or("a channel without a place")?;
    out.note(&channel.note);
    out.line(format_args!(
        "channel {} : {} in {place}, {} {arrow} {};",
        word(&channel.name),
        channel.size,
        word(&channel.from),
        list(&channel.to)
    ));
    Ok(())
}

pub(super) fn dma(out: &mut Writer, dma: &Dma) -> Result<(), String> {
    let mut traits = vec![if dma.iommu { "iommu" } else { "no_iommu" }.to_owned()];
    if dma.coherent == Some(false) {
        traits.push("incoherent".into());
    }
    if let Some(Num(bits)) = dma.addr_bits {
        traits.push(format!("addr_bits {bits}"));
    }
    let head = format!("dma {} for {} ({})", word(&dma.device), word(&dma.owner), traits.join(", "));
    if dma.regions.is_empty() {
        out.line(format_args!("{head} {{}}"));
        return Ok(());
    }
    out.block(&head, &dma.regions, |window| {
        let place =
            place(window.phys, window.resource.as_deref(), window.offset).ok_or("a DMA window without a place")?;
        let rights = rights_or_name(&window.rights);
        Ok(format!("{} ({rights}) : {} => {place}, {}", word(&window.name), window.iova, window.size))
    })
}

pub(super) fn transition(out: &mut Writer, transition: &Transition) {
    let from = transition.from.as_deref().map_or("off".to_owned(), word);
    let mut text = format!("transition {} : {from} -> {}", word(&transition.name), word(&transition.to));
    for (what, value) in [("pc", transition.pc), ("sp", transition.sp), ("vectors", transition.vectors)] {
        if let Some(value) = value {
            text += &format!(", {what} {value}");
        }
    }
    for (what, set) in [("in_place", transition.in_place), ("bbm", transition.bbm)] {
        if set {
            text += ", ";
            text += what;
        }
    }
    out.line(format_args!("{text};"));
}
