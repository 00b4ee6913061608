//! The proof that nothing loops over tables before the MMU is on.
//!
//! From the image's entry, control flow is followed through every branch and call to the end: the call of `install_map`,
//! or the instruction that writes the MMU's enable bit. An instruction *counts* if it can be executed on the way:
//!
//! * in a function that contains an end (itself or through its callees), those from which an end can be reached;
//! * in a function called by one of these and that contains none, those from which its return can be reached;
//! * in `install_map`, likewise, those from which its return can be reached.
//!
//! What leads only to a trap or a parked core does not count. Among what counts, the proof demands:
//!
//! 1. every branch and call can be followed;
//! 2. functions do not call themselves, and one that contains an end is not followed by another way to an end;
//! 3. every loop (strongly connected set of instructions, a repeated string instruction included) loads and stores
//!    nothing, calls nothing, and so cannot read or write a table. Cache maintenance by address is such a loop.
//!
//!    The one other loop that passes clears memory whose range is known and holds no table (`.bss`, see `clear`).
//!
//! Every other loop is reported with its address; there is no list of exceptions.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use anyhow::{Context as _, Result, bail};

use super::clear::{Effect, Loop, effect};
use super::{Encoding, Flow, Instruction, Touch};
use crate::elf::Image;
use crate::machine::Arch;

/// The function that installs the map.
pub(crate) const INSTALL: &str = "install_map";

/// What the proof has seen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Proof {
    /// Instructions that may be executed between entry and end, those of `install_map` not included.
    pub(crate) before: usize,
    /// Instructions of `install_map` and what it calls, on the way to its return.
    pub(crate) install: usize,
    /// Loops that touch no memory.
    pub(crate) loops: usize,
    /// Loops before `install_map` that store nothing and cannot read the tables.
    pub(crate) readers: usize,
    /// Loops that clear memory beside the tables.
    pub(crate) clears: usize,
}

/// Proves an image of `arch` whose tables lie at the physical addresses `tables`.
///
/// # Errors
/// A demand is not met, or there is no path from the entry to an end; the text gives the address and the function.
pub(crate) fn prove(image: &Image, arch: Arch, tables: &Range<u64>) -> Result<Proof> {
    let install_at = image.symbol(INSTALL)?.address;
    let mut install = Walk::new(image, Encoding::of(arch), End::Return, tables.clone());
    install.count_function(install_at)?;
    let mut before = match arch {
        // QEMU enters it in 32-bit mode, and paging is switched on there.
        Arch::X86_64 => Walk::new(image, Encoding::X86, End::MmuOn, tables.clone()),
        Arch::Aarch64 | Arch::Riscv64 => {
            Walk::new(image, Encoding::of(arch), End::CallOf(place(image, install_at)), tables.clone())
        }
    };
    before.count_function(image.entry())?;
    if before.counted.is_empty() {
        bail!("no path leads from the entry to the end");
    }
    if arch != Arch::X86_64 && !install.counted.values().any(|instruction| instruction.writes_mmu_control) {
        bail!("{INSTALL} does not switch the MMU on");
    }
    install.prove()?;
    before.prove()?;
    Ok(Proof {
        before: before.counted.len(),
        install: install.counted.len(),
        loops: install.loops + before.loops,
        readers: before.readers,
        clears: install.clears + before.clears,
    })
}

/// Instructions of `install_map` and what it calls, on the way to its return.
///
/// # Errors
/// The image has no such function, or never returns from it.
pub(crate) fn count_install(image: &Image, arch: Arch) -> Result<usize> {
    let mut install = Walk::new(image, Encoding::of(arch), End::Return, 0..u64::MAX);
    install.count_function(image.symbol(INSTALL)?.address)?;
    match install.counted.len() {
        0 => bail!("{INSTALL} never returns"),
        count => Ok(count),
    }
}

/// Code is named by its physical address, so that the same function entered high and low is one.
fn place(image: &Image, address: u64) -> u64 {
    image.physical(address).unwrap_or(address)
}

/// Where a walk ends.
#[derive(Clone, Copy)]
enum End {
    Return,
    CallOf(u64),
    MmuOn,
}

/// One function's instructions, by address.
struct Function {
    code: BTreeMap<u64, Instruction>,
    /// Addresses where it runs out of code.
    broken: BTreeSet<u64>,
    returns: bool,
    has_end: bool,
}

/// A loop, and the function that it is in.
struct Cycle {
    entry: u64,
    members: BTreeSet<u64>,
    edges: Edges,
}

/// How far an offset of a load or store reaches, at most: that of AArch64's unsigned 12 bits times 8.
const REACH: u64 = 0x8000;

struct Walk<'a> {
    image: &'a Image,
    encoding: Encoding,
    end: End,
    functions: BTreeMap<u64, Function>,
    /// Functions being explored.
    open: Vec<u64>,
    /// Functions called while they were open.
    reentered: BTreeSet<u64>,
    counted: BTreeMap<u64, Instruction>,
    /// Functions whose counted instructions are known.
    walked: BTreeSet<u64>,
    /// Counted calls, caller to callee.
    calls: BTreeSet<(u64, u64)>,
    problems: Vec<String>,
    /// Counted instructions of each function.
    code_of: BTreeMap<u64, BTreeSet<u64>>,
    cycles: Vec<Cycle>,
    loops: usize,
    readers: usize,
    clears: usize,
    /// Physical addresses of the tables.
    tables: Range<u64>,
}

impl<'a> Walk<'a> {
    fn new(image: &'a Image, encoding: Encoding, end: End, tables: Range<u64>) -> Self {
        Self {
            tables,
            image,
            encoding,
            end,
            functions: BTreeMap::new(),
            open: Vec::new(),
            reentered: BTreeSet::new(),
            counted: BTreeMap::new(),
            walked: BTreeSet::new(),
            calls: BTreeSet::new(),
            problems: Vec::new(),
            code_of: BTreeMap::new(),
            cycles: Vec::new(),
            loops: 0,
            readers: 0,
            clears: 0,
        }
    }

    /// The verdict over all that counts.
    fn prove(&mut self) -> Result<()> {
        for found in std::mem::take(&mut self.cycles) {
            self.judge_loop(&found);
        }
        let ends_again = self.reentered.iter().copied().find(|function| self.contains_end(*function));
        if let Some(cycle) = self.recursion().or(ends_again) {
            bail!("{} calls itself", self.name(cycle));
        }
        if let Some(problem) = self.problems.first() {
            bail!("{problem} ({} such places)", self.problems.len());
        }
        Ok(())
    }

    /// Explores a function with all it calls, and counts its instructions.
    fn count_function(&mut self, entry: u64) -> Result<()> {
        let entry = place(self.image, entry);
        self.explore(entry);
        if !self.walked.insert(entry) {
            return Ok(());
        }
        let function = self.functions.get(&entry).context("the function was just explored")?;
        let wanted = self.ends(function);
        let counted = backwards(&self.edges(function), &wanted);
        let code: BTreeMap<u64, Instruction> =
            function.code.iter().filter(|(at, _)| counted.contains(at)).map(|(at, code)| (*at, *code)).collect();
        let broken: Vec<u64> = function.broken.intersection(&counted).copied().collect();
        let edges = self.edges(function);
        for at in broken {
            self.problems.push(format!("control leaves the code at {at:#x}, in {}", self.name(entry)));
        }
        let loops = cycles(&code, &edges);
        self.cycles.extend(loops.into_iter().map(|members| Cycle { entry, members, edges: edges.clone() }));
        for (at, instruction) in &code {
            match instruction.flow {
                Flow::Unknown | Flow::UnknownCall => {
                    self.problems.push(format!("a branch at {at:#x} cannot be followed, in {}", self.name(*at)));
                }
                Flow::Call(target) if !self.is_end_call(target) => {
                    if self.contains_end(target)
                        && self.successors(*at, instruction).iter().any(|to| code.contains_key(to))
                    {
                        self.problems.push(format!("the call at {at:#x} may come back and reach the end again"));
                    }
                    self.calls.insert((entry, place(self.image, target)));
                    self.count_function(target)?;
                }
                _ => {}
            }
        }
        self.code_of.insert(entry, code.keys().copied().collect());
        self.counted.extend(code);
        Ok(())
    }

    /// Judges a loop by all that it executes.
    fn judge_loop(&mut self, found: &Cycle) {
        let first = found.members.first().copied().unwrap_or(found.entry);
        let function = self.name(found.entry);
        let calls = self.counted_calls(&found.members);
        let touch = calls.iter().flat_map(|callee| &self.code_of[callee]).chain(&found.members);
        let touch = touch.map(|at| self.counted[at].touch).max().unwrap_or(Touch::Nothing);
        if touch == Touch::Nothing && calls.is_empty() {
            self.loops += 1;
        } else if touch <= Touch::Stack && matches!(self.end, End::CallOf(_)) {
            match self.counted.keys().find(|at| self.forms_table_address(**at)) {
                None => self.readers += 1,
                Some(at) => self.problems.push(format!(
                    "the loop at {first:#x} reads memory, in {function}, and the instruction at {at:#x} forms an address of the tables"
                )),
            }
        } else {
            let Cycle { entry, ref members, ref edges } = *found;
            match (Loop { encoding: self.encoding, image: self.image, members, edges, entry }).stores_to() {
                Some(range) if range.end <= self.tables.start || self.tables.end <= range.start => self.clears += 1,
                Some(range) => self.problems.push(format!(
                    "the loop at {first:#x} stores to {:#x}..{:#x}, where tables are, in {function}",
                    range.start, range.end
                )),
                None => self.problems.push(format!("the loop at {first:#x} stores or reads, in {function}")),
            }
        }
    }

    /// Functions that instructions call, and those that these call.
    fn counted_calls(&self, members: &BTreeSet<u64>) -> BTreeSet<u64> {
        let mut found = BTreeSet::new();
        let mut left: Vec<u64> = members.iter().copied().collect();
        while let Some(at) = left.pop() {
            if let Flow::Call(target) = self.counted[&at].flow {
                let callee = place(self.image, target);
                if found.insert(callee) {
                    left.extend(self.code_of.get(&callee).into_iter().flatten());
                }
            }
        }
        found.retain(|callee| self.code_of.contains_key(callee));
        found
    }

    /// Whether the instruction at `at` makes a constant that points into the tables, with the one behind it if that adds
    /// to it, and with any offset that fits otherwise.
    fn forms_table_address(&self, at: u64) -> bool {
        let Effect::Set { register, value } = effect(self.encoding, self.image, at) else { return false };
        let range = match effect(self.encoding, self.image, at + 4) {
            Effect::Add { from, value: more, .. } if from == register => {
                let sum = value.wrapping_add_signed(more);
                sum..sum.saturating_add(1)
            }
            _ => value.saturating_sub(REACH)..value.saturating_add(REACH),
        };
        range.start < self.tables.end && self.tables.start < range.end
    }

    /// Where the walk wants to go in a function: its ends, or the calls that contain one, or else its returns.
    fn ends(&self, function: &Function) -> BTreeSet<u64> {
        let is_end = |instruction: &Instruction| match (function.has_end, instruction.flow) {
            (true, Flow::Jump(target)) => self.is_end_call(target),
            (true, Flow::Call(target)) => self.is_end_call(target) || self.contains_end(target),
            (true, _) => matches!(self.end, End::MmuOn) && instruction.writes_mmu_control,
            (false, flow) => matches!(flow, Flow::Return | Flow::Unknown),
        };
        function.code.iter().filter(|(_, instruction)| is_end(instruction)).map(|(at, _)| *at).collect()
    }

    fn is_end_call(&self, target: u64) -> bool {
        matches!(self.end, End::CallOf(end) if end == place(self.image, target))
    }

    fn contains_end(&self, target: u64) -> bool {
        self.functions.get(&place(self.image, target)).is_some_and(|function| function.has_end)
    }

    /// Decodes a function and, before it, what it calls; a function that is already open is taken to return.
    fn explore(&mut self, entry: u64) {
        if self.open.contains(&entry) {
            self.reentered.insert(entry);
        }
        if self.functions.contains_key(&entry) || self.open.contains(&entry) {
            return;
        }
        self.open.push(entry);
        let mut function = Function { code: BTreeMap::new(), broken: BTreeSet::new(), returns: false, has_end: false };
        let mut left = vec![entry];
        while let Some(at) = left.pop() {
            if function.code.contains_key(&at) {
                continue;
            }
            let Some(instruction) = self.encoding.decode(self.image, at) else {
                function.broken.insert(at);
                continue;
            };
            function.code.insert(at, instruction);
            if matches!(self.end, End::MmuOn) && instruction.writes_mmu_control {
                function.has_end = true;
                continue;
            }
            match instruction.flow {
                Flow::Call(target) | Flow::Jump(target) if self.is_end_call(target) => function.has_end = true,
                Flow::Call(target) => {
                    self.explore(place(self.image, target));
                    function.has_end |= self.contains_end(target);
                }
                Flow::Return | Flow::Unknown => function.returns = true,
                _ => {}
            }
            left.extend(self.successors(at, &instruction));
        }
        self.open.pop();
        self.functions.insert(entry, function);
    }

    /// Where control may go from an instruction, within its function.
    fn successors(&self, at: u64, instruction: &Instruction) -> Vec<u64> {
        let next = at + instruction.length;
        match instruction.flow {
            Flow::Next | Flow::UnknownCall => vec![next],
            Flow::Jump(target) if self.is_end_call(target) => vec![],
            Flow::Jump(target) => vec![place(self.image, target)],
            Flow::Branch(target) => vec![next, place(self.image, target)],
            Flow::Call(target) => {
                let callee = self.functions.get(&place(self.image, target));
                if callee.is_none_or(|callee| callee.returns) { vec![next] } else { vec![] }
            }
            Flow::Return | Flow::Unknown | Flow::Stop => vec![],
        }
    }

    fn edges(&self, function: &Function) -> Edges {
        let ends_here = |instruction: &Instruction| matches!(self.end, End::MmuOn) && instruction.writes_mmu_control;
        function
            .code
            .iter()
            .map(|(at, code)| (*at, if ends_here(code) { vec![] } else { self.successors(*at, code) }))
            .collect()
    }

    /// A function that a chain of counted calls leads back to.
    fn recursion(&self) -> Option<u64> {
        let mut edges = Edges::new();
        for (caller, callee) in &self.calls {
            edges.entry(*caller).or_default().push(*callee);
        }
        edges.keys().copied().find(|start| {
            let mut seen = BTreeSet::new();
            let mut left = edges[start].clone();
            while let Some(at) = left.pop() {
                if seen.insert(at) {
                    left.extend(edges.get(&at).into_iter().flatten());
                }
            }
            seen.contains(start)
        })
    }

    /// The symbol that an address lies in.
    fn name(&self, address: u64) -> String {
        let symbols = self.image.symbols().iter().filter(|symbol| !symbol.name.starts_with(['$', '.']));
        let before = symbols.filter(|symbol| place(self.image, symbol.address) <= address);
        before.max_by_key(|symbol| place(self.image, symbol.address)).map_or("?".to_owned(), |found| found.name.clone())
    }
}

/// Successors of each instruction or function.
type Edges = BTreeMap<u64, Vec<u64>>;

/// All from which one of `ends` can be reached, those included.
fn backwards(edges: &Edges, ends: &BTreeSet<u64>) -> BTreeSet<u64> {
    let mut before = Edges::new();
    for (from, to) in edges.iter().flat_map(|(from, targets)| targets.iter().map(move |to| (from, to))) {
        before.entry(*to).or_default().push(*from);
    }
    let mut reached = ends.clone();
    let mut left: Vec<u64> = ends.iter().copied().collect();
    while let Some(at) = left.pop() {
        left.extend(before.get(&at).into_iter().flatten().copied().filter(|from| reached.insert(*from)));
    }
    reached
}

/// The strongly connected sets of more than one instruction, or of one that branches to itself.
fn cycles(code: &BTreeMap<u64, Instruction>, edges: &Edges) -> Vec<BTreeSet<u64>> {
    let inside = |from: u64| -> BTreeSet<u64> {
        let mut seen = BTreeSet::new();
        let mut left = vec![from];
        while let Some(at) = left.pop() {
            let targets = edges.get(&at).into_iter().flatten().copied();
            left.extend(targets.filter(|to| code.contains_key(to)).filter(|to| seen.insert(*to)));
        }
        seen
    };
    let reach: BTreeMap<u64, BTreeSet<u64>> = code.keys().map(|at| (*at, inside(*at))).collect();
    let mut found: Vec<BTreeSet<u64>> = Vec::new();
    for (at, seen) in &reach {
        if seen.contains(at) && !found.iter().any(|members| members.contains(at)) {
            found.push(seen.iter().copied().filter(|other| reach[other].contains(at)).collect());
        }
    }
    found
}

#[cfg(test)]
pub(super) mod tests;
