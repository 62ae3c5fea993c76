//! Compares the table of metrics with what `/metrics` returns.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{document, section};
use crate::harness::Harness;

/// Type, labels and whether the unit is seconds.
type Description = (String, BTreeSet<String>, bool);

/// The metrics of a scrape, by the names that a query uses.
fn scraped(text: &str) -> BTreeMap<String, Description> {
    let mut metrics = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let suffix = match kind {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        metrics.insert(format!("{name}{suffix}"), (kind.to_owned(), BTreeSet::new(), name.ends_with("_seconds")));
    }
    for sample in text.lines().filter(|line| !line.starts_with('#')) {
        let end = sample.find(['{', ' ']).unwrap();
        let (name, rest) = sample.split_at(end);
        let bare = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
        let name = bare.filter(|bare| metrics.contains_key(*bare)).unwrap_or(name);
        let (_, labels, _) = metrics.get_mut(name).unwrap_or_else(|| panic!("{name} has no type"));
        let inner = rest.strip_prefix('{').and_then(|rest| rest.split('}').next()).unwrap_or_default();
        // No label value of this story contains a comma.
        labels.extend(inner.split(',').filter_map(|pair| pair.split_once('=')).map(|(label, _)| label.to_owned()));
        labels.remove("le");
    }
    metrics
}

/// The rows of the table of metrics.
fn listed(table: &str) -> BTreeMap<String, Description> {
    let rows = table.lines().filter(|line| line.starts_with("| `offboardd_"));
    let codes = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, kind, labels, unit, meaning] = cells[..] else { panic!("not five cells: {row}") };
        assert!(!meaning.is_empty(), "{row}");
        let name = codes(name).pop_first().unwrap();
        (name, (kind.to_owned(), codes(labels), unit.starts_with("seconds")))
    })
    .collect()
}

#[tokio::test]
async fn operations_describes_every_metric_of_a_scrape() {
    let story = Harness::start().await;
    assert_eq!(story.send("hr", &json!({ "type": "ignored" })).await.status, 202);
    story.send_departed("ann@example.com").await;
    // Another body under a used id.
    for body in [r#"{"type":"ignored"}"#, r#"{"type":"ignored","person":{}}"#] {
        let headers = story.sign("hr", "msg_same", story.now(), body.as_bytes());
        assert_eq!(story.post("hr", body.as_bytes(), &headers).await.status, 202);
        story.settle().await;
    }
    assert_eq!(story.api("/cases", None).await.status, 200);
    let operations = document("docs/operations.md");
    let listed = listed(section(&operations, "## Metrics"));
    assert_eq!(listed, scraped(&story.metrics().await));
    for name in
        operations.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| word.starts_with("offboardd_"))
    {
        assert!(listed.contains_key(name), "{name} is not in the table of metrics");
    }
    story.finish(&["revoke ann@example.com"]).await;
}
