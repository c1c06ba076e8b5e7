//! AWS: a profile of the resource's name, and Docker's login to ECR.

use super::CliConfig;
use super::setup::Setup;
use crate::credentials::Credentials;
use crate::credentials::profiles::is_profile_name;
use crate::credentials::shared_files::Profile;
use crate::error::{Error, Kind};
use crate::support::secret::Secret;

/// Keys of an integration.
pub(super) fn keys(setup: &mut Setup, entry: &CliConfig, id: &str, secret: &str, ecr: bool) -> Result<(), Error> {
    let credentials = Credentials {
        access_key_id: entry.field(id).to_owned(),
        secret_access_key: entry.field(secret).into(),
        session_token: None,
        expires: None,
        region: entry.property("region").map(ToOwned::to_owned),
        account: None,
        role: None,
    };
    profile(setup, entry, &credentials, ecr)
}

/// The role of an integration, assumed now: in the job's own environment the credentials that may assume it are gone.
pub(super) fn role(setup: &mut Setup, entry: &CliConfig) -> Result<(), Error> {
    let credentials = setup.aws.role(entry)?;
    setup.out.secrets.push(Secret::from(credentials.secret_access_key.expose()));
    setup.out.secrets.extend(credentials.session_token.iter().map(|token| Secret::from(token.expose())));
    profile(setup, entry, &credentials, false)
}

fn profile(setup: &mut Setup, entry: &CliConfig, credentials: &Credentials, ecr: bool) -> Result<(), Error> {
    if !is_profile_name(&entry.resource) {
        let name = &entry.resource;
        return Err(Error::new(
            Kind::Configuration,
            format_args!("{name:?} cannot be the name of a profile: rename it"),
        ));
    }
    setup.profiles.push(Profile::of(&entry.resource, credentials).check(&entry.resource)?);
    if ecr || entry.has_scope("ecr") {
        let logins = setup.aws.ecr_logins(entry, credentials)?;
        setup.logins.extend(logins);
    }
    Ok(())
}
