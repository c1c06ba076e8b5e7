//! CloudWatch: alarms.
//!
//! Called over its query protocol, which every CloudWatch speaks: the SDK's client knows only the CBOR one, which
//! stands-in for AWS often lack.

use serde_json::Value;

use super::access::Access;
use super::ecs::Request;
use super::error::Failure;
use super::signed::{Query, Service};
use crate::error::Kind;

mod fields;
#[cfg(test)]
mod tests;

const CLOUDWATCH: Service = Service { id: "CloudWatch", name: "monitoring" };
const VERSION: &str = "2010-08-01";

/// Alarms that one call deletes.
const A_CALL: usize = 100;

/// The lists of an alarm whose entries may be names of policies.
pub const ACTIONS: [&str; 3] = ["AlarmActions", "OKActions", "InsufficientDataActions"];

/// The CloudWatch API.
#[derive(Debug, Clone)]
pub struct Alarms<'c> {
    access: Access<'c>,
}

impl<'c> Alarms<'c> {
    /// A client.
    pub fn of(access: &Access<'c>) -> Self {
        Self { access: access.clone() }
    }

    /// Makes or changes an alarm, given with the names of the API's fields.
    pub fn put_alarm(&self, request: &Request) -> Result<(), Failure> {
        check(request).map_err(|message| Failure::plain(Kind::Configuration, message))?;
        CLOUDWATCH.ask(&self.access, &query("PutMetricAlarm", request)).map(|_| ())
    }

    /// Deletes alarms, any number of them; those that do not exist are as good.
    pub fn delete_alarms(&self, names: &[String]) -> Result<(), Failure> {
        for names in names.chunks(A_CALL) {
            let mut request = Request::new();
            request.insert("AlarmNames".to_owned(), names.into());
            match CLOUDWATCH.ask(&self.access, &query("DeleteAlarms", &request)) {
                Err(failure) if failure.code.as_deref() == Some("ResourceNotFound") => {}
                other => other.map(|_| ())?,
            }
        }
        Ok(())
    }
}

/// Whether `PutMetricAlarm` takes a request, before anything is called.
pub fn check(request: &Request) -> Result<(), String> {
    fields::check(request, fields::ALARM, "")
}

/// A request in the query protocol: `Dimensions.member.1.Name=…`.
fn query(action: &str, request: &Request) -> Query {
    let mut query = Query::of(action, VERSION);
    for (name, value) in request {
        flatten(name, value, &mut query);
    }
    query
}

fn flatten(name: &str, value: &Value, query: &mut Query) {
    match value {
        Value::Null => {}
        Value::Array(list) => {
            for (at, value) in list.iter().enumerate() {
                flatten(&format!("{name}.member.{}", at + 1), value, query);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                flatten(&format!("{name}.{key}"), value, query);
            }
        }
        Value::String(text) => query.add(name, text),
        plain => query.add(name, &plain.to_string()),
    }
}
