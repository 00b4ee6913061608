//! The files of `tests/data`, and how to read them.

use std::path::PathBuf;

use tablature_import::{Finding, Imported, Options, Surroundings};

/// Files of one system.
pub(crate) struct Input {
    pub(crate) files: &'static [&'static str],
    pub(crate) define: &'static [&'static str],
    pub(crate) ram: Option<(u64, u64)>,
}

/// Symbols of the linker, which the sources of TF-A use as constants.
pub(crate) const TF_A: Input = Input {
    files: &["tf-a/good.c"],
    define: &[
        "IMAGE_BL31",
        "BL_CODE_BASE=0x0e020000",
        "BL_CODE_END=0x0e030000",
        "BL_RO_DATA_BASE=0x0e030000",
        "BL_RO_DATA_END=0x0e038000",
    ],
    ram: None,
};

pub(crate) const JAILHOUSE: Input =
    Input { files: &["jailhouse/root.c", "jailhouse/inmate.c"], define: &[], ram: None };

pub(crate) const MICROKIT: Input = Input { files: &["microkit/good.system"], define: &[], ram: None };

/// Addresses that the device tree would give.
pub(crate) const ZEPHYR: Input = Input {
    files: &["zephyr/good.c"],
    define: &[
        "DT_REG_ADDR_BY_IDX(DT_INST(0, arm_gic), 0)=0x38800000",
        "DT_REG_SIZE_BY_IDX(DT_INST(0, arm_gic), 0)=0x10000",
        "DT_REG_ADDR_BY_IDX(DT_INST(0, arm_gic), 1)=0x38880000",
        "DT_REG_SIZE_BY_IDX(DT_INST(0, arm_gic), 1)=0xc0000",
        "DT_REG_ADDR(DT_NODELABEL(uart4))=0x30a60000",
        "DT_REG_SIZE(DT_NODELABEL(uart4))=0x10000",
        "DT_REG_ADDR(DT_INST(0, vendor_gpio))=0x30c00000",
        "DT_REG_SIZE(DT_INST(0, vendor_gpio))=0x10000",
        "DT_REG_ADDR(DT_INST(1, vendor_gpio))=0x30c10000",
        "DT_REG_SIZE(DT_INST(1, vendor_gpio))=0x10000",
        "CONFIG_ARM64_PA_BITS=36",
        "CONFIG_MAX_XLAT_TABLES=8",
    ],
    ram: None,
};

pub(crate) fn directory() -> PathBuf {
    PathBuf::from("tests/data")
}

/// Reads files of this directory, which are named as they are on a command line in the package.
pub(crate) fn import(input: &Input) -> anyhow::Result<Imported> {
    let files: Vec<PathBuf> = input.files.iter().map(|file| directory().join(file)).collect();
    let include = files.iter().filter_map(|file| Some(file.parent()?.to_path_buf())).collect();
    let define = input.define.iter().map(|text| (*text).to_owned()).collect();
    let options = Options { surroundings: Surroundings { include, define }, ram: input.ram, ..Options::default() };
    tablature_import::import(&files, &options)
}

pub(crate) fn findings(imported: &Imported) -> Vec<Finding> {
    imported.findings().expect("a system that can be judged")
}
