//! The JFrog CLI's servers: one of each resource's name, and the first as `default-server`, which scripts know.

use serde_json::{Value, json};

use super::CliConfig;
use super::setup::Setup;
use crate::error::Error;

/// The id that the platform gave to its one server.
const DEFAULT: &str = "default-server";

/// A server of the resource's name.
pub(super) fn server(setup: &mut Setup, entry: &CliConfig) {
    let mut url = entry.field("url").to_owned();
    if !url.ends_with('/') {
        url.push('/');
    }
    let (user, password) = (entry.field("username"), entry.field("password"));
    let server = |id: &str| json!({"url": url, "user": user, "password": password, "serverId": id});
    if setup.servers.is_empty() {
        let mut default = server(DEFAULT);
        default["isDefault"] = true.into();
        setup.servers.push(default);
    }
    setup.servers.push(server(&entry.resource));
}

/// Writes them for the second and for the first generation of the CLI, which look for different files and fields.
pub(super) fn write(setup: &mut Setup) -> Result<(), Error> {
    let folder = setup.tool_folder("jfrog")?;
    let first = json!({"artifactory": setup.servers, "version": "3"});
    let servers: Vec<Value> = setup.servers.iter().cloned().map(second_generation).collect();
    let second = json!({"servers": servers, "version": "6"});
    setup.write(&folder.join("jfrog-cli.conf"), format!("{first:#}\n").as_bytes())?;
    setup.write(&folder.join("jfrog-cli.conf.v6"), format!("{second:#}\n").as_bytes())?;
    setup.set_path("JFROG_CLI_HOME_DIR", &folder);
    Ok(())
}

fn second_generation(mut server: Value) -> Value {
    server["artifactoryUrl"] = server["url"].take();
    if let Value::Object(fields) = &mut server {
        fields.shift_remove("url");
    }
    server
}
