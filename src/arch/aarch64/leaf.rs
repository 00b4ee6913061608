//! Which granule has which leaves (DDI 0487, D8 "Translation table descriptor formats").

use crate::page::{
    HasLeaf, PageSize, Size1G, Size2M, Size4K, Size4T, Size16K, Size32M, Size64G, Size64K, Size512G, Size512M,
};

use super::{El1, El2, El2And0, El3, G4K, G16K, G64K, Granule, Stage2};

/// The granule has leaves of size `S`; the largest only with 52-bit addresses (FEAT_LPA2, FEAT_LPA).
#[diagnostic::on_unimplemented(
    message = "the granule `{Self}` has no leaves of `{S}`",
    label = "no such page or block",
    note = "G4K has 4 KiB, 2 MiB, 1 GiB and 512 GiB; G16K has 16 KiB, 32 MiB and 64 GiB; G64K has 64 KiB, 512 MiB and 4 TiB"
)]
pub trait GranuleLeaf<S: PageSize>: Granule {}

macro_rules! leaves {
    ($($granule:ty: $($size:ty),*;)*) => { $($(impl GranuleLeaf<$size> for $granule {})*)* };
}

leaves! {
    G4K: Size4K, Size2M, Size1G, Size512G;
    G16K: Size16K, Size32M, Size64G;
    G64K: Size64K, Size512M, Size4T;
}

impl<S: PageSize, G: GranuleLeaf<S>, const VA: u32> HasLeaf<S> for El1<G, VA> {}
impl<S: PageSize, G: GranuleLeaf<S>, const VA: u32> HasLeaf<S> for El2<G, VA> {}
impl<S: PageSize, G: GranuleLeaf<S>, const VA: u32> HasLeaf<S> for El3<G, VA> {}
impl<S: PageSize, G: GranuleLeaf<S>, const VA: u32> HasLeaf<S> for El2And0<G, VA> {}
impl<S: PageSize, G: GranuleLeaf<S>, const IPA: u32> HasLeaf<S> for Stage2<G, IPA> {}
