//! The confirmation that the one-time link of a notice opens. A link that cannot be used opens none.

use super::failure::Failure;
use super::visitor::Visitor;
use crate::domain::case::Stage;
use crate::domain::ids::CaseId;
use crate::proof::confirm_link::{ConfirmLink, LinkError};

/// A decision that a link opens.
#[derive(Debug, Clone, Copy)]
pub(super) enum Decision {
    Approve(Stage),
    Hold,
}

/// What a link changes on the page.
#[derive(Debug, Default)]
pub(super) struct Opened {
    /// Who may confirm, where the visitor may not.
    pub(super) who: Option<String>,
    /// Another decision that the link may be used for: its address and its name.
    pub(super) instead: Option<(String, String)>,
}

impl Opened {
    /// `decision` is that of the page, if a link can open it.
    pub(super) async fn by(
        visitor: &Visitor,
        id: CaseId,
        decision: Option<Decision>,
        token: Option<&str>,
    ) -> Result<Self, Failure> {
        let Some(token) = token else { return Ok(Self::default()) };
        let refused = |error| Failure::Link(error, id);
        let stage = match decision {
            Some(Decision::Approve(stage)) => Some(stage),
            Some(Decision::Hold) => None,
            None => return Err(refused(LinkError::Invalid)),
        };
        let store = &visitor.admin().store;
        let link = ConfirmLink::verify_for(store.key(), token, (id, stage), visitor.now).map_err(refused)?;
        if store.is_link_used(&link).await? {
            return Err(refused(LinkError::Used));
        }
        if stage.is_none() {
            return Ok(Self::default());
        }
        let t = visitor.t();
        Ok(Self {
            who: (!visitor.is_approver()).then(|| t.s("link-approver-only")),
            instead: Some((format!("/cases/{id}/hold?link={token}"), t.s("link-hold-instead"))),
        })
    }
}
