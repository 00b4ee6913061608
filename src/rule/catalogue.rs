//! Every text of every rule, once.
//!
//! A template names culprits `{a}` `{b}` `{c}` `{d}` (`{an}` for the name without its space, `{rest}` for all but the
//! first), numbers `{x0}` in hexadecimal and `{d0}` in decimal, `{down}` and `{up}` for number 0 rounded to a multiple
//! of number 1, `{end}` for their sum, and `{hint}` for a similar name. A part in brackets is left out where a value in
//! it is missing.

/// Why a map that breaks a rule is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The architecture makes it wrong.
    Architecture,
    /// The declaration contradicts itself.
    Declaration,
    /// A safety or security choice that another project could make differently.
    Policy,
}

/// What happens when a rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// An error that cannot be waived.
    Hard,
    /// An error that a region may waive with a reason.
    Waivable,
    /// Never stops the build; a region may waive it, too.
    Warning,
}

/// All that is known of a rule.
#[derive(Clone, Copy, Debug)]
pub struct Info {
    /// Its stable name, in kebab case.
    pub id: &'static str,
    /// Why it exists.
    pub basis: Basis,
    /// What breaking it does.
    pub class: Class,
    /// What holds in a sound map.
    pub statement: &'static str,
    /// Where that is written: manual and section, or the projects whose practice it is.
    pub reference: &'static str,
    /// Template of what is wrong, and where.
    pub what: &'static str,
    /// Template of what to do.
    pub fix: &'static str,
}

macro_rules! catalogue {
    ($($name:ident $id:literal $basis:ident $class:ident: $statement:literal [$reference:literal]
        $what:literal => $fix:literal;)*) => {
        /// A rule that a sound map keeps.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Rule { $(#[doc = $statement] $name,)* }

        impl Rule {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// All that is known of it.
            #[must_use]
            pub const fn info(self) -> &'static Info {
                match self { $(Self::$name => &Info {
                    id: $id,
                    basis: Basis::$basis,
                    class: Class::$class,
                    statement: $statement,
                    reference: $reference,
                    what: $what,
                    fix: $fix,
                },)* }
            }
        }
    };
}

impl Rule {
    /// Its stable name, in kebab case.
    #[must_use]
    pub const fn id(self) -> &'static str {
        self.info().id
    }

    /// Whether a region may waive it.
    #[must_use]
    pub const fn is_waivable(self) -> bool {
        !matches!(self.info().class, Class::Hard) && !matches!(self, Self::WaiverUnused)
    }

    /// The rule of that id; `_` stands for `-`, too.
    #[must_use]
    pub const fn named(id: &str) -> Option<Self> {
        let mut i = 0;
        while i < Self::ALL.len() {
            if crate::text::same_spelling(Self::ALL[i].id(), id) {
                return Some(Self::ALL[i]);
            }
            i += 1;
        }
        None
    }
}

catalogue! {
// Alignment
VaUnaligned "va-unaligned" Architecture Hard: "The virtual start of every region and guard is a multiple of the granule."
    ["DDI 0487 D8; RISC-V privileged, Virtual-Memory System; SDM 3A 4.2"]
    "{a} starts at {x0}, which is no multiple of {x1}" => "start it at {down} or {up}";
PaUnaligned "pa-unaligned" Architecture Hard: "The physical start of every region is a multiple of the granule; with `round` it is congruent to the virtual start."
    ["DDI 0487 D8; RISC-V privileged, Virtual-Memory System; SDM 3A 4.2"]
    "{a} maps the physical address {x0}, whose offset in a page of {x1} bytes is not that of the virtual address" => "use a physical start with the right offset, such as {down} or {up} for an aligned region";
SizeUnaligned "size-unaligned" Policy Hard: "Every size is a multiple of the granule unless rounding is asked for."
    ["microkit mr_size_not_multiple_of_page_size; Zephyr #104905"]
    "{a} has {x0} bytes, which is no multiple of {x1}" => "declare {up} bytes, or say `round` to map whole pages";
LeafMisaligned "leaf-misaligned" Architecture Hard: "With a requested leaf size, virtual start, physical start and size are multiples of it."
    ["RISC-V privileged, misaligned superpage; SDM 3A 4.5, reserved bits; DDI 0487 D8"]
    "{a} asks for leaves of {x1} bytes, but {x0} is no multiple of that" => "use {down} or {up} there, or drop the page request";
RoundingExposesNeighbour "rounding-exposes-neighbour" Policy Waivable: "Explicit rounding adds no byte of another resource to the map."
    ["OP-TEE _pgdir; OpenSBI memregion_init"]
    "rounding {a} to units of {x2} bytes maps {x1} bytes of {b} at {x0}" => "round to a smaller unit, or move {b} out of the unit";

// Virtual range
VaNotCanonical "va-not-canonical" Architecture Hard: "In formats with two halves the first byte lies in the lower or in the upper half."
    ["SDM 1 3.3.7.1; RISC-V privileged, Sv39 sign extension; DDI 0487 D8 TxSZ"]
    "{a} starts at {x0}, in the hole between the halves" => "use an address below {x1} or from {x2}, or a format with more bits";
VaOutOfRange "va-out-of-range" Architecture Hard: "In formats with one range the whole region lies below 2^bits."
    ["DDI 0487 D8 TxSZ; RISC-V privileged, two-stage translation: upper bits are zero"]
    "{a} reaches {x0}, outside the {x1} bytes that the format translates" => "use addresses below {x1}, or a format with more bits";
CrossesCanonicalHole "crosses-canonical-hole" Architecture Hard: "A region does not leave the half in which it starts."
    ["SDM 1 3.3.7.1; DDI 0487 D8"]
    "{a} leaves its half of the address space: the lower one ends at {x0}" => "end it at {x0}, or split it";
AddressWrap "address-wrap" Architecture Hard: "No sum of base and size or offset, and no base less a guard, leaves 0..2^64."
    ["TF-A mmap_add_region_check -ERANGE; Hafnium relative_address_overflow"]
    "{a} wraps around: {x0} and {x1} bytes together leave the 64-bit address space" => "correct the address {x0} or make {x1} smaller";
VaOverlap "va-overlap" Architecture Hard: "No two regions of a space share a virtual page."
    ["one entry, one leaf: DDI 0487 D8; RISC-V privileged; SDM 3A 4.5"]
    "{a} and {b} both occupy {x1} bytes from {x0}" => "start {b} at {end} or above, or shrink {a}";
NullPageMapped "null-page-mapped" Policy Waivable: "Virtual page 0 of a stage 1 space is not mapped."
    ["null pointers must fault"]
    "{a} maps the null page at {x0}" => "start it at {x1} or above, or waive the rule with a reason";
IdentityNotEqual "identity-not-equal" Declaration Hard: "An identity region has equal virtual and physical addresses."
    ["TF-A MAP_REGION_FLAT; Zephyr MMU_REGION_FLAT_ENTRY"]
    "{a} is an identity map, but maps {x0} to {x1}" => "use {x1} for both, or do not say `identity`";

// Physical range
PaOutOfRange "pa-out-of-range" Architecture Hard: "Resources and tables lie below 2^pa_bits, and tables below `tables_below`."
    ["DDI 0487 D8 PARange; SDM 3A 4.1.4 MAXPHYADDR"]
    "{a} reaches the physical address {x0}[, beyond the limit {x1}]" => "move or shrink it, or correct the limit (pa_bits, tables_below)";
ResourceOverlap "resource-overlap" Declaration Hard: "Resources are disjoint unless one is declared `within` the other and lies inside it."
    ["microkit mr_overlapping_phys_addr; Muen Physical_Memory_Overlap"]
    "resources {a} and {b} disagree about {x1} bytes at {x0}" => "correct the sizes, or declare one `within` the other and keep it inside";
PhysUndeclared "phys-undeclared" Declaration Hard: "Every mapped physical byte belongs to a declared resource."
    ["Hafnium mem_regions_invalid; Muen Hardware.Memory_Space"]
    "{a} maps physical memory[ at {x0}][, {x1} bytes,] that no resource declares" => "name a resource[ as in `=> {hint}`][, or declare one that covers {x0}]";
RegionExceedsResource "region-exceeds-resource" Declaration Hard: "Offset and size of a region do not exceed its resource."
    ["Hafnium mem_regions_invalid"]
    "{a} ends at offset {x0} of {b}, which has {x1} bytes" => "use an offset and a size that end at {x1} at most";
RegionStraddlesResources "region-straddles-resources" Policy Hard: "A map by raw address lies in one top-level resource."
    ["seL4 vspace.c: non-DRAM as Normal memory"]
    "{a} runs from {b} into {c}: {x1} bytes at {x0}" => "map {b} and {c} as two regions";
ReservedMemoryMapped "reserved-memory-mapped" Policy Hard: "Reserved resources are mapped by nobody."
    ["Jailhouse configuration check; OP-TEE secure memory"]
    "{a} maps {x1} bytes at {x0} of {b}, which is reserved" => "leave out {x0} up to {end}";
AliasUndeclared "alias-undeclared" Policy Waivable: "One space maps a physical page once, unless the second map names the first as `alias_of` or is a linear map."
    ["TF-A separated_pa"]
    "{a} and {b} map the same physical memory: {x1} bytes at {x0}" => "say `alias_of {an}` on {b}, or use other memory";

// Empty
EmptyDeclaration "empty-declaration" Declaration Hard: "Regions, guards, resources, channels and spaces are not empty, and there is a space."
    ["patina set_attributes_zero_size; Hafnium MEM_REGION_EMPTY"]
    "{a} is empty[: {x0} bytes]" => "remove it, or declare what it holds[: a size above {d0}, and a page at least]";

// Rights
RightsEmpty "rights-empty" Policy Waivable: "A map grants at least one right."
    ["patina set_attributes_invalid"]
    "{a} grants no right" => "use a guard if nothing may touch the pages, else give it `r`";
WriteOnly "write-only" Architecture Hard: "Write implies read."
    ["RISC-V privileged, PTE R=0 W=1 reserved; DDI 0487 D8; SDM 3A 4.6"]
    "{a} may be written but not read, which no entry says" => "use `rw`";
RightsNotEncodable "rights-not-encodable" Architecture Hard: "The pair of privileged and user rights has an encoding in the format."
    ["DDI 0487 D8 stage 1 permissions; RISC-V privileged, U bit; SDM 3A 4.6"]
    "{a} asks for a pair of privileged and user rights that no entry of the format can say" => "give both privileges the same data rights, `r` where there is `x`, and `x` to one of them; or map the memory twice";
Wx "wx" Policy Waivable: "No map is writable and executable, counted over all privileges."
    ["Zephyr mem_domain W^X; Hafnium"]
    "{a} is writable and executable" => "split it into `rw` and `rx`, or waive the rule with a reason";
WxAlias "wx-alias" Policy Waivable: "No physical page is writable through one map and executable through another."
    ["W^X over all maps of a page, DMA included"]
    "{a} may write what {b} executes: {x1} bytes at the physical address {x0}" => "make {a} read-only there, or start it at {end}";
RightsExceedResource "rights-exceed-resource" Declaration Waivable: "The rights of a map do not exceed those declared for the resource."
    ["Hubris memory.toml"]
    "{a} grants more than the resource {b} allows" => "drop the right, or map other memory";
WaiverInvalid "waiver-invalid" Policy Hard: "A waiver names a waivable rule and gives a reason that is not blank."
    ["DO-178C, deviation records"]
    "a waiver of {a} names no waivable rule, or gives no reason" => "state a rule that can be waived and why[; did you mean `{hint}`?]";

// Memory type
MemoryTypeMismatch "memory-type-mismatch" Architecture Waivable: "All maps of a physical page, in all spaces, use one memory type."
    ["DDI 0487 B2.8 mismatched memory attributes; SDM 3A 12.12.4; RISC-V Svpbmt"]
    "{a} and {b} map {x1} bytes at the physical address {x0} with different memory types" => "declare the type once, on the resource, and drop the overrides";
DeviceMappedAsNormal "device-mapped-as-normal" Architecture Waivable: "A device resource is not mapped with a Normal type."
    ["DDI 0487 B2.7 device memory; SDM 3A 12.3"]
    "{a} maps the device {b} as Normal memory" => "remove the `memory` override";
DeviceExecutable "device-executable" Architecture Hard: "Device memory is executable at no privilege."
    ["DDI 0487 B2.7: speculative fetches from devices; D8"]
    "{a} is executable, but {b} behind it is a device" => "drop `x`";
MemoryTypeUnsupported "memory-type-unsupported" Architecture Hard: "The memory type exists in the format and in the declared register."
    ["DDI 0487 D19.2 MAIR_ELx; SDM 3A 12.12 PAT; RISC-V Svpbmt"]
    "{a} uses a memory type that the format cannot say[: {b} does not hold {x0}]" => "use another type[, or add {x0} to {b}]";
MemoryTypeTableFull "memory-type-table-full" Architecture Hard: "The map uses at most as many memory types as the register has slots."
    ["DDI 0487 D8 AttrIndx"]
    "the map needs {d0} values in {a}, which has {d1}" => "use fewer memory types: at most {d1}";
ReservedEncoding "reserved-encoding" Architecture Hard: "No reserved value is used, nor a combination with another meaning."
    ["DDI 0487 D19.2 MAIR_ELx, D8 MemAttr; SDM 3A 12.12.2; RISC-V Svpbmt; SDM 3A 4.6 shadow stacks"]
    "{a} uses a reserved encoding[: {x0} ({d0})]" => "use a value that the manual defines[ instead of {x0}], and no `dirty` without `w`";
LeafSpansAttributeBoundary "leaf-spans-attribute-boundary" Architecture Hard: "A requested large leaf lies in one MTRR type and one PMP entry."
    ["SDM 3A 12.11.9 large page considerations; riscv-isa-manual #347"]
    "a leaf of {x1} bytes of {a} spans {b} and {c}, which meet at {x0}" => "use smaller leaves around {x0}";
SoftwareBitsInvalid "software-bits-invalid" Architecture Hard: "Software bits fit their field."
    ["DDI 0487 D8 bits reserved for software; RISC-V privileged RSW; SDM 3A 4.5"]
    "{a} wants {x0} in a software field that ends at {x1}" => "use at most {x1}";

// Guards and stacks
GuardOverlap "guard-overlap" Policy Hard: "No map or window covers a page of a guard."
    ["Muen Kernel.Stack_Layout"]
    "{a} covers the guard of {b}: {x1} bytes at {x0}" => "end {a} at {x0}, or start it at {end}";
GuardInsideLeaf "guard-inside-leaf" Architecture Hard: "A guard inside a region with a requested leaf size removes whole leaves only."
    ["a leaf is present or not: DDI 0487 D8; RISC-V privileged; SDM 3A 4.5"]
    "the guard {a} cuts at {x0} through a leaf of {x1} bytes of {b}" => "drop the page request of {b}, or enlarge {a} to whole leaves from {down}";
GuardNotAdjacent "guard-not-adjacent" Policy Hard: "A guard that names a stack touches it."
    ["Muen Kernel.Stack_Layout"]
    "the guard {a} ends at {x0}, the stack {b} starts at {x1}" => "move {a} so that it ends at {x1}";
GuardWithBacking "guard-with-backing" Declaration Hard: "A guard names no physical memory."
    ["a guard maps nothing"]
    "the guard {a} names physical memory[: {b}]" => "remove the physical side";
StackWithoutGuard "stack-without-guard" Policy Waivable: "Where guards are required every stack has one on the side to which it grows."
    ["Muen Kernel.Stack_Layout"]
    "the stack {a} at {x0} has no guard where it grows to" => "say `guard below` (`guard above` if it grows up), or declare a guard that touches it";
StackNotPlainRam "stack-not-plain-ram" Policy Hard: "A stack is `rw`, not executable and in Normal memory."
    ["DDI 0487 B2.7: unaligned access to devices; GNU-stack"]
    "the stack {a} is not plain RAM with `rw`[: {b} is a device]" => "use `rw` in Normal memory";
StackTooSmall "stack-too-small" Policy Hard: "A stack is at least as large as its declared worst case."
    ["Hubris worst-case stack check"]
    "the stack {a} may need {x0} bytes and has {x1}" => "give it {x0} bytes or more, in whole pages";
StackShared "stack-shared" Policy Waivable: "The memory of a stack is mapped by no other protection domain."
    ["Hubris #2492; Tock #4366"]
    "the stack {a} shares {x1} bytes at {x0} with {b}" => "give the stack memory of its own";

// Tables and budget
TableBudgetExceeded "table-budget-exceeded" Declaration Hard: "The number of tables does not exceed the budget."
    ["TF-A MAX_XLAT_TABLES; TF-RMM xlat_estimate"]
    "{a} needs {d0} tables, its budget is {d1}[; it would fit without one of: {rest}]" => "raise the budget to {d0}[, or align or move {b}]";
TablePoolTooSmall "table-pool-too-small" Declaration Hard: "The pool holds all tables of its spaces."
    ["Zephyr gen_mmu.py EXTRA_PAGE_TABLE_PAGES"]
    "the tables of {a} need {x0} bytes, the pool has {x1} ({rest})" => "enlarge the pool to {x0}";
RootUnaligned "root-unaligned" Architecture Hard: "The root is aligned to its size."
    ["RISC-V privileged, hgatp: 16 KiB; DDI 0487 D8 concatenated translation tables"]
    "{a} starts at {x0}, and the root in it is {x1} bytes" => "start the pool at {down} or {up}";
TablesOverlapRegion "tables-overlap-region" Policy Hard: "No map, DMA window or other pool covers a table pool."
    ["whoever writes tables writes all memory; openvmm #4380"]
    "{a} covers {x1} bytes at {x0} of {b}" => "move the pool to {end}, or say `tables` on a kernel region that is there to edit them";
TablesReachableByUser "tables-reachable-by-user" Policy Hard: "No user map and no partition or guest reaches a table pool, not even to read."
    ["Muen: tables are mapped by nobody; hvisor #310"]
    "{a} lets a user reach {x1} bytes at {x0} of {b}" => "end or start {a} outside the pool";
TablesNeedWrite "tables-need-write" Architecture Hard: "Tables that hardware updates are not in read-only memory."
    ["DDI 0487 D8 hardware management of the Access flag; RISC-V Svadu; SDM 3A 4.8"]
    "hardware updates {a}, but {b} cannot be written" => "preset accessed and dirty bits, or place the tables in RAM";
TablesOutsideRam "tables-outside-ram" Architecture Hard: "Table pools lie in declared Normal memory."
    ["DDI 0487 D8 attributes of table walks; SDM 3A 12.11.9"]
    "{a} does not lie in declared Normal memory[: {b} is a device][: nothing is declared at {x0}]" => "place the pool in a declared RAM resource";
TablesNotMapped "tables-not-mapped" Declaration Hard: "Tables edited at run time are mapped writable in a kernel space."
    ["x86_64 OffsetPageTable"]
    "{a} is edited at run time, but no kernel region maps it writable[: {x1} bytes at {x0}]" => "add a kernel region with `tables`, or a linear map over the pool";

// Levels and leaves
LeafSizeInvalid "leaf-size-invalid" Architecture Hard: "The requested leaf size exists in the granule and level structure."
    ["DDI 0487 D8 block descriptors; RISC-V privileged, superpages; SDM 3A 4.5"]
    "{a} asks for leaves of {x0} bytes, which the format does not have" => "use {x1}[ or {x2}], or `contiguous` where there are runs of that size";
ContiguousSizeInvalid "contiguous-size-invalid" Architecture Hard: "The requested run size exists."
    ["DDI 0487 D8 the Contiguous bit; RISC-V Svnapot"]
    "{a} asks for runs of {x0} bytes, which the format does not have" => "drop `contiguous`[, or use {x1}][ or {x2}][ or {x3}]";
ContiguousMisaligned "contiguous-misaligned" Architecture Hard: "A run is complete, and its virtual and physical start are aligned to it."
    ["DDI 0487 D8 the Contiguous bit; RISC-V Svnapot"]
    "{a} asks for runs of {x1} bytes, but {x0} is no multiple of that" => "use {down} or {up} there, or drop `contiguous`";
VaBitsInvalid "va-bits-invalid" Architecture Hard: "The input width is one the granule and regime can have."
    ["DDI 0487 D8 TxSZ and T0SZ"]
    "{a} has {d0} input bits, the limit is {d1}" => "use {d1} bits";
StartLevelInvalid "start-level-invalid" Architecture Hard: "The start level needs no more concatenated tables than there can be and is allowed for the output size."
    ["DDI 0487 D8 VTCR_EL2.SL0"]
    "{a} starts at a level that does not fit: {d0} where {d1} is the limit" => "use another start level";
FeatureMissing "feature-missing" Architecture Hard: "Every optional feature that the map uses is required by the declaration."
    ["DDI 0487 ID registers; RISC-V extension names; SDM 2A CPUID"]
    "{a} needs {b}, which the cpu block does not list" => "add it to the features of the cpu block (a granule or mode to its modes), or do without";

// Privilege
RegimeHasNoUser "regime-has-no-user" Architecture Hard: "Regimes without a lower privilege have no user regions."
    ["DDI 0487 D8 translation regimes"]
    "{a} is for the user, but the regime has none" => "drop `user`";
GstageLeafNotUser "gstage-leaf-not-user" Architecture Hard: "Every G-stage leaf has the U bit."
    ["RISC-V privileged, guest physical addresses are translated as if at U"]
    "{a} is not marked `user`, so every access of the guest faults" => "say `user` on every region of the guest";
UserInKernelHalf "user-in-kernel-half" Policy Waivable: "User regions lie in the lower half."
    ["practice of KPTI and SMAP"]
    "the user region {a} lies at {x0}, in the upper half" => "use an address in the lower half, or waive the rule with a reason";
KernelExecutesUserPage "kernel-executes-user-page" Policy Waivable: "No user page is executable for the privileged level."
    ["DDI 0487 D8 PXN; SDM 3A 4.6 SMEP"]
    "the privileged level may execute the user page {a}" => "drop the privileged `x`";
ParentRestrictsLeaf "parent-restricts-leaf" Architecture Hard: "A declared restriction at a table entry takes no right that a leaf below it grants."
    ["DDI 0487 D8 hierarchical control; SDM 3A 4.6"]
    "the entry {b} denies a right that {a} grants at {x0}" => "lift the restriction {b}, or drop the right";
GlobalMappingDiffers "global-mapping-differs" Architecture Hard: "A global region is identical in every space of the regime."
    ["RISC-V privileged, G bit; DDI 0487 D8 nG; SDM 3A 4.10.2.4"]
    "the global region {a} ({x1} bytes at {x0}) is not the same in {b}" => "map the same there, or drop `global`";
AsidInvalid "asid-invalid" Architecture Hard: "Address-space identifiers are unique and fit their width."
    ["DDI 0487 D8 ASID, VMID; RISC-V privileged, satp.ASID; SDM 3A 4.10.1 PCID"]
    "the identifier {d0} of {a} [is that of {b}, too][exceeds {d1}]" => "give [{b} ]another identifier that fits its width";

// Channels and isolation
ChannelEndsInvalid "channel-ends-invalid" Declaration Hard: "A channel has one map in each of its distinct ends, and its sender may write."
    ["microkit ch_not_enough_ends; bao shared memory"]
    "the channel {a} is not right at its end {b}" => "map it once in each space it names, `rw` at the sender, with different ends";
ChannelTwoWriters "channel-two-writers" Policy Hard: "A one-way channel has one writer."
    ["one owner of each byte"]
    "{b} may write the one-way channel {a}, as {c} does" => "map {b} read-only, or declare the channel with `<->`";
ChannelEndsDiffer "channel-ends-differ" Declaration Hard: "All ends map the same bytes of the channel."
    ["Hafnium RXTX_SIZE_MISMATCH; Jailhouse ivshmem"]
    "the ends {b} and {c} of {a} differ: {x0} and {x1}" => "use the same offset and size in both: {x0}";
ChannelThirdParty "channel-third-party" Policy Hard: "No other region reaches the memory of a channel."
    ["spatial separation: ARINC 653 P1"]
    "{b} reaches {x1} bytes at {x0} of the channel {a}, but is none of its ends" => "add its space to the receivers of {a}, or end {b} at {x0}";
ChannelExecutable "channel-executable" Policy Hard: "No end of a channel is executable."
    ["W^X across domains"]
    "the end {b} of the channel {a} is executable" => "drop `x`";
IsolationViolated "isolation-violated" Policy Hard: "Isolated spaces share no physical page except those of the listed channels."
    ["ARINC 653 P1 spatial partitioning; Jailhouse cells"]
    "{a} and {b} share {x1} bytes at the physical address {x0}" => "move one of them to {end} or other memory, or declare a channel and except it";
OwnerViolated "owner-violated" Policy Hard: "A resource with an owner is mapped by that owner only."
    ["Muen Kernel_Memory_Mappings; microkit #253"]
    "{a} maps {b}, which belongs to {c}" => "use another resource";

// DMA
DmaReachesForeign "dma-reaches-foreign" Policy Waivable: "A DMA window reaches no memory of another partition."
    ["Muen Device_Domains"]
    "the window {a} reaches {x1} bytes at {x0} of {b}, which is another's" => "end the window at {x0}, or move it";
DmaUnprotected "dma-unprotected" Policy Waivable: "A DMA device of an isolated space sits behind an IOMMU."
    ["Jailhouse; Hafnium MISSING_SMMU_ID"]
    "the device {a} of the isolated space {b} has no IOMMU" => "put it behind an IOMMU, or take {b} out of the isolation";
DmaAddressWidth "dma-address-width" Architecture Hard: "Device addresses fit the width of the device."
    ["Linux DMA masks"]
    "the window {a} ends at {x0}, beyond the {d1} address bits of its device" => "use device addresses below 2^{d1}";
DmaRights "dma-rights" Declaration Hard: "DMA windows have `r` and `w` only."
    ["microkit iommu_perms_execute_invalid"]
    "the window {a} grants `x`" => "use `r` and `w` only";
DmaIncoherent "dma-incoherent" Architecture Waivable: "A buffer of a device that is not coherent is not cacheable for its owner."
    ["DDI 0487 B2.7; RISC-V privileged, coherence PMAs"]
    "{b} caches what the incoherent device behind {a} reads or writes" => "map {b} as normal_nc, or waive the rule with a reason (cache maintenance)";
WindowCoversNonRam "window-covers-non-ram" Policy Waivable: "A linear map covers RAM only, no device and no hole."
    ["seL4 vspace.c; microkit #464"]
    "the linear map {a} covers {x1} bytes at {x0} that are not RAM[: {b}]" => "end it at {x0}, or declare two linear maps";

// Image
SectionUnmapped "section-unmapped" Declaration Hard: "Every section with bytes in memory is covered by regions."
    ["Muen mucheckelf"]
    "{x1} bytes at {x0} of section {a} are mapped by no region of {b}" => "declare a region for {a}, or enlarge the one before";
SectionRightsMismatch "section-rights-mismatch" Policy Waivable: "A section is mapped with exactly its rights."
    ["Muen mucheckelf"]
    "section {a} and its region {b} have different rights" => "map {a} in a region with its rights";
SectionsSharePage "sections-share-page" Architecture Hard: "Sections with different rights share no page."
    ["rights are those of a page: unikraft #506"]
    "sections {a} and {b} have different rights and share {x1} bytes at {x0}" => "align {b} to a page in the linker script";
EntryNotExecutable "entry-not-executable" Architecture Hard: "The entry point is mapped executable."
    ["Hubris entry check"]
    "the entry point {x0} of {a} is not mapped executable[: it lies in {b}]" => "put the entry symbol into an executable section, or correct the address {x0}";
LoadOffsetMismatch "load-offset-mismatch" Architecture Hard: "Load address less link address is the offset of the map."
    ["Muen mucheckelf, LMA and VMA"]
    "section {a} is loaded at {x0}, but {b} maps it to {x1}" => "load it at {x1}, or map {b} to the other place";

// Transitions
SwitchPcUnmapped "switch-pc-unmapped" Architecture Hard: "The page that performs a switch is mapped executable in every map that is active around it."
    ["DDI 0487 D8 and RISC-V privileged: the next fetch uses the new map"]
    "the switch {a} continues at {x0}, which {b} does not map executable" => "map that page `rx` in {b}";
SwitchPcMoves "switch-pc-moves" Architecture Hard: "The page that performs a switch has the same physical page before and after."
    ["DDI 0487 D8 and RISC-V privileged: the next fetch uses the new map"]
    "the switch {a} continues in other memory: {x0} before, {x1} after ({rest})" => "map the same page in both, {x0} to itself where the MMU was off, or use a trampoline";
SwitchSpUnmapped "switch-sp-unmapped" Architecture Hard: "A live stack is mapped writable to the same memory in the new map."
    ["AAPCS64, RISC-V and System V psABI: a full-descending stack"]
    "the stack at {x0} is not the same writable memory after the switch {a}: {rest}[ ({x1})]" => "map the stack `rw` to the same memory in both";
SwitchVectorsUnmapped "switch-vectors-unmapped" Architecture Hard: "The exception vectors are mapped executable in the new map."
    ["DDI 0487 VBAR_ELx; RISC-V privileged stvec; SDM 3A 6.10 IDT"]
    "the vectors at {x0} are not mapped executable in {b} after the switch {a}" => "map the vectors `rx` in {b}";
BbmRequired "bbm-required" Architecture Hard: "In-place changes of output address, memory type, leaf size or run use break-before-make."
    ["DDI 0487 D8 using break-before-make"]
    "changing {a} into {b} in place ({x1} bytes at {x0}) needs break-before-make" => "declare `bbm`, or switch to a second root (a change of leaf size alone: require bbml2)";

// Names
DuplicateName "duplicate-name" Declaration Hard: "Names are unique in their scope."
    ["microkit sys_duplicate_*; Muen Name_Uniqueness"]
    "there are two objects named {a}" => "rename one of them";
UnknownName "unknown-name" Declaration Hard: "Every referenced resource, region, channel and space exists."
    ["microkit sys_map_invalid_mr"]
    "{a} refers to {b}, which is not declared, or not before it" => "declare it, or correct the name[: did you mean `{hint}`?]";
InvalidName "invalid-name" Declaration Hard: "Names are Rust identifiers and no keywords; rights are made of r, w, x."
    ["Rust reference, identifiers and keywords"]
    "{a} has a name or rights that the notation does not allow[: {b}]" => "use an identifier that is no keyword, such as `{an}_`, and rights made of r, w, x";

// Warnings
UnusedResource "unused-resource" Policy Warning: "A resource that something refers to."
    ["microkit, unused memory region"]
    "nothing refers to the resource {a}" => "remove it, or mark it `reserved`";
BudgetSlack "budget-slack" Policy Warning: "A pool as large as needed."
    ["TF-A 4324fc8d5"]
    "{a} needs {x0} bytes and has {x1}" => "shrink the pool to {x0}";
LeafIncongruent "leaf-incongruent" Policy Warning: "A large region whose addresses are congruent modulo the block size."
    ["TF-A 53a868f67"]
    "{a} cannot use blocks of {x1} bytes: its addresses differ by {x0} modulo that" => "move one of its addresses by {x0}";
WaiverUnused "waiver-unused" Policy Warning: "A waiver that suppresses something."
    ["DO-178C, deviation records"]
    "a waiver of {a} suppresses nothing" => "remove it";
}
