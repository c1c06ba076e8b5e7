//! `shipctl job env --explain NAME`.

use crate::error::{Error, Kind};
use crate::job::environment::{Environment, Variable};
use crate::job::names;
use crate::job::overview::MASK;

/// What is shown of one value.
const LONGEST: usize = 100;

/// What sets a variable, the winner first, then what it shadows.
pub(super) fn explain(environment: &Environment, name: &str) -> Result<String, Error> {
    let mut assignments = environment.assignments_of(name);
    let Some(winner) = assignments.pop() else {
        let near = names::did_you_mean(name, environment.names());
        let message = format!("{name} is not set by the job directory{near}; `shipctl job env` lists what is");
        return Err(Error::new(Kind::Configuration, message));
    };
    let mut text = line(environment, "set by", winner);
    assignments.into_iter().rev().for_each(|shadowed| text += &line(environment, "shadows", shadowed));
    Ok(text)
}

fn line(environment: &Environment, what: &str, variable: &Variable) -> String {
    let value = if environment.is_secret(variable) {
        MASK.to_owned()
    } else {
        let value = String::from_utf8_lossy(variable.value.expose());
        let shown: String = value.chars().take(LONGEST).flat_map(char::escape_debug).collect();
        if value.chars().nth(LONGEST).is_some() { format!("{shown}…") } else { shown }
    };
    format!("{what}  {}: {}={value}\n", variable.origin, variable.name)
}
