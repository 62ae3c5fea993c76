//! The table that is printed at the end, and the ratios in it.

use std::fmt::Write as _;

/// What was measured, target by target.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

struct Row {
    target: &'static str,
    what: String,
    must: &'static str,
    stretch: &'static str,
    measured: String,
    figures: String,
}

impl Table {
    /// Adds a line, and prints it immediately.
    pub(crate) fn add(
        &mut self,
        (target, must, stretch): (&'static str, &'static str, &'static str),
        what: impl Into<String>,
        measured: impl Into<String>,
        figures: impl Into<String>,
    ) {
        let row = Row { target, what: what.into(), must, stretch, measured: measured.into(), figures: figures.into() };
        eprintln!("{}: {} = {} (must {}): {}", row.target, row.what, row.measured, row.must, row.figures);
        self.0.push(row);
    }

    pub(crate) fn print(&self) {
        let mut text = String::from("\n| | what | must | stretch | measured | figures |\n|---|---|---|---|---|---|\n");
        for Row { target, what, must, stretch, measured, figures } in &self.0 {
            writeln!(text, "| {target} | {what} | {must} | {stretch} | **{measured}** | {figures} |").unwrap();
        }
        println!("{text}\n{}", machine());
    }
}

/// The middle one: the ratio of one round is as noisy as the machine.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The median of the ratios of each round.
pub(crate) fn ratio(ours: &[f64], reference: &[f64]) -> f64 {
    median(ours.iter().zip(reference).map(|(ours, reference)| ours / reference))
}

fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!("{cpus} × {}, {}", model.map_or("?", |(_, model)| model), jiff::Zoned::now().date())
}
