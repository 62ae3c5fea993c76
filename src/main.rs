//! The command line: parses it, starts the logs, runs one command, and turns what came of it into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    offboardd::cli::main()
}
