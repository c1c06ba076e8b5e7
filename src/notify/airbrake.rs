//! Airbrake: a deploy of a project.

use percent_encoding::utf8_percent_encode;
use serde_json::json;

use super::secrets::RESERVED;
use super::{Notification, Outcome, bytes};
use crate::error::Error;

const KIND: &str = "Airbrake";

/// Records a deploy.
pub fn send(notification: &Notification) -> Result<Outcome, Error> {
    let Notification { options, resource, .. } = notification;
    let payload = notification.payload()?;
    let url = resource.required_field("url")?;
    let token = resource.required_field("token")?;
    let kind = options.required("type", KIND)?;
    if kind != "deploy" {
        return Err(Error::drop_in(format_args!("--type={kind}: unsupported type, Airbrake knows deploy alone")));
    }
    let Some(project) = options.text("project-id").or_else(|| resource.recipients.first().cloned()) else {
        return Err(Error::drop_in(format_args!(
            "--project-id is missing, and resource {} has no recipients: Airbrake needs a project",
            resource.name
        )));
    };
    let message = payload.unwrap_or_else(|| {
        bytes(&json!({
            "environment": options.text_or_empty("environment"),
            "username": notification.username(),
            "email": options.text_or_empty("email"),
            "repository": options.text_or_empty("repository"),
            "revision": options.text_or_empty("revision"),
            "version": options.text_or_empty("version"),
        }))
    });
    let service = notification.service(&url, &[&token])?;
    let (escaped, key) = (utf8_percent_encode(&project, RESERVED), utf8_percent_encode(&token, RESERVED));
    let url = format!("{}/projects/{escaped}/deploys?key={key}", service.base);
    let mut outcome = Outcome::default();
    let project = service.secrets.shown(project.as_bytes());
    outcome.add(match service.post_json(&url, &[], &message) {
        Ok(answer) => Ok(format!("project {project}: {}", service.answered(&answer))),
        Err(cause) => Err(format!("project {project}: {cause}")),
    });
    Ok(outcome)
}
