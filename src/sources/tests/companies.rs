//! Companies that leave: offboardd's own event, and the mappings that the notes of the presets of CRMs propose.

use super::*;
use crate::domain::event::{Company, EventType};

#[expect(clippy::panic_in_result_fn, reason = "another event is no result, but the end of a test")]
fn company(source: &Source, body: &str) -> Result<Option<Company>, String> {
    let mut events = source.read(None, body.as_bytes()).unwrap();
    assert_eq!(events.len(), 1, "{events:?}");
    let event = events.remove(0).map_err(|unreadable| unreadable.to_string())?;
    assert!(matches!(event.event_type, EventType::CompanyDeparted | EventType::Ignored), "{event:?}");
    Ok(event.company)
}

fn mapped(preset: &str, mapping: &str) -> Source {
    compile(Spec { mapping: Some(table(mapping)), ..spec(preset, usable_secret(preset)) }).unwrap()
}

#[test]
fn own_event_names_a_domain_or_an_organization() {
    let source = source("standard-webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let of = |company_of: &str| company(&source, &format!(r#"{{"type":"company_departed","company":{company_of}}}"#));
    assert_eq!(of(r#"{"domain":"@Bücher.Example"}"#), Ok(Some(Company::Domain("xn--bcher-kva.example".to_owned()))));
    assert_eq!(
        of(r#"{"organization":" Customer Inc. "}"#),
        Ok(Some(Company::Organization("Customer Inc.".to_owned())))
    );
    assert_eq!(of(r#"{"organization":7}"#), Ok(Some(Company::Organization("7".to_owned()))));
    for (bad, problem) in [
        ("{}", "the domain or the organization of a company"),
        (r#"{"domain":"a.example","organization":"7"}"#, "not both"),
        (r#"{"domain":"not a domain"}"#, "a domain like"),
    ] {
        let unreadable = of(bad).unwrap_err();
        assert!(unreadable.contains(problem) && !unreadable.contains("not a domain"), "{unreadable}");
    }
}

#[test]
fn churned_company_of_a_hubspot_workflow_is_mapped() {
    let mapping = "rules = [{ when = \"@.properties.lifecyclestage.value == 'former'\", event = 'company_departed' }, { when = '@.companyId', event = 'ignored' }]
        company_domain = '$.properties.domain.value'";
    let source = mapped("hubspot-v2", mapping);
    let body = |stage: &str| {
        format!(
            r#"{{"companyId":184896670,"properties":{{"domain":{{"value":"customer.example"}},"lifecyclestage":{{"value":"{stage}"}}}}}}"#
        )
    };
    assert_eq!(company(&source, &body("former")), Ok(Some(Company::Domain("customer.example".to_owned()))));
    assert_eq!(company(&source, &body("customer")), Ok(None));
}

#[test]
fn deleted_organization_of_pipedrive_is_mapped_by_its_name() {
    let mapping = "skip = \"@.meta.entity != 'organization'\"
        rules = [{ when = \"@.meta.action == 'delete'\", event = 'company_departed' }]
        company_organization = '$.previous.name'";
    let source = mapped("pipedrive", mapping);
    let body = r#"{"data":null,"previous":{"id":31,"name":"Customer Inc."},"meta":{"action":"delete","entity":"organization",
        "entity_id":"31","id":"d2a9ba7c-07b5-4b0f-9d2a-5a63d0e4b1f0","timestamp":"2026-09-01T09:00:00.000Z","version":"2.0"}}"#;
    assert_eq!(company(&source, body), Ok(Some(Company::Organization("Customer Inc.".to_owned()))));
    let person = body.replace("\"organization\"", "\"person\"");
    assert!(source.read(None, person.as_bytes()).unwrap().is_empty());
}

#[test]
fn churned_account_of_a_zoho_workflow_is_read_without_a_mapping() {
    let source = source("static-token", "t0ken-of-the-workflow-0123456789");
    let body = r#"{"type": "company_departed", "company": {"organization": "Customer Inc."}}"#;
    assert_eq!(company(&source, body), Ok(Some(Company::Organization("Customer Inc.".to_owned()))));
    // The notification of the deletion has an id only, and nothing comes of it.
    let zoho = spec("zoho", usable_secret("zoho"));
    let body = r#"{"module": "Accounts", "operation": "delete", "ids": ["4000001"], "server_time": 1795165200000}"#;
    assert!(compile(zoho).unwrap().read(None, body.as_bytes()).unwrap().is_empty());
}

#[test]
fn mapping_of_companies_needs_a_place_of_the_company() {
    let mapping = "type = '$.type'\ntypes = { left = 'company_departed' }\nemail = '$.mail'";
    let error = compile(Spec { mapping: Some(table(mapping)), ..spec("github", "secret") });
    let error = error.err().map(|error| error.to_string());
    assert!(error.is_none() || error.unwrap().contains("company_domain"));
    let alone = compile(Spec {
        signature: Some(table("headers = ['X-Signature']")),
        mapping: Some(table(mapping)),
        secrets: vec![SecretString::from("secret")],
        ..Spec::default()
    });
    let error = alone.unwrap_err().to_string();
    assert!(error.contains("`company_departed` needs `company_domain` or `company_organization`"), "{error}");
}
