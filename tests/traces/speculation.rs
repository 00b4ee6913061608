//! Random programs on live spaces, on cores that cache whatever they may at any moment: before and after each store they
//! walk random addresses, also from tables that they remember, and keep what they read. A map that knows no tables says
//! what must be there, and who has which memory. After each operation and each flush:
//!
//! * the tables say what the map says; a refused operation changed nothing, and what is refused follows from the map;
//! * where no obligation is left nothing that is cached says something else;
//! * nowhere is anything cached of memory that somebody else has, or that is free again, and no table comes back that a core
//!   may still walk;
//! * where the architecture asks for break-before-make, no two translations of an address to different memory meet.
//!
//! Tokens are flushed at once, or kept and joined, or put into batches. In the end every table comes back. A program that
//! fails is reduced to the least one that does.

mod cores;
mod leaf;
mod machine;
mod model;
mod program;
mod run;
mod window;
mod world;

use proptest::prelude::*;
use tablature::aarch64::{El1, El2, El2And0, El3, G4K, G16K, G64K, Stage2};
use tablature::armv7::{Lpae, LpaeHyp, LpaeStage2, Short};
use tablature::attr::Features;
use tablature::flush::{EveryCore, Id, OneCore};
use tablature::loongarch64::La64;
use tablature::page::{Size1M, Size2M, Size4K, Size4M, Size16K, Size32M, Size64K, Size512M};
use tablature::regime::With;
use tablature::riscv::{Sv32, Sv39, Sv39C9xx, Sv39x4, Sv48, Sv48x4, Sv57};
use tablature::x86::{Legacy32, Pae};
use tablature::x86_64::{Ept4, Ept5, Level4, Level5};

use self::cores::{Level, aarch64, armv7, ept, loongarch, riscv, x86};
use self::program::{Program, programs, tiny};
use self::run::run;
use crate::aarch64::HOST;
use crate::common::{OURS, THEIRS};
use crate::riscv::Stage;

const ID: Id = Id::One(OURS);
const RANGES: u64 = Features::TLBIRANGE.bits();
const RESIZES: u64 = Features::BBML2.bits();
const LPA2: u64 = Features::LPA2.bits();
const LPA: u64 = Features::LPA.bits();
const INVPCID: u64 = Features::INVPCID.bits();
const INVLPGB: u64 = Features::INVLPGB.bits();
const PCID: u64 = Features::PCID.bits();

/// Runs the program where `as` gives the cores, the page and the large leaf of the regime, and what it runs on.
macro_rules! each_of {
    ($program:expr; $($regime:ty as $reach:ty, $page:ty, $large:ty: $setting:expr;)*) => {{
        $(on(stringify!($regime), || run::<$regime, $reach, $page, $large>($program, $setting));)*
    }};
}

/// Says where it was if the program fails.
fn on(regime: &str, run: impl FnOnce()) {
    struct Where<'a>(&'a str);
    impl Drop for Where<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("in {}", self.0);
            }
        }
    }
    let _where = Where(regime);
    run();
}

fn on_riscv(program: &Program) {
    type Batches = With<Sv39, { Features::SVINVAL.bits() }>;
    type Runs = With<Sv48, { Features::SVNAPOT.bits() }>;
    type Lazy = With<Sv39, { Features::SVVPTC.bits() }>;
    each_of! { program;
        Sv32 as OneCore, Size4K, Size4M: riscv::<Sv32>(Stage::Supervisor, ID);
        Sv39 as OneCore, Size4K, Size2M: riscv::<Sv39>(Stage::Supervisor, ID);
        Sv39C9xx as OneCore, Size4K, Size2M: riscv::<Sv39C9xx>(Stage::Supervisor, ID);
        Sv48 as OneCore, Size4K, Size2M: riscv::<Sv48>(Stage::Supervisor, Id::Every);
        Sv57 as OneCore, Size4K, Size2M: riscv::<Sv57>(Stage::Supervisor, ID);
        Sv39x4 as OneCore, Size4K, Size2M: riscv::<Sv39x4>(Stage::Guest, ID);
        Sv48x4 as OneCore, Size4K, Size2M: riscv::<Sv48x4>(Stage::Guest, ID);
        Batches as OneCore, Size4K, Size2M: riscv::<Batches>(Stage::Supervisor, ID);
        Runs as OneCore, Size4K, Size2M: riscv::<Runs>(Stage::Supervisor, ID);
        Lazy as OneCore, Size4K, Size2M: riscv::<Lazy>(Stage::Supervisor, ID);
    }
}

fn on_aarch64(program: &Program) {
    type Kernel = El1<G4K, 39>;
    type Wide = With<El1<G4K, 52>, LPA2>;
    each_of! { program;
        Kernel as OneCore, Size4K, Size2M: aarch64::<Kernel, Kernel>(0, OURS, ID);
        El1<G4K, 48> as EveryCore, Size4K, Size2M: aarch64::<El1<G4K, 48>, Kernel>(0, OURS, Id::Every);
        With<Kernel, RANGES> as EveryCore, Size4K, Size2M: aarch64::<With<Kernel, RANGES>, Kernel>(0, OURS, ID);
        With<Kernel, RESIZES> as OneCore, Size4K, Size2M: aarch64::<With<Kernel, RESIZES>, Kernel>(0, OURS, ID);
        Wide as OneCore, Size4K, Size2M: aarch64::<Wide, Kernel>(0, OURS, ID);
        El2<G4K, 39> as OneCore, Size4K, Size2M: aarch64::<El2<G4K, 39>, El2<G4K, 39>>(0, OURS, Id::Every);
        El3<G4K, 39> as OneCore, Size4K, Size2M: aarch64::<El3<G4K, 39>, El3<G4K, 39>>(0, OURS, Id::Every);
        El2And0<G4K, 39> as OneCore, Size4K, Size2M: aarch64::<El2And0<G4K, 39>, El2And0<G4K, 39>>(HOST, OURS, ID);
    }
}

fn on_granules(program: &Program) {
    type Wide16 = With<El1<G16K, 52>, { LPA2 | RANGES }>;
    type Wide64 = With<El1<G64K, 52>, LPA>;
    each_of! { program;
        El1<G16K, 47> as OneCore, Size16K, Size32M: aarch64::<El1<G16K, 47>, El1<G16K, 47>>(0, OURS, ID);
        El1<G64K, 42> as EveryCore, Size64K, Size512M: aarch64::<El1<G64K, 42>, El1<G64K, 42>>(0, OURS, ID);
        El1<G64K, 48> as OneCore, Size64K, Size512M: aarch64::<El1<G64K, 48>, El1<G64K, 48>>(0, OURS, Id::Every);
        Wide16 as OneCore, Size16K, Size32M: aarch64::<Wide16, El1<G16K, 47>>(0, OURS, ID);
        Wide64 as OneCore, Size64K, Size512M: aarch64::<Wide64, El1<G64K, 48>>(0, OURS, ID);
    }
}

fn on_guests(program: &Program) {
    type Guest = Stage2<G4K, 40>;
    type Guest16 = Stage2<G16K, 40>;
    type Guest64 = Stage2<G64K, 40>;
    each_of! { program;
        Guest as OneCore, Size4K, Size2M: aarch64::<Guest, Guest>(0, OURS, ID);
        Guest as OneCore, Size4K, Size2M: aarch64::<Guest, Guest>(0, THEIRS, ID);
        Guest16 as EveryCore, Size16K, Size32M: aarch64::<Guest16, Guest16>(0, OURS, ID);
        Guest64 as OneCore, Size64K, Size512M: aarch64::<Guest64, Guest64>(0, OURS, ID);
        Ept4 as OneCore, Size4K, Size2M: ept();
        Ept5 as OneCore, Size4K, Size2M: ept();
        LpaeStage2 as OneCore, Size4K, Size2M: armv7(Level::Guest, ID);
    }
}

fn on_armv7(program: &Program) {
    each_of! { program;
        Short as OneCore, Size4K, Size1M: armv7(Level::Pl1, ID);
        Short as EveryCore, Size4K, Size1M: armv7(Level::Pl1, Id::Every);
        Lpae as OneCore, Size4K, Size2M: armv7(Level::Pl1, ID);
        Lpae as EveryCore, Size4K, Size2M: armv7(Level::Pl1, Id::Every);
        LpaeHyp as OneCore, Size4K, Size2M: armv7(Level::Pl2, Id::Every);
    }
}

fn on_x86(program: &Program) {
    const PGE: u64 = 1 << 7;
    const PCIDE: u64 = 1 << 17;
    type Tagged4 = With<Level4, PCID>;
    type Tagged5 = With<Level5, PCID>;
    type Able = With<Tagged4, INVPCID>;
    type Broadcasts = With<Tagged4, INVLPGB>;
    each_of! { program;
        Legacy32 as OneCore, Size4K, Size4M: x86(0, PGE, Id::Every);
        Pae as OneCore, Size4K, Size2M: x86(0, PGE, Id::Every);
        Level4 as OneCore, Size4K, Size2M: x86(0, PGE, Id::Every);
        Level5 as OneCore, Size4K, Size2M: x86(0, 0, Id::Every);
        Tagged4 as OneCore, Size4K, Size2M: x86(OURS, PGE | PCIDE, Id::Every);
        Tagged4 as OneCore, Size4K, Size2M: x86(OURS, PGE | PCIDE, ID);
        Tagged5 as OneCore, Size4K, Size2M: x86(THEIRS, PGE | PCIDE, ID);
        Able as OneCore, Size4K, Size2M: x86(THEIRS, PCIDE, ID);
        Broadcasts as EveryCore, Size4K, Size2M: x86(OURS, PGE | PCIDE, ID);
    }
}

fn on_loongarch(program: &Program) {
    each_of! { program;
        La64 as OneCore, Size4K, Size2M: loongarch(ID);
        La64 as OneCore, Size4K, Size2M: loongarch(Id::Every);
    }
}

/// One regime of each architecture, as far as an interpreter has the time.
fn on_few(program: &Program) {
    type Kernel = El1<G4K, 39>;
    each_of! { program;
        Sv39 as OneCore, Size4K, Size2M: riscv::<Sv39>(Stage::Supervisor, ID);
        Kernel as EveryCore, Size4K, Size2M: aarch64::<Kernel, Kernel>(0, OURS, ID);
        Pae as OneCore, Size4K, Size2M: x86(0, 0, Id::Every);
    }
}

const STEPS: usize = 24;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 4096, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(if cfg!(miri) { 1 } else { 12 }))]

    /// Interpreted, too.
    #[test]
    fn tiny_programs_leave_nothing_stale(program in tiny()) {
        on_few(&program);
    }
}

proptest! {
    #![proptest_config(config(12))]

    #[test]
    fn riscv_remembers_nothing_stale(program in programs(STEPS)) {
        on_riscv(&program);
    }

    #[test]
    fn aarch64_remembers_nothing_stale(program in programs(STEPS)) {
        on_aarch64(&program);
    }

    #[test]
    fn granules_remember_nothing_stale(program in programs(STEPS)) {
        on_granules(&program);
    }

    #[test]
    fn guests_remember_nothing_stale(program in programs(STEPS)) {
        on_guests(&program);
    }

    #[test]
    fn armv7_remembers_nothing_stale(program in programs(STEPS)) {
        on_armv7(&program);
    }

    #[test]
    fn x86_remembers_nothing_stale(program in programs(STEPS)) {
        on_x86(&program);
    }

    #[test]
    fn loongarch_remembers_nothing_stale(program in programs(STEPS)) {
        on_loongarch(&program);
    }
}
