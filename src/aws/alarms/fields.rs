//! The fields of `PutMetricAlarm`: what is not among them is refused before anything is called.

use serde_json::{Map, Value};

/// How near a name is to be told as the one that may have been meant.
const NEAR: f64 = 0.7;

/// What a field holds.
pub(super) enum Shape {
    Text,
    Whole,
    Number,
    Flag,
    Texts,
    Object(&'static [Field]),
    Objects(&'static [Field]),
}

use Shape::{Flag, Number, Object, Objects, Text, Texts, Whole};

pub(super) type Field = (&'static str, Shape);

pub(super) const ALARM: &[Field] = &[
    ("AlarmName", Text),
    ("AlarmDescription", Text),
    ("ActionsEnabled", Flag),
    ("OKActions", Texts),
    ("AlarmActions", Texts),
    ("InsufficientDataActions", Texts),
    ("MetricName", Text),
    ("Namespace", Text),
    ("Statistic", Text),
    ("ExtendedStatistic", Text),
    ("Dimensions", Objects(DIMENSION)),
    ("Period", Whole),
    ("Unit", Text),
    ("EvaluationPeriods", Whole),
    ("DatapointsToAlarm", Whole),
    ("Threshold", Number),
    ("ComparisonOperator", Text),
    ("TreatMissingData", Text),
    ("EvaluateLowSampleCountPercentile", Text),
    ("Metrics", Objects(METRIC_DATA_QUERY)),
    ("Tags", Objects(&[("Key", Text), ("Value", Text)])),
    ("ThresholdMetricId", Text),
    ("EvaluationWindow", Object(&[("SlidingWindow", Object(&[])), ("WallClockWindow", Object(&[("Timezone", Text)]))])),
    (
        "WarmUpConfiguration",
        Object(&[("WarmUpPeriodDurationInMinutes", Whole), ("OnlyStartEvaluatingAfterWarmUpPeriodEnds", Flag)]),
    ),
    (
        "EvaluationCriteria",
        Object(&[("PromQLCriteria", Object(&[("Query", Text), ("PendingPeriod", Whole), ("RecoveryPeriod", Whole)]))]),
    ),
    ("EvaluationInterval", Whole),
    (
        "ActionConfiguration",
        Object(&[(
            "AlarmTagsPropagation",
            Object(&[("Enabled", Flag), ("IncludedTagKeys", Texts), ("ExcludedTagKeys", Texts)]),
        )]),
    ),
];

const DIMENSION: &[Field] = &[("Name", Text), ("Value", Text)];

const METRIC_DATA_QUERY: &[Field] = &[
    ("Id", Text),
    (
        "MetricStat",
        Object(&[
            ("Metric", Object(&[("Namespace", Text), ("MetricName", Text), ("Dimensions", Objects(DIMENSION))])),
            ("Period", Whole),
            ("Stat", Text),
            ("Unit", Text),
        ]),
    ),
    ("Expression", Text),
    ("Label", Text),
    ("ReturnData", Flag),
    ("Period", Whole),
    ("AccountId", Text),
];

/// Whether each field is known and holds what it should; `null` is as good as nothing, as everywhere in AWS's JSON.
pub(super) fn check(map: &Map<String, Value>, fields: &[Field], place: &str) -> Result<(), String> {
    for (name, value) in map {
        let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
        match fields.iter().find(|(known, _)| known == name) {
            None => return Err(unknown(&place, name, fields)),
            Some((_, shape)) if !value.is_null() => check_value(value, shape, &place)?,
            Some(_) => {}
        }
    }
    Ok(())
}

fn check_value(value: &Value, shape: &Shape, place: &str) -> Result<(), String> {
    let (is_right, expected) = match shape {
        Text => (value.is_string(), "text"),
        Whole => (value.as_i64().is_some(), "a whole number"),
        Number => (value.is_number(), "a number"),
        Flag => (value.is_boolean(), "true or false"),
        Texts => (value.as_array().is_some_and(|list| list.iter().all(Value::is_string)), "a list of texts"),
        Object(_) => (value.is_object(), "an object"),
        Objects(_) => (value.as_array().is_some_and(|list| list.iter().all(Value::is_object)), "a list of objects"),
    };
    if !is_right {
        return Err(format!("{place} is {}: {expected} was expected", shown(value)));
    }
    match (shape, value) {
        (Object(fields), Value::Object(map)) => check(map, fields, place),
        (Objects(fields), Value::Array(list)) => {
            let mut maps = list.iter().filter_map(Value::as_object).enumerate();
            maps.try_for_each(|(at, map)| check(map, fields, &format!("{place}[{at}]")))
        }
        _ => Ok(()),
    }
}

/// What a value is, when it is short enough to be shown.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        plain => plain.to_string(),
    }
}

fn unknown(place: &str, name: &str, fields: &[Field]) -> String {
    let likeness = |known: &str| strsim::jaro_winkler(&known.to_ascii_lowercase(), &name.to_ascii_lowercase());
    let mut near: Vec<(f64, &str)> = fields.iter().map(|(known, _)| (likeness(known), *known)).collect();
    near.retain(|(likeness, _)| *likeness >= NEAR);
    near.sort_by(|one, other| other.0.total_cmp(&one.0));
    let near: Vec<&str> = near.iter().take(3).map(|(_, known)| *known).collect();
    let known: Vec<&str> = fields.iter().map(|(known, _)| *known).collect();
    match near.as_slice() {
        [] => format!("{place} is no field that is known: known are {}", known.join(", ")),
        near => format!("{place} is no field that is known: is {} meant?", near.join(" or ")),
    }
}
