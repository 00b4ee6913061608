//! Which leaves there are (SDM volume 3A, "4-Level Paging and 5-Level Paging"; volume 3C, "EPT Translation Mechanism");
//! 1 GiB only with a feature of its own, and in EPT 2 MiB, too.

use crate::page::{HasLeaf, Size1G, Size2M, Size4K};

use super::{Ept4, Ept5, Level4, Level5};

macro_rules! leaves {
    ($($regime:ty: $($size:ty),*;)*) => { $($(impl HasLeaf<$size> for $regime {})*)* };
}

leaves! {
    Level4: Size4K, Size2M, Size1G;
    Level5: Size4K, Size2M, Size1G;
    Ept4: Size4K, Size2M, Size1G;
    Ept5: Size4K, Size2M, Size1G;
}
