//! Parts of a page beside the rows: text and tables of measured values that no source has published.

/// A section of a page: paragraphs, and a table after them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Section {
    /// The heading.
    pub title: String,
    /// Paragraphs in Markdown, without line breaks; one that begins with `- ` is an item of a list.
    pub text: Vec<String>,
    /// The names of the table's columns; empty if there is no table.
    pub columns: Vec<String>,
    /// The rows of the table, as long as `columns`. The first entry of a row is its name.
    pub rows: Vec<Vec<String>>,
}

impl Section {
    /// A section without a table.
    pub(super) fn new(title: impl Into<String>, text: Vec<String>) -> Self {
        Self { title: title.into(), text, ..Self::default() }
    }

    /// Adds a table. The rows must be as long as `columns`.
    pub(super) fn with_table(self, columns: &[&str], rows: Vec<Vec<String>>) -> Self {
        debug_assert!(rows.iter().all(|row| row.len() == columns.len()), "{}: {rows:?}", self.title);
        Self { columns: columns.iter().map(|&name| name.to_owned()).collect(), rows, ..self }
    }
}
