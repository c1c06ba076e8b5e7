//! What people and programs see of a deployment while it goes on.
//!
//! In a log: one line per change on standard error. On a terminal: the same lines, and below them a live one for each
//! manifest. With `--json`: one object per line on standard output, nothing else. Secrets are masked in all of them.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::Value;

use crate::aws::ecs::last_part;
use crate::ctx::Ctx;
use crate::ecs::run::Report;
use crate::ecs::tell::{Listener, Tell};
use crate::error::{Error, one_line};
use crate::support::clock::Clock;
use crate::support::mask::Masker;
use crate::support::secret::SecretText;

/// How often the live line shows that time passes.
const TICK: Duration = Duration::from_millis(500);

/// How it is shown.
pub(super) struct Log<'a> {
    ctx: &'a Ctx,
    masker: Masker,
    start: SystemTime,
    clock: Clock,
    as_json: bool,
    live: Option<Live>,
    told: Mutex<Told>,
}

/// What has been told.
#[derive(Default)]
struct Told {
    manifests: BTreeSet<String>,
    /// How the only manifest so far has failed: the error is going to say it, unless others come.
    held: Option<(SystemTime, String, String)>,
}

/// The lines at the bottom of a terminal.
struct Live {
    all: MultiProgress,
    bars: Mutex<HashMap<String, ProgressBar>>,
}

impl<'a> Log<'a> {
    /// Begins now; nothing of `secrets` is shown.
    pub(super) fn new(ctx: &'a Ctx, as_json: bool, clock: &Clock, secrets: &[SecretText]) -> Result<Self, Error> {
        let live = (!as_json && ctx.error_is_terminal()).then(|| Live {
            all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            bars: Mutex::default(),
        });
        let masker = Masker::new(secrets.iter().map(SecretText::expose))?;
        let (start, clock) = (clock.now(), clock.clone());
        Ok(Self { ctx, masker, start, clock, as_json, live, told: Mutex::default() })
    }

    /// The failure of a report, as far as it has not been told: of a single manifest all of it, of several how many have
    /// failed, since each has had its line.
    pub(super) fn error_of(&self, report: &Report) -> Option<Error> {
        let is_held = self.told.lock().unwrap_or_else(PoisonError::into_inner).held.take().is_some();
        if is_held || self.as_json { report.error() } else { report.error_in_brief() }
    }

    /// A line for how it ended; a failure of the only manifest waits for others to come, or for the end.
    fn outcome(&self, at: SystemTime, manifest: &str, text: &str, is_failure: bool) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if is_failure && told.manifests.len() == 1 && told.held.is_none() {
            told.held = Some((at, manifest.to_owned(), text.to_owned()));
        } else {
            self.line(at, Some(manifest), text);
        }
    }

    /// A manifest is worked on.
    fn hear_of(&self, manifest: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.manifests.insert(manifest.to_owned());
        let is_another = told.held.as_ref().is_some_and(|(_, held, _)| held != manifest);
        if let Some((at, manifest, text)) = told.held.take_if(|_| is_another) {
            self.line(at, Some(&manifest), &text);
        }
    }

    /// A text as it may be shown.
    pub(super) fn masked(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.masker.mask(text.as_bytes())).into_owned()
    }

    /// An error as it may be shown: AWS says again what it was sent.
    pub(super) fn masked_error(&self, error: Error) -> Error {
        let text = error.to_string();
        let masked = self.masked(&text);
        if masked == text { error } else { Error::new(error.kind(), masked) }
    }

    /// One object on a line of standard output.
    pub(super) fn json(&self, value: &impl Serialize) -> Result<(), Error> {
        let text = serde_json::to_string(&self.masked_json(serde_json::to_value(value).unwrap_or_default()));
        self.ctx.print_line(text.unwrap_or_default())
    }

    /// Texts are masked before they are written as JSON, which spells some bytes differently.
    fn masked_json(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.masked(&text)),
            Value::Array(elements) => elements.into_iter().map(|element| self.masked_json(element)).collect(),
            Value::Object(members) => {
                Value::Object(members.into_iter().map(|(key, value)| (key, self.masked_json(value))).collect())
            }
            other => other,
        }
    }

    fn line(&self, at: SystemTime, manifest: Option<&str>, text: &str) {
        let passed = at.duration_since(self.start).unwrap_or_default().as_secs();
        let manifest = manifest.map(|name| format!("{name}: ")).unwrap_or_default();
        let line = format!("{:3}:{:02} {manifest}{}", passed / 60, passed % 60, one_line(&self.masked(text)));
        match &self.live {
            Some(shown) => drop(shown.all.println(line)),
            None => drop(writeln!(self.ctx.err_stream(), "{line}")),
        }
    }

    fn progress(&self, manifest: &str, text: &str) {
        let Some(live) = &self.live else { return };
        let mut bars = live.bars.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bars.entry(manifest.to_owned()).or_insert_with(|| {
            let bar = live.all.add(ProgressBar::new_spinner());
            bar.set_style(
                ProgressStyle::with_template("{spinner} {prefix} {msg} ({elapsed})")
                    .unwrap_or(ProgressStyle::default_spinner()),
            );
            bar.set_prefix(manifest.to_owned());
            bar.enable_steady_tick(TICK);
            bar
        });
        bar.set_message(one_line(&self.masked(text)));
    }

    /// What a task says goes where it would go if it ran here.
    fn said(&self, text: &str) {
        // A reader that has gone away is no reason to stop a task.
        let print = || drop(self.ctx.print_line(self.masked(text)));
        match &self.live {
            Some(live) => live.all.suspend(print),
            None => print(),
        }
    }

    fn finish(&self, manifest: &str) {
        if let Some(live) = &self.live
            && let Some(bar) = live.bars.lock().unwrap_or_else(PoisonError::into_inner).remove(manifest)
        {
            bar.finish_and_clear();
        }
    }

    fn text(&self, at: SystemTime, tell: &Tell) {
        if let Tell::Step { manifest, .. } | Tell::Outcome { manifest, .. } = tell {
            self.hear_of(manifest);
        }
        match tell {
            Tell::Step { manifest, text, .. } => {
                self.line(at, Some(manifest), text);
                self.progress(manifest, text);
            }
            Tell::Counts { manifest, service, desired, running, pending, failed, rollout_state } => {
                let text = counts(service, (*desired, *running, *pending, *failed), rollout_state.as_deref());
                self.line(at, Some(manifest), &text);
                self.progress(manifest, &text);
            }
            Tell::ServiceEvent { manifest, message, .. } => self.line(at, Some(manifest), &format!("ECS: {message}")),
            Tell::Task { manifest, task, status, .. } => {
                let text = format!("task {}: {status}", last_part(task));
                self.line(at, Some(manifest), &text);
                self.progress(manifest, &text);
            }
            Tell::Log { message, .. } => self.said(message),
            Tell::Note { manifest, text } => self.line(at, manifest.as_deref(), &format!("note: {text}")),
            Tell::Explanation { manifest, lines, next } => {
                self.line(at, Some(manifest), "why it failed:");
                let next = next.iter().map(|line| format!("  next: {line}"));
                for line in lines.iter().map(|line| format!("  {line}")).chain(next) {
                    self.line(at, Some(manifest), &line);
                }
            }
            Tell::Outcome { manifest, outcome, text, .. } => {
                self.finish(manifest);
                self.outcome(at, manifest, text, !matches!(*outcome, "completed" | "unchanged"));
            }
        }
    }
}

/// `web-12: 1 of 2 run, 1 pending, 3 failed (IN_PROGRESS)`.
fn counts(service: &str, counts: (i32, i32, i32, i32), state: Option<&str>) -> String {
    let (desired, running, pending, failed) = counts;
    let mut text = format!("{service}: {running} of {desired} running");
    for (count, word) in [(pending, "pending"), (failed, "failed")] {
        if count > 0 {
            let _ = write!(text, ", {count} {word}");
        }
    }
    if let Some(state) = state {
        let _ = write!(text, " ({state})");
    }
    text
}

/// What happened, and when.
#[derive(Serialize)]
struct Dated<'a> {
    at: String,
    #[serde(flatten)]
    tell: &'a Tell,
}

/// Whoever has not asked for the error has it told here.
impl Drop for Log<'_> {
    fn drop(&mut self) {
        let held = self.told.get_mut().unwrap_or_else(PoisonError::into_inner).held.take();
        if let Some((at, manifest, text)) = held {
            self.line(at, Some(&manifest), &text);
        }
    }
}

impl Listener for Log<'_> {
    fn tell(&self, at: SystemTime, tell: &Tell) {
        if self.as_json {
            // A reader that has gone away is no reason to stop a deployment.
            let _ = self.json(&Dated { at: crate::aws::timestamp(self.clock.calendar()), tell });
        } else {
            self.text(at, tell);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_in_words() {
        assert_eq!(counts("web-12", (2, 1, 1, 0), None), "web-12: 1 of 2 running, 1 pending");
        assert_eq!(counts("web", (2, 0, 0, 3), Some("IN_PROGRESS")), "web: 0 of 2 running, 3 failed (IN_PROGRESS)");
    }
}
