//! `params`: the environment of containers.

use serde_json::Value;

use super::field::{Findings, Said};
use crate::error::Error;
use crate::job::build::params as build;
use crate::job::build::select::Chosen;
use crate::job::build::sources::Secrets;
use crate::job::params::{SECURE, variables};
use crate::support::secret::SecretText;

/// A variable. `Debug` does not show its value.
#[derive(Debug, Clone)]
pub(super) struct Variable {
    pub name: String,
    pub value: SecretText,
    /// Whether it is one of `secure`.
    pub is_secret: bool,
}

/// The variables of one resource, in order.
pub(super) fn params(
    chosen: &Chosen,
    said: &Said,
    secrets: &dyn Secrets,
    found: &mut Findings,
) -> Result<Vec<Variable>, Error> {
    said.left_out(&["params"], found);
    let mut bag = said.bag.clone();
    match bag.get("params") {
        Some(Value::Object(_)) => {}
        None | Some(Value::Null) => {
            let text = format!("{} has no params: add `params: {{NAME: value}}`", said.name());
            found.error(said.resource.at(), text);
            return Ok(Vec::new());
        }
        Some(_) => {
            if let Some(field) = said.get("params") {
                field.wrong(found, "a map, `NAME: value`");
            }
            return Ok(Vec::new());
        }
    }
    if !are_variables(said, found) {
        return Ok(Vec::new());
    }
    let (mut notes, mut missing) = (Vec::new(), Vec::new());
    let references = build::resolve(std::slice::from_ref(chosen), secrets, &mut notes, &mut missing);
    // Each says where it is written.
    found.errors.extend(missing);
    build::fill(chosen, &mut bag, &references)?;
    let Some(Value::Object(mut params)) = bag.shift_remove("params") else { return Ok(Vec::new()) };
    if !notes.is_empty() {
        // What Shippable encrypted holds no pairs that anybody can read.
        params.shift_remove(SECURE);
        found.warnings.extend(notes);
    }
    let mut all = Vec::new();
    for (key, value) in params {
        let is_secret = key == SECURE;
        let one = std::iter::once((key, value)).collect();
        all.extend(variables(&one).into_iter().map(|(name, value)| {
            let name = name.trim().to_owned();
            Variable { name, value: value.into(), is_secret }
        }));
    }
    Ok(all)
}

/// Whether each has a name, and secrets are one by one. No value is shown: it may be a secret.
fn are_variables(said: &Said, found: &mut Findings) -> bool {
    let mut are_right = true;
    for member in said.get("params").iter().flat_map(|params| params.members().collect::<Vec<_>>()) {
        let name = member.key().trim();
        if name == SECURE && !(member.value.is_object() || member.value.is_string()) {
            let text = format!("{} is neither a map nor a text: write `secure: {{NAME: env:NAME}}`", member.shown());
            found.error(member.at(), text);
            are_right = false;
        } else if name.is_empty() || name.contains(['=', '\0']) {
            let text = format!("{:?} in params of {} is no name of a variable", member.key(), said.name());
            found.error(member.at(), text);
            are_right = false;
        }
    }
    are_right
}

/// Puts variables into those that are there: the later wins, in the place of the first.
pub(super) fn unite(into: &mut Vec<Variable>, from: &[Variable]) {
    for variable in from {
        match into.iter_mut().find(|known| known.name == variable.name) {
            Some(known) => *known = variable.clone(),
            None => into.push(variable.clone()),
        }
    }
}
