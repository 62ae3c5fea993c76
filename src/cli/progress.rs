//! Progress of long work, on standard error and on terminals only.

use std::borrow::Cow;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a bar without news is drawn.
const TICK: Duration = Duration::from_millis(200);

/// A line that counts `what`; the total is not known.
pub(super) fn counter(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
    styled(bar, &format!("{{spinner}} {{pos}} {what}, {{per_sec}}, {{elapsed}}"))
}

/// A bar over a number of `what` that is set when it is known.
pub(super) fn steps(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(5));
    styled(bar, &format!("{{bar:40}} {{pos}} of {{len}} {what}, {{elapsed}}"))
}

/// A bar over a file that grows up to about `bytes`.
pub(super) fn copy(bytes: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr_with_hz(5));
    styled(bar, "{bar:40} {bytes} of about {total_bytes}, {elapsed}")
}

/// A line that shows that work is in progress.
pub(super) fn working(message: impl Into<Cow<'static, str>>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
    styled(bar, "{spinner} {msg}, {elapsed}").with_message(message)
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
    bar
}
