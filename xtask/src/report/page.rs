//! The page and the pictures of a document, beside it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Writes them.
///
/// # Errors
/// The document is none, or a file cannot be written.
pub(crate) fn write(document: &Path) -> Result<()> {
    let name = || document.display().to_string();
    let stem = document.file_stem().with_context(name)?.to_string_lossy();
    let bytes = fs::read(document).with_context(name)?;
    for (file, content) in cargo_tablature::report::files(&stem, &bytes).with_context(name)? {
        let path = document.with_file_name(file);
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(())
}
