//! CloudWatch: alarms.
//!
//! The SDK speaks CBOR to CloudWatch, so a request cannot be sent as it is given: each field is mapped, and one that is
//! not known is refused rather than lost.

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::config::Builder;
use aws_sdk_cloudwatch::operation::put_metric_alarm::builders::PutMetricAlarmInputBuilder;

use super::access::Access;
use super::clock::NothingButTheClock;
use super::ecs::Request;
use super::error::Failure;
use crate::error::Kind;

mod fields;
mod given;
#[cfg(test)]
mod tests;

use given::Given;

/// Alarms that one call deletes.
const A_CALL: usize = 100;

/// The CloudWatch API.
#[derive(Debug, Clone)]
pub struct Alarms<'c> {
    access: Access<'c>,
    client: Client,
}

impl<'c> Alarms<'c> {
    /// A client.
    pub fn of(access: &Access<'c>) -> Self {
        let config = Builder::from(access.config()).retry_classifier(NothingButTheClock);
        Self { access: access.clone(), client: Client::from_conf(config.build()) }
    }

    /// Makes or changes an alarm, given with the names of the API's fields.
    pub fn put_alarm(&self, request: &Request) -> Result<(), Failure> {
        self.access.call(input(request)?.send_with(&self.client)).map(|_| ())
    }

    /// Deletes alarms, any number of them; those that do not exist are as good.
    pub fn delete_alarms(&self, names: &[String]) -> Result<(), Failure> {
        for names in names.chunks(A_CALL) {
            self.access.call(self.client.delete_alarms().set_alarm_names(Some(names.to_vec())).send())?;
        }
        Ok(())
    }
}

/// Whether `PutMetricAlarm` takes a request, before anything is called.
pub fn check(request: &Request) -> Result<(), String> {
    input(request).map(|_| ()).map_err(|failure| failure.message)
}

fn input(request: &Request) -> Result<PutMetricAlarmInputBuilder, Failure> {
    Given::read(request, "", fields::alarm).map_err(|message| Failure::plain(Kind::Configuration, message))
}
