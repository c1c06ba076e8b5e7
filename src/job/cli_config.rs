//! cliConfig inputs: command line tools configured for one job alone, in a private folder that ends with it.
//!
//! | Type | Files | Variables |
//! |---|---|---|
//! | amazonKeys, AWS, ECR, amazonIamRole | `aws/config`, `aws/credentials` | `AWS_CONFIG_FILE`, `AWS_SHARED_CREDENTIALS_FILE` |
//! | scope `ecr`, Docker registries, Quay, scope `gcr` | `docker/config.json` | `DOCKER_CONFIG` |
//! | Kubernetes, scopes `gke` and `aks` | `kube/config…` | `KUBECONFIG` |
//! | Google | `gcloud/…`, `<META>/key.json` | `CLOUDSDK_CONFIG`, `GOOGLE_APPLICATION_CREDENTIALS` |
//! | Azure | `azure/…` | `AZURE_CONFIG_DIR` |
//! | Artifactory | `jfrog/…` | `JFROG_CLI_HOME_DIR` |
//! | Digital Ocean | | `DIGITALOCEAN_ACCESS_TOKEN` |
//!
//! Of several inputs for one tool the first is what the tool takes by default; the others have a profile, a context, a
//! configuration or a server of their name.

mod aws; // profiles, and Docker's login to ECR
mod azure; // az, which keeps its own files
mod docker; // registries
mod google; // gcloud's configuration, key files
mod jfrog; // servers of the JFrog CLI
mod setup; // what the tools share

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::aws::ecr::Login;
use crate::config::integrations::Record;
use crate::credentials::Credentials;
use crate::ctx::Env;
use crate::error::{Error, Kind};
use crate::support::secret::Secret;

use self::setup::Setup;

/// A cliConfig input.
#[derive(Debug, Clone)]
pub struct CliConfig {
    /// The resource's name.
    pub resource: String,
    /// Its integration.
    pub record: Record,
    /// `version.propertyBag`: `region`, `clusterName`, `groupName`.
    pub property_bag: Map<String, Value>,
    /// `scopes` of the step.
    pub scopes: Vec<String>,
    /// The resource's folder.
    pub meta: PathBuf,
}

impl CliConfig {
    /// A property that is there and not empty.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.property_bag.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|known| known == scope)
    }

    /// A field whose presence has been checked.
    fn field(&self, name: &str) -> &str {
        self.record.text(name).unwrap_or_default()
    }
}

/// What has been set up.
#[derive(Debug, Default)]
pub struct Configured {
    /// Variables for the job's environment.
    pub variables: Vec<(String, Secret)>,
    /// Variables of the environment that the job inherits which would win over what has been set up. They go from
    /// there; what the job itself sets stays.
    pub removed: Vec<&'static str>,
    /// What must not be seen and is not a value of an integration: logins as their files have them, session keys.
    pub secrets: Vec<Secret>,
    /// What was not done, and why.
    pub notes: Vec<String>,
}

impl Configured {
    /// Sets a variable, in the place of an earlier one of that name.
    fn set(&mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) {
        let name = name.into();
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, Secret::from(value.into())));
    }
}

/// Where files go.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The folder that is private to the job.
    pub folder: &'a Path,
    /// A folder around it that is going to be renamed, and to what: files and variables have the later names.
    pub moves: Option<(&'a Path, &'a Path)>,
}

impl<'a> From<&'a Path> for Place<'a> {
    fn from(folder: &'a Path) -> Self {
        Self { folder, moves: None }
    }
}

impl Place<'_> {
    /// What a path is called in the end.
    fn later(&self, path: &Path) -> PathBuf {
        let moved = self.moves.and_then(|(from, to)| Some(to.join(path.strip_prefix(from).ok()?)));
        moved.unwrap_or_else(|| path.to_owned())
    }
}

/// Calls to AWS, which need more of the process than a folder.
pub trait Aws {
    /// The session of the role that an input's integration names.
    fn role(&self, entry: &CliConfig) -> Result<Credentials, Error>;

    /// Docker's logins to ECR.
    fn ecr_logins(&self, entry: &CliConfig, credentials: &Credentials) -> Result<Vec<Login>, Error>;
}

/// The tool that an integration is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tool {
    /// The fields of the keys, and whether Docker is always logged in to ECR.
    AwsKeys {
        id: &'static str,
        secret: &'static str,
        ecr: bool,
    },
    AwsRole,
    /// The field of the key file, and the scope that is built in.
    Google {
        key: &'static str,
        scope: Option<&'static str>,
    },
    Azure,
    Registry {
        quay: bool,
    },
    Kubernetes,
    Artifactory,
    DigitalOcean,
}

impl Tool {
    fn of(master_name: &str) -> Option<Self> {
        let old_keys = |ecr| Self::AwsKeys { id: "aws_access_key_id", secret: "aws_secret_access_key", ecr };
        Some(match master_name {
            "amazonKeys" => Self::AwsKeys { id: "accessKey", secret: "secretKey", ecr: false },
            "AWS" => old_keys(false),
            "ECR" => old_keys(true),
            "amazonIamRole" | "AWS_IAM" => Self::AwsRole,
            "gcloudKey" => Self::Google { key: "JSON_key", scope: None },
            "GCR" => Self::Google { key: "JSON_key", scope: Some("gcr") },
            "GKE" => Self::Google { key: "JSON_key", scope: Some("gke") },
            "GCL" => Self::Google { key: "credentialFile", scope: None },
            "azureKeys" => Self::Azure,
            "dockerRegistryLogin" | "Docker" | "Private Docker Registry" | "Docker Trusted Registry" => {
                Self::Registry { quay: false }
            }
            "quayLogin" | "Quay.io" => Self::Registry { quay: true },
            "kubernetesConfig" | "KUBERNETES" => Self::Kubernetes,
            "artifactoryKey" | "artifactory" => Self::Artifactory,
            "DOC" => Self::DigitalOcean,
            _ => return None,
        })
    }

    /// Fields and properties without which it cannot be configured.
    fn required(self, entry: &CliConfig) -> (Vec<&'static str>, Vec<&'static str>) {
        match self {
            Self::AwsKeys { id, secret, .. } => (vec![id, secret], vec!["region"]),
            Self::AwsRole => (vec!["assumeRoleARN"], vec!["region"]),
            Self::Google { key, .. } => (vec![key], vec![]),
            Self::Azure if entry.has_scope("aks") => {
                (vec!["appId", "password", "tenant"], vec!["groupName", "clusterName"])
            }
            Self::Azure => (vec!["appId", "password", "tenant"], vec![]),
            Self::Registry { .. } => (vec!["username", "password"], vec![]),
            Self::Kubernetes => (vec![kube_field(entry)], vec![]),
            Self::Artifactory => (vec!["username", "password", "url"], vec![]),
            Self::DigitalOcean => (vec!["apiToken"], vec![]),
        }
    }

    /// Scopes that mean something to it.
    fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::AwsKeys { .. } | Self::AwsRole => &["configure", "ecr"],
            Self::Google { .. } => &["configure", "gcr", "gke"],
            Self::Azure => &["configure", "aks"],
            _ => &["configure"],
        }
    }
}

/// The field that holds the configuration: older records have another.
fn kube_field(entry: &CliConfig) -> &'static str {
    let (new, old) = ("kubeConfigContent", "masterKubeConfigContent");
    let is_old = entry.record.text(new).is_none() && entry.record.text(old).is_some();
    if is_old || entry.record.master_name == "KUBERNETES" { old } else { new }
}

/// Configures the tools of a job, in a folder that is private to it and removed with it.
///
/// # Errors
///
/// Every field that is missing, in one message, before anything is written ([`Kind::NoCredentials`]; for properties of
/// the resource [`Kind::Configuration`]); what AWS refuses; a tool that fails.
pub fn configure<'a>(
    entries: &[CliConfig],
    place: impl Into<Place<'a>>,
    env: &Env,
    aws: &dyn Aws,
) -> Result<Configured, Error> {
    check(entries)?;
    let mut setup = Setup::new(place.into(), env, aws);
    for entry in entries {
        let Some(tool) = Tool::of(&entry.record.master_name) else {
            setup.note(entry, format_args!("No integration script found for {}", entry.record.master_name));
            continue;
        };
        for scope in entry.scopes.iter().filter(|scope| !tool.scopes().contains(&scope.as_str())) {
            setup.note(entry, format_args!("the scope {scope} means nothing to {}", entry.record.master_name));
        }
        match tool {
            Tool::AwsKeys { id, secret, ecr } => aws::keys(&mut setup, entry, id, secret, ecr)?,
            Tool::AwsRole => aws::role(&mut setup, entry)?,
            Tool::Google { key, scope } => google::key_file(&mut setup, entry, key, scope)?,
            Tool::Azure => azure::log_in(&mut setup, entry)?,
            Tool::Registry { quay } => docker::registry(&mut setup, entry, quay),
            Tool::Kubernetes => {
                let file = setup.next_kube_config()?;
                setup.write(&file, entry.field(kube_field(entry)).as_bytes())?;
            }
            Tool::Artifactory => jfrog::server(&mut setup, entry),
            Tool::DigitalOcean => setup.out.set("DIGITALOCEAN_ACCESS_TOKEN", entry.field("apiToken")),
        }
    }
    setup.finish()
}

fn check(entries: &[CliConfig]) -> Result<(), Error> {
    let (mut fields, mut all) = (false, Vec::new());
    for entry in entries {
        let Some(tool) = Tool::of(&entry.record.master_name) else { continue };
        let (needed, properties) = tool.required(entry);
        let missing = needed.into_iter().filter(|field| entry.record.text(field).is_none());
        let before = all.len();
        let record = &entry.record;
        all.extend(missing.map(|field| {
            format!("{}: its integration {} ({}) has no {field}", entry.resource, record.name, record.master_name)
        }));
        fields |= all.len() > before;
        let missing = properties.into_iter().filter(|name| entry.property(name).is_none());
        all.extend(missing.map(|name| {
            format!("{}: it has no {name}: add {name}: to its versionTemplate or pointer", entry.resource)
        }));
    }
    if all.is_empty() {
        return Ok(());
    }
    let kind = if fields { Kind::NoCredentials } else { Kind::Configuration };
    Err(Error::new(kind, format_args!("cliConfig: {}", all.join("; "))))
}

#[cfg(test)]
mod tests;
