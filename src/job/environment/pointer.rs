//! `pointer`, `seed` and `versionTemplate` of a resource's yml, as variables.

use serde_json::Value;

use super::sequence::{Environment, Origin, Rule};
use crate::error::Error;
use crate::job::document::Node;
use crate::job::integration::scalar_text;
use crate::job::names;

/// `<N>_POINTER_…` and `<N>_SEED_…`. The newer spelling has one `versionTemplate` for what was in both, so its fields
/// count as the pointer's, and its `versionName` as the seed's too. A params resource keeps its params in there,
/// which have variables of their own.
pub fn variables(env: &mut Environment, prefix: &str, kind: &str, yml: &Node, origin: &Origin) -> Result<(), Error> {
    let template = container(yml, "versionTemplate")?.filter(|_| kind != "params");
    let pointer = container(yml, "pointer")?;
    let seed = container(yml, "seed")?;
    if let Some(pointer) = pointer.as_ref().or(template.as_ref()) {
        flatten(env, &format!("{prefix}_POINTER"), pointer.value, &origin.by(Rule::Pointer));
    }
    let origin = origin.by(Rule::Seed);
    match (&seed, &template) {
        (Some(seed), _) => flatten(env, &format!("{prefix}_SEED"), seed.value, &origin),
        (None, Some(template)) if pointer.is_none() => {
            if let Some(name) = template.value.get("versionName") {
                env.set(format!("{prefix}_SEED_VERSIONNAME"), scalar_text(name), &origin);
            }
        }
        (None, _) => {}
    }
    Ok(())
}

fn container<'a>(yml: &Node<'a>, key: &str) -> Result<Option<Node<'a>>, Error> {
    match yml.member(key) {
        Some(node) if !node.value.is_object() && !node.value.is_array() => Err(node.unlike("an object")),
        found => Ok(found),
    }
}

/// Depth first, in key order; one part per key or index. Nothing for what is empty.
fn flatten(env: &mut Environment, prefix: &str, value: &Value, origin: &Origin) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let word = names::key(key.as_bytes());
                if word.is_empty() {
                    env.warn(format_args!(
                        "{} is left out: it has no letter that a variable name can hold",
                        origin.key(key)
                    ));
                } else {
                    flatten(env, &format!("{prefix}_{word}"), value, origin);
                }
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter().enumerate() {
                flatten(env, &format!("{prefix}_{index}"), value, origin);
            }
        }
        scalar => env.set(prefix.to_owned(), scalar_text(scalar), origin),
    }
}
