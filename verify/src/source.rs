//! Which tables of a file to look at: as the arguments say, or as a document does.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::elf::Image;
use crate::evidence::{Document, Space};
use crate::number::Hex;
use crate::scheme::{Family, Halves, Permissions, Remap, Scheme};
use crate::walk::Roots;

/// Value of IA32_PAT after reset.
const RESET_PAT: u64 = 0x0007_0406_0007_0406;

/// Arguments that say it.
#[derive(Clone, Debug, Args)]
pub struct Source {
    /// A document that says what kind of tables these are, and where.
    #[arg(long, value_name = "MAP.json", conflicts_with = "scheme")]
    evidence: Option<PathBuf>,
    /// Only this space of the document.
    #[arg(long, requires = "evidence")]
    space: Option<String>,
    /// What kind of tables these are.
    #[arg(long)]
    scheme: Option<Family>,
    /// Bytes of the smallest leaf.
    #[arg(long, default_value = "4K")]
    granule: Hex,
    /// Bits of an input address, where there is a choice.
    #[arg(long)]
    bits: Option<u32>,
    /// AArch64: descriptors of 52-bit addresses (LPA2, TCR_ELx.DS = 1).
    #[arg(long)]
    lpa2: bool,
    /// Value of MAIR_ELx; on ARMv7, of MAIR1 above MAIR0.
    #[arg(long)]
    mair: Option<Hex>,
    /// AArch64: value of PIR_ELx; descriptors have indices of permissions (TCR2_ELx.PIE = 1).
    #[arg(long)]
    pir: Option<Hex>,
    /// AArch64: value of PIRE0_ELx.
    #[arg(long, requires = "pir")]
    pire0: Option<Hex>,
    /// ARMv7, short descriptors: values of PRRR and of NMRR, where memory types are indices (SCTLR.TRE = 1).
    #[arg(long, num_args = 2, value_names = ["PRRR", "NMRR"])]
    remap: Vec<Hex>,
    /// Value of IA32_PAT, if it is not that after reset.
    #[arg(long)]
    pat: Option<Hex>,
    /// Physical address of the root, or of that of the lower half.
    #[arg(long)]
    root: Option<Hex>,
    /// Physical address of the upper half's root.
    #[arg(long)]
    upper_root: Option<Hex>,
    /// The symbol of an image where the root is.
    #[arg(long)]
    symbol: Option<String>,
}

/// Tables to look at.
#[derive(Clone, Debug)]
pub struct Tables {
    /// The space, where a document names it.
    pub name: Option<String>,
    /// Their kind.
    pub scheme: Scheme,
    /// Where they start.
    pub roots: Roots,
}

impl Source {
    /// The tables of a file, which may be an image.
    ///
    /// # Errors
    /// Nobody says which, or what is said contradicts itself.
    pub fn tables(&self, image: Option<&Image>) -> Result<Vec<Tables>> {
        let Some(path) = &self.evidence else {
            let scheme = self.scheme()?;
            return Ok(vec![Tables { name: None, scheme, roots: self.roots(&scheme, image)? }]);
        };
        let document = Document::read(path)?;
        if let Some(name) = &self.space {
            document.space(name)?;
        }
        let is_asked = |space: &&Space| self.space.as_ref().is_none_or(|name| *name == space.name);
        let asked: Vec<&Space> = document.spaces.iter().filter(is_asked).collect();
        let given = self.given()?;
        if given != Roots::default() && asked.len() > 1 {
            bail!("whose root is this? the document has {} spaces, name one by --space", asked.len());
        }
        let mut list = Vec::new();
        for space in asked {
            let scheme = document.scheme(space)?;
            let scheme = scheme.with_context(|| format!("no decoder here reads {}", space.format.scheme))?;
            let roots = if given == Roots::default() { declared(space, &scheme, image) } else { Some(given) };
            if let Some(roots) = roots {
                list.push(Tables { name: Some(space.name.clone()), scheme, roots });
            }
        }
        if list.is_empty() {
            bail!("the tables are not in the file; say by --root where memory has them");
        }
        Ok(list)
    }

    fn scheme(&self) -> Result<Scheme> {
        let Some(family) = self.scheme else {
            bail!("what kind of tables are these? say it by --scheme, or name a document by --evidence");
        };
        if !self.granule.0.is_power_of_two() {
            bail!("{} is no size of a page", self.granule);
        }
        let scheme = Scheme::new(family, self.granule.0.trailing_zeros(), self.bits)?;
        let mair = self.mair.and_then(Hex::address);
        let pat = self.pat.map_or(Some(RESET_PAT), Hex::address);
        let user = self.pire0.and_then(Hex::address).unwrap_or(0);
        let permissions = self.pir.and_then(Hex::address).map(|privileged| Permissions { privileged, user });
        let word = |index: usize| u32::try_from(self.remap.get(index)?.0).ok();
        let remap = word(0).zip(word(1)).map(|(primary, normal)| Remap { primary, normal });
        if remap.is_none() && !self.remap.is_empty() {
            bail!("--remap: registers have 32 bits");
        }
        Ok(Scheme { wide: self.lpa2, mair, pat, permissions, remap, ..scheme })
    }

    fn given(&self) -> Result<Roots> {
        let address = |hex: Option<Hex>| hex.map(|hex| hex.address().context("2^64 is no address")).transpose();
        Ok(Roots { lower: address(self.root)?, upper: address(self.upper_root)? })
    }

    fn roots(&self, scheme: &Scheme, image: Option<&Image>) -> Result<Roots> {
        let mut roots = self.given()?;
        if roots.upper.is_some() && scheme.halves() != Halves::Split {
            bail!("{scheme} has one root");
        }
        if roots == Roots::default() {
            let image = image.context("where is the root? say it by --root")?;
            let name = match &self.symbol {
                Some(name) => name,
                None => only_tables(image)?,
            };
            let symbol = image.symbol(name).with_context(|| format!("the image has no symbol {name}"))?;
            let phys = image.physical(symbol.virt);
            roots.lower = Some(phys.with_context(|| format!("{name} at {:#x} is in no segment", symbol.virt))?);
        }
        Ok(roots)
    }
}

/// The roots of a space by the symbol of its tables, or where these are declared.
fn declared(space: &Space, scheme: &Scheme, image: Option<&Image>) -> Option<Roots> {
    let tables = &space.tables;
    let by_symbol = || image?.physical(image?.symbol(tables.symbol.as_ref()?)?.virt);
    let base = by_symbol().or_else(|| tables.start.and_then(Hex::address))?;
    let root = |index: Option<u64>| base.checked_add(index?.checked_mul(scheme.table_bytes())?);
    Some(Roots { lower: root(tables.lower_root), upper: root(tables.upper_root) })
}

/// The symbol of the only declared tables.
fn only_tables(image: &Image) -> Result<&str> {
    let is_object = |name: &str| name.starts_with("__tablature_") && !name.ends_with("_q");
    let names: Vec<&str> =
        image.symbols.iter().map(|symbol| symbol.name.as_str()).filter(|name| is_object(name)).collect();
    match names.as_slice() {
        [] => bail!("where is the root? say it by --root or --symbol"),
        [name] => Ok(name),
        names => bail!("the image has several tables, name one by --symbol: {}", names.join(", ")),
    }
}
