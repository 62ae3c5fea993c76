//! A company left: its customers at the site are listed by another part, and each is then routed as a departure.
//!
//! The jobs of the source wait while its customers are routed, so that the brake counts all of them before the first call.

use super::context::{EventContext, Outcome, ignored};
use super::{Router, unreadable};
use crate::domain::event::{Company, Event, EventType};
use crate::domain::person::Person;
use crate::domain::policy::Action;
use crate::domain::problem::Incident;
use crate::domain::routing::IgnoredReason;
use crate::store::{CompanyEvent, EventStatus, ListingScope, StoreError, Tx};

/// The number of customers that are routed in one transaction.
const BATCH: u32 = 50;

impl EventContext<'_> {
    /// Requests the list of the company's customers. The event is routed for each of them when the list is complete.
    pub(super) async fn list_company(&self, tx: &mut Tx, event: &Event) -> Result<Outcome, StoreError> {
        let Some(company) = &event.company else { return Ok(unreadable("no company")) };
        if self.policy.action(event.event_type) == Some(Action::Ignore) {
            return Ok(ignored(IgnoredReason::Policy, None));
        }
        let (scope, subject) = match company {
            Company::Domain(domain) => (ListingScope::Domain, domain),
            Company::Organization(organization) => (ListingScope::Organization, organization),
        };
        let listing_id = tx.request_listing(self.site, scope, subject, self.now).await?;
        let company = CompanyEvent {
            listing_id,
            site: self.site.clone(),
            source: self.source.clone(),
            delivery_id: self.delivery_id,
            position: self.position,
            event: event.clone(),
            problem: None,
        };
        tx.attach_company_event(&company).await?;
        Ok(Outcome {
            status: EventStatus::Applied,
            reason: Some("customers_are_listed"),
            case_id: None,
            looked_up: None,
        })
    }
}

impl Router {
    /// Routes the events of companies whose customers are listed.
    pub(super) async fn settle_companies(&self) -> Result<(), StoreError> {
        for company in self.store.company_events().await? {
            if let Some(problem) = &company.problem {
                self.reject_company(&company, problem).await?;
                continue;
            }
            while !self.route_customers(&company).await? {}
            self.worker.notify_one();
        }
        Ok(())
    }

    /// Routes some customers. Returns whether none is left.
    async fn route_customers(&self, company: &CompanyEvent) -> Result<bool, StoreError> {
        let Some(route) = self.routes.get(&company.source) else {
            self.reject_company(company, Incident::NoSource.as_str()).await?;
            return Ok(true);
        };
        let Some((received_at, origin)) = self.store.origin_of(company.delivery_id).await? else {
            self.reject_company(company, Incident::NoDelivery.as_str()).await?;
            return Ok(true);
        };
        let mut tx = self.store.begin().await?;
        let customers = tx.take_listed(&company.listing_id, BATCH).await?;
        let is_done = customers.is_empty();
        if is_done {
            tx.delete_listing(&company.listing_id).await?;
        } else {
            tx.begin_routing_company(&company.listing_id).await?;
        }
        for email in customers {
            let event = Event {
                event_type: EventType::Departed,
                person: Person { id: None, email: Some(email) },
                company: None,
                ..company.event.clone()
            };
            self.metrics.count(&company.source, event.event_type.as_str());
            let mut new =
                self.new_event(company.delivery_id, company.position, &company.source, event.event_type.as_str());
            new.site = (route.sites.len() > 1).then_some(&company.site);
            let context = self.event_context(&company.source, (route, &company.site), origin, received_at);
            let outcome = Box::pin(context.apply(&mut tx, &event)).await?;
            tx.record_event(&new, outcome, Some(&event)).await?;
        }
        self.check_brake(&mut tx, &company.source, route).await?;
        if is_done {
            self.recount_brake(&mut tx, &company.source, route).await?;
        }
        tx.commit().await?;
        Ok(is_done)
    }

    /// There is no list: the delivery is shown as unreadable, and can be replayed.
    async fn reject_company(&self, company: &CompanyEvent, problem: &str) -> Result<(), StoreError> {
        let (id, source) = (company.delivery_id, &company.source);
        tracing::error!(delivery.id = %id, %source, "delivery {id}: the customers of a company cannot be listed: {problem}");
        let mut tx = self.store.begin().await?;
        tx.delete_listing(&company.listing_id).await?;
        tx.delete_event(id, company.position).await?;
        tx.mark_unreadable(id, &format!("company_departed: {problem}"), self.clock.now()).await?;
        tx.commit().await
    }
}
