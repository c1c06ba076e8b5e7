//! CloudWatch Logs: the last lines of a container.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::access::{Access, senseless};
use super::error::Failure;
use super::signed::Service;

const LOGS: Service = Service { id: "CloudWatch Logs", name: "logs" };

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Option<SystemTime>,
    /// What.
    pub text: String,
}

/// The CloudWatch Logs API.
#[derive(Debug, Clone)]
pub struct Logs<'c> {
    access: Access<'c>,
}

impl<'c> Logs<'c> {
    /// A client.
    pub fn of(access: &Access<'c>) -> Self {
        Self { access: access.clone() }
    }

    /// The last lines of a stream, the oldest first.
    pub fn last_lines(&self, group: &str, stream: &str, limit: u16) -> Result<Vec<Line>, Failure> {
        let asked = json!({"logGroupName": group, "logStreamName": stream, "limit": limit, "startFromHead": false});
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "Logs_20140328.GetLogEvents")];
        let answer = LOGS.post(&self.access, &headers, asked.to_string().as_bytes())?;
        let answer: Value = serde_json::from_slice(&answer).map_err(|_| senseless("JSON"))?;
        let events = answer["events"].as_array().map(Vec::as_slice).unwrap_or_default();
        let all = events.iter().map(line);
        // Whoever answers more than was asked for is cut.
        Ok(all.skip(events.len().saturating_sub(limit.into())).collect())
    }
}

fn line(event: &Value) -> Line {
    Line {
        at: event["timestamp"].as_u64().map(|millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis)),
        text: event["message"].as_str().unwrap_or_default().trim_end().to_owned(),
    }
}
