//! `offboardd migrate`: updates a database to this version's schema.

use super::output::print_out;
use crate::app;
use crate::settings::Settings;

pub(super) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let steps = app::database(settings).migrate().await?;
    print_out(&match steps {
        0 => "the database schema is up to date\n".to_owned(),
        1 => "updated the database schema in 1 step\n".to_owned(),
        steps => format!("updated the database schema in {steps} steps\n"),
    });
    Ok(())
}
