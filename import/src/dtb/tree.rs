//! What a device tree says about addresses, in those of the CPU.

use std::path::Path;

use anyhow::{Result, bail};
use dtoolkit::fdt::{Fdt, FdtNode};
use dtoolkit::standard::{NodeStandard as _, Status};
use dtoolkit::{Node as _, Property as _};

use crate::model::Origin;
use crate::resources::identifier;

/// Nodes in nodes.
const DEPTH: usize = 32;
/// Most ranges of a tree.
const RANGES: usize = 4096;

/// A range of physical addresses.
#[derive(Clone, Debug, Default)]
pub(super) struct Range {
    pub(super) name: String,
    pub(super) start: u64,
    pub(super) size: u64,
    pub(super) origin: Origin,
    /// The place of the node around it that has it in its own registers.
    pub(super) around: Option<String>,
}

impl Range {
    /// The first address behind it.
    pub(super) fn end(&self) -> u64 {
        self.start.saturating_add(self.size)
    }
}

/// A tree.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) model: Option<String>,
    /// The regime that its CPUs have.
    pub(super) format: String,
    pub(super) assumed: Vec<String>,
    pub(super) memory: Vec<Range>,
    /// What is reserved, and whether nobody may map it.
    pub(super) reserved: Vec<(Range, bool)>,
    pub(super) devices: Vec<Range>,
    pub(super) remarks: Vec<String>,
    path: String,
}

/// How addresses of a bus become those of the bus above it: child, parent, size. No list: not at all.
type Bus = Option<Vec<(u128, u128, u128)>>;

impl Tree {
    /// Reads a blob.
    ///
    /// # Errors
    /// It is none, or has more ranges than anyone writes.
    pub(super) fn read(bytes: &[u8], path: &Path) -> Result<Self> {
        // A file may be longer than the tree in it.
        let length = bytes.get(4..8).and_then(|length| <[u8; 4]>::try_from(length).ok()).map(u32::from_be_bytes);
        let length = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(bytes.len());
        let fdt = match Fdt::new(bytes.get(..length).unwrap_or(bytes)) {
            Ok(fdt) => fdt,
            Err(error) => bail!("{}: no device tree: {error}", path.display()),
        };
        let root = fdt.root();
        let model = root.model().ok().flatten().map(str::to_owned);
        let mut tree = Self { model, path: path.display().to_string(), ..Self::default() };
        tree.cpus(root);
        for (index, range) in fdt.memory_reservations().take(RANGES).enumerate() {
            let name = format!("memreserve_{index}");
            let origin = Origin { place: tree.path.clone(), text: format!("/memreserve/ {index}") };
            let (start, size) = (range.address(), range.size());
            tree.reserved.push((Range { name, start, size, origin, around: None }, false));
        }
        tree.walk(root, "", &[], 0)?;
        Ok(tree)
    }

    /// What the CPUs are.
    fn cpus(&mut self, root: FdtNode<'_>) {
        let (mut kind, mut mmu) = (Vec::new(), None);
        let cpus = root.child("cpus");
        for cpu in cpus.iter().flat_map(|cpus| cpus.children()).filter(|cpu| cpu.name_without_address() == "cpu") {
            kind.extend(cpu.compatible().into_iter().flatten().map(str::to_owned));
            let of = cpu.property("mmu-type").and_then(|mmu| mmu.value_as::<&str>().ok()).map(str::to_owned);
            mmu = mmu.or(of.filter(|mode| mode != "riscv,none"));
        }
        if kind.iter().any(|kind| kind.contains("riscv")) || mmu.is_some() {
            let mode = mmu.and_then(|mmu| mmu.strip_prefix("riscv,").map(str::to_owned));
            let known = mode.filter(|mode| ["sv32", "sv39", "sv48", "sv57"].contains(&mode.as_str()));
            if known.is_none() {
                self.assumed.push("Sv39, for no CPU says its `mmu-type`".into());
            }
            self.format = known.unwrap_or_else(|| "sv39".into());
            return;
        }
        let known = kind.iter().any(|kind| kind.starts_with("arm,") || kind.starts_with("apple,"));
        let why = if known { "of 48 bits, EL1" } else { "of 48 bits, EL1, for no CPU is known" };
        self.assumed.push(format!("AArch64 with virtual addresses {why}; `--regime` says otherwise"));
        self.format = "aarch64 4K VA48 EL1".into();
    }

    fn walk(&mut self, node: FdtNode<'_>, path: &str, buses: &[Bus], depth: usize) -> Result<()> {
        if depth > DEPTH {
            self.remarks.push(format!("{}: {path}: deeper than {DEPTH} nodes, and not read", self.path));
            return Ok(());
        }
        for child in node.children() {
            let name = format!("{path}/{}", child.name());
            let plain = child.name_without_address();
            let is_memory = child.property("device_type").is_some_and(|kind| kind.value_as::<&str>() == Ok("memory"));
            let off = matches!(child.status(), Ok(Status::Disabled | Status::Fail | Status::FailSss));
            match plain {
                "cpus" | "chosen" | "aliases" if depth == 0 => {}
                "reserved-memory" if depth == 0 => self.reserved(child, &name),
                _ if depth == 0 && (plain == "memory" || is_memory) => {
                    let found = self.ranges(child, &name, buses);
                    self.memory.extend(found);
                }
                _ if off => {}
                _ => {
                    let mut found = self.ranges(child, &name, buses);
                    self.around(&mut found);
                    self.devices.extend(found);
                    self.windows(child, &name, buses);
                    let mut below = buses.to_vec();
                    below.push(self.bus(child, &name));
                    self.walk(child, &name, &below, depth + 1)?;
                }
            }
            if self.devices.len() + self.memory.len() + self.reserved.len() > RANGES {
                bail!("{}: more than {RANGES} ranges", self.path);
            }
        }
        Ok(())
    }

    /// The children of `/reserved-memory`; those without an address are placed at run time.
    fn reserved(&mut self, node: FdtNode<'_>, path: &str) {
        for child in node.children().take(RANGES) {
            let name = format!("{path}/{}", child.name());
            let unmapped = child.property("no-map").is_some();
            let found = self.ranges(child, &name, &[]);
            self.reserved.extend(found.into_iter().map(|range| (range, unmapped)));
        }
    }

    /// The registers of a node as the CPU sees them.
    fn ranges(&mut self, node: FdtNode<'_>, path: &str, buses: &[Bus]) -> Vec<Range> {
        let names = node.property("reg-names").map(|names| String::from_utf8_lossy(names.value()).into_owned());
        let names: Vec<&str> = names.as_deref().map_or(Vec::new(), |names| names.split('\0').collect());
        let registers = match node.reg() {
            Ok(Some(registers)) => registers,
            Ok(None) => return Vec::new(),
            Err(error) => {
                self.remarks.push(format!("{}: {path}: `reg` is malformed: {error}", self.path));
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        for (index, register) in registers.take(RANGES).enumerate() {
            let (Ok(start), Ok(size)) = (register.address::<u128>(), register.size::<u128>()) else { continue };
            let Some(start) = buses.iter().rev().try_fold(start, translate) else { continue };
            let (Ok(start), Ok(size)) = (u64::try_from(start), u64::try_from(size)) else { continue };
            if size == 0 {
                continue;
            }
            let plain = node.name_without_address();
            let name = match names.get(index).filter(|name| !name.is_empty()) {
                Some(name) => format!("{plain}_{name}"),
                None => plain.to_owned(),
            };
            let origin = Origin { place: format!("{}:{path}", self.path), text: format!("reg {index}") };
            found.push(Range { name: identifier(&name), start, size, origin, around: None });
        }
        found
    }

    /// Notes of each range which node above has it in its own registers, too.
    fn around(&self, found: &mut [Range]) {
        for range in found {
            let holds = |one: &&Range| {
                one.start <= range.start
                    && range.end() <= one.end()
                    && range.origin.place.starts_with(&format!("{}/", one.origin.place))
            };
            range.around = self.devices.iter().rev().find(holds).map(|one| one.origin.place.clone());
        }
    }

    /// The windows of a host bridge, which are the devices behind it.
    fn windows(&mut self, node: FdtNode<'_>, path: &str, buses: &[Bus]) {
        if !node.property("device_type").is_some_and(|kind| kind.value_as::<&str>() == Ok("pci")) {
            return;
        }
        for (index, range) in node.ranges().ok().flatten().into_iter().flatten().take(RANGES).enumerate() {
            let (Ok(start), Ok(size)) = (range.parent_bus_address::<u128>(), range.length::<u128>()) else { continue };
            let Some(start) = buses.iter().rev().try_fold(start, translate) else { continue };
            let (Ok(start), Ok(size)) = (u64::try_from(start), u64::try_from(size)) else { continue };
            if size == 0 {
                continue;
            }
            let origin = Origin { place: format!("{}:{path}", self.path), text: format!("ranges {index}") };
            let name = identifier(&format!("{}_window", node.name_without_address()));
            self.devices.push(Range { name, start, size, origin, around: None });
        }
    }

    /// How the addresses below a node become those beside it.
    fn bus(&mut self, node: FdtNode<'_>, path: &str) -> Bus {
        let ranges = node.property("ranges")?;
        if ranges.value().is_empty() {
            return Some(vec![(0, 0, 1 << 64)]);
        }
        match node.ranges() {
            Ok(Some(all)) => {
                let all = all.take(RANGES).filter_map(|range| {
                    let child = range.child_bus_address::<u128>().ok()?;
                    Some((child, range.parent_bus_address::<u128>().ok()?, range.length::<u128>().ok()?))
                });
                Some(all.collect())
            }
            Ok(None) => None,
            Err(error) => {
                self.remarks.push(format!("{}: {path}: `ranges` is malformed: {error}", self.path));
                None
            }
        }
    }
}

/// An address of a bus as one of the bus above it.
fn translate(at: u128, bus: &Bus) -> Option<u128> {
    let ranges = bus.as_ref()?;
    let found = ranges.iter().find(|(child, _, size)| *child <= at && at - child < *size)?;
    found.1.checked_add(at - found.0)
}
