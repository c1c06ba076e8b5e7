//! What can be changed in place: `UpdateService` takes less than `CreateService`.

use serde_json::Value;

use super::{is_daemon, text};
use crate::aws::ecs::Request;
use crate::ecs::memory::Deployed;
use crate::ecs::wanted::{Method, Wanted, WantedService};
use crate::error::{Error, Kind};

/// Fields of a service that stay as it was created.
const FIXED: [&str; 3] = ["launchType", "role", "schedulingStrategy"];
/// Fields that a change does not send at all.
const UNSENT: [&str; 2] = ["clientToken", "tags"];
/// Fields that ask for more than others do when they are sent (a service-linked role, another controller): they are
/// sent when they differ.
pub(super) const ONLY_CHANGED: [&str; 3] = ["loadBalancers", "serviceRegistries", "deploymentController"];
/// Lists that are emptied by an empty list, and stay where none is sent.
pub(super) const LISTS: [&str; 5] =
    ["loadBalancers", "serviceRegistries", "placementConstraints", "placementStrategy", "capacityProviderStrategy"];

fn default_of(field: &str) -> Option<&'static str> {
    match field {
        "launchType" => Some("EC2"),
        "schedulingStrategy" => Some("REPLICA"),
        _ => None,
    }
}

/// Whether a new version can take the place of the one that serves.
///
/// # Errors
///
/// [`Kind::Configuration`]: a field has changed that cannot be changed in place, or the cluster has.
pub fn check_change(wanted: &Wanted, service: &WantedService, was: &Deployed) -> Result<(), Error> {
    let refuse = |message: String| Err(Error::new(Kind::Configuration, message));
    if let (Some(before), Some(now)) = (&was.region, &wanted.cluster.region)
        && before != now
        && was.cluster == wanted.cluster.name
    {
        return refuse(format!(
            "manifest {} is deployed to the cluster {} in {before} as {}, and the region is {now} now: give --region \
             {before}, `shipctl ecs delete {}` first, or name another job",
            was.manifest, was.cluster, was.service, wanted.job
        ));
    }
    if was.cluster != wanted.cluster.name {
        return refuse(format!(
            "manifest {} is deployed to the cluster {} as {}, and the yml names {} now: `shipctl ecs delete {}` first, \
             or name another job",
            was.manifest, was.cluster, was.service, wanted.cluster.name, wanted.job
        ));
    }
    if wanted.method == Method::BlueGreen {
        return Ok(());
    }
    let old = was.wanted.get("service");
    for field in FIXED {
        let value = |from: Option<&Value>| from.and_then(Value::as_str).or(default_of(field)).map(ToOwned::to_owned);
        let before = value(old.and_then(|old| old.get(field)));
        let now = value(service.service.get(field));
        let is_unsaid = match field {
            // Whoever leaves it out has the role looked for, or has no load balancer any more.
            "role" => before.is_none() || now.is_none(),
            "launchType" => service.service.contains_key("capacityProviderStrategy"),
            _ => false,
        };
        if before != now && !is_unsaid {
            let shown = |value: Option<String>| value.unwrap_or_else(|| "nothing".to_owned());
            return refuse(format!(
                "service.{field} of {} is {} and cannot become {} in place: deploy with method blueGreen, or \
                 `shipctl ecs delete {}` first",
                was.service,
                shown(before),
                shown(now),
                wanted.job
            ));
        }
    }
    Ok(())
}

/// The request of `UpdateService` for what was wanted of a service, save the task definition.
pub fn update_request(service: &WantedService, was: Option<&Deployed>, cluster: &str, name: &str) -> Request {
    let old = was.and_then(|was| was.wanted.get("service"));
    let mut request = Request::new();
    request.insert("cluster".to_owned(), cluster.into());
    request.insert("service".to_owned(), name.into());
    for (key, value) in &service.service {
        let unsent = FIXED.contains(&key.as_str()) || UNSENT.contains(&key.as_str());
        let is_sent_since = was.is_some_and(|was| was.sent_since().contains(key));
        let unchanged =
            ONLY_CHANGED.contains(&key.as_str()) && old.and_then(|old| old.get(key)) == Some(value) && !is_sent_since;
        if !unsent && !unchanged {
            request.insert(key.clone(), value.clone());
        }
    }
    for key in LISTS {
        let had_some = old.and_then(|old| old.get(key)).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
        let may_have_some = had_some || was.is_some_and(|was| was.sent_since().iter().any(|sent| sent == key));
        if may_have_some && !service.service.contains_key(key) {
            request.insert(key.to_owned(), Value::Array(Vec::new()));
        }
    }
    // ECS moves tasks to other providers only when it rolls out anew.
    let providers = request.get("capacityProviderStrategy");
    if providers.is_some() && providers != old.and_then(|old| old.get("capacityProviderStrategy")) {
        request.insert("forceNewDeployment".to_owned(), true.into());
    }
    let has_target = service.scaling.as_ref().is_some_and(|scaling| scaling.target.is_some());
    // As long as scaling decides, the count is none of ours; what was stopped comes back to the count that it had.
    let is_theirs = has_target && was.is_some_and(Deployed::is_scaled);
    if service.is_daemon() || (is_theirs && !was.is_some_and(Deployed::is_stopped)) {
        request.shift_remove("desiredCount");
    } else if is_theirs
        && let Some(count) = was.and_then(|was| was.unfinished.as_ref()?.count).filter(|count| *count > 0)
    {
        request.insert("desiredCount".to_owned(), count.into());
    }
    request
}

/// The request of `CreateService`, save the task definition and a role that is looked for.
pub(super) fn create_request(service: &Request, cluster: &str, name: &str) -> Request {
    let mut request = Request::new();
    request.insert("cluster".to_owned(), cluster.into());
    request.insert("serviceName".to_owned(), name.into());
    for (key, value) in service {
        request.insert(key.clone(), value.clone());
    }
    if text(service, "schedulingStrategy") == Some("DAEMON") {
        request.shift_remove("desiredCount");
    }
    request
}

/// The request that goes on with a service which was created with another request, or by a run that was killed.
pub(super) fn resume_request(create: &Request, name: &str) -> Request {
    let mut request = Request::new();
    for (key, value) in create {
        if key == "serviceName" {
            request.insert("service".to_owned(), name.into());
        } else if !FIXED.contains(&key.as_str())
            && !UNSENT.contains(&key.as_str())
            && !ONLY_CHANGED.contains(&key.as_str())
        {
            request.insert(key.clone(), value.clone());
        }
    }
    request
}

/// Whether the service that serves runs one task on each instance.
pub(super) fn was_daemon(was: &Deployed) -> bool {
    is_daemon(was.wanted.get("service"))
}
