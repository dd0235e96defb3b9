//! Square tables of round-trip times: a header of names, then a row for each name.

use std::collections::BTreeMap;

use super::latency::MAX_SITES;

/// A row of a file.
pub(super) struct TableRow<'a> {
    /// The line on which it begins, for messages. Lines count from 1.
    pub line: u64,
    /// At least one.
    pub cells: Vec<&'a str>,
}

/// Round-trip times between named sites, in the unit of the file; `None` where a cell is blank.
#[derive(Clone, Debug)]
pub(super) struct RttTable {
    names: Vec<String>,
    /// The position of each row in the file.
    positions: Vec<usize>,
    /// By rows, in the order of the file.
    cells: Vec<Option<f64>>,
}

impl RttTable {
    /// Reads a table from its rows, the header first; messages call it `file`. Rows may come in another order than
    /// columns. The first cell of the header is ignored.
    ///
    /// # Errors
    /// A sentence that names file, row and column, if the table is not square or has more than [`MAX_SITES`] rows, a
    /// name is unknown or given twice, or a cell holds no number, a negative or an infinite one; else the first error
    /// among the rows.
    pub(super) fn read<'a>(
        file: &str,
        mut rows: impl Iterator<Item = Result<TableRow<'a>, String>>,
    ) -> Result<Self, String> {
        let header = rows.next().transpose()?.map_or(Vec::new(), |row| row.cells);
        let names: Vec<String> = header.iter().skip(1).map(|&name| name.to_owned()).collect();
        if names.is_empty() {
            return Err(format!("{file} is empty; expected a header of site names and a row for each"));
        }
        if names.len() > MAX_SITES {
            return Err(format!("{file}: {} sites are more than {MAX_SITES}, the most that are possible", names.len()));
        }
        let mut columns = BTreeMap::new();
        for (column, name) in names.iter().enumerate() {
            if name.is_empty() {
                return Err(format!("{file}: column {} has no name", column + 2));
            }
            if columns.insert(name.as_str(), column).is_some() {
                return Err(format!("{file}: two columns are called \"{name}\""));
            }
        }
        let (n, mut lines) = (names.len(), vec![0; names.len()]);
        // As large as the rows that there are: a header alone claims its square.
        let (mut positions, mut cells) = (vec![0; n], Vec::new());
        for (position, row) in rows.enumerate() {
            let TableRow { line, cells: texts } = row?;
            let name = texts.first().copied().unwrap_or_default();
            let Some(&row) = columns.get(name) else {
                return Err(format!("{file}: row \"{name}\" (line {line}) has no column of that name"));
            };
            if lines[row] != 0 {
                return Err(format!("{file}: row \"{name}\" stands on line {} and again on line {line}", lines[row]));
            }
            (lines[row], positions[row]) = (line, position);
            if texts.len() != n + 1 {
                let cells = texts.len() - 1;
                return Err(format!("{file}: row \"{name}\" (line {line}) has {cells} cells for {n} columns"));
            }
            for (column, text) in texts[1..].iter().enumerate() {
                cells.push(cell(text).map_err(|why| {
                    format!("{file}: row \"{name}\" (line {line}), column \"{}\": {why}", names[column])
                })?);
            }
        }
        if let Some(row) = lines.iter().position(|&line| line == 0) {
            return Err(format!("{file}: column \"{}\" has no row of that name", names[row]));
        }
        Ok(Self { names, positions, cells })
    }

    /// The number of sites.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The sites, in the order of the columns.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// From `row` to `column`, in the unit of the file.
    pub(super) fn get(&self, row: usize, column: usize) -> Option<f64> {
        self.cells[self.positions[row] * self.len() + column]
    }

    /// All cells in microseconds for a table in milliseconds. A blank cell takes the value of the other
    /// direction; one on the diagonal, or blank in both directions, becomes `local_ms`.
    pub(super) fn filled_us(&self, local_ms: f64) -> Vec<f64> {
        let n = self.len();
        let cell = |at: usize| self.get(at / n, at % n).or_else(|| self.get(at % n, at / n)).unwrap_or(local_ms);
        (0..n * n).map(|at| 1e3 * cell(at)).collect()
    }
}

fn cell(text: &str) -> Result<Option<f64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<f64>() {
        Ok(number) if !number.is_finite() => Err(format!("{text} is no finite number")),
        Ok(number) if number < 0.0 => Err(format!("{text} is negative")),
        Ok(number) => Ok(Some(number)),
        Err(_) if text.contains(',') => Err(format!("\"{text}\" is no number; write decimals with a point")),
        Err(_) => Err(format!("\"{text}\" is no number")),
    }
}
