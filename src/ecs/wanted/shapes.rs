//! What AWS takes, field by field: what passes straight through is read by it, so that a wrong type is said before
//! anything is called. A field that is not among these goes through as it is: AWS may know it.

use serde_json::{Map, Value};

use super::field::{Field, Findings};
use crate::job::integration::scalar_text;
use crate::job::names;

/// A structure a line, with its fields. The tests compare it with what AWS publishes.
const TABLE: &str = include_str!("shapes.txt");

/// What a value is: `text`, `whole`, `number` or `flag`, a `[list]`, a `{map}`, or the name of a structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape(&'static str);

/// The request of `RegisterTaskDefinition`.
pub(super) const TASK_DEFINITION: Shape = Shape("RegisterTaskDefinitionRequest");
/// One of its containers.
pub(super) const CONTAINER: Shape = Shape("ContainerDefinition");
/// A port of a container.
pub(super) const PORT: Shape = Shape("PortMapping");
/// A line of a container's hosts file.
pub(super) const HOST: Shape = Shape("HostEntry");
/// A container whose volumes another has.
pub(super) const VOLUME_FROM: Shape = Shape("VolumeFrom");
/// Where the output of a container goes.
pub(super) const LOG: Shape = Shape("LogConfiguration");
/// A variable of a container.
pub(super) const VARIABLE: Shape = Shape("KeyValuePair");
/// A volume of a task definition.
pub(super) const VOLUME: Shape = Shape("Volume");
/// The request of `CreateService`.
pub(super) const SERVICE: Shape = Shape("CreateServiceRequest");
/// The request of `PutScalingPolicy`.
pub(super) const POLICY: Shape = Shape("PutScalingPolicyRequest");

impl Shape {
    /// The fields of a structure, where some are known.
    fn fields(self) -> Option<impl Iterator<Item = (&'static str, Self)> + Clone> {
        let mut words = TABLE.lines().map(|line| line.split(' '));
        let words = words.find_map(|mut words| (words.next() == Some(self.0)).then_some(words))?;
        words.clone().next()?;
        Some(words.filter_map(|word| word.split_once('=')).map(|(name, shape)| (name, Self(shape))))
    }

    /// A field of a structure, if it is known.
    pub fn member(self, key: &str) -> Option<Self> {
        self.fields()?.find(|(name, _)| *name == key).map(|(_, shape)| shape)
    }

    /// What a list or map has inside.
    fn inside(self, open: char, close: char) -> Option<Self> {
        self.0.strip_prefix(open)?.strip_suffix(close).map(Self)
    }
}

/// A value as AWS takes it: yml has numbers where texts were meant, and texts where numbers were. What cannot be meant
/// is wrong; a key that is a slip of a known one is warned of, since AWS passes over keys that it does not know.
pub(super) fn fit(field: &Field, shape: Shape, found: &mut Findings) -> Value {
    if let Some(inner) = shape.inside('[', ']') {
        return field.elements(found).iter().map(|element| fit(element, inner, found)).collect();
    }
    if let Some(inner) = shape.inside('{', '}') {
        let Some(map) = field.map(found) else { return Value::Null };
        let fitted = map.keys().map(|key| match field.member(key) {
            Some(member) => (key.clone(), fit(&member, inner, found)),
            None => (key.clone(), scalar_text(&Value::Null).into()),
        });
        return fitted.collect::<Map<_, _>>().into();
    }
    match shape.0 {
        "text" => field.text(found).map(Value::from),
        "whole" => field.integer(found, i64::MIN..=i64::MAX, "a whole number").map(Value::from),
        "number" => field.number(found),
        "flag" => field.boolean(found).map(Value::from),
        _ => structure(field, shape, found),
    }
    .unwrap_or_default()
}

fn structure(field: &Field, shape: Shape, found: &mut Findings) -> Option<Value> {
    let map = field.map(found)?;
    let fitted = map.keys().map(|key| {
        let value = match field.member(key) {
            Some(member) => known_or_not(&member, key, shape, found),
            None => Value::Null,
        };
        (key.clone(), value)
    });
    Some(fitted.collect::<Map<_, _>>().into())
}

/// A member of a structure.
pub(super) fn known_or_not(member: &Field, key: &str, shape: Shape, found: &mut Findings) -> Value {
    if let Some(shape) = shape.member(key) {
        return fit(member, shape, found);
    }
    let known = shape.fields().into_iter().flatten().map(|(name, _)| name);
    if let Some(near) = names::slip_of(key, known) {
        let text = format!("{} is not known, and goes to AWS as it is; did you mean {near}?", member.shown());
        found.warn(member.at(), text);
    }
    member.value.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_there() {
        for line in TABLE.lines() {
            for (name, shape) in line.split(' ').skip(1).map(|word| word.split_once('=').unwrap()) {
                let inner = shape.trim_matches(['[', ']', '{', '}']);
                let is_word = ["text", "whole", "number", "flag"].contains(&inner);
                let is_named = || TABLE.lines().any(|line| line.split(' ').next() == Some(inner));
                assert!(is_word || is_named(), "{name}={shape}");
            }
        }
        for shape in [TASK_DEFINITION, CONTAINER, PORT, HOST, VOLUME_FROM, LOG, VARIABLE, VOLUME, SERVICE, POLICY] {
            assert!(shape.fields().is_some(), "{shape:?}");
        }
        assert_eq!(TASK_DEFINITION.member("containerDefinitions"), Some(Shape("[ContainerDefinition]")));
        assert_eq!((SERVICE.member("taskdefinition"), Shape("HookDetails").fields().is_some()), (None, false));
    }
}
