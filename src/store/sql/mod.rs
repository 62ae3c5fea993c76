//! Statements, connections and rows of the database engine.
//!
//! The rest of the store writes a statement as static text with `$1` parameters, and runs it by the methods of
//! [`Query`]. Parameters have the types of [`Value`](value::Value).

mod columns;
mod connection;
mod query;
mod row;
mod server;
mod value;

pub(super) use self::columns::{ColumnsQuery, columns_query};
pub use self::connection::Connection;
pub(super) use self::connection::{Kind, Options, Pool};
pub(super) use self::query::{Query, query};
pub(super) use self::row::Row;
pub use self::server::ServerUrl;
pub(super) use self::server::Sharing;
