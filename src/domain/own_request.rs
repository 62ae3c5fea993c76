//! An operator's own request: the policy that it takes, and the approvals and the brake that apply to it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::brake::Brake;
use super::case::Terms;
use super::ids::PolicyName;
use super::named;
use super::policy::{Action, Approvals, Policy};

/// The terms of an operator's requests on one site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRules {
    pub policy_name: PolicyName,
    pub policy: Policy,
    /// Why this policy.
    pub chosen: PolicyChoice,
    /// The strictest of the policy and the policies of the site's sources.
    pub approvals: Approvals,
    /// Likewise.
    pub brake: Brake,
}

/// Why a request takes a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyChoice {
    /// The request names it.
    Named,
    /// The most careful one of the site's sources: most approvals first, then the longest local grace.
    MostCarefulOfSite,
    /// The most careful one of all policies, because the site has no source.
    MostCarefulOfAll,
}

named!(PolicyChoice {
    Named = "named",
    MostCarefulOfSite = "most_careful_of_site",
    MostCarefulOfAll = "most_careful_of_all",
});

/// Why a request takes no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPolicy {
    #[error("expected one of: {0}")]
    Unknown(String),
    #[error("no policy is configured: add [policies.NAME] to the settings")]
    NoneConfigured,
}

impl RequestRules {
    /// The rules on a site: `of_site` are the policies of its sources. Without any, all policies apply.
    pub fn of(
        named: Option<&PolicyName>,
        of_site: &[&PolicyName],
        policies: &BTreeMap<PolicyName, Policy>,
    ) -> Result<Self, NoPolicy> {
        let of_site: Vec<_> = of_site.iter().filter_map(|name| policies.get_key_value(*name)).collect();
        let all: Vec<_> = policies.iter().collect();
        let (candidates, chosen) = if of_site.is_empty() {
            (&all, PolicyChoice::MostCarefulOfAll)
        } else {
            (&of_site, PolicyChoice::MostCarefulOfSite)
        };
        let (policy_name, policy, chosen) = if let Some(name) = named {
            let all = || policies.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let (name, policy) = policies.get_key_value(name).ok_or_else(|| NoPolicy::Unknown(all()))?;
            (name, policy, PolicyChoice::Named)
        } else {
            let careful = |(name, policy): &&(&PolicyName, &Policy)| {
                (
                    policy.approvals.delete,
                    policy.approvals.revoke,
                    policy.local_grace,
                    Reverse(name.as_str().to_owned()),
                )
            };
            let (name, policy) = candidates.iter().max_by_key(careful).ok_or(NoPolicy::NoneConfigured)?;
            (*name, *policy, chosen)
        };
        let strictest = |(approvals, brake): (Approvals, Brake), (_, other): &(&PolicyName, &Policy)| {
            (approvals.strictest(other.approvals), brake.strictest(other.brake))
        };
        let (approvals, brake) = candidates.iter().fold((policy.approvals, policy.brake), strictest);
        Ok(Self { policy_name: policy_name.clone(), policy: policy.clone(), chosen, approvals, brake })
    }

    /// The terms of one request of `operator`.
    pub fn terms(&self, operator: &str, action: Action) -> Terms {
        Terms {
            requested_by: Some(operator.to_owned()),
            policy: Some(self.policy_name.clone()),
            approvals: self.approvals,
            ..Terms::of(&self.policy, action)
        }
    }

    /// The number of different people besides the operator that must approve.
    pub fn approvals_needed(&self, action: Action) -> u8 {
        let revoke = if action.revokes() { self.approvals.revoke } else { 0 };
        let delete = if action.deletes() { self.approvals.delete } else { 0 };
        revoke.max(delete)
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::policy::DayEdge;

    fn policies() -> BTreeMap<PolicyName, Policy> {
        let policy = |delete, per_hour| Policy {
            departed: Action::Revoke,
            email_changed: Action::Ignore,
            erasure_requested: Action::Delete,
            local_grace: SignedDuration::ZERO,
            timezone: TimeZone::UTC,
            effective: DayEdge::EndOfDay,
            approvals: Approvals { revoke: 0, delete },
            detach: Vec::new(),
            reinvite: false,
            brake: Brake { per_hour, per_day: 100 },
            erasure_within: SignedDuration::from_hours(28 * 24),
        };
        let named = |name: &str, policy| (name.parse().unwrap(), policy);
        [named("loose", policy(0, 3)), named("strict", policy(2, 50)), named("other", policy(3, 1))].into()
    }

    #[test]
    fn request_takes_the_most_careful_policy_and_the_strictest_limits_of_the_site() {
        let policies = policies();
        let (loose, strict) = ("loose".parse().unwrap(), "strict".parse().unwrap());
        let rules = RequestRules::of(None, &[&loose, &strict], &policies).unwrap();
        assert_eq!((rules.policy_name.as_str(), rules.chosen), ("strict", PolicyChoice::MostCarefulOfSite));
        assert_eq!((rules.approvals.delete, rules.brake.per_hour), (2, 3));
        let named = RequestRules::of(Some(&loose), &[&strict], &policies).unwrap();
        assert_eq!((named.policy_name.as_str(), named.chosen), ("loose", PolicyChoice::Named));
        assert_eq!((named.approvals.delete, named.brake.per_hour), (2, 3), "naming a policy loosens nothing");
        assert_eq!(named.approvals_needed(Action::Revoke), 0);
        assert_eq!(named.approvals_needed(Action::RevokeThenDelete), 2);
    }

    #[test]
    fn site_without_a_source_takes_the_strictest_of_all() {
        let rules = RequestRules::of(None, &[], &policies()).unwrap();
        assert_eq!((rules.policy_name.as_str(), rules.chosen), ("other", PolicyChoice::MostCarefulOfAll));
        assert_eq!(rules.brake.per_hour, 1);
        let unknown = RequestRules::of(Some(&"x".parse().unwrap()), &[], &policies());
        assert_eq!(unknown.unwrap_err().to_string(), "expected one of: loose, other, strict");
        assert_eq!(RequestRules::of(None, &[], &BTreeMap::new()), Err(NoPolicy::NoneConfigured));
    }
}
