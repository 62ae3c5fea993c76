//! The binary of offboardd; see `offboardd::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    offboardd::cli::main()
}
