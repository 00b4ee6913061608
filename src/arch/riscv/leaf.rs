//! Which mode has which leaves (RISC-V Privileged, "Supervisor-Level ISA", the sections of each mode).

use crate::page::{HasLeaf, Size1G, Size2M, Size4K, Size4M, Size256T, Size512G};

use super::{Sv32, Sv39, Sv39C9xx, Sv39x4, Sv48, Sv48x4, Sv57};

macro_rules! leaves {
    ($($regime:ty: $($size:ty),*;)*) => { $($(impl HasLeaf<$size> for $regime {})*)* };
}

leaves! {
    Sv32: Size4K, Size4M;
    Sv39: Size4K, Size2M, Size1G;
    Sv39C9xx: Size4K, Size2M, Size1G;
    Sv48: Size4K, Size2M, Size1G, Size512G;
    Sv57: Size4K, Size2M, Size1G, Size512G, Size256T;
    Sv39x4: Size4K, Size2M, Size1G;
    Sv48x4: Size4K, Size2M, Size1G, Size512G;
}
