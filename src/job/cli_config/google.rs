//! Google: the key file, gcloud's configuration, Docker's logins with the key, and clusters.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::setup::Setup;
use super::{CliConfig, docker};
use crate::error::{Error, Kind};
use crate::job::names;
use crate::support::process;

/// Google's older registries.
const REGISTRIES: [&str; 4] = ["gcr.io", "us.gcr.io", "eu.gcr.io", "asia.gcr.io"];

/// Everything that a key file is good for. The scopes `gcr` and `gke` go together.
pub(super) fn key_file(setup: &mut Setup, entry: &CliConfig, field: &str, scope: Option<&str>) -> Result<(), Error> {
    let text = entry.field(field);
    let key: Value = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Error::new(
            Kind::NoCredentials,
            format_args!("{}: {field} of {} is not JSON, at {line}:{column}", entry.resource, entry.record.name),
        )
    })?;
    let has = |name: &str| scope == Some(name) || entry.has_scope(name);
    let cluster = entry.property("clusterName").filter(|_| has("gke"));
    let zone = entry.property("region").filter(|_| has("gke"));
    let for_scripts = entry.meta.join("key.json");
    setup.write(&for_scripts, text.as_bytes())?;
    let (is_first, name) = (setup.google.is_empty(), configuration_name(setup, entry));
    let own = setup.path(&format!("gcloud/keys/{name}.json"));
    setup.write(&own, text.as_bytes())?;
    let project = entry.record.text("projectName").or_else(|| key.get("project_id").and_then(Value::as_str));
    let account = key.get("client_email").and_then(Value::as_str);
    let content = configuration(project, account, &setup.later(&own), zone, cluster);
    setup.write(&setup.path(&format!("gcloud/configurations/config_{name}")), content.as_bytes())?;
    if is_first {
        setup.write(&setup.path("gcloud/configurations/config_default"), content.as_bytes())?;
        setup.write(&setup.path("gcloud/active_config"), b"default")?;
        setup.set_path("CLOUDSDK_CONFIG", &setup.path("gcloud"));
        setup.set_path("GOOGLE_APPLICATION_CREDENTIALS", &own);
    }
    if field == "credentialFile" {
        let variable = format!("{}_INTEGRATION_CREDENTIALFILE_PATH", names::prefix(entry.resource.as_bytes()));
        setup.set_path(variable, &for_scripts);
    }
    if has("gcr") {
        let region = entry.property("region").map(|region| format!("{}-docker.pkg.dev", without_zone(region)));
        let registries = REGISTRIES.into_iter().map(ToOwned::to_owned).chain(region);
        setup.logins.extend(registries.map(|registry| docker::login(&registry, "_json_key", text)));
    }
    match cluster {
        Some(cluster) => get_credentials(setup, entry, (&name, &own), cluster),
        None => Ok(()),
    }
}

/// gcloud's names of configurations: lower-case letters, digits and hyphens, a letter first.
fn configuration_name(setup: &mut Setup, entry: &CliConfig) -> String {
    let lower = entry.resource.to_ascii_lowercase();
    let mut name: String = lower.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || name == "default" {
        name.insert_str(0, "c-");
    }
    while setup.google.contains(&name) {
        name.push_str("-2");
    }
    setup.google.push(name.clone());
    name
}

/// The properties that the platform set, and the key in the place of a login.
fn configuration(
    project: Option<&str>,
    account: Option<&str>,
    key: &Path,
    zone: Option<&str>,
    cluster: Option<&str>,
) -> String {
    let key = key.to_string_lossy();
    let sections = [
        ("core", vec![("project", project), ("account", account)]),
        ("auth", vec![("credential_file_override", Some(&*key))]),
        ("compute", vec![("zone", zone)]),
        ("container", vec![("use_client_certificate", cluster.map(|_| "True")), ("cluster", cluster)]),
    ];
    let mut text = String::new();
    for (section, properties) in sections {
        // A line break in a value would begin another property.
        let set = properties.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let mut set = set.filter(|(_, value)| !value.contains(['\n', '\r'])).peekable();
        if set.peek().is_some() {
            let _ = writeln!(text, "[{section}]");
        }
        for (name, value) in set {
            let _ = writeln!(text, "{name} = {value}");
        }
    }
    text
}

/// `us-central1` of `us-central1-a`.
fn without_zone(region: &str) -> &str {
    match region.rsplit_once('-') {
        Some((rest, zone)) if zone.len() == 1 && rest.contains('-') => rest,
        _ => region,
    }
}

fn get_credentials(
    setup: &mut Setup,
    entry: &CliConfig,
    (own, key): (&str, &Path),
    cluster: &str,
) -> Result<(), Error> {
    let (config, kube): (PathBuf, PathBuf) = (setup.path("gcloud"), setup.next_kube_config()?);
    let words = ["-q", "--configuration", own, "container", "clusters", "get-credentials", cluster];
    // The configuration has the name that the key file gets in the end.
    let key = ("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", key);
    match setup.run("gcloud", &words, &[("CLOUDSDK_CONFIG", &config), ("KUBECONFIG", &kube), key])? {
        None => setup.note(
            entry,
            format_args!("gcloud is not on the PATH: the credentials of the cluster {cluster} are not fetched"),
        ),
        Some(status) if !status.success() => {
            return Err(Error::failed(format_args!(
                "{}: gcloud container clusters get-credentials failed for {cluster}, see its message above: {}",
                entry.resource,
                process::describe(status)
            )));
        }
        Some(_) => {}
    }
    Ok(())
}
