//! Which leaves there are (SDM volume 3A, "4-Level Paging and 5-Level Paging"); 1 GiB only with a feature of its own.

use crate::page::{HasLeaf, Size1G, Size2M, Size4K};

use super::{Level4, Level5};

macro_rules! leaves {
    ($($regime:ty: $($size:ty),*;)*) => { $($(impl HasLeaf<$size> for $regime {})*)* };
}

leaves! {
    Level4: Size4K, Size2M, Size1G;
    Level5: Size4K, Size2M, Size1G;
}
