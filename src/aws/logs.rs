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

/// Lines of a log, and where the next ones begin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The oldest first; none does not mean that it is the end.
    pub lines: Vec<Line>,
    /// It stays the same at the end of what has been said so far.
    pub next: Option<String>,
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
        let mut lines = lines(&self.events(&asked)?);
        // Whoever answers more than was asked for is cut.
        lines.drain(..lines.len().saturating_sub(limit.into()));
        Ok(lines)
    }

    /// The lines of a stream from its beginning, or from where a page ended.
    pub fn next_lines(&self, group: &str, stream: &str, after: Option<&str>) -> Result<Page, Failure> {
        let mut asked = json!({"logGroupName": group, "logStreamName": stream, "startFromHead": true});
        if let Some(token) = after {
            asked["nextToken"] = token.into();
        }
        let answer = self.events(&asked)?;
        let next = answer["nextForwardToken"].as_str().or(after).map(ToOwned::to_owned);
        Ok(Page { lines: lines(&answer), next })
    }

    fn events(&self, asked: &Value) -> Result<Value, Failure> {
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "Logs_20140328.GetLogEvents")];
        let answer = LOGS.post(&self.access, &headers, asked.to_string().as_bytes())?;
        serde_json::from_slice(&answer).map_err(|_| senseless("JSON"))
    }
}

fn lines(answer: &Value) -> Vec<Line> {
    answer["events"].as_array().into_iter().flatten().map(line).collect()
}

fn line(event: &Value) -> Line {
    Line {
        at: event["timestamp"].as_u64().map(|millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis)),
        text: event["message"].as_str().unwrap_or_default().trim_end().to_owned(),
    }
}
