//! The declared maps, one per regime.

use core::fmt::{self, Write};

use core_aarch64::{Console, Core, El1, El2, El3, Guest};
use probe::{Machine, Register, Width};
use tablature::aarch64::{G4K, G16K, G64K};
use tablature::layout::{Layout, count_regions};
use tablature::map::Map;
use tablature::page::{PageSize, Size2M, Size4K, Size16K, Size32M, Size64K, Size512M};
use tablature::space::{Declared, Install, Refusal, install};

use crate::here::Here;
use crate::live::{Bytes, Ram, edit};
use crate::start::Order;

/// A regime that the firmware can boot on.
pub(crate) struct Regime {
    /// Name on the command line.
    pub(crate) name: &'static str,
    /// Makes its maps live.
    pub(crate) install: unsafe fn() -> Result<(), Refusal>,
    /// Has the hardware confirm the map, edits it, and has the hardware confirm that.
    pub(crate) run: fn(Order) -> bool,
}

/// Device registers that may be read, and written with what they hold.
const REGISTERS: &[Register] = &[
    // PL011: integer baud rate divisor, in effect only after a write to UARTLCR_H.
    Register { region: "uart0", offset: 0x24, width: Width::Word, marks: Some([1, 2]) },
];

/// Bytes.
const GIB: u64 = 1 << 30;

/// Physical address of the console.
pub(crate) const UART: u64 = 0x0900_0000;

/// Declares the map of a regime that the firmware itself runs under: everything where it is.
macro_rules! declare {
    ($name:ident, $kind:ident<$granule:ident, $bits:tt>, { $($cpu:tt)* }, { $($half:tt)* }, { $($more:tt)* }) => {
        tablature::memory_map! {
            /// QEMU `virt` with 4 GiB of RAM.
            pub(crate) mod $name for aarch64::$kind<$granule, $bits>;
            cpu { $($cpu)* }
            physical {
                dram  : 0x4000_0000, 4 GiB, normal;
                uart0 : 0x0900_0000, 64 KiB, device;
            }
            space kernel {
                tables <= 16 in data;
                /// A null pointer faults.
                null   (guard) : 0x0, 64 KiB;
                uart0  (rw) : identity => uart0;
                text   (rx) : identity => dram + 0x20_0000, 4 MiB;
                rodata (r)  : identity => dram + 0x60_0000, 2 MiB;
                data   (rw) : identity => dram + 0x80_0000, 16 MiB;
                /// Tables that the edits need.
                pool   (rw) : identity => dram + 0x200_0000, 30 MiB;
                stack  (rw, stack) : identity => dram + 0x401_0000, 128 KiB, guard below 64 KiB;
                /// What the edits map.
                frames (rw) : identity => dram + 0x2000_0000, 2 GiB;
                $($half)*
            }
            $($more)*
        }
    };
}

/// The console of the map in force, which is installed once more for the proof that it is.
macro_rules! console {
    ($name:ident) => {{
        // SAFETY: the map is in force.
        let live = unsafe { install::<$name::kernel::Space>() };
        live.ok().and_then(|live| $name::kernel::uart0::take(&live)).map(Console::new)
    }};
}

/// The regimes that the firmware itself can run under: with two halves, something is declared in the upper one, too.
macro_rules! own {
    ($($name:ident: $level:ident, $kind:ident<$granule:ident, $bits:tt>, $cpu:tt, $half:tt;)*) => {
        $(declare! { $name, $kind<$granule, $bits>, $cpu, $half, {} })*

        /// All of them.
        pub(crate) const OWN: &[Regime] = &[$({
            static LAYOUT: Layout<{ count_regions($name::MAP) }> = Layout::of($name::MAP);

            fn run(order: Order) -> bool {
                let Some(mut console) = console!($name) else { return false };
                // SAFETY: the map has the frames where they are.
                let mut here = unsafe { Here::new(Core::<$level>::new($name::kernel::null::START)) };
                let declared = ($name::MAP, &LAYOUT, 0);
                let before = probe::testify(here.machine(), &mut console, declared, REGISTERS);
                // SAFETY: the map is live, and has everything where it is.
                let edited = unsafe {
                    edit::<$name::kernel::Space, <$granule as Sizes>::Page, <$granule as Sizes>::Block>(
                        order, ram!($name), &mut here, &mut console,
                    )
                };
                before && edited && is_whole(here.machine(), &mut console, declared)
            }

            Regime { name: stringify!($name), install: start::<$name::kernel::Space>, run }
        }),*];
    };
}

/// The memory that editing needs, where a map has it.
macro_rules! ram {
    ($name:ident) => {{
        use $name::kernel::{data, frames, pool};
        Ram {
            tables: Bytes(data::PHYS, pool::PHYS + pool::SIZE - data::PHYS),
            pool: Bytes(pool::PHYS, pool::SIZE),
            frames: Bytes(frames::PHYS, frames::SIZE),
        }
    }};
}

/// Pages and blocks of a granule.
trait Sizes {
    type Page: PageSize;
    type Block: PageSize;
}

impl Sizes for G4K {
    type Page = Size4K;
    type Block = Size2M;
}

impl Sizes for G16K {
    type Page = Size16K;
    type Block = Size32M;
}

impl Sizes for G64K {
    type Page = Size64K;
    type Block = Size512M;
}

/// Whether a map is as declared, and nothing else is mapped.
fn is_whole<const R: usize>(
    machine: &mut impl Machine,
    console: &mut Console,
    declared: (&Map<'_>, &Layout<R>, usize),
) -> bool {
    let report = probe::run(machine, &mut Mute, declared, REGISTERS);
    let good = report.is_ok_and(|report| report.is_good());
    let text = if good { "the declared map is whole" } else { "the declared map is NOT whole" };
    writeln!(console, "{text}").is_ok() && good
}

/// A console that takes everything and shows nothing.
struct Mute;

impl Write for Mute {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        Ok(())
    }
}

/// The second stages under the firmware at EL2.
macro_rules! second {
    ($($name:ident: $kind:ident<$granule:ident, $bits:tt>, $cpu:tt;)*) => {
        $(declare! { $name, El2<$granule, 48>, $cpu, {}, {
            space vm (guest) for aarch64::$kind<$granule, $bits> {
                tables <= 24 in dram;
                null  (guard) : 0x0, 64 KiB;
                /// What the guest runs.
                guest (rx) : identity => dram + 0x20_0000, 64 KiB;
                /// Its memory.
                ram   (rw) : 0x8000_0000 => dram + 0xa000_0000, 512 MiB;
            }
        } })*

        /// All of them.
        pub(crate) const SECOND: &[Regime] = &[$({
            static LAYOUT: Layout<{ count_regions($name::MAP) }> = Layout::of($name::MAP);

            /// # Safety
            /// That of [`install`], for both stages.
            unsafe fn both() -> Result<(), Refusal> {
                // SAFETY: the caller vouches for it.
                unsafe { start::<$name::kernel::Space>() }?;
                // SAFETY: the caller vouches for it.
                unsafe { start::<$name::vm::Space>() }
            }

            fn run(order: Order) -> bool {
                let Some(mut console) = console!($name) else { return false };
                let mut core = Core::<El2>::new($name::kernel::null::START);
                let host = probe::testify(&mut core, &mut console, ($name::MAP, &LAYOUT, 0), REGISTERS);
                // SAFETY: the map says so.
                let guest = unsafe { Guest::new($name::vm::null::START) };
                // SAFETY: the map of EL2 has the frames where they are.
                let mut here = unsafe { Here::new(guest) };
                let declared = ($name::MAP, &LAYOUT, 1);
                let before = probe::testify(here.machine(), &mut console, declared, REGISTERS);
                // SAFETY: the maps are live, and that of EL2 has everything where it is.
                let edited = unsafe {
                    edit::<$name::vm::Space, <$granule as Sizes>::Page, <$granule as Sizes>::Block>(
                        order, ram!($name), &mut here, &mut console,
                    )
                };
                host && before && edited && is_whole(here.machine(), &mut console, declared)
            }

            Regime { name: stringify!($name), install: both, run }
        }),*];
    };
}

/// # Safety
/// That of [`install`].
unsafe fn start<S: Declared>() -> Result<(), Refusal>
where
    S::Regime: Install<S>,
{
    // SAFETY: the caller vouches for it.
    unsafe { install::<S>() }.map(|_| ())
}

// Features that change what is flushed, and how, are spread over the regimes. Ranges are not asked for with VHE: with
// HCR_EL2.E2H set, QEMU before 8.1 invalidates by RVAE2 what EL2 without it has cached.
own! {
    el1_4k_39: El1, El1<G4K, 39>, {}, { top (r) : (!0 << 39) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
    el1_4k_48: El1, El1<G4K, 48>, { features = [bbml2]; }, { top (r) : (!0 << 48) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
    el1_4k_52: El1, El1<G4K, 52>, { features = [lpa2, tlbirange]; }, { top (r) : (!0 << 52) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
    el1_16k_39: El1, El1<G16K, 39>, {}, { top (r) : (!0 << 39) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
    el1_16k_48: El1, El1<G16K, 48>, { features = [tlbirange]; }, { top (r) : (!0 << 48) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
    el1_16k_52: El1, El1<G16K, 52>, { features = [lpa2]; }, { top (r) : (!0 << 52) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
    el1_64k_39: El1, El1<G64K, 39>, {}, { top (r) : (!0 << 39) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
    el1_64k_48: El1, El1<G64K, 48>, { features = [tlbirange, bbml2]; }, { top (r) : (!0 << 48) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
    el1_64k_52: El1, El1<G64K, 52>, { features = [lva, lpa]; }, { top (r) : (!0 << 52) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
    vhe_4k_39: El1, El2And0<G4K, 39>, { features = [bbml2]; }, { top (r) : (!0 << 39) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
    vhe_4k_48: El1, El2And0<G4K, 48>, {}, { top (r) : (!0 << 48) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
    vhe_4k_52: El1, El2And0<G4K, 52>, { features = [lpa2]; }, { top (r) : (!0 << 52) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
    vhe_16k_39: El1, El2And0<G16K, 39>, {}, { top (r) : (!0 << 39) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
    vhe_16k_48: El1, El2And0<G16K, 48>, {}, { top (r) : (!0 << 48) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
    vhe_16k_52: El1, El2And0<G16K, 52>, { features = [lpa2]; }, { top (r) : (!0 << 52) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
    vhe_64k_39: El1, El2And0<G64K, 39>, {}, { top (r) : (!0 << 39) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
    vhe_64k_48: El1, El2And0<G64K, 48>, {}, { top (r) : (!0 << 48) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
    vhe_64k_52: El1, El2And0<G64K, 52>, { features = [lva, lpa, bbml2]; }, { top (r) : (!0 << 52) + 4 * GIB => dram + 0x60_0000, 64 KiB, alias_of rodata; };
    el2_4k_39: El2, El2<G4K, 39>, {}, {};
    el2_4k_48: El2, El2<G4K, 48>, { features = [bbml2]; }, {};
    el2_4k_52: El2, El2<G4K, 52>, { features = [lpa2, tlbirange]; }, {};
    el2_16k_39: El2, El2<G16K, 39>, { features = [tlbirange]; }, {};
    el2_16k_48: El2, El2<G16K, 48>, {}, {};
    el2_16k_52: El2, El2<G16K, 52>, { features = [lpa2]; }, {};
    el2_64k_39: El2, El2<G64K, 39>, {}, {};
    el2_64k_48: El2, El2<G64K, 48>, {}, {};
    el2_64k_52: El2, El2<G64K, 52>, { features = [lva, lpa, tlbirange]; }, {};
    el3_4k_39: El3, El3<G4K, 39>, { features = [tlbirange]; }, {};
    el3_4k_48: El3, El3<G4K, 48>, {}, {};
    el3_4k_52: El3, El3<G4K, 52>, { features = [lpa2]; }, {};
    el3_16k_39: El3, El3<G16K, 39>, {}, {};
    el3_16k_48: El3, El3<G16K, 48>, {}, {};
    el3_16k_52: El3, El3<G16K, 52>, { features = [lpa2, tlbirange]; }, {};
    el3_64k_39: El3, El3<G64K, 39>, { features = [tlbirange]; }, {};
    el3_64k_48: El3, El3<G64K, 48>, {}, {};
    el3_64k_52: El3, El3<G64K, 52>, { features = [lva, lpa, bbml2]; }, {};
}

// With 16 KiB pages and 52 bits, stage 2 starts at level 0, which QEMU 7.2 refuses.
second! {
    stage2_4k_40: Stage2<G4K, 40>, {};
    stage2_4k_48: Stage2<G4K, 48>, { features = [tlbirange]; };
    stage2_4k_52: Stage2<G4K, 52>, { pa_bits = 52; features = [lpa2, bbml2]; };
    stage2_16k_40: Stage2<G16K, 40>, {};
    stage2_16k_48: Stage2<G16K, 48>, { features = [tlbirange]; };
    stage2_16k_51: Stage2<G16K, 51>, { pa_bits = 52; features = [lpa2]; };
    stage2_64k_40: Stage2<G64K, 40>, { features = [bbml2]; };
    stage2_64k_48: Stage2<G64K, 48>, {};
    stage2_64k_52: Stage2<G64K, 52>, { pa_bits = 52; features = [lva, lpa]; };
}

/// Where the image lies, which is the same in every map.
mod image {
    use super::el1_4k_39::kernel;
    use super::stage2_4k_40::vm;

    kit::image! {
        /// Virtual minus physical address of everything in the image.
        const RISE: kernel { text, rodata, data, stack }
    }
    kit::link_regions!(vm { guest });
    const _: () = assert!(RISE == 0);
}
