//! Which leaves there are (SDM volume 3A, "32-Bit Paging" and "PAE Paging"); 4 MiB only with a feature of its own.

use crate::page::{HasLeaf, Size2M, Size4K, Size4M};

use super::{Legacy32, Pae};

impl HasLeaf<Size4K> for Legacy32 {}
impl HasLeaf<Size4M> for Legacy32 {}
impl HasLeaf<Size4K> for Pae {}
impl HasLeaf<Size2M> for Pae {}
