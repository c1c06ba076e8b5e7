//! What the AWS tools of a job are configured with: the roles and logins that its cliConfig inputs ask for.

use super::args::{CallArgs, RoleArgs};
use super::{ecr_login, resolve};
use crate::aws::ecr::Login;
use crate::credentials::Credentials;
use crate::credentials::source::Source;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::job::cli_config::{Aws, CliConfig};

/// Asks AWS as `aws configure` does. The context's job directory has to hold the inputs already.
pub(crate) struct ForJob<'a>(pub(crate) &'a Ctx);

impl Aws for ForJob<'_> {
    fn role(&self, entry: &CliConfig) -> Result<Credentials, Error> {
        let call = CallArgs { region: entry.property("region").map(ToOwned::to_owned), ..CallArgs::default() };
        resolve::credentials(self.0, &source(entry), &RoleArgs::default(), &call)
    }

    fn ecr_logins(&self, entry: &CliConfig, credentials: &Credentials) -> Result<Vec<Login>, Error> {
        ecr_login::logins(self.0, &source(entry), credentials, &[])
    }
}

fn source(entry: &CliConfig) -> Source {
    Source::Named(entry.resource.clone().into())
}
