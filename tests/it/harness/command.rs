//! The command line, run against the daemon of a story.

use std::process::{Command, Stdio};

use super::{Harness, ROSA};
use crate::binary::CommandOutput;

impl Harness {
    /// Rosa runs a command without a terminal, in UTC.
    pub(crate) async fn run(&self, arguments: &[&str]) -> CommandOutput {
        self.run_as(ROSA, arguments).await
    }

    /// The same with this token.
    pub(crate) async fn run_as(&self, token: &str, arguments: &[&str]) -> CommandOutput {
        let mut command = Command::new(env!("CARGO_BIN_EXE_offboardd"));
        command
            .args(arguments)
            .current_dir(self.folder())
            .env_remove("RUST_LOG")
            .env_remove("OFFBOARDD_CONFIG")
            .env("TZ", "UTC")
            .env("OFFBOARDD_URL", format!("http://{}", self.admin()))
            .env("OFFBOARDD_TOKEN", token)
            .stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        CommandOutput {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Replaces what differs from run to run: the ends of ids, and ports.
pub(crate) fn redacted(text: &str, names: &[(&str, &str)]) -> String {
    let mut text = text.to_owned();
    for (found, name) in names {
        text = text.replace(found, name);
    }
    text
}
