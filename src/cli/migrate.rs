//! `offboardd migrate`: brings a database to this version's schema.

use super::print_out;
use crate::app;
use crate::settings::Settings;

pub(super) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let steps = app::database(settings).migrate().await?;
    print_out(&match steps {
        0 => "the database is of this version already\n".to_owned(),
        1 => "brought the database to this version in 1 step\n".to_owned(),
        steps => format!("brought the database to this version in {steps} steps\n"),
    });
    Ok(())
}
