use serde_json::{Value, json};

use super::*;

/// Every field of the API, each with a value that differs from any default.
fn whole() -> Value {
    json!({
        "AlarmName": "a", "AlarmDescription": "b", "ActionsEnabled": false, "OKActions": ["o"],
        "AlarmActions": ["x", "y"], "InsufficientDataActions": ["i"], "MetricName": "m", "Namespace": "n",
        "Statistic": "Average", "ExtendedStatistic": "p99", "Dimensions": [{"Name": "ClusterName", "Value": "c"}],
        "Period": 60, "Unit": "Percent", "EvaluationPeriods": 3, "DatapointsToAlarm": 2, "Threshold": 75.5,
        "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "breaching",
        "EvaluateLowSampleCountPercentile": "ignore", "ThresholdMetricId": "t", "EvaluationInterval": 30,
        "Metrics": [{"Id": "e", "Expression": "m1", "Label": "l", "ReturnData": true, "Period": 5, "AccountId": "1",
            "MetricStat": {"Metric": {"Namespace": "N", "MetricName": "M", "Dimensions": [{"Name": "D", "Value": "V"}]},
                "Period": 10, "Stat": "Sum", "Unit": "Count"}}],
        "Tags": [{"Key": "k", "Value": "v"}],
        "EvaluationWindow": {"WallClockWindow": {"Timezone": "UTC"}},
        "WarmUpConfiguration":
            {"WarmUpPeriodDurationInMinutes": 7, "OnlyStartEvaluatingAfterWarmUpPeriodEnds": true},
        "EvaluationCriteria": {"PromQLCriteria": {"Query": "q", "PendingPeriod": 8, "RecoveryPeriod": 9}},
        "ActionConfiguration": {"AlarmTagsPropagation":
            {"Enabled": true, "IncludedTagKeys": ["in"], "ExcludedTagKeys": ["ex"]}}
    })
}

fn read(value: &Value) -> String {
    let request = value.as_object().unwrap();
    check(request).unwrap();
    query("PutMetricAlarm", request).text()
}

/// The places of what is neither a list nor an object.
fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| leaves(value, &format!("{at}/{key}"), found)),
        Value::Array(list) => list.iter().enumerate().for_each(|(n, value)| leaves(value, &format!("{at}/{n}"), found)),
        _ => found.push(at.to_owned()),
    }
}

#[test]
fn every_field_reaches_the_request() {
    let whole = whole();
    let all = read(&whole);
    let mut places = Vec::new();
    leaves(&whole, "", &mut places);
    assert_eq!((whole.as_object().unwrap().len(), places.len()), (27, 47), "{places:?}");
    for place in places {
        let mut changed = whole.clone();
        let leaf = changed.pointer_mut(&place).unwrap();
        *leaf = match &*leaf {
            Value::Bool(flag) => json!(!*flag),
            Value::Number(_) => json!(4711),
            _ => json!("changed"),
        };
        assert_ne!(read(&changed), all, "{place} is lost");
    }
}

#[test]
fn lists_and_objects_in_the_query_protocol() {
    let alarm = json!({"AlarmName": "a b", "ActionsEnabled": false, "Threshold": 75.5, "OKActions": [], "Unit": null,
        "AlarmActions": ["x", "y"], "Dimensions": [{"Name": "N", "Value": "ü"}],
        "Metrics": [{"MetricStat": {"Metric": {"MetricName": "m"}}}]});
    let want = "Action=PutMetricAlarm&Version=2010-08-01&AlarmName=a%20b&ActionsEnabled=false&Threshold=75.5&\
        AlarmActions.member.1=x&AlarmActions.member.2=y&Dimensions.member.1.Name=N&Dimensions.member.1.Value=%C3%BC&\
        Metrics.member.1.MetricStat.Metric.MetricName=m";
    assert_eq!(read(&alarm), want);
}

#[test]
fn what_is_wrong_is_named() {
    for (alarm, says) in [
        (json!({"AlarmNam": "x"}), "AlarmNam is no field that is known: is AlarmName"),
        (json!({"Dimensions": [{"Name": "a"}, {"Nme": "b"}]}), "Dimensions[1].Nme is no field that is known: is Name"),
        (json!({"zzz": 1}), "zzz is no field that is known: known are AlarmName, "),
        (json!({"Threshold": "75"}), "Threshold is \"75\": a number was expected"),
        (json!({"Period": 1.5}), "Period is 1.5: a whole number was expected"),
        (json!({"Metrics": {}}), "Metrics is an object: a list of objects was expected"),
        (json!({"Metrics": [{"MetricStat": {"Period": true}}]}), "Metrics[0].MetricStat.Period is true: a whole"),
        (json!({"OKActions": [1]}), "OKActions is a list: a list of texts was expected"),
    ] {
        let told = check(alarm.as_object().unwrap()).unwrap_err();
        assert!(told.starts_with(says), "{told}");
    }
    assert_eq!(check(json!({"AlarmName": null}).as_object().unwrap()), Ok(()));
}
