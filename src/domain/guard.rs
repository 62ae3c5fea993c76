//! Who may not be touched.
//!
//! Only an account of type *customer*, whose address is exactly the person's, found once, and not protected. Everything
//! else is for a human.

use std::collections::HashSet;

use super::account::{Account, AccountId, AccountType};
use super::named;
use super::person::EmailAddress;

/// Accounts that are never touched, whatever a source says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Protection {
    /// Exact addresses.
    pub emails: HashSet<EmailAddress>,
    /// Everything behind these `@`, in the spelling of [`canonical_domain`](super::person::canonical_domain). Subdomains
    /// are not included.
    pub domains: HashSet<String>,
    /// Accounts by id.
    pub account_ids: HashSet<AccountId>,
}

impl Protection {
    /// Whether nobody of this address may be touched.
    pub fn covers_address(&self, email: &EmailAddress) -> bool {
        self.emails.contains(email) || self.domains.contains(email.domain())
    }
}

/// Why an account must not be touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GuardViolation {
    /// More than one customer account has the address.
    AmbiguousAccount,
    /// The account of the address is an Atlassian account or an app.
    NotACustomer,
    /// On the site's protect list.
    Protected,
    /// A candidate hides its address, so it cannot be told whose it is.
    AddressUnconfirmed,
    /// The account that was found has another address by now.
    AddressChanged,
    /// Somebody granted access again by hand since it was revoked.
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
    /// What a human needs to know.
    pub const fn explain(self) -> &'static str {
        match self {
            Self::AmbiguousAccount => {
                "more than one customer account has this address: decide which, and settle it by hand"
            }
            Self::NotACustomer => {
                "the only account with this address is not a portal-only customer: it is managed elsewhere"
            }
            Self::Protected => "the address or the account is on the site's protect list",
            Self::AddressUnconfirmed => {
                "an account that may be the person's hides its address, so it cannot be confirmed"
            }
            Self::AddressChanged => "the account has another address than the person by now",
            Self::Regranted => "access was granted again by hand after it was revoked",
        }
    }
}

/// Which account an address means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identification {
    /// Exactly one customer account.
    Found {
        /// The account.
        account: Account,
        /// The same address also belongs to an account that is not a customer's. It is left alone.
        twin: bool,
    },
    /// Nobody has the address, as far as the search sees.
    NotFound,
    /// Somebody has it, but must not be touched.
    Rejected(GuardViolation),
}

/// Picks the account of `email` out of `candidates`, which come from a search by *prefix* over names and addresses.
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

/// Whether the customer account `gone`, which cannot be read any more, became an Atlassian account.
///
/// `found`, all accounts with its address, holds an active Atlassian account and not the customer. Such a person is not
/// erased.
pub fn is_migrated(gone: &AccountId, found: &[Account]) -> bool {
    let is_customer = |account: &Account| account.account_type == AccountType::Customer || account.id == *gone;
    !found.iter().any(is_customer) && found.iter().any(|c| c.account_type == AccountType::Atlassian && c.active)
}

/// Whether an account that was just read may be touched as that of `email`.
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
    fn a_longer_address_is_somebody_else() {
        assert_eq!(
            pick(&[account("qm:1", AccountType::Customer, Some("ann@example.com.au"))]),
            Identification::NotFound
        );
    }

    #[test]
    fn the_address_is_compared_without_case() {
        let ann = account("qm:1", AccountType::Customer, Some("Ann@Example.com"));
        assert_eq!(pick(std::slice::from_ref(&ann)), Identification::Found { account: ann, twin: false });
    }

    #[test]
    fn one_account_listed_twice_is_one_account() {
        let ann = account("qm:1", AccountType::Customer, Some("ann@example.com"));
        assert_eq!(pick(&[ann.clone(), ann.clone()]), Identification::Found { account: ann, twin: false });
    }

    #[test]
    fn two_customers_of_one_address_are_for_a_human() {
        let ann = account("qm:1", AccountType::Customer, Some("ann@example.com"));
        let other = account("qm:2", AccountType::Customer, Some("ann@example.com"));
        assert_eq!(pick(&[ann, other]), Identification::Rejected(GuardViolation::AmbiguousAccount));
    }

    #[test]
    fn a_twin_with_an_atlassian_account_is_noted() {
        let ann = account("qm:1", AccountType::Customer, Some("ann@example.com"));
        let twin = account("5b1", AccountType::Atlassian, Some("ann@example.com"));
        assert_eq!(pick(&[twin, ann.clone()]), Identification::Found { account: ann, twin: true });
    }

    #[test]
    fn a_customer_who_is_gone_beside_an_active_atlassian_account_was_migrated() {
        let gone = AccountId::from("qm:1".to_owned());
        let atlassian = account("5b1", AccountType::Atlassian, Some("ann@example.com"));
        let customer = account("qm:1", AccountType::Customer, Some("ann@example.com"));
        assert!(is_migrated(&gone, std::slice::from_ref(&atlassian)));
        assert!(!is_migrated(&gone, &[]));
        assert!(!is_migrated(&gone, &[atlassian.clone(), customer]));
        assert!(!is_migrated(&gone, &[Account { active: false, ..atlassian }]));
    }

    #[test]
    fn a_licensed_account_alone_is_refused() {
        let ann = account("5b1", AccountType::Atlassian, Some("ann@example.com"));
        assert_eq!(pick(&[ann]), Identification::Rejected(GuardViolation::NotACustomer));
    }

    #[test]
    fn a_hidden_address_cannot_be_confirmed() {
        let hidden = account("qm:1", AccountType::Customer, None);
        assert_eq!(pick(std::slice::from_ref(&hidden)), Identification::Rejected(GuardViolation::AddressUnconfirmed));
        let ann = account("qm:2", AccountType::Customer, Some("ann@example.com"));
        assert_eq!(pick(&[hidden, ann.clone()]), Identification::Found { account: ann, twin: false });
    }

    #[test]
    fn the_nameless_shell_of_somebody_deleted_is_nobody() {
        let shell = Account { former: true, ..account("qm:1", AccountType::Customer, None) };
        assert_eq!(pick(&[shell]), Identification::NotFound);
        assert_eq!(pick(&[account("557058:1", AccountType::App, None)]), Identification::NotFound);
    }

    #[test]
    fn an_account_that_was_read_must_still_be_that_of_the_address() {
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
    fn whose_address_is_protected_is_so_whatever_the_account_says() {
        let boss = EmailAddress::parse("boss@example.com").unwrap();
        let protection = Protection { emails: HashSet::from([boss.clone()]), ..Protection::default() };
        assert_eq!(identify(&[], &boss, &protection), Identification::Rejected(GuardViolation::Protected));
        let renamed = account("qm:1", AccountType::Customer, Some("ann@example.com"));
        assert_eq!(examine(&renamed, &boss, &protection), Err(GuardViolation::Protected));
    }

    #[test]
    fn protected_ones_are_refused_by_address_domain_and_id() {
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
