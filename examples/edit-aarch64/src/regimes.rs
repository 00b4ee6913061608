//! The declared maps, one per regime.

use core_aarch64::{Core, El1, El2, El3, Guest};
use probe::{Register, Width};
use tablature::layout::{Layout, count_regions};
use tablature::space::{Declared, Install, Refusal, install};

use crate::start::{Console, finish};

/// A regime that the firmware can boot on.
pub(crate) struct Regime {
    /// Name on the command line.
    pub(crate) name: &'static str,
    /// Makes its maps live.
    pub(crate) install: unsafe fn() -> Result<(), Refusal>,
    /// Has the hardware confirm the map.
    pub(crate) run: fn() -> !,
}

/// Device registers that may be read, and written with what they hold.
const REGISTERS: &[Register] = &[
    // PL011: integer baud rate divisor, in effect only after a write to UARTLCR_H.
    Register { region: "uart0", offset: 0x24, width: Width::Word, marks: Some([1, 2]) },
];

/// Physical address of the console.
pub(crate) const UART: u64 = 0x0900_0000;

/// Declares the map of a regime that the firmware itself runs under: everything where it is.
macro_rules! declare {
    ($name:ident, $kind:ident<$granule:ident, $bits:tt>, { $($cpu:tt)* }, { $($more:tt)* }) => {
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
                text   (rx) : identity => dram + 0x20_0000, 2 MiB;
                rodata (r)  : identity => dram + 0x40_0000, 2 MiB;
                data   (rw) : identity => dram + 0x60_0000, 16 MiB;
                /// Tables that the edits need.
                pool   (rw) : identity => dram + 0x200_0000, 30 MiB;
                stack  (rw, stack) : identity => dram + 0x401_0000, 128 KiB, guard below 64 KiB;
                /// What the edits map.
                frames (rw) : identity => dram + 0x2000_0000, 2 GiB;
            }
            $($more)*
        }
    };
}

/// The console of the map in force, which is installed once more for the proof that it is.
macro_rules! console {
    ($name:ident) => {{
        // SAFETY: the map is in force.
        let Ok(live) = (unsafe { install::<$name::kernel::Space>() }) else { finish(false) };
        let Some(uart) = $name::kernel::uart0::take(&live) else { finish(false) };
        Console::new(uart)
    }};
}

/// The regimes that the firmware itself can run under.
macro_rules! own {
    ($($name:ident: $level:ident, $kind:ident<$granule:ident, $bits:tt>, $cpu:tt;)*) => {
        $(declare! { $name, $kind<$granule, $bits>, $cpu, {} })*

        /// All of them.
        pub(crate) const OWN: &[Regime] = &[$({
            static LAYOUT: Layout<{ count_regions($name::MAP) }> = Layout::of($name::MAP);

            fn run() -> ! {
                let mut console = console!($name);
                let mut core = Core::<$level>::new($name::kernel::null::START);
                finish(probe::testify(&mut core, &mut console, ($name::MAP, &LAYOUT, 0), REGISTERS))
            }

            Regime { name: stringify!($name), install: start::<$name::kernel::Space>, run }
        }),*];
    };
}

/// The second stages under the firmware at EL2.
macro_rules! second {
    ($($name:ident: $kind:ident<$granule:ident, $bits:tt>, $cpu:tt;)*) => {
        $(declare! { $name, El2<$granule, 48>, $cpu, {
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

            fn run() -> ! {
                let mut console = console!($name);
                let mut core = Core::<El2>::new($name::kernel::null::START);
                let good = probe::testify(&mut core, &mut console, ($name::MAP, &LAYOUT, 0), REGISTERS);
                // SAFETY: the map says so.
                let mut guest = unsafe { Guest::new($name::vm::null::START) };
                finish(probe::testify(&mut guest, &mut console, ($name::MAP, &LAYOUT, 1), REGISTERS) && good)
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

own! {
    el1_4k_39: El1, El1<G4K, 39>, {};
    el1_4k_48: El1, El1<G4K, 48>, {};
    el1_4k_52: El1, El1<G4K, 52>, { features = [lpa2]; };
    el1_16k_39: El1, El1<G16K, 39>, {};
    el1_16k_48: El1, El1<G16K, 48>, {};
    el1_16k_52: El1, El1<G16K, 52>, { features = [lpa2]; };
    el1_64k_39: El1, El1<G64K, 39>, {};
    el1_64k_48: El1, El1<G64K, 48>, {};
    el1_64k_52: El1, El1<G64K, 52>, { features = [lva, lpa]; };
    vhe_4k_39: El1, El2And0<G4K, 39>, {};
    vhe_4k_52: El1, El2And0<G4K, 52>, { features = [lpa2]; };
    vhe_16k_48: El1, El2And0<G16K, 48>, {};
    vhe_64k_48: El1, El2And0<G64K, 48>, {};
    el2_4k_39: El2, El2<G4K, 39>, {};
    el2_4k_52: El2, El2<G4K, 52>, { features = [lpa2]; };
    el2_16k_48: El2, El2<G16K, 48>, {};
    el2_64k_48: El2, El2<G64K, 48>, {};
    el3_4k_39: El3, El3<G4K, 39>, {};
    el3_4k_52: El3, El3<G4K, 52>, { features = [lpa2]; };
    el3_16k_48: El3, El3<G16K, 48>, {};
    el3_64k_48: El3, El3<G64K, 48>, {};
}

second! {
    stage2_4k_40: Stage2<G4K, 40>, {};
    stage2_4k_52: Stage2<G4K, 52>, { pa_bits = 52; features = [lpa2]; };
    stage2_16k_48: Stage2<G16K, 48>, {};
    stage2_64k_48: Stage2<G64K, 48>, {};
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
