//! The tables of real maps, read by their column heads.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use tablature_import::resources::Run;
use tablature_import::system::number;

/// One line of a table: column head to text.
type Row = BTreeMap<String, String>;

/// A table, where it stands, for messages.
fn read(directory: &Path, name: &str, required: bool) -> Result<Vec<Row>> {
    let path = directory.join(name);
    if !required && !path.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    rows(&text).with_context(|| path.display().to_string())
}

fn rows(text: &str) -> Result<Vec<Row>> {
    let mut lines = text.lines();
    let heads: Vec<&str> = lines.next().context("no column heads")?.split('\t').collect();
    let mut rows = Vec::new();
    for (index, line) in lines.enumerate().filter(|(_, line)| !line.is_empty()) {
        let cells: Vec<&str> = line.split('\t').collect();
        if cells.len() != heads.len() {
            bail!("line {} has {} columns, the head has {}", index + 2, cells.len(), heads.len());
        }
        rows.push(heads.iter().zip(cells).map(|(head, cell)| ((*head).to_owned(), cell.to_owned())).collect());
    }
    Ok(rows)
}

fn text(row: &Row, column: &str) -> Result<String> {
    row.get(column).cloned().with_context(|| format!("no column `{column}`"))
}

fn integer(row: &Row, column: &str) -> Result<u64> {
    let cell = text(row, column)?;
    number(&cell).with_context(|| format!("`{cell}` in column `{column}` is no number"))
}

/// A number, or `None` where the cell says that there is none.
fn optional(row: &Row, column: &str) -> Option<u64> {
    row.get(column).and_then(|cell| number(cell))
}

fn run(row: &Row) -> Result<Run> {
    Ok(Run {
        virt: integer(row, "virt")?,
        phys: integer(row, "phys")?,
        size: integer(row, "size")?,
        rights: text(row, "rights")?,
        memory: text(row, "memory")?,
    })
}

/// A region as the board's source declares it.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) run: Run,
}

/// One map.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board {
    pub(crate) id: String,
    pub(crate) arch: String,
    pub(crate) granule: String,
    pub(crate) va_bits: u32,
    pub(crate) pa_bits: u32,
    pub(crate) regime: String,
    pub(crate) description: String,
    /// Tables, root included, where known.
    pub(crate) min_tables: Option<u64>,
    /// Leaves by size in bytes, where known.
    pub(crate) min_leaves: Option<BTreeMap<u64, u64>>,
    /// Leaf sizes in bytes that the count allows.
    pub(crate) leaf_sizes: Vec<u64>,
    /// Tables the system reserves, its root included.
    pub(crate) own_budget: Option<u64>,
    /// The resolved map.
    pub(crate) runs: Vec<Run>,
    /// The declared regions.
    pub(crate) sources: Vec<Source>,
    /// Physical memory that the map must not reach: name, base, size.
    pub(crate) forbidden: Vec<(String, u64, u64)>,
}

impl Board {
    /// Whether memory types are the bus's to decide, and not the entry's.
    pub(crate) fn bus_decides(&self) -> bool {
        self.arch.starts_with("riscv")
    }

    /// Whether a run grants something to the user.
    pub(crate) fn has_user(&self) -> bool {
        self.runs.iter().any(|run| run.rights.contains('u'))
    }
}

/// A known defect.
#[derive(Clone, Debug)]
pub(crate) struct Defect {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) map: String,
    /// Regions it names, `-` left out.
    pub(crate) regions: Vec<String>,
}

/// A directory of tables.
#[derive(Debug, Default)]
pub(crate) struct Boards {
    pub(crate) boards: Vec<Board>,
    pub(crate) defects: Vec<Defect>,
}

/// Reads `maps.tsv` and `effective.tsv`, and where they exist `boards.tsv`, `forbidden.tsv` and `defects.tsv`.
///
/// # Errors
/// A missing file or column, a malformed number, or a line about a map that `maps.tsv` does not have.
pub(crate) fn load(directory: &Path) -> Result<Boards> {
    let mut boards = Vec::new();
    let mut index = BTreeMap::new();
    for row in read(directory, "maps.tsv", true)? {
        let board = board(&row).with_context(|| format!("map {:?} of maps.tsv", row.get("map_id")))?;
        index.insert(board.id.clone(), boards.len());
        boards.push(board);
    }
    for (name, required) in [("effective.tsv", true), ("boards.tsv", false), ("forbidden.tsv", false)] {
        for (line, row) in read(directory, name, required)?.iter().enumerate() {
            let place = || format!("{name}, line {}", line + 2);
            let id = text(row, "map_id").with_context(place)?;
            // Tables of several selections of maps may share their lists of regions.
            let Some(board) = index.get(&id).map(|at| &mut boards[*at]) else {
                if required {
                    bail!("{}: `{id}` is not in maps.tsv", place());
                }
                continue;
            };
            add(board, name, row).with_context(place)?;
        }
    }
    let defects = read(directory, "defects.tsv", false)?.iter().map(defect).collect::<Result<_>>()?;
    Ok(Boards { boards, defects })
}

fn add(board: &mut Board, table: &str, row: &Row) -> Result<()> {
    match table {
        "effective.tsv" => board.runs.push(run(row)?),
        "boards.tsv" => board.sources.push(Source { name: text(row, "region")?, run: run(row)? }),
        _ => board.forbidden.push((text(row, "name")?, integer(row, "phys")?, integer(row, "size")?)),
    }
    Ok(())
}

fn board(row: &Row) -> Result<Board> {
    let root_apart = row.get("own_budget_meaning").is_some_and(|meaning| meaning.contains("root not counted"));
    let roots = optional(row, "root_tables").unwrap_or(1);
    Ok(Board {
        id: text(row, "map_id")?,
        arch: text(row, "arch")?,
        granule: text(row, "granule")?,
        va_bits: u32::try_from(integer(row, "va_bits")?)?,
        pa_bits: u32::try_from(integer(row, "pa_bits")?)?,
        regime: text(row, "regime")?,
        description: row.get("description").cloned().unwrap_or_default(),
        min_tables: optional(row, "min_tables"),
        min_leaves: leaf_counts(row.get("min_leaves").map_or("-", String::as_str))?,
        leaf_sizes: leaf_sizes(row.get("leaf_sizes_allowed").map_or("-", String::as_str))?,
        own_budget: optional(row, "own_budget").map(|budget| budget + if root_apart { roots } else { 0 }),
        ..Board::default()
    })
}

fn defect(row: &Row) -> Result<Defect> {
    let regions = [text(row, "region_a")?, text(row, "region_b")?];
    Ok(Defect {
        id: text(row, "defect_id")?,
        kind: text(row, "kind")?,
        map: text(row, "map_id")?,
        regions: regions.into_iter().filter(|name| name != "-" && !name.is_empty()).collect(),
    })
}

/// `2M` as bytes.
fn size(text: &str) -> Result<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match &text[digits.len()..] {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        unit => bail!("unit `{unit}` of the size `{text}`"),
    };
    Ok(digits.parse::<u64>().with_context(|| format!("size `{text}`"))? << shift)
}

/// `1G;2M;4K`.
fn leaf_sizes(cell: &str) -> Result<Vec<u64>> {
    if cell == "-" { Ok(Vec::new()) } else { cell.split(';').map(size).collect() }
}

/// `2M=40;4K=68`.
fn leaf_counts(cell: &str) -> Result<Option<BTreeMap<u64, u64>>> {
    if cell == "-" {
        return Ok(None);
    }
    let count = |item: &str| {
        let (bytes, count) = item.split_once('=').with_context(|| format!("leaf count `{item}`"))?;
        Ok((size(bytes)?, count.parse()?))
    };
    cell.split(';').map(count).collect::<Result<_>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_sizes_are_read() {
        assert_eq!(leaf_sizes("256T;1G;2M;4K").expect("sizes"), [256 << 40, 1 << 30, 2 << 20, 4 << 10]);
        assert_eq!(leaf_counts("-").expect("none"), None);
        let counts = leaf_counts("2M=40;4K=68").expect("counts").expect("some");
        assert_eq!(counts, BTreeMap::from([(2 << 20, 40), (4 << 10, 68)]));
        assert!(leaf_counts("2X=1").is_err());
    }

    #[test]
    fn a_ragged_line_is_an_error() {
        assert_eq!(rows("a\tb\n1\t2\n").expect("rows")[0]["b"], "2");
        assert!(rows("a\tb\n1\n").is_err());
    }
}
