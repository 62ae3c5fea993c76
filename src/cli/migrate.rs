//! `offboardd migrate`: updates a database to this version's schema, or moves it to another engine.

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::output::print_report;
use super::progress;
use crate::app;
use crate::settings::Settings;
use crate::store::{Database, KeyLocation, MoveProgress, Moved, StoreError};

#[derive(Debug, Args)]
#[command(after_help = "Example: offboardd migrate --config /etc/offboardd.toml")]
pub(super) struct Arguments {
    /// Move everything to an empty database of the other engine: `postgres://user@host/database` (with the password in
    /// PGPASSWORD), or `sqlite:PATH`
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: &Arguments, settings: &Settings) -> anyhow::Result<()> {
    let database = app::database(settings)?;
    let Some(url) = &arguments.to else {
        let working = progress::working("updating the database schema");
        let steps = database.migrate().await;
        working.finish_and_clear();
        let steps = steps?;
        let text = match steps {
            0 => "the database schema is up to date\n".to_owned(),
            1 => "updated the database schema in 1 step\n".to_owned(),
            steps => format!("updated the database schema in {steps} steps\n"),
        };
        print_report(arguments.json, &json!({ "database": database.place(), "steps": steps }), &text);
        return Ok(());
    };
    let target = database.elsewhere(url).context("cannot use the URL of `--to`")?;
    let Moved { rows, entries } = moved(&database, &target).await.context("cannot move the database")?;
    let key_file = matches!(database.key, KeyLocation::Beside).then(|| database.key_file().display().to_string());
    let key = key_file.as_ref().map(|file| format!(", store.key to `{file}`")).unwrap_or_default();
    let text = format!(
        "moved {rows} rows to {}; its {entries} journal entries are intact\n\
         next: set store.url to it{key}, and give evidence.key if it was made beside the database\n\
         the previous database keeps its rows and is fenced: delete it when it is not needed\n",
        target.place()
    );
    let report = json!({
        "database": target.place(),
        "rows": rows,
        "entries": entries,
        "key_file": key_file,
        "previous": database.place(),
    });
    print_report(arguments.json, &report, &text);
    Ok(())
}

/// Moves the database, and shows how far it is.
async fn moved(database: &Database, target: &Database) -> Result<Moved, StoreError> {
    let bar = progress::working("copying");
    let shown = |step| match step {
        MoveProgress::Copied(rows) => bar.set_message(format!("{rows} rows copied")),
        MoveProgress::Verified(entries) => bar.set_message(format!("{entries} journal entries of the copy verified")),
    };
    let moved = database.move_to(target, shown).await;
    bar.finish_and_clear();
    moved
}
