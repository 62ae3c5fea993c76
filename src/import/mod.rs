//! Many cases together: a CSV file of an operator becomes a plan, and an approved plan becomes cases, some at a time.
//!
//! A plan is a pure function of the file, of what is open on the site and of the settings: the dry run and the run make the
//! same plan, and its digest proves it. A plan that was approved is stored with sealed rows, so that a kill in between
//! loses and repeats nothing. Each row is deleted in the transaction that opens its case.

mod csv_file;
mod csv_records;
mod folder;
mod formats;
mod plan;
mod request;
mod runner;

pub(crate) use self::folder::{Folder, FolderSettings};
pub(crate) use self::formats::Options;
pub(crate) use self::plan::{Plan, PlanError, PlanSource, PlannedRow};
pub(crate) use self::request::{NewRequest, open_request};
pub(crate) use self::runner::Importer;
