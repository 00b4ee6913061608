//! The map, as one writes it for `aarch64-paging`.

use aarch64_paging::descriptor::El1Attributes as Attributes;
use aarch64_paging::descriptor::PhysicalAddress;
use aarch64_paging::paging::MemoryRegion;
use example_maps::aarch64::virt_aarch64::kernel;

/// A range of addresses, what it is mapped to, and how.
pub(crate) struct Region {
    pub(crate) range: MemoryRegion,
    pub(crate) phys: PhysicalAddress,
    pub(crate) attributes: Attributes,
}

/// MAIR_EL1: write-back, nGnRE, not cacheable.
pub(crate) const MAIR: u64 = 0x44_04_ff;

const NORMAL: Attributes = Attributes::VALID
    .union(Attributes::ACCESSED)
    .union(Attributes::INNER_SHAREABLE)
    .union(Attributes::ATTRIBUTE_INDEX_0)
    .union(Attributes::PXN)
    .union(Attributes::UXN);
const USER: Attributes = NORMAL.union(Attributes::USER).union(Attributes::NON_GLOBAL);

const RX: Attributes = NORMAL.union(Attributes::READ_ONLY).difference(Attributes::PXN);
const R: Attributes = NORMAL.union(Attributes::READ_ONLY);
const RW: Attributes = NORMAL;
const USER_RX: Attributes = USER.union(Attributes::READ_ONLY).difference(Attributes::UXN);
const USER_RW: Attributes = USER;
const DEVICE: Attributes = NORMAL.union(Attributes::ATTRIBUTE_INDEX_1);
const SCREEN: Attributes = NORMAL.union(Attributes::ATTRIBUTE_INDEX_2);

macro_rules! regions {
    ($($(#[$when:meta])* $region:ident: $attributes:ident),+ $(,)?) => {
        &[$($(#[$when])* Region {
            range: MemoryRegion::new(
                kernel::$region::START as usize,
                (kernel::$region::START + kernel::$region::SIZE) as usize,
            ),
            phys: PhysicalAddress(kernel::$region::PHYS as usize),
            attributes: $attributes,
        }),+]
    };
}

/// Those of the lower half.
pub(crate) const LOWER: &[Region] = regions! {
    switch: RX,
    switch_rodata: R,
    switch_stack: RW,
    app: USER_RX,
    app_data: USER_RW,
    #[cfg(feature = "more")]
    more: R,
};

/// Those of the upper one. The pages of `heap` are mapped at run time.
pub(crate) const UPPER: &[Region] = regions! {
    text: RX,
    rodata: R,
    data: RW,
    stack: RW,
    table_pool: RW,
    screen: SCREEN,
    uart0: DEVICE,
    rtc: DEVICE,
    gicd: DEVICE,
    gicc: DEVICE,
    virtio: DEVICE,
    physmap: RW,
};
