//! The regimes, one for each map of `example_regimes`.

use core::fmt::{self, Write};

use core_aarch64::{Console, Core, El1, El2, El3, Guest};
use example_regimes::*;
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

/// Physical address of the console.
pub(crate) const UART: u64 = 0x0900_0000;

/// The console of the map in force, which is installed once more for the proof that it is.
macro_rules! console {
    ($name:ident) => {{
        // SAFETY: the map is in force.
        let live = unsafe { install::<$name::kernel::Space>() };
        live.ok().and_then(|live| $name::kernel::uart0::take(&live)).map(Console::new)
    }};
}

/// The regimes that the firmware itself can run under: with two halves, something is declared in the upper one, too.
macro_rules! run_own {
    ($($name:ident: $level:ident, $kind:ident<$granule:ident, $bits:tt>, $cpu:tt, $half:tt;)*) => {
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
macro_rules! run_second {
    ($($name:ident: $kind:ident<$granule:ident, $bits:tt>, $cpu:tt;)*) => {
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

example_regimes::own! { run_own }

example_regimes::second! { run_second }

// `ret`.
kit::word!(".text_last" = 0xd65f03c0);
