//! `offboardd status`: one screen. The exit code is 1 when something is wrong.

use std::collections::BTreeMap;
use std::io;

use super::client::{Client, read};
use super::facts::print_fact;
use super::options::Output;
use super::screen::Screen;
use super::times::{Times, end_of, length};
use crate::admin::api::{NextView, SiteView, SourceView, StatusView};

/// The number of jobs that are shown.
const NEXT: usize = 5;

/// Returns whether nothing is wrong.
pub(super) async fn run(client: &Client, output: Output<'_>) -> anyhow::Result<bool> {
    let json = client.get(&["status"], &[]).await?;
    let status: StatusView = read(&json)?;
    if client.prints_json() {
        writeln!(output, "{json}")?;
    } else {
        render(&status, &client.times(), client.screen(), output)?;
    }
    Ok(status.ok)
}

fn render(status: &StatusView, times: &Times, screen: Screen, output: Output<'_>) -> io::Result<()> {
    let mode = if status.mode == "observe" { "observe: nothing is changed at Atlassian" } else { &status.mode };
    let state = match status.problems.len() {
        0 => screen.green("ok"),
        1 => screen.red("1 problem"),
        count => screen.red(&format!("{count} problems")),
    };
    writeln!(output, "offboardd {}, {state}", status.version)?;
    let local = status.now.to_zoned(times.zone.clone());
    let local = if local.offset().is_zero() { String::new() } else { local.strftime(" (%H:%M local)").to_string() };
    print_fact("mode", mode, screen, output)?;
    print_fact("time", &format!("{}{local}", Times::utc(status.now)), screen, output)?;
    print_fact("space", &space(status), screen, output)?;
    if !status.problems.is_empty() {
        section("PROBLEMS", screen, output)?;
        for problem in &status.problems {
            let fix = problem.fix.as_ref().map(|fix| format!(" → {fix}")).unwrap_or_default();
            print_fact(&problem.about, &format!("{}{fix}", problem.problem), screen, output)?;
        }
    }
    section("SITES", screen, output)?;
    for site in &status.sites {
        print_fact(site.name.as_str(), &of_site(site, times), screen, output)?;
    }
    section("SOURCES", screen, output)?;
    for source in &status.sources {
        print_fact(source.name.as_str(), &of_source(source, times), screen, output)?;
    }
    section("CASES", screen, output)?;
    print_fact("need a human", &counts(&status.attention), screen, output)?;
    print_fact("held", &counts(&status.held), screen, output)?;
    section("DELIVERIES", screen, output)?;
    print_fact("unreadable", &status.unreadable.to_string(), screen, output)?;
    print_fact("unread", &status.unread.to_string(), screen, output)?;
    section("NEXT", screen, output)?;
    for next in status.next.iter().take(NEXT) {
        print_fact(&times.distance(next.at), &of_next(next), screen, output)?;
    }
    if status.next.is_empty() {
        print_fact("nothing", "no job is queued", screen, output)?;
    }
    Ok(())
}

fn section(title: &str, screen: Screen, output: Output<'_>) -> io::Result<()> {
    writeln!(output, "{}", screen.bold(title))
}

fn space(status: &StatusView) -> String {
    let Some(free) = status.free_bytes else { return "unknown".to_owned() };
    let mebibytes = free / (1024 * 1024);
    if mebibytes < 10 * 1024 { format!("{mebibytes} MiB free") } else { format!("{} GiB free", mebibytes / 1024) }
}

fn of_site(site: &SiteView, times: &Times) -> String {
    let mut words = vec![match site.paused_at {
        Some(since) => format!("paused since {}", times.full(since)),
        None if site.paused_calls.is_empty() => "working".to_owned(),
        None => format!("{} kinds of calls paused", site.paused_calls.len()),
    }];
    words.extend(site.last_ok_at.map(|at| format!("last success {}", times.distance(at))));
    words.extend(site.clock_offset_seconds.filter(|offset| offset.abs() >= 1.0).map(|offset| {
        let direction = if offset > 0.0 { "ahead" } else { "behind" };
        format!("our clock is {:.0} s {direction}", offset.abs())
    }));
    words.join(", ")
}

fn of_source(source: &SourceView, times: &Times) -> String {
    let state = match (&source.brake, source.paused_at) {
        (Some(brake), _) => format!("frozen by its brake, {}", brake.message),
        (None, Some(since)) => format!("paused since {}", times.full(since)),
        (None, None) if source.quiet => "quiet".to_owned(),
        (None, None) => "listening".to_owned(),
    };
    let last = source.last_delivery_at.map_or_else(
        || "no delivery yet".to_owned(),
        |at| format!("last delivery {} ago", length(times.now.duration_since(at))),
    );
    let refused: u64 = source.refused.values().sum();
    let refused = if refused == 0 { String::new() } else { format!(", {refused} refused in the last hour") };
    format!("{state}, {last}{refused}")
}

fn counts(counts: &BTreeMap<String, u64>) -> String {
    if counts.is_empty() {
        return "0".to_owned();
    }
    let total: u64 = counts.values().sum();
    let each: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    format!("{total}: {}", each.join(", "))
}

fn of_next(next: &NextView) -> String {
    let blocked = next.blocked.first().map(|blocked| format!(", blocked: {}", blocked.by)).unwrap_or_default();
    format!("{} {} at {}, case {}{blocked}", Times::utc(next.at), next.kind, next.site, end_of(&next.case))
}
