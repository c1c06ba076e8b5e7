//! The log of calls.

use std::fmt::Write as _;

use serde_json::Value;

/// A call as it came.
#[derive(Debug, Clone)]
pub struct Call {
    /// As in the scope of signatures: `ecs`, `application-autoscaling`, `monitoring`, `iam`, `sts`, `logs`,
    /// `elasticloadbalancing`.
    pub service: String,
    pub action: String,
    pub request: Value,
    /// Seconds since the first call.
    pub at: i64,
    /// Whose key signed it.
    pub access_key: String,
    /// The error it was answered with, or what else became of it.
    pub error: Option<String>,
}

impl Call {
    /// The action and what it is about, as transcripts and faults have it.
    pub fn line(&self) -> String {
        let names = ["serviceName", "service", "taskDefinition", "family", "familyPrefix"];
        let names = names.iter().chain(&["PolicyName", "ResourceId", "AlarmName", "task", "TargetGroupArn"]);
        let about = match self.action.as_str() {
            "DescribeServices" => joined(&self.request["services"]),
            "DeleteAlarms" => joined(&self.request["AlarmNames"]),
            // Those are many, and say little.
            "DescribeTasks" | "GetLogEvents" => String::new(),
            _ => names.clone().find_map(|name| self.request[*name].as_str()).map(short).unwrap_or_default(),
        };
        let mut line = format!("{} {about}", self.action).trim_end().to_owned();
        if let Some(count) = self.request["desiredCount"].as_i64() {
            let _ = write!(line, " count={count}");
        }
        if let Some(definition) = self.request["taskDefinition"].as_str().map(short).filter(|known| *known != about) {
            let _ = write!(line, " {definition}");
        }
        line
    }
}

fn short(name: &str) -> String {
    if name.starts_with("arn:") { name.rsplit('/').next().unwrap_or(name).to_owned() } else { name.to_owned() }
}

fn joined(names: &Value) -> String {
    let names = names.as_array().into_iter().flatten().filter_map(Value::as_str);
    names.map(short).collect::<Vec<_>>().join(",")
}

/// One line each; the same again and again is one line with a count.
pub fn transcript(calls: &[Call]) -> String {
    let mut lines: Vec<(String, usize)> = Vec::new();
    for call in calls {
        let line = match &call.error {
            Some(error) => format!("{} -> {error}", call.line()),
            None => call.line(),
        };
        match lines.last_mut() {
            Some((last, count)) if *last == line => *count += 1,
            _ => lines.push((line, 1)),
        }
    }
    let spelled = |(line, count): &(String, usize)| match count {
        1 => format!("{line}\n"),
        _ => format!("{line} \u{d7}{count}\n"),
    };
    lines.iter().map(spelled).collect()
}
