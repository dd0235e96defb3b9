//! Tables and findings, as a terminal shows them.

use std::io;

use super::exporter::{ExportOptions, Exporter};
use super::findings::findings;
use super::table::tables;
use crate::experiment::Results;

/// The tables of all topologies, followed by the findings.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminalTables;

impl Exporter for TerminalTables {
    fn name(&self) -> &'static str {
        "table"
    }

    fn about(&self) -> &'static str {
        "Tables and findings, for reading"
    }

    fn file_name(&self) -> Option<&'static str> {
        None
    }

    fn export(&self, results: &Results, options: &ExportOptions<'_>, out: &mut dyn io::Write) -> io::Result<()> {
        write!(out, "{}{}", tables(results, options), findings(results, options.width))
    }
}
