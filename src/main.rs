//! The binary `swimlab`: the command line with the built-in parts.

use swimlab::experiment::Lab;

fn main() -> std::process::ExitCode {
    swimlab::cli::main(Lab::default())
}
