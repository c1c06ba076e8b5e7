//! Where credentials come from: an integration of the job directory, a profile, the ambient chain, a Spinnaker account.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{Credentials, arn_account};
use crate::ctx::Env;
use crate::error::{Error, Kind};
use crate::job::directory::JobDirectory;
use crate::job::integration::Integration;
use crate::job::{names, resource};

/// A source as the command line names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A resource or integration of the job directory.
    Named(OsString),
    /// `--profile NAME`.
    Profile(String),
    /// `--ambient`.
    Ambient,
    /// `--clouddriver FILE --account NAME`.
    Spinnaker {
        /// The `clouddriver.yml`.
        file: PathBuf,
        /// The ECS or AWS account in it.
        account: String,
    },
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Named(name) => write!(f, "{}", name.display()),
            Self::Profile(name) => write!(f, "profile {name}"),
            Self::Ambient => f.write_str("the ambient credentials"),
            Self::Spinnaker { file, account } => write!(f, "account {account} of {}", file.display()),
        }
    }
}

/// What a source turned out to be.
#[derive(Debug, Clone)]
pub enum Origin {
    /// Keys that are used as they are.
    Keys(Credentials),
    /// A role, assumed with the ambient credentials.
    Role {
        /// Its ARN.
        arn: String,
        /// The region that goes with it.
        region: Option<String>,
    },
    /// The default chain of the SDK; a profile narrows it.
    Chain,
}

/// Reads an integration of the job directory as a source of AWS credentials.
pub fn of_integration(job: &JobDirectory, name: &OsStr) -> Result<Origin, Error> {
    Fields::of(job, name)?.origin(region_of(job, name)?)
}

/// Reads the values of an integration, as a file of integrations has them, as a source of AWS credentials.
pub fn of_record(name: &str, kind: &str, values: &Map<String, Value>, region: Option<String>) -> Result<Origin, Error> {
    // Its variables are those of the job directory that would be made of it: one rule finds fields in both.
    let prefix = names::prefix(name.as_bytes());
    // A keyValuePair's are one level down.
    let inner = values.values().filter_map(Value::as_object).flatten();
    let variables = values.iter().chain(inner).filter_map(|(field, value)| {
        let value = value.as_str().filter(|value| !value.is_empty())?;
        Some((format!("{prefix}_INTEGRATION_{}", names::key(field.as_bytes())).into(), value.into()))
    });
    let env = Env::Fixed(variables.collect());
    let job = JobDirectory::nowhere(&env);
    let fields = Fields { job: &job, name: OsStr::new(name), prefix, integration: None, kind: Some(kind.to_owned()) };
    fields.origin(region)
}

/// The fields of one integration: the environment first, then `integration.json`.
struct Fields<'a> {
    job: &'a JobDirectory<'a>,
    name: &'a OsStr,
    prefix: String,
    integration: Option<Integration>,
    kind: Option<String>,
}

impl<'a> Fields<'a> {
    fn of(job: &'a JobDirectory, name: &'a OsStr) -> Result<Self, Error> {
        let folder = job.meta(name).filter(|folder| folder.join("integration.json").is_file());
        let folder = folder.or_else(|| job.integration(name));
        let integration = match folder {
            Some(folder) => Integration::read(&folder).map_err(|error| error.with_kind(Kind::Configuration))?,
            None => None,
        };
        let mut fields = Self { job, name, prefix: names::prefix(name.as_bytes()), integration, kind: None };
        let written = fields.integration.as_ref().and_then(Integration::master_name).map(ToOwned::to_owned);
        fields.kind = written.or_else(|| fields.guess());
        Ok(fields)
    }

    fn origin(&self, region: Option<String>) -> Result<Origin, Error> {
        match self.kind.as_deref() {
            Some("amazonKeys") => self.keys("accessKey", "secretKey", None, region),
            Some("AWS" | "ECR") => self.keys("aws_access_key_id", "aws_secret_access_key", None, region),
            Some("keyValuePair") => {
                self.keys("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", Some("AWS_SESSION_TOKEN"), region)
            }
            Some("amazonIamRole" | "AWS_IAM") => self.role(region),
            Some(other) => Err(self.error(format_args!(
                "its integration is of type {other}, which has no AWS credentials: \
                 use one of amazonKeys, AWS, ECR, amazonIamRole, AWS_IAM or keyValuePair"
            ))),
            None => Err(self.unknown(self.job)),
        }
    }

    /// Where only the environment knows the integration, its fields tell the type.
    fn guess(&self) -> Option<String> {
        let telling = [
            ("ACCESSKEY", "amazonKeys"),
            ("SECRETKEY", "amazonKeys"),
            ("ASSUMEROLEARN", "amazonIamRole"),
            ("AWS_ACCESS_KEY_ID", "keyValuePair"),
        ];
        telling.into_iter().find(|(key, _)| self.of_environment(key).is_some()).map(|(_, kind)| kind.to_owned())
    }

    fn of_environment(&self, key: &str) -> Option<OsString> {
        self.job.env.get(format!("{}_INTEGRATION_{key}", self.prefix))
    }

    fn get(&self, field: &str) -> Result<Option<String>, Error> {
        let key = names::key(field.as_bytes());
        let value = match self.of_environment(&key) {
            Some(value) => {
                Some(value.into_string().map_err(|_| self.error(format_args!("its field {field} is not UTF-8")))?)
            }
            None => self.integration.as_ref().and_then(|integration| integration.variable(&key)),
        };
        Ok(value.filter(|value| !value.is_empty()))
    }

    fn required(&self, field: &str) -> Result<String, Error> {
        self.get(field)?.ok_or_else(|| {
            let kind = self.kind.as_deref().unwrap_or("AWS");
            let key = names::key(field.as_bytes());
            self.error(format_args!(
                "its {kind} integration has no {field}: set {}_INTEGRATION_{key}, or add the field to its integration.json",
                self.prefix
            ))
        })
    }

    fn keys(&self, id: &str, secret: &str, token: Option<&str>, region: Option<String>) -> Result<Origin, Error> {
        let session_token = match token {
            Some(field) => self.get(field)?.map(Into::into),
            None => None,
        };
        Ok(Origin::Keys(Credentials {
            access_key_id: self.required(id)?,
            secret_access_key: self.required(secret)?.into(),
            session_token,
            expires: None,
            region,
            account: None,
            role: None,
        }))
    }

    fn role(&self, region: Option<String>) -> Result<Origin, Error> {
        let arn = self.required("assumeRoleARN")?;
        let in_arn = arn_account(&arn)
            .ok_or_else(|| self.error(format_args!("assumeRoleARN {arn:?} is not the ARN of a role")))?;
        match self.get("awsAccountId")? {
            Some(account) if account != in_arn => Err(self.error(format_args!(
                "awsAccountId {account} is not the account of assumeRoleARN {arn}: correct one of them"
            ))),
            _ => Ok(Origin::Role { arn, region }),
        }
    }

    fn error(&self, cause: impl std::fmt::Display) -> Error {
        Error::new(Kind::NoCredentials, format_args!("{}: {cause}", self.name.display()))
    }

    fn unknown(&self, job: &JobDirectory) -> Error {
        let known = known_sources(job);
        let near = names::did_you_mean(&self.name.to_string_lossy(), known.iter().map(String::as_str));
        self.error(format_args!("no resource or integration of that name has AWS credentials{near}"))
    }
}

/// Every name of the job directory that has an integration.
fn known_sources(job: &JobDirectory) -> Vec<String> {
    let resources = job.resources().into_iter().filter(|folder| folder.meta.join("integration.json").is_file());
    let mut known: Vec<String> = resources.map(|folder| folder.name.to_string_lossy().into_owned()).collect();
    if let Ok(entries) =
        job.integrations().and_then(|root| std::fs::read_dir(&root).map_err(|e| Error::io("read", &root, &e)))
    {
        known.extend(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()));
    }
    known
}

/// The resource's own region: `<N>_POINTER_REGION`, the pointer or template in its yml, or its version.
pub fn region_of(job: &JobDirectory, name: &OsStr) -> Result<Option<String>, Error> {
    let prefix = names::prefix(name.as_bytes());
    if let Some(region) = job.env.get_filled(format!("{prefix}_POINTER_REGION")) {
        return Ok(Some(String::from_utf8_lossy(&region.into_vec()).into_owned()));
    }
    let Some(folder) = job.meta(name) else { return Ok(None) };
    let file = folder.join("version.json");
    let places: [&[&str]; 3] = [
        &["propertyBag", "yml", "pointer", "region"],
        &["version", "propertyBag", "region"],
        &["propertyBag", "yml", "versionTemplate", "region"],
    ];
    first_text(&file, &places)
}

/// The first of these places of a JSON file that holds a text.
pub fn first_text(file: &Path, places: &[&[&str]]) -> Result<Option<String>, Error> {
    for keys in places {
        let found = resource::string_at(file, keys).map_err(|error| error.with_kind(Kind::Configuration))?;
        if let Some(text) = found.filter(|text| !text.is_empty()) {
            return Ok(Some(String::from_utf8_lossy(&text).into_owned()));
        }
    }
    Ok(None)
}
