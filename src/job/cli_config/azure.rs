//! Azure: `az` keeps sessions in files of its own, so it is asked to log in itself.

use super::CliConfig;
use super::setup::Setup;
use crate::error::{Error, Kind};
use crate::support::process;

/// Logs in as the service principal; for the scope `aks`, fetches the cluster's credentials.
pub(super) fn log_in(setup: &mut Setup, entry: &CliConfig) -> Result<(), Error> {
    let folder = setup.tool_folder("azure")?;
    setup.set_path("AZURE_CONFIG_DIR", &folder);
    // `@FILE` stands for the file's content wherever az takes a value: the password is on no command line.
    let password = folder.join("password");
    setup.write(&password, entry.field("password").as_bytes())?;
    let by_file = format!("@{}", password.display());
    let words = ["login", "--service-principal", "--username", entry.field("appId"), "--password", &by_file];
    let words = [&words[..], &["--tenant", entry.field("tenant"), "--output", "none"]].concat();
    let ran = setup.run("az", &words, &[("AZURE_CONFIG_DIR", &folder)]);
    std::fs::remove_file(&password).map_err(|error| Error::io("remove", &password, &error))?;
    let Some(status) = ran? else {
        for (name, field) in [("ID", "appId"), ("SECRET", "password")] {
            setup.out.set(format!("AZURE_CLIENT_{name}"), entry.field(field));
        }
        setup.out.set("AZURE_TENANT_ID", entry.field("tenant"));
        setup
            .note(entry, "az is not on the PATH: nobody is logged in; AZURE_CLIENT_ID and its like are set for others");
        return Ok(());
    };
    if !status.success() {
        let cause = process::describe(status);
        return Err(Error::new(
            Kind::Denied,
            format_args!("{}: az login failed, see its message above: {cause}", entry.resource),
        ));
    }
    if entry.has_scope("aks") { cluster(setup, entry) } else { Ok(()) }
}

fn cluster(setup: &mut Setup, entry: &CliConfig) -> Result<(), Error> {
    let (folder, kube) = (setup.path("azure"), setup.next_kube_config()?);
    let group = entry.property("groupName").unwrap_or_default();
    let name = entry.property("clusterName").unwrap_or_default();
    let file = kube.display().to_string();
    let words = ["aks", "get-credentials", "-g", group, "-n", name, "--file", &file, "--overwrite-existing"];
    match setup.run("az", &words, &[("AZURE_CONFIG_DIR", &folder)])? {
        Some(status) if !status.success() => Err(Error::failed(format_args!(
            "{}: az aks get-credentials failed for {name}, see its message above: {}",
            entry.resource,
            process::describe(status)
        ))),
        _ => Ok(()),
    }
}
