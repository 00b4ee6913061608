//! Which leaves there are (DDI 0406, B3.5 "Short-descriptor translation table format", B3.6 "Long-descriptor translation
//! table format").

use crate::page::{HasLeaf, Size1G, Size1M, Size2M, Size4K};

use super::{Lpae, LpaeHyp, LpaeStage2, Short};

macro_rules! leaves {
    ($($size:ty),*) => { $(
        impl HasLeaf<$size> for Lpae {}
        impl HasLeaf<$size> for LpaeHyp {}
        impl<const IPA: u32> HasLeaf<$size> for LpaeStage2<IPA> {}
    )* };
}

leaves!(Size4K, Size2M, Size1G);

impl HasLeaf<Size4K> for Short {}
impl HasLeaf<Size1M> for Short {}
