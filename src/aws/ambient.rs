//! Credentials that are around: those of the SDK's default chain, or of a profile.

use std::error::Error as StdError;
use std::time::Duration;

use aws_config::imds::region::ImdsRegionProvider;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_credential_types::Credentials as SdkCredentials;
use aws_credential_types::credential_feature::AwsCredentialFeature;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::Connection;
use super::error::{Failure, one_line, read, sources};
use super::limit;
use crate::credentials::Credentials;
use crate::error::Kind;

impl Connection {
    /// The credentials of the profile that the settings name, else those of the default chain: environment, profile,
    /// web identity, container, instance.
    pub fn ambient_credentials(&self) -> Result<Credentials, Failure> {
        let region = self.settings.region.clone().or_else(|| self.profile_region());
        let provider = match &self.settings.profile {
            // The default chain would prefer keys in the environment to a profile that was asked for.
            Some(profile) => {
                let provider = ProfileFileCredentialsProvider::builder()
                    .configure(&self.provider_config(region.as_deref()))
                    .profile_name(profile)
                    .build();
                Some(SharedCredentialsProvider::new(provider))
            }
            None => self.ambient_config(region.clone()).credentials_provider(),
        };
        let found = provider.map(|provider| self.within_deadline(async { provider.provide_credentials().await }));
        let found = match found {
            Some(Some(Ok(found))) => found,
            Some(Some(Err(error))) => return Err(failure(&error)),
            Some(None) => return Err(plain(Kind::Network, "no answer in time".to_owned())),
            None => return Err(plain(Kind::NoCredentials, "no provider is configured".to_owned())),
        };
        let region = region.or_else(|| self.instance_region(&found));
        Ok(Credentials {
            access_key_id: found.access_key_id().to_owned(),
            secret_access_key: found.secret_access_key().into(),
            session_token: found.session_token().map(Into::into),
            expires: found.expiry(),
            region,
            account: found.account_id().map(|id| id.as_str().to_owned()),
            role: None,
        })
    }

    /// The instance's region, when the instance gave the credentials.
    fn instance_region(&self, found: &SdkCredentials) -> Option<String> {
        let features: Option<&Vec<AwsCredentialFeature>> = found.get_property();
        if !features.is_some_and(|features| features.contains(&AwsCredentialFeature::CredentialsImds)) {
            return None;
        }
        let provider = ImdsRegionProvider::builder().configure(&self.provider_config(None)).build();
        let region = self.within_deadline(async { provider.region().await });
        region.flatten().map(|region| region.to_string())
    }

    /// Some of the SDK's providers know no deadline of their own.
    fn within_deadline<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        let deadline: Duration = self.settings.deadline;
        self.wait(limit::within(async { tokio::time::timeout(deadline, call).await.ok() })).flatten()
    }
}

/// What it means that a provider gave nothing.
fn failure(error: &CredentialsError) -> Failure {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(refused) = cause.downcast_ref::<SdkError<AssumeRoleError, HttpResponse>>() {
            return read(refused);
        }
        if let Some(refused) = cause.downcast_ref::<SdkError<AssumeRoleWithWebIdentityError, HttpResponse>>() {
            return read(refused);
        }
        next = cause.source();
    }
    match error {
        CredentialsError::CredentialsNotLoaded(_) => {
            let cause = sources(error);
            // A profile that was asked for and is not there. What the chain says of all its links helps nobody.
            let told = cause.split_once("profile `").map(|(_, rest)| format!("profile `{rest}"));
            match told.filter(|_| !cause.contains("Attempted:")) {
                Some(told) => plain(Kind::Configuration, told),
                None => plain(Kind::NoCredentials, String::new()),
            }
        }
        CredentialsError::InvalidConfiguration(_) if sources(error).contains("cargo feature") => plain(
            Kind::Configuration,
            "the profile signs in through a browser (SSO), which shipctl does not do: give it \
             credential_process = aws configure export-credentials --profile NAME --format process in a profile beside it"
                .to_owned(),
        ),
        CredentialsError::InvalidConfiguration(_) => plain(Kind::Configuration, without_heading(error)),
        CredentialsError::ProviderTimedOut(_) => plain(Kind::Network, "no answer in time".to_owned()),
        _ => plain(Kind::NoCredentials, without_heading(error)),
    }
}

/// The causes below the SDK's general heading.
fn without_heading(error: &CredentialsError) -> String {
    error.source().map_or_else(|| one_line(&error.to_string()), sources)
}

fn plain(kind: Kind, message: String) -> Failure {
    Failure { kind, code: None, message, request_id: None, retry_after: None }
}
