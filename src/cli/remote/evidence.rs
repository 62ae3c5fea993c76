//! `offboardd evidence …`: everything but `verify` calls the daemon.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::client::Client;
use super::names::CaseName;
use super::options::{Output, Remote};
use crate::proof::evidence::verify::{Subject, Verified, verify};
use crate::proof::signature::PublicKey;

#[derive(Debug, Args)]
#[command(
    subcommand_negates_reqs = true,
    after_help = "Example: offboardd evidence 019a2b3c-4d5e-7f60-8123-456789abcdef --out case.evidence"
)]
pub(crate) struct EvidenceArgs {
    #[command(subcommand)]
    command: Option<EvidenceCommand>,
    /// Id of the case, its end from 4 characters on, or an email address
    #[arg(required = true)]
    case: Option<CaseName>,
    /// File to write; it must not exist [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EvidenceCommand {
    /// Export the signed list of all cases of a period, with the account of its deliveries
    #[command(after_help = "Example: offboardd evidence period 2026-01-01 2026-03-31 --out q1.evidence")]
    Period {
        /// First day (UTC), or a time with a zone
        from: String,
        /// Last day (UTC), which is included, or a time with a zone
        to: String,
        /// File to write; it must not exist [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Verify a file; needs no daemon and no database
    #[command(after_help = "Example: offboardd evidence verify case.evidence --key offboardd-evidence.pub")]
    Verify {
        /// File to verify
        file: PathBuf,
        /// File with the public key; without it any key is accepted and its fingerprint is printed
        #[arg(long, value_name = "PUB")]
        key: Option<PathBuf>,
    },
    /// Print the public key that verifies evidence
    #[command(after_help = "Example: offboardd evidence key")]
    Key,
}

/// `client` connects to the daemon, if the command needs it.
pub(super) async fn run(
    args: EvidenceArgs,
    client: impl FnOnce(&Remote) -> anyhow::Result<Client>,
    output: Output<'_>,
) -> anyhow::Result<()> {
    let EvidenceArgs { command, case, out, remote } = args;
    let client = || client(&remote);
    match (command, case) {
        (Some(EvidenceCommand::Verify { file, key }), _) => verify_file(&file, key.as_deref(), remote.json, output),
        (Some(EvidenceCommand::Key), _) => {
            let line = client()?.get_text(&["evidence", "key"], &[]).await?;
            if remote.json {
                writeln!(output, "{}", json!({ "key": line.trim() }))?;
            } else {
                write!(output, "{line}")?;
            }
            Ok(())
        }
        (Some(EvidenceCommand::Period { from, to, out }), _) => {
            let file = client()?.get_text(&["evidence"], &[("from", from), ("to", to)]).await?;
            write_file(&file, out.as_deref(), remote.json, output)
        }
        (None, case) => {
            let case = case.context("no case: write its id")?.to_string();
            let file = client()?.get_text(&["cases", &case, "evidence"], &[]).await?;
            write_file(&file, out.as_deref(), remote.json, output)
        }
    }
}

/// With `json`, prints the first section of the file, which is not signed by itself.
fn write_file(file: &str, out: Option<&Path>, json: bool, output: Output<'_>) -> anyhow::Result<()> {
    if let Some(path) = out {
        let mut created = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .with_context(|| format!("cannot create `{}`: choose another path", path.display()))?;
        created.write_all(file.as_bytes()).and_then(|()| created.sync_all())?;
    }
    let shown = if json { file.split("\n\n").next().map(|summary| format!("{summary}\n")) } else { None };
    match (shown, out) {
        (Some(summary), _) => write!(output, "{summary}")?,
        (None, None) => write!(output, "{file}")?,
        (None, Some(path)) => writeln!(output, "wrote {}", path.display())?,
    }
    Ok(())
}

fn verify_file(file: &Path, key: Option<&Path>, as_json: bool, output: Output<'_>) -> anyhow::Result<()> {
    let expected = key.map(read_key).transpose()?;
    let bytes = std::fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    match verify(&bytes, expected.as_ref()) {
        Ok(verified) => {
            let report =
                if as_json { json_of(&verified, expected.is_some()) } else { text_of(&verified, expected.is_some()) };
            writeln!(output, "{report}")?;
            Ok(())
        }
        Err(error) => {
            if as_json {
                writeln!(output, "{}", json!({ "valid": false, "problem": error.to_string() }))?;
            }
            Err(error).with_context(|| format!("`{}` proves nothing", file.display()))
        }
    }
}

fn read_key(path: &Path) -> anyhow::Result<PublicKey> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    PublicKey::read(&text).with_context(|| format!("cannot use `{}`", path.display()))
}

fn text_of(verified: &Verified, key_is_expected: bool) -> String {
    let Verified { key, checkpoint, made_at, subject } = verified;
    let subject = match subject {
        Subject::Case { case, state, entries } => {
            format!("case {case} in state {state}: {entries} journal entries, each in the signed tree")
        }
        Subject::Period { from, to, cases, adds_up, complete } => {
            let sums = if *adds_up { "add up" } else { "do not add up" };
            let kept = if *complete { "all are stored" } else { "some were removed by retention" };
            format!("period {from} to {to}: {cases} cases; the deliveries {sums}, {kept}")
        }
    };
    let signer = if key_is_expected { "the given key" } else { "an unknown key: compare its fingerprint" };
    format!(
        "valid: {subject}\nmade {made_at} at {} of {} entries\nsigned by {signer}, {}",
        checkpoint.origin,
        checkpoint.size,
        key.fingerprint()
    )
}

fn json_of(verified: &Verified, key_is_expected: bool) -> String {
    let Verified { key, checkpoint, made_at, subject } = verified;
    let subject = match subject {
        Subject::Case { case, state, entries } => json!({ "case": case, "state": state, "entries": entries }),
        Subject::Period { from, to, cases, adds_up, complete } => {
            json!({ "from": from, "to": to, "cases": cases, "adds_up": adds_up, "complete": complete })
        }
    };
    json!({
        "valid": true,
        "subject": subject,
        "made_at": made_at,
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": hex::encode(checkpoint.root),
        "fingerprint": key.fingerprint(),
        "key_is_expected": key_is_expected,
    })
    .to_string()
}
