//! The JSON of a list.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::Page;

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
    /// The `cursor` of the next page; `None` after the last page.
    pub(crate) next: Option<String>,
}

impl<T> List<T> {
    pub(super) fn of<R>(page: Page<R>, view: impl FnMut(R) -> T) -> Self {
        Self { items: page.items.into_iter().map(view).collect(), next: page.next }
    }

    pub(super) fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}
