//! New Relic: a deployment of an application, which is found by its name where its id is not given.

use percent_encoding::utf8_percent_encode;
use serde_json::{Value, json};

use super::secrets::RESERVED;
use super::{Notification, Outcome, Service, bytes};
use crate::error::Error;
use crate::job::integration::scalar_text;

const KIND: &str = "New Relic";

/// Records a deployment.
pub fn send(notification: &Notification) -> Result<Outcome, Error> {
    let Notification { options, resource, .. } = notification;
    let payload = notification.payload()?;
    let url = resource.required_field("url")?;
    let token = resource.required_field("token")?;
    let (id, name) = (options.text("appId"), options.text("appName"));
    if id.is_none() && name.is_none() {
        return Err(Error::drop_in("--appId or --appName is missing: New Relic needs one of them"));
    }
    let message = match payload {
        Some(payload) => payload,
        None => bytes(&deployment(notification)?),
    };
    let service = notification.service(&url, &[&token])?;
    let headers = [("X-Api-Key", token.as_str())];
    let result = match (id, name) {
        (Some(id), _) => Ok(id),
        (None, name) => application(&service, &headers, &name.unwrap_or_default()),
    };
    let mut outcome = Outcome::default();
    outcome.add(result.and_then(|id| record(&service, &headers, &id, &message)));
    Ok(outcome)
}

fn deployment(notification: &Notification) -> Result<Value, Error> {
    let options = notification.options;
    let kind = options.required("type", KIND)?;
    Ok(json!({
        (kind): {
            "revision": options.required("revision", KIND)?,
            "description": options.text_or_empty("description"),
            "user": notification.username(),
            "changelog": options.text_or_empty("changelog"),
        }
    }))
}

/// The id of an application. The filter also finds names that only hold the one asked for, so an equal one wins; the
/// original took the first.
fn application(service: &Service, headers: &[(&str, &str)], name: &str) -> Result<String, String> {
    let name_escaped = utf8_percent_encode(name, RESERVED);
    let query = format!("filter%5Bname%5D={name_escaped}&exclude_links=true");
    let answer = service.get(&format!("{}/applications.json?{query}", service.base), headers)?;
    let found = Service::json(&answer);
    let found = found["applications"].as_array().map(Vec::as_slice).unwrap_or_default();
    let application = found.iter().find(|application| application["name"] == name).or(found.first());
    let id = application.map(|application| scalar_text(&application["id"])).filter(|id| !id.is_empty());
    id.ok_or_else(|| {
        let name = service.secrets.shown(name.as_bytes());
        format!("no application is named {name}: {}", service.answered(&answer))
    })
}

fn record(service: &Service, headers: &[(&str, &str)], id: &str, message: &[u8]) -> Result<String, String> {
    let id = utf8_percent_encode(id, RESERVED);
    let url = format!("{}/applications/{id}/deployments.json", service.base);
    let answer = service.post_json(&url, headers, message)?;
    match scalar_text(&Service::json(&answer)["deployment"]["id"]) {
        id if id.is_empty() => Err(format!("no deployment was recorded: {}", service.answered(&answer))),
        id => Ok(format!("Deployment Id: {}", service.secrets.shown(id.as_bytes()))),
    }
}
