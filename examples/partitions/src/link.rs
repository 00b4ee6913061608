//! What the linker script is told beside the regions of the kernel.

/// Tells the linker script where the tables and the programs lie.
macro_rules! link_system {
    () => {
        kit::link_symbol!("map_control_code" = $crate::machine::system::control::code::START);
        kit::link_symbol!("map_control_code_phys" = $crate::machine::system::control::code::PHYS);
        kit::link_symbol!("map_rogue_code" = $crate::machine::system::rogue::code::START);
        kit::link_symbol!("map_rogue_code_phys" = $crate::machine::system::rogue::code::PHYS);
        kit::link_symbol!("map_code_size" = $crate::machine::system::control::code::SIZE);
        kit::link_symbol!("map_tables_of_boot" = $crate::machine::system::boot::TABLES_AT);
        kit::link_symbol!("map_tables_of_control" = $crate::machine::system::control::TABLES_AT);
        kit::link_symbol!("map_tables_of_rogue" = $crate::machine::system::rogue::TABLES_AT);
    };
}

pub(crate) use link_system;
