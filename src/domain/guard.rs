//! Which accounts may not be changed.
//!
//! Only an account of type *customer* may be changed, whose email address equals the person's exactly, found once, and not
//! protected. A human decides about everything else.

use std::collections::HashSet;

use super::account::{Account, AccountId, AccountType};
use super::named;
use super::person::EmailAddress;

/// Accounts that are never changed, whatever a source reports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Protection {
    /// Exact email addresses.
    pub emails: HashSet<EmailAddress>,
    /// Domains without their subdomains, as [`canonical_domain`](super::person::canonical_domain) spells them.
    pub domains: HashSet<String>,
    pub account_ids: HashSet<AccountId>,
}

impl Protection {
    /// Whether accounts of this email address may not be changed.
    pub fn covers_address(&self, email: &EmailAddress) -> bool {
        self.emails.contains(email) || self.domains.contains(email.domain())
    }
}

/// Why an account must not be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GuardViolation {
    /// More than one customer account has the email address.
    AmbiguousAccount,
    /// The account of the email address is an Atlassian account or an app.
    NotACustomer,
    /// The email address or the account is on the site's protect list.
    Protected,
    /// A candidate hides its email address.
    AddressUnconfirmed,
    /// The account that was found has another email address now.
    AddressChanged,
    /// Access was granted by hand after the revoke.
    Regranted,
}

named!(GuardViolation {
    AmbiguousAccount = "ambiguous_account",
    NotACustomer = "not_a_customer",
    Protected = "protected",
    AddressUnconfirmed = "address_unconfirmed",
    AddressChanged = "address_changed",
    Regranted = "regranted",
});

impl GuardViolation {
    /// The reason as a sentence for operators.
    pub const fn explain(self) -> &'static str {
        match self {
            Self::AmbiguousAccount => {
                "more than one customer account has this address: decide which one it is, and handle it manually"
            }
            Self::NotACustomer => {
                "the only account with this address is not a portal-only customer: it is managed elsewhere"
            }
            Self::Protected => "the address or the account is on the site's protect list",
            Self::AddressUnconfirmed => {
                "an account that may be the person's hides its address, so that it cannot be confirmed"
            }
            Self::AddressChanged => "the account now has another address than the person",
            Self::Regranted => "access was granted again by hand after it was revoked",
        }
    }
}

/// The account of an email address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identification {
    /// Exactly one customer account.
    Found {
        account: Account,
        /// An account that is no customer's has the same email address. It is not changed.
        twin: bool,
    },
    /// No candidate has the email address.
    NotFound,
    /// The account must not be changed, or is not certain.
    Rejected(GuardViolation),
}

/// Finds the account of `email` among `candidates`, which come from a search by *prefix* over names and addresses.
///
/// A candidate counts only when its own address is equal; a name that looks like an address does not.
pub fn identify(candidates: &[Account], email: &EmailAddress, protection: &Protection) -> Identification {
    if protection.covers_address(email) {
        return Identification::Rejected(GuardViolation::Protected);
    }
    let mut ids = HashSet::new();
    let of_that_address = candidates.iter().filter(|c| c.email.as_ref() == Some(email) && ids.insert(&c.id));
    let (customers, others): (Vec<_>, Vec<_>) = of_that_address.partition(|c| c.account_type == AccountType::Customer);
    match (customers.as_slice(), others.is_empty()) {
        ([account], _) => match examine(account, email, protection) {
            Ok(()) => Identification::Found { account: (*account).clone(), twin: !others.is_empty() },
            Err(violation) => Identification::Rejected(violation),
        },
        ([_, _, ..], _) => Identification::Rejected(GuardViolation::AmbiguousAccount),
        ([], false) => Identification::Rejected(GuardViolation::NotACustomer),
        ([], true)
            if candidates.iter().any(|c| c.account_type == AccountType::Customer && c.email.is_none() && !c.former) =>
        {
            Identification::Rejected(GuardViolation::AddressUnconfirmed)
        }
        ([], true) => Identification::NotFound,
    }
}

/// Whether the customer account `gone`, which can no longer be read, was migrated to an Atlassian account instead of erased.
///
/// That is so when `found`, all accounts with its email address, holds an active Atlassian account and not the customer.
pub fn is_migrated(gone: &AccountId, found: &[Account]) -> bool {
    let is_customer = |account: &Account| account.account_type == AccountType::Customer || account.id == *gone;
    !found.iter().any(is_customer) && found.iter().any(|c| c.account_type == AccountType::Atlassian && c.active)
}

/// Checks that an account that was just read may be changed as that of `email`.
pub fn examine(account: &Account, email: &EmailAddress, protection: &Protection) -> Result<(), GuardViolation> {
    if account.account_type != AccountType::Customer {
        return Err(GuardViolation::NotACustomer);
    }
    if protection.covers_address(email) || protection.account_ids.contains(&account.id) {
        return Err(GuardViolation::Protected);
    }
    match &account.email {
        Some(address) if address == email => Ok(()),
        Some(_) => Err(GuardViolation::AddressChanged),
        None => Err(GuardViolation::AddressUnconfirmed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(id: &str, account_type: AccountType, email: Option<&str>) -> Account {
        Account {
            id: AccountId::from(id.to_owned()),
            account_type,
            active: true,
            email: email.map(|text| EmailAddress::parse(text).unwrap()),
            former: false,
        }
    }

    fn pick(candidates: &[Account]) -> Identification {
        identify(candidates, &EmailAddress::parse("ann@example.com").unwrap(), &Protection::default())
    }

    #[test]
    fn longer_address_is_another_person() {
        assert_eq!(
            pick(&[account("qm:1", AccountType::Customer, Some("ann@example.com.au"))]),
            Identification::NotFound
        );
    }

    #[test]
    fn address_is_compared_without_case() {
        let ann = account("qm:1", AccountType::Customer, Some("Ann@Example.com"));
        assert_eq!(pick(std::slice::from_ref(&ann)), Identification::Found { account: ann, twin: false });
    }

    #[test]
    fn one_account_listed_twice_is_one_account() {
        let ann = account("qm:1", AccountType::Customer, Some("ann@example.com"));
        assert_eq!(pick(&[ann.clone(), ann.clone()]), Identification::Found { account: ann, twin: false });
    }

    #[test]
    fn two_customers_of_one_address_are_ambiguous() {
        let ann = account("qm:1", AccountType::Customer, Some("ann@example.com"));
        let other = account("qm:2", AccountType::Customer, Some("ann@example.com"));
        assert_eq!(pick(&[ann, other]), Identification::Rejected(GuardViolation::AmbiguousAccount));
    }

    #[test]
    fn atlassian_account_with_the_same_address_is_reported() {
        let ann = account("qm:1", AccountType::Customer, Some("ann@example.com"));
        let twin = account("5b1", AccountType::Atlassian, Some("ann@example.com"));
        assert_eq!(pick(&[twin, ann.clone()]), Identification::Found { account: ann, twin: true });
    }

    #[test]
    fn missing_customer_beside_an_active_atlassian_account_was_migrated() {
        let gone = AccountId::from("qm:1".to_owned());
        let atlassian = account("5b1", AccountType::Atlassian, Some("ann@example.com"));
        let customer = account("qm:1", AccountType::Customer, Some("ann@example.com"));
        assert!(is_migrated(&gone, std::slice::from_ref(&atlassian)));
        assert!(!is_migrated(&gone, &[]));
        assert!(!is_migrated(&gone, &[atlassian.clone(), customer]));
        assert!(!is_migrated(&gone, &[Account { active: false, ..atlassian }]));
    }

    #[test]
    fn licensed_account_alone_is_rejected() {
        let ann = account("5b1", AccountType::Atlassian, Some("ann@example.com"));
        assert_eq!(pick(&[ann]), Identification::Rejected(GuardViolation::NotACustomer));
    }

    #[test]
    fn hidden_address_cannot_be_confirmed() {
        let hidden = account("qm:1", AccountType::Customer, None);
        assert_eq!(pick(std::slice::from_ref(&hidden)), Identification::Rejected(GuardViolation::AddressUnconfirmed));
        let ann = account("qm:2", AccountType::Customer, Some("ann@example.com"));
        assert_eq!(pick(&[hidden, ann.clone()]), Identification::Found { account: ann, twin: false });
    }

    #[test]
    fn nameless_record_of_a_deleted_account_is_not_found() {
        let shell = Account { former: true, ..account("qm:1", AccountType::Customer, None) };
        assert_eq!(pick(&[shell]), Identification::NotFound);
        assert_eq!(pick(&[account("557058:1", AccountType::App, None)]), Identification::NotFound);
    }

    #[test]
    fn account_that_was_read_must_have_the_address() {
        let read = |account_type, email| {
            let ann = EmailAddress::parse("ann@example.com").unwrap();
            examine(&account("qm:1", account_type, email), &ann, &Protection::default())
        };
        assert_eq!(read(AccountType::Customer, Some("ANN@example.com")), Ok(()));
        assert_eq!(read(AccountType::Customer, Some("anne@example.com")), Err(GuardViolation::AddressChanged));
        assert_eq!(read(AccountType::Customer, None), Err(GuardViolation::AddressUnconfirmed));
        for other in [AccountType::Atlassian, AccountType::App, AccountType::Unknown] {
            assert_eq!(read(other, Some("ann@example.com")), Err(GuardViolation::NotACustomer));
        }
    }

    #[test]
    fn protected_address_is_rejected_whatever_the_account_is() {
        let boss = EmailAddress::parse("boss@example.com").unwrap();
        let protection = Protection { emails: HashSet::from([boss.clone()]), ..Protection::default() };
        assert_eq!(identify(&[], &boss, &protection), Identification::Rejected(GuardViolation::Protected));
        let renamed = account("qm:1", AccountType::Customer, Some("ann@example.com"));
        assert_eq!(examine(&renamed, &boss, &protection), Err(GuardViolation::Protected));
    }

    #[test]
    fn protection_applies_by_address_domain_and_id() {
        let email = EmailAddress::parse("ann@example.com").unwrap();
        let ann = account("qm:1", AccountType::Customer, Some("ann@example.com"));
        let by_address = Protection { emails: HashSet::from([email.clone()]), ..Protection::default() };
        let by_domain = Protection { domains: HashSet::from(["example.com".to_owned()]), ..Protection::default() };
        let by_id = Protection { account_ids: HashSet::from([ann.id.clone()]), ..Protection::default() };
        for protection in [by_address, by_domain, by_id] {
            assert_eq!(
                identify(std::slice::from_ref(&ann), &email, &protection),
                Identification::Rejected(GuardViolation::Protected)
            );
        }
    }
}
