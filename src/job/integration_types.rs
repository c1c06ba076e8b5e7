//! The types of integrations that a job can be given, and their fields.

use crate::job::names;

/// A field of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name in the integration.
    pub name: &'static str,
    /// Whether it has to be there.
    pub required: bool,
    /// Whether it is a list.
    pub list: bool,
    /// Whether its members are variables that the user names.
    pub map: bool,
    /// The field that makes this one unnecessary: older records have it in its place.
    pub instead: Option<&'static str>,
}

impl Field {
    /// Whether its values are masked.
    pub fn is_secret(&self) -> bool {
        self.map || is_secret(None, self.name)
    }
}

/// A type of integration.
#[derive(Debug, PartialEq, Eq)]
pub struct IntegrationType {
    /// Its `masterName`.
    pub name: &'static str,
    /// Other names with the same fields.
    pub aliases: &'static [&'static str],
    /// Its fields, in the order of the table.
    pub fields: &'static [Field],
    /// Whether the platform had replaced it by another type.
    pub deprecated: bool,
}

impl IntegrationType {
    /// The field of a name, as it is spelled or as the documentation spelled it.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        let spelled = |name: &str| self.fields.iter().find(|field| field.name == name);
        let documented = || MISSPELLED.iter().find(|(other, _)| *other == name).and_then(|(_, known)| spelled(known));
        spelled(name).or_else(documented)
    }

    /// The field that `<N>_INTEGRATION_<key>` is about.
    pub fn field_of_key(&self, key: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| names::key(field.name.as_bytes()) == key)
    }

    /// Whether it is a set of variables that the user names.
    pub fn is_key_value_pair(&self) -> bool {
        self.name == KEY_VALUE_PAIR
    }
}

/// The type whose fields the user names.
pub const KEY_VALUE_PAIR: &str = "keyValuePair";

/// Spellings in the platform's own documentation and scripts.
const MISSPELLED: [(&str, &str); 2] = [("appid", "appId"), ("userName", "username")];

/// Fields that are no secrets. Any other is taken for one: the platform's own list of secret fields missed several.
const PUBLIC: [&str; 9] = ["URL", "HOST", "PORT", "REGION", "USERNAME", "EMAIL", "NODES", "PUBLICKEY", "OUTPUT"];

/// Whether the values of a field are masked. The names in a keyValuePair are the user's: there `url` may well be that
/// of a database, password and all.
pub fn is_secret(master_name: Option<&str>, field: &str) -> bool {
    master_name == Some(KEY_VALUE_PAIR) || !PUBLIC.contains(&names::key(field.as_bytes()).as_str())
}

/// The type of a `masterName`, compared exactly.
pub fn of(master_name: &str) -> Option<&'static IntegrationType> {
    TYPES.iter().find(|known| known.name == master_name || known.aliases.contains(&master_name))
}

/// Every type.
pub fn all() -> &'static [IntegrationType] {
    TYPES
}

/// Every name that [`of`] knows.
pub fn all_names() -> impl Iterator<Item = &'static str> {
    TYPES.iter().flat_map(|known| std::iter::once(known.name).chain(known.aliases.iter().copied()))
}

const fn optional(name: &'static str) -> Field {
    Field { name, required: false, list: false, map: false, instead: None }
}

const fn required(name: &'static str) -> Field {
    Field { required: true, ..optional(name) }
}

const fn current(name: &'static str, aliases: &'static [&'static str], fields: &'static [Field]) -> IntegrationType {
    IntegrationType { name, aliases, fields, deprecated: false }
}

const fn old(name: &'static str, aliases: &'static [&'static str], fields: &'static [Field]) -> IntegrationType {
    IntegrationType { name, aliases, fields, deprecated: true }
}

const URL_TOKEN: &[Field] = &[required("url"), required("token")];
const URL_USER_TOKEN: &[Field] = &[required("url"), required("username"), required("token")];
const URL_USER_PASSWORD: &[Field] = &[required("url"), required("username"), required("password")];
const USER_PASSWORD_URL: &[Field] = &[required("username"), required("password"), required("url")];

/// The e-mail address of a registry is optional: Docker stopped asking for it long ago.
const TYPES: &[IntegrationType] = &[
    current("amazonKeys", &[], &[required("accessKey"), required("secretKey")]),
    current(
        "amazonIamRole",
        &["AWS_IAM"],
        &[required("assumeRoleARN"), required("output"), required("url"), optional("awsAccountId")],
    ),
    current("azureKeys", &[], &[required("appId"), required("password"), required("tenant")]),
    current(
        "azureDcosKey",
        &["AZURE_DCOS", "AZURE-DC/OS"],
        &[required("username"), required("url"), optional("dcosPublicKey"), optional("dcosPrivateKey")],
    ),
    current("gcloudKey", &[], &[required("JSON_key")]),
    current("DOC", &[], &[required("apiToken")]),
    current("dclKey", &["DCL"], &[required("username"), required("token"), required("url")]),
    current("ddcKey", &["DDC"], USER_PASSWORD_URL),
    current(
        "dockerRegistryLogin",
        &[],
        &[optional("url"), required("username"), required("password"), optional("email")],
    ),
    current(
        "quayLogin",
        &["Quay.io"],
        &[required("url"), required("username"), required("password"), optional("email"), required("accessToken")],
    ),
    current("artifactoryKey", &["artifactory"], URL_USER_PASSWORD),
    current(
        "kubernetesConfig",
        &[],
        &[
            Field { instead: Some("masterKubeConfigContent"), ..required("kubeConfigContent") },
            optional("clusterAccessType"),
            optional("masterKubeConfigContent"),
            optional("bastionHostIP"),
            optional("bastionKubeConfigType"),
            optional("bastionKubeConfigContent"),
            optional("bastionPublicKey"),
            optional("bastionPrivateKey"),
        ],
    ),
    current(
        "joyentTritonKey",
        &["TRIPUB"],
        &[
            required("username"),
            required("url"),
            required("validityPeriod"),
            optional("publicKey"),
            optional("privateKey"),
            optional("certificates"),
        ],
    ),
    current(
        "nodeCluster",
        &["CLUSTER"],
        &[Field { list: true, ..required("nodes") }, optional("publicKey"), optional("privateKey")],
    ),
    current("pemKey", &["pem-key"], &[required("key")]),
    current("sshKey", &["ssh-key"], &[required("publicKey"), required("privateKey")]),
    current(KEY_VALUE_PAIR, &[], &[Field { map: true, ..required("envs") }]),
    current("gitCredential", &[], &[required("host"), required("port"), required("username"), required("password")]),
    current("slackKey", &["Slack"], &[required("webhookUrl")]),
    current("hipchatKey", &["hipchat"], &[required("token")]),
    current("webhookV2", &[], &[required("webhookURL"), optional("authorization"), optional("project")]),
    current("airBrakeKey", &[], URL_TOKEN),
    current("newRelicKey", &[], URL_TOKEN),
    current("jira", &[], URL_USER_TOKEN),
    current("ircCreds", &[], &[optional("server"), required("nick"), optional("password")]),
    current("github", &["githubEnterprise", "gitlab", "bitbucket"], URL_TOKEN),
    current("bitbucketServer", &[], URL_USER_TOKEN),
    current("bitbucketServerBasic", &[], URL_USER_PASSWORD),
    current(
        "gerritBasic",
        &[],
        &[required("url"), required("username"), required("password"), optional("publicKey"), optional("privateKey")],
    ),
    old("AWS", &[], &[required("aws_access_key_id"), required("aws_secret_access_key"), required("url")]),
    old("ECR", &[], &[required("aws_access_key_id"), required("aws_secret_access_key")]),
    old("MAZ", &[], &[required("subscriptionId"), required("username"), required("password")]),
    old("ACS", &[], &[required("username"), required("url")]),
    old("Docker", &[], &[required("username"), required("password"), optional("email")]),
    old(
        "Private Docker Registry",
        &["Docker Trusted Registry"],
        &[required("url"), required("username"), required("password"), optional("email")],
    ),
    old("GCR", &[], &[required("JSON_key")]),
    old("GKE", &[], &[required("JSON_key"), required("url")]),
    old("GCL", &[], &[required("projectName"), required("serviceAccountEmail"), required("credentialFile")]),
    old(
        "KUBERNETES",
        &[],
        &[
            required("clusterAccessType"),
            optional("masterKubeConfigContent"),
            optional("bastionHostIP"),
            required("bastionKubeConfigType"),
            required("bastionKubeConfigContent"),
            optional("bastionPublicKey"),
            optional("bastionPrivateKey"),
        ],
    ),
    old("Jenkins", &[], USER_PASSWORD_URL),
    old("webhook", &[], &[optional("project"), optional("webhookURL"), optional("authorization")]),
    old("Email", &[], &[required("Email address")]),
    old("irc", &[], &[]),
];

#[cfg(test)]
mod tests;
