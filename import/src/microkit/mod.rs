//! A system description of Microkit: protection domains, virtual machines, and the memory regions that they map.

mod model;

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use roxmltree::{Document, Node, ParsingOptions};

use crate::Options;
use crate::model::{Imported, Origin};
use crate::system::number;

/// Most nodes of a document.
const NODES: u32 = 200_000;

/// Whether a text is of this kind.
pub(crate) fn is(text: &str) -> bool {
    text.contains("<system") && (text.contains("<protection_domain") || text.contains("<memory_region"))
}

/// A region of memory.
struct Memory {
    name: String,
    phys: Option<u64>,
    size: u64,
    page: Option<u64>,
    origin: Origin,
}

/// A map of it: by whom, and how.
struct Map {
    memory: String,
    virt: u64,
    rights: String,
    cached: bool,
    origin: Origin,
}

/// A protection domain or a virtual machine.
struct Domain {
    name: String,
    is_guest: bool,
    maps: Vec<Map>,
    origin: Origin,
}

/// What a description holds.
struct Description<'d> {
    document: &'d Document<'d>,
    path: &'d Path,
    memory: Vec<Memory>,
    domains: Vec<Domain>,
    remarks: Vec<String>,
}

/// Reads a description.
///
/// # Errors
/// It is no XML, an attribute is missing or no number, or the memory has no room for its regions.
pub(crate) fn import(text: &str, path: &Path, options: &Options) -> Result<Imported> {
    let parsing = ParsingOptions { nodes_limit: NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, parsing).with_context(|| path.display().to_string())?;
    let root = document.root_element();
    if !root.has_tag_name("system") {
        bail!("{}: <{}> is not <system>", path.display(), root.tag_name().name());
    }
    let mut description =
        Description { document: &document, path, memory: Vec::new(), domains: Vec::new(), remarks: Vec::new() };
    description.read(root)?;
    let remarks = std::mem::take(&mut description.remarks);
    let mut imported = description.model(options)?.build()?;
    imported.remarks.splice(0..0, remarks);
    Ok(imported)
}

impl Description<'_> {
    fn place(&self, node: Node<'_, '_>) -> String {
        format!("{}:{}", self.path.display(), self.document.text_pos_at(node.range().start).row)
    }

    fn origin(&self, node: Node<'_, '_>, text: String) -> Origin {
        Origin { place: self.place(node), text }
    }

    fn text<'n>(&self, node: Node<'n, '_>, name: &str) -> Result<&'n str> {
        let tag = node.tag_name().name();
        node.attribute(name).with_context(|| format!("{}: <{tag}> without `{name}`", self.place(node)))
    }

    fn number(&self, node: Node<'_, '_>, name: &str) -> Result<Option<u64>> {
        let Some(text) = node.attribute(name) else { return Ok(None) };
        let value =
            number(text).with_context(|| format!("{}: `{name}=\"{text}\"` is no number of 64 bits", self.place(node)));
        value.map(Some)
    }

    /// Reads a node's children; domains may hold domains, so those that are left to read are kept in a list.
    fn read(&mut self, root: Node<'_, '_>) -> Result<()> {
        let mut left = vec![root];
        while let Some(parent) = left.pop() {
            let mut inner = Vec::new();
            for node in parent.children().filter(Node::is_element) {
                match node.tag_name().name() {
                    "memory_region" => self.region(node)?,
                    "protection_domain" | "virtual_machine" => {
                        self.domain(node)?;
                        inner.push(node);
                    }
                    "channel" => self.channel(node),
                    // Neither is about memory, or a domain has read it already.
                    "map" | "irq" | "ioport" | "setvar" | "program_image" | "vcpu" | "end" | "domain_schedule" => {}
                    other => self.remarks.push(format!("{}: <{other}> is not read", self.place(node))),
                }
            }
            left.extend(inner.into_iter().rev());
        }
        Ok(())
    }

    fn region(&mut self, node: Node<'_, '_>) -> Result<()> {
        let name = self.text(node, "name")?.to_owned();
        let size =
            self.number(node, "size")?.with_context(|| format!("{}: `{name}` without `size`", self.place(node)))?;
        let memory = Memory {
            phys: self.number(node, "phys_addr")?,
            page: self.number(node, "page_size")?,
            origin: self.origin(node, format!("memory region `{name}`")),
            name,
            size,
        };
        self.memory.push(memory);
        Ok(())
    }

    fn domain(&mut self, node: Node<'_, '_>) -> Result<()> {
        let name = self.text(node, "name")?.to_owned();
        let kind = node.tag_name().name().replace('_', " ");
        let mut maps = Vec::new();
        for map in node.children().filter(|child| child.has_tag_name("map")) {
            let memory = self.text(map, "mr")?.to_owned();
            let virt = self.number(map, "vaddr")?;
            let rights = map.attribute("perms").unwrap_or("rw");
            let cached = map.attribute("cached").unwrap_or("true") != "false";
            let how = if cached { "" } else { ", not cached" };
            maps.push(Map {
                virt: virt.with_context(|| format!("{}: <map> without `vaddr`", self.place(map)))?,
                rights: rights.to_owned(),
                cached,
                origin: self.origin(map, format!("map of `{memory}` in `{name}`: {rights}{how}")),
                memory,
            });
        }
        let origin = self.origin(node, format!("{kind} `{name}`"));
        self.domains.push(Domain { name, is_guest: node.has_tag_name("virtual_machine"), maps, origin });
        Ok(())
    }

    /// A channel of Microkit carries no memory: only its ends are looked at, once all domains are known.
    fn channel(&mut self, node: Node<'_, '_>) {
        let names = || node.document().descendants().filter(|node| node.has_tag_name("protection_domain"));
        for end in node.children().filter(|child| child.has_tag_name("end")) {
            let of = end.attribute("pd").unwrap_or_default();
            if !names().any(|domain| domain.attribute("name") == Some(of)) {
                self.remarks.push(format!("{}: `{of}` is no protection domain", self.place(end)));
            }
        }
    }
}
