//! The sequence that makes a space live, over a trait for the hardware.
//!
//! SDM, volume 3A: "Invalidation of TLBs and Paging-Structure Caches" (what each write flushes), "Programming the PAT"
//! and "MTRR Considerations in MP Systems" (the procedure for a change of memory types), "Initializing IA-32e Mode".

use crate::attr::Features;
use crate::space::Refusal;

use super::regs::{CR0, CR4, Words, ones};

/// A register of the sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    /// Control register 0.
    Cr0,
    /// Control register 3.
    Cr3,
    /// Control register 4.
    Cr4,
    /// Extended feature enables.
    Efer,
    /// Page attribute table.
    Pat,
}

/// What CPUID returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cpuid {
    /// EAX.
    pub eax: u32,
    /// EBX.
    pub ebx: u32,
    /// ECX.
    pub ecx: u32,
    /// EDX.
    pub edx: u32,
}

/// The operations of a logical processor that paging needs: the real ones, or a recorder's.
pub trait Cpu {
    /// CPUID with this leaf in EAX and subleaf in ECX.
    fn cpuid(&mut self, leaf: u32, subleaf: u32) -> Cpuid;

    /// The current privilege level, 0 to 3.
    fn privilege(&mut self) -> u8;

    /// Reads a register, at privilege level 0.
    fn read(&mut self, register: Register) -> u64;

    /// Writes a register.
    ///
    /// # Safety
    /// The processor accepts the value, and the code, stack and data in use stay mapped under it.
    unsafe fn write(&mut self, register: Register, value: u64);

    /// Writes back and invalidates all caches (WBINVD).
    ///
    /// # Safety
    /// Privilege level 0.
    unsafe fn write_back_caches(&mut self);

    /// Disables maskable interrupts; returns whether they were enabled.
    ///
    /// # Safety
    /// Privilege level 0.
    unsafe fn disable_interrupts(&mut self) -> bool;

    /// Enables maskable interrupts.
    ///
    /// # Safety
    /// They were enabled before the matching [`Cpu::disable_interrupts`].
    unsafe fn enable_interrupts(&mut self);
}

/// Makes the tables at `root` live with the registers that go with them.
///
/// It replaces whatever map is live, and drops the cached translations of its PCID, and the global ones. Where all registers hold
/// their words already it writes nothing. Only where PAT differs are the caches written back, with interrupts disabled.
/// All processors must have the same PAT: each runs this.
///
/// # Errors
/// [`Refusal`] where the processor lacks what the map needs; then no register was written.
///
/// # Safety
/// `root` is the physical address of the root of filled tables, of the format and map that `words` come from; they map
/// the running code, its stack and the interrupt handlers to where they are now.
pub unsafe fn install<C: Cpu>(cpu: &mut C, words: &Words, root: u64) -> Result<(), Refusal> {
    check(cpu, words, root)?;
    let before = State::of(cpu);
    let switch = Switch { words, before, root, cr3: root | words.cr3 };
    if switch.is_done() {
        return Ok(());
    }
    // SAFETY: `check` found every feature whose bits are set; the rest is the caller's promise.
    unsafe { switch.run(cpu) };
    Ok(())
}

/// Refuses what the processor cannot do.
fn check<C: Cpu>(cpu: &mut C, words: &Words, root: u64) -> Result<(), Refusal> {
    let privilege = cpu.privilege();
    if privilege != 0 {
        return Err(Refusal::Privilege { needs: "ring 0", found: privilege.into() });
    }
    let extended = cpu.cpuid(EXTENDED, 0).eax;
    let missing = words.needs.without(offered(cpu, words.needs, extended));
    if !missing.is_empty() {
        return Err(Refusal::Feature { feature: missing.first() });
    }
    let needs = words.output_bits.max(u64::BITS - root.leading_zeros());
    // MAXPHYADDR; 36 where the processor does not report it.
    let has = if extended >= EXTENDED + 8 { cpu.cpuid(EXTENDED + 8, 0).eax & 0xff } else { 36 };
    if needs > has {
        return Err(Refusal::OutputBits { needs, has });
    }
    // The number of levels cannot change in long mode: a write that modifies CR4.LA57 is a #GP.
    let has = if cpu.read(Register::Cr4) & ones(CR4::LA57) == 0 { 48 } else { 57 };
    if words.linear_bits != has {
        return Err(Refusal::InputBits { needs: words.linear_bits, has });
    }
    Ok(())
}

const EXTENDED: u32 = 0x8000_0000;

/// Features that leaf 7 reports.
const STRUCTURED: Features = Features::SMEP.union(Features::CET_SS).union(Features::LA57).union(Features::INVPCID);

/// The features among `needs` that CPUID reports (SDM, volume 2A, "CPUID"; INVLPGB: AMD64 "Architecture Programmer's
/// Manual", volume 3, "Obtaining Processor Information Via the CPUID Instruction"); `extended` is the highest extended leaf.
fn offered<C: Cpu>(cpu: &mut C, needs: Features, extended: u32) -> Features {
    let basic = cpu.cpuid(1, 0);
    let asks = needs.without(STRUCTURED) != needs;
    let structured = if asks && cpu.cpuid(0, 0).eax >= 7 { cpu.cpuid(7, 0) } else { Cpuid::default() };
    let broadcasts = needs.contains(Features::INVLPGB) && extended >= EXTENDED + 8;
    let capacity = if broadcasts { cpu.cpuid(EXTENDED + 8, 0) } else { Cpuid::default() };
    let extended = if extended > EXTENDED { cpu.cpuid(EXTENDED + 1, 0) } else { Cpuid::default() };
    let bits = [
        (Features::PGE, basic.edx, 13),
        (Features::PAT, basic.edx, 16),
        (Features::PCID, basic.ecx, 17),
        (Features::SMEP, structured.ebx, 7),
        (Features::INVPCID, structured.ebx, 10),
        (Features::INVLPGB, capacity.ebx, 3),
        (Features::CET_SS, structured.ecx, 7),
        (Features::LA57, structured.ecx, 16),
        (Features::NX, extended.edx, 20),
        (Features::PDPE1GB, extended.edx, 26),
    ];
    let mut all = Features::NONE;
    for (feature, register, bit) in bits {
        if register >> bit & 1 == 1 {
            all = all.union(feature);
        }
    }
    all
}

/// The registers before the switch.
#[derive(Clone, Copy)]
struct State {
    cr0: u64,
    cr3: u64,
    cr4: u64,
    efer: u64,
    pat: u64,
}

impl State {
    fn of<C: Cpu>(cpu: &mut C) -> Self {
        Self {
            cr0: cpu.read(Register::Cr0),
            cr3: cpu.read(Register::Cr3),
            cr4: cpu.read(Register::Cr4),
            efer: cpu.read(Register::Efer),
            pat: cpu.read(Register::Pat),
        }
    }
}

/// From the registers as they are to those of a space.
struct Switch<'a> {
    words: &'a Words,
    before: State,
    root: u64,
    cr3: u64,
}

impl Switch<'_> {
    const fn is_done(&self) -> bool {
        let (words, before) = (self.words, &self.before);
        before.cr3 == self.cr3
            && before.cr4 & words.cr4 == words.cr4
            && before.cr4 & words.cr4_clear == 0
            && before.cr0 & words.cr0 == words.cr0
            && before.efer & words.efer == words.efer
            && before.pat == words.pat
    }

    /// # Safety
    /// As for [`install`], and the processor has the features that `words` needs.
    unsafe fn run<C: Cpu>(&self, cpu: &mut C) {
        let (words, before) = (self.words, &self.before);
        if before.efer & words.efer != words.efer {
            // SAFETY: NXE only adds the meaning of bit 63 of an entry, which was reserved and thus clear so far.
            unsafe { cpu.write(Register::Efer, before.efer | words.efer) };
        }
        let new_types = before.pat != words.pat;
        // SAFETY: `check` found privilege level 0.
        let enabled = new_types && unsafe { cpu.disable_interrupts() };
        if new_types {
            // SAFETY: CD = 1 with NW = 0 is the no-fill cache mode; memory stays coherent.
            unsafe { cpu.write(Register::Cr0, (before.cr0 | ones(CR0::CD)) & !ones(CR0::NW)) };
            // SAFETY: privilege level 0.
            unsafe { cpu.write_back_caches() };
        }
        // SAFETY: as for this function; the caches are in no-fill mode where the types change.
        unsafe { self.change_root(cpu) };
        if new_types {
            // SAFETY: privilege level 0.
            unsafe { cpu.write_back_caches() };
        }
        if new_types || before.cr0 & words.cr0 != words.cr0 {
            // SAFETY: the cache mode of before; WP holds the kernel to what the declaration grants it, under its tables.
            unsafe { cpu.write(Register::Cr0, before.cr0 | words.cr0) };
        }
        if enabled {
            // SAFETY: they were enabled, and handlers are mapped by the new tables too.
            unsafe { cpu.enable_interrupts() };
        }
    }

    /// # Safety
    /// As for [`Switch::run`].
    unsafe fn change_root<C: Cpu>(&self, cpu: &mut C) {
        let (words, before) = (self.words, &self.before);
        // A write that changes PGE drops the translations of every PCID, global ones included; a write of CR3 does not.
        let closed = before.cr4 & !(words.cr4_clear | ones(CR4::PGE));
        if closed != before.cr4 {
            // SAFETY: fewer restrictions, and no global translations; the tables are still the old ones.
            unsafe { cpu.write(Register::Cr4, closed) };
        }
        if before.pat != words.pat {
            // SAFETY: as for this function, and there are no global translations.
            unsafe { self.drop_old_types(cpu, closed) };
            // SAFETY: the declaration's slots are legal (rule `reserved-encoding`), and no translation is cached.
            unsafe { cpu.write(Register::Pat, words.pat) };
        }
        // PCIDE can be set only while the low bits of CR3 are zero, and has no PCID before.
        let opens_pcid = words.cr4 & !closed & ones(CR4::PCIDE) != 0;
        let first = if opens_pcid { self.root } else { self.cr3 };
        // SAFETY: the caller's tables map what is in use.
        unsafe { cpu.write(Register::Cr3, first) };
        let open = closed | words.cr4 | before.cr4 & ones(CR4::PGE);
        if open != closed {
            // SAFETY: `check` found the features of these bits, and CR3[11:0] = 0 where PCIDE becomes 1.
            unsafe { cpu.write(Register::Cr4, open) };
        }
        if first != self.cr3 {
            // SAFETY: the same root, under its PCID.
            unsafe { cpu.write(Register::Cr3, self.cr3) };
        }
    }

    /// Drops the translations of all PCIDs, which hold memory types; `cr4` is what CR4 holds, without PGE.
    ///
    /// # Safety
    /// As for [`Switch::run`].
    unsafe fn drop_old_types<C: Cpu>(&self, cpu: &mut C, cr4: u64) {
        let before = &self.before;
        if before.cr4 & ones(CR4::PGE) != 0 {
            // The write that cleared PGE has dropped them.
        } else if before.cr4 & ones(CR4::PCIDE) == 0 {
            // SAFETY: the value it has; without PCIDs this flushes all.
            unsafe { cpu.write(Register::Cr3, before.cr3) };
        } else {
            // SAFETY: a processor with PCIDs has global pages; what is marked so may stay for two instructions.
            unsafe { cpu.write(Register::Cr4, cr4 | ones(CR4::PGE)) };
            // SAFETY: the value it had.
            unsafe { cpu.write(Register::Cr4, cr4) };
        }
    }
}

#[cfg(test)]
mod tests;
