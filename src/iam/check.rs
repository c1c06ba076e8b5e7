//! Policies beside what is documented: what they allow, what is missing, and what only time can tell.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::document::{Document, Effect, Named, OneOrMany, Statement, place};
use super::{ANY, Purpose, about, actions, distinct, names, pattern};

/// What policies say to the actions of some purposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The purposes.
    pub purposes: Vec<Purpose>,
    /// Each action once, in the order of the documents.
    pub verdicts: Vec<Verdict>,
    /// What may matter beside that.
    pub notes: Vec<Note>,
}

/// What policies say to one action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The action.
    pub action: &'static str,
    /// Those of the purposes that need it.
    pub purposes: Vec<Purpose>,
    /// Whether it is allowed.
    pub outcome: Outcome,
}

/// Whether an action is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is, maybe with notes.
    Allowed,
    /// It is not, and why.
    Missing(String),
    /// A statement denies it: which.
    Denied(String),
}

/// Something that a reader decides on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it is about.
    pub kind: NoteKind,
    /// The file and statement.
    pub place: String,
    /// What the statement says.
    pub message: String,
    /// The actions that this is said of.
    pub actions: Vec<&'static str>,
}

/// What a note is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteKind {
    /// Allowed on fewer resources than documented, which may be meant so.
    Resource,
    /// Allowed under a condition.
    Condition,
    /// Denied on some resources, or under a condition.
    Deny,
}

impl NoteKind {
    /// Its word in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resource => "resource",
            Self::Condition => "condition",
            Self::Deny => "deny",
        }
    }
}

/// Compares policies, united, with what is documented for these purposes.
pub fn check(purposes: &[Purpose], policies: &[Named]) -> Report {
    let purposes = distinct(purposes);
    let mut report = Report { purposes, verdicts: Vec::new(), notes: Vec::new() };
    for purpose in report.purposes.clone() {
        for action in actions(purpose).iter().copied() {
            if let Some(verdict) = report.verdicts.iter_mut().find(|verdict| verdict.action == action) {
                verdict.purposes.push(purpose);
            } else {
                let outcome = outcome(action, policies, &mut report.notes);
                report.verdicts.push(Verdict { action, purposes: vec![purpose], outcome });
            }
        }
    }
    report
}

/// How much of an action's resources a statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cover {
    None,
    Some,
    All,
}

/// A statement that names the action.
struct Said<'a> {
    place: String,
    statement: &'a Statement,
    cover: Cover,
}

impl Said<'_> {
    fn holds_always(&self) -> bool {
        self.cover == Cover::All && self.statement.condition.is_none()
    }
}

fn outcome(action: &'static str, policies: &[Named], notes: &mut Vec<Note>) -> Outcome {
    let resource = about(action).resource;
    let mut said: Vec<Said> = Vec::new();
    for policy in policies {
        for (index, statement) in policy.document.statement.0.iter().enumerate() {
            if names_action(statement, action) {
                let place = format!("{}: {}", policy.name, place(index, statement));
                said.push(Said { place, statement, cover: cover(&policy.document, statement, resource) });
            }
        }
    }
    let (denies, allows): (Vec<_>, Vec<_>) = said.into_iter().partition(|one| one.statement.effect == Effect::Deny);
    if let Some(deny) = denies.iter().find(|one| one.holds_always()) {
        return Outcome::Denied(format!("{} denies it", deny.place));
    }
    let (fitting, others): (Vec<_>, Vec<_>) = allows.into_iter().partition(|one| one.cover != Cover::None);
    if fitting.is_empty() {
        return Outcome::Missing(missing(&others, resource));
    }
    // Where one statement allows it on everything, the narrower ones add nothing.
    if !fitting.iter().any(Said::holds_always) {
        for allow in &fitting {
            let (kind, message) = match &allow.statement.condition {
                Some(condition) => (NoteKind::Condition, condition_text("allowed", condition)),
                None => (NoteKind::Resource, format!("allowed on {} alone", resources(allow.statement))),
            };
            note(notes, kind, &allow.place, message, action);
        }
    }
    for deny in denies.iter().filter(|one| one.cover != Cover::None) {
        let message = match &deny.statement.condition {
            Some(condition) => condition_text("denied", condition),
            None => format!("denied on {}", resources(deny.statement)),
        };
        note(notes, NoteKind::Deny, &deny.place, message, action);
    }
    Outcome::Allowed
}

/// Adds to a note that says the same of other actions, else a new one.
fn note(notes: &mut Vec<Note>, kind: NoteKind, place: &str, message: String, action: &'static str) {
    let same = |note: &&mut Note| note.kind == kind && note.place == place && note.message == message;
    match notes.iter_mut().find(same) {
        Some(note) => note.actions.push(action),
        None => notes.push(Note { kind, place: place.to_owned(), message, actions: vec![action] }),
    }
}

fn names_action(statement: &Statement, action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let names = |patterns: &OneOrMany| {
        patterns.all().iter().any(|pattern| pattern::covers(&pattern.to_ascii_lowercase(), &action))
    };
    match (&statement.action, &statement.not_action) {
        (Some(patterns), _) => names(patterns),
        (None, Some(patterns)) => !names(patterns),
        (None, None) => false,
    }
}

fn cover(document: &Document, statement: &Statement, resource: &str) -> Cover {
    let of = |patterns: &OneOrMany| {
        let each = patterns.all().iter().map(|pattern| cover_of(pattern, resource, document.has_variables()));
        each.max().unwrap_or(Cover::None)
    };
    match (&statement.resource, &statement.not_resource) {
        (Some(patterns), _) => of(patterns),
        (None, Some(patterns)) => match of(patterns) {
            Cover::None => Cover::All,
            Cover::Some => Cover::Some,
            Cover::All => Cover::None,
        },
        (None, None) => Cover::None,
    }
}

/// How much of `resource`, in whichever partition, a pattern is about.
fn cover_of(pattern: &str, resource: &str, has_variables: bool) -> Cover {
    let (text, is_variable) = if has_variables { without_variables(pattern) } else { (pattern.to_owned(), false) };
    let partitions = ["aws", "aws-cn", "aws-us-gov"];
    let mut variants =
        partitions.iter().map(|partition| resource.replacen("arn:aws:", &format!("arn:{partition}:"), 1));
    if !is_variable && variants.clone().any(|resource| pattern::covers(&text, &resource)) {
        return Cover::All;
    }
    // What knows no single resources is asked for by a star alone, which is no pattern there.
    let is_partly = resource != ANY && variants.any(|resource| pattern::overlap(&text, &resource));
    if is_partly { Cover::Some } else { Cover::None }
}

/// A pattern whose variables may be anything, and whether there are any.
fn without_variables(pattern: &str) -> (String, bool) {
    let mut parts = pattern.split("${");
    let mut text = parts.next().unwrap_or_default().to_owned();
    let mut found = false;
    for part in parts {
        found = true;
        text.push('*');
        text.push_str(part.split_once('}').map_or("", |(_, after)| after));
    }
    (text, found)
}

/// Why no statement allows an action, of those that name it.
fn missing(said: &[Said], resource: &str) -> String {
    let Some(one) = said.first() else { return "no statement allows it".to_owned() };
    let allowed = resources(one.statement);
    if resource == ANY {
        return format!(
            "{} allows it on {allowed}, but this action knows no single resources: allow it on \"*\"",
            one.place
        );
    }
    format!("{} allows it on {allowed}, but AWS asks for {resource}", one.place)
}

/// The resources of a statement, as a message names them.
fn resources(statement: &Statement) -> String {
    let (before, texts) = match (&statement.resource, &statement.not_resource) {
        (Some(texts), _) => ("", texts.all()),
        (None, Some(texts)) => ("everything but ", texts.all()),
        (None, None) => ("", &[][..]),
    };
    format!("{before}{}", texts.join(", "))
}

fn condition_text(what: &str, condition: &Map<String, Value>) -> String {
    format!("{what} under a condition that is not looked into, {}", Value::Object(condition.clone()))
}

impl Report {
    /// What is not allowed.
    pub fn missing(&self) -> impl Iterator<Item = &Verdict> {
        self.verdicts.iter().filter(|verdict| verdict.outcome != Outcome::Allowed)
    }

    /// A line for each action that is missing and for each note.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for verdict in self.missing() {
            let (word, reason) = match &verdict.outcome {
                Outcome::Missing(reason) => ("missing", reason),
                Outcome::Denied(reason) => ("denied", reason),
                Outcome::Allowed => continue,
            };
            let Verdict { action, purposes, .. } = verdict;
            let _ = writeln!(text, "{word}: {action} ({}): {}; {reason}", names(purposes), about(action).does);
        }
        for Note { kind, place, message, actions } in &self.notes {
            let word = if *kind == NoteKind::Resource { "note" } else { "warning" };
            let _ = writeln!(text, "{word}: {place}: {}: {message}", actions.join(", "));
        }
        text
    }

    /// All of it.
    pub fn json(&self) -> Value {
        let words = |purposes: &[Purpose]| purposes.iter().map(|purpose| purpose.name()).collect::<Vec<_>>();
        let verdicts = self.verdicts.iter().map(|verdict| {
            let (outcome, reason) = match &verdict.outcome {
                Outcome::Allowed => ("allowed", None),
                Outcome::Missing(reason) => ("missing", Some(reason)),
                Outcome::Denied(reason) => ("denied", Some(reason)),
            };
            let does = about(verdict.action).does;
            json!({"action": verdict.action, "for": words(&verdict.purposes), "does": does, "outcome": outcome,
                "reason": reason})
        });
        let notes = self.notes.iter().map(|note| {
            json!({"kind": note.kind.name(), "place": note.place, "message": note.message, "actions": note.actions})
        });
        json!({
            "allowed": self.missing().next().is_none(),
            "for": words(&self.purposes),
            "missing": self.missing().map(|verdict| verdict.action).collect::<Vec<_>>(),
            "actions": verdicts.collect::<Vec<_>>(),
            "notes": notes.collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests;
