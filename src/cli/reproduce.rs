//! `swimlab reproduce`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use swimlab_selectors::did_you_mean;

use super::{Failed, print};
use crate::experiment::write_whole;
use crate::reproduce::{Effort, REPRODUCTIONS, Reproduction, Row, markdown, reproduction, sections, table};

/// The width of tables, in columns, without a terminal.
const WIDTH: u16 = 140;

#[derive(clap::Args)]
pub(super) struct ReproduceArgs {
    /// The reproduction to run; all without it. `swimlab reproduce --list` prints the names.
    name: Option<String>,
    /// The output format.
    #[arg(long, value_enum, default_value_t)]
    format: RowFormat,
    /// Five times as many trials, for narrower intervals.
    #[arg(long)]
    full: bool,
    /// Also write a page NAME.md into this folder.
    #[arg(long, value_name = "DIR")]
    pages: Option<PathBuf>,
    /// Print the names of all reproductions instead.
    #[arg(long)]
    list: bool,
    /// Print the experiment files instead of running them.
    #[arg(long)]
    print_experiments: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum RowFormat {
    /// For reading.
    #[default]
    Table,
    /// An array of rows.
    Json,
}

pub(super) fn reproduce(args: &ReproduceArgs) -> Result<ExitCode, Failed> {
    let wanted: Vec<&Reproduction> = match &args.name {
        None => REPRODUCTIONS.iter().collect(),
        Some(name) => vec![reproduction(name).map_err(|near| Failed {
            code: 2,
            message: format!("unknown reproduction \"{name}\"{}", did_you_mean(&near)),
        })?],
    };
    if args.list || args.print_experiments {
        let about = |reproduction: &&Reproduction| format!("{:12}  {}\n", reproduction.name, reproduction.about);
        let texts = |reproduction: &&Reproduction| {
            let files = reproduction.experiments.iter();
            files.map(|(name, text)| format!("## {name}.toml\n{text}\n")).collect::<String>()
        };
        let text = wanted.iter().map(|one| if args.list { about(one) } else { texts(one) }).collect::<String>();
        return print(text).map(|()| ExitCode::SUCCESS);
    }
    let effort = if args.full { Effort::Full } else { Effort::Usual };
    let mut all: Vec<Row> = Vec::new();
    // Losing standard output loses no page.
    let mut printed = Ok(());
    for reproduction in wanted {
        let reproduced = reproduction.run(effort)?;
        if let Some(folder) = &args.pages {
            let path = folder.join(format!("{}.md", reproduction.name));
            write_whole(&path, |out| out.write_all(markdown(reproduction, &reproduced).as_bytes()))?;
        }
        if args.format == RowFormat::Table {
            let width = console::Term::stdout().size_checked().map_or(WIDTH, |(_, columns)| columns);
            let (parts, rows) = (sections(&reproduced.sections, width), table(&reproduced.rows, width));
            let text = format!("{}: {}\n{parts}{rows}\n", reproduction.name, reproduction.source);
            printed = printed.and(print(text));
        }
        all.extend(reproduced.rows);
    }
    if args.format == RowFormat::Json {
        printed = print(serde_json::to_string_pretty(&all).expect("rows become JSON") + "\n");
    }
    printed?;
    Ok(ExitCode::SUCCESS)
}
