//! Spinnaker's `clouddriver.yml`: which role to assume for an account.
//!
//! `ecs.accounts[].awsAccount` names an entry of `aws.accounts[]`, which has an `accountId`, `regions` and maybe its own
//! `assumeRole`; `aws.defaultAssumeRole` is the fallback. A `clouddriver-local.yml` beside the file overrides it.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value as Json;

use super::yaml::{self, Node, Value};
use crate::credentials::partition_of;
use crate::error::{Error, Kind};
use crate::job::names;

/// The role to assume for an account, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The role's ARN; none when neither the account nor the file names a role.
    pub role_arn: Option<String>,
    /// The account's id.
    pub account_id: String,
    /// The account's first region.
    pub region: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File {
    aws: Aws,
    ecs: Ecs,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Aws {
    accounts: Option<Vec<AwsAccount>>,
    default_assume_role: Option<String>,
    default_regions: Option<Vec<Region>>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AwsAccount {
    name: String,
    account_id: Option<String>,
    assume_role: Option<String>,
    regions: Option<Vec<Region>>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
struct Region {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Ecs {
    accounts: Option<Vec<EcsAccount>>,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct EcsAccount {
    name: String,
    aws_account: Option<String>,
}

/// The accounts of a file, as its local companion overrides them.
#[derive(Debug)]
pub struct Clouddriver {
    path: PathBuf,
    merged: File,
}

impl Clouddriver {
    /// Reads `clouddriver.yml` and, beside it, `clouddriver-local.yml`.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let mut merged = parse(path, &load(path)?)?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let extension = path.extension().map_or_else(|| "yml".into(), |extension| extension.to_string_lossy());
        let local = path.with_file_name(format!("{stem}-local.{extension}"));
        if !stem.ends_with("-local") && local.is_file() {
            merged.apply(parse(&local, &load(&local)?)?);
        }
        Ok(Self { path: path.to_owned(), merged })
    }

    /// The role, account and region behind the name of an ECS or AWS account.
    pub fn target(&self, account: &str) -> Result<Target, Error> {
        let aws_account = self.aws_account(account)?;
        let id = aws_account.account_id.as_deref().map(str::trim).filter(|id| !id.is_empty()).ok_or_else(|| {
            self.error(format_args!(
                "aws.accounts: {} has no accountId: add accountId: \"<twelve digits>\"",
                aws_account.name
            ))
        })?;
        if id.len() != 12 || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.error(format_args!(
                "aws.accounts: accountId {id} of {} is not twelve digits: write it in quotes, with its leading zeros",
                aws_account.name
            )));
        }
        let regions = aws_account.regions.as_ref().or(self.merged.aws.default_regions.as_ref());
        let region = regions.and_then(|regions| regions.first()).map(|region| region.name.clone());
        let role = aws_account.assume_role.as_ref().or(self.merged.aws.default_assume_role.as_ref());
        let role = role.map(|role| role.trim()).filter(|role| !role.is_empty());
        Ok(Target {
            role_arn: role.map(|role| role_arn(role, id, region.as_deref())),
            account_id: id.to_owned(),
            region,
        })
    }

    fn aws_account(&self, account: &str) -> Result<&AwsAccount, Error> {
        let (ecs, aws) = (self.ecs_accounts(), self.aws_accounts());
        let Some(found) = ecs.iter().find(|candidate| candidate.name == account) else {
            return aws.iter().find(|candidate| candidate.name == account).ok_or_else(|| {
                let known = ecs
                    .iter()
                    .map(|account| account.name.as_str())
                    .chain(aws.iter().map(|account| account.name.as_str()));
                let known: Vec<&str> = known.collect();
                let near = names::did_you_mean(account, known.iter().copied());
                let near = if near.is_empty() { format!("; there are {}", list(&known)) } else { near };
                self.error(format_args!("no account {account} in ecs.accounts or aws.accounts{near}"))
            });
        };
        let wanted = found.aws_account.as_deref().ok_or_else(|| {
            self.error(format_args!("ecs.accounts: {account} has no awsAccount: name one of aws.accounts"))
        })?;
        aws.iter().find(|candidate| candidate.name == wanted).ok_or_else(|| {
            let near = names::did_you_mean(wanted, aws.iter().map(|account| account.name.as_str()));
            self.error(format_args!("ecs.accounts: awsAccount {wanted} of {account} is not in aws.accounts{near}"))
        })
    }

    fn ecs_accounts(&self) -> &[EcsAccount] {
        self.merged.ecs.accounts.as_deref().unwrap_or_default()
    }

    fn aws_accounts(&self) -> &[AwsAccount] {
        self.merged.aws.accounts.as_deref().unwrap_or_default()
    }

    fn error(&self, cause: impl std::fmt::Display) -> Error {
        Error::new(Kind::Configuration, format_args!("{}: {cause}", self.path.display()))
    }
}

impl File {
    /// What the local file has replaces what the other has: lists whole, as Spring's configuration does it.
    fn apply(&mut self, local: Self) {
        self.aws.accounts = local.aws.accounts.or(self.aws.accounts.take());
        self.aws.default_assume_role = local.aws.default_assume_role.or(self.aws.default_assume_role.take());
        self.aws.default_regions = local.aws.default_regions.or(self.aws.default_regions.take());
        self.ecs.accounts = local.ecs.accounts.or(self.ecs.accounts.take());
    }
}

/// `role/Name` in the account; a whole ARN stays as it is.
fn role_arn(role: &str, account: &str, region: Option<&str>) -> String {
    if role.starts_with("arn:") {
        return role.to_owned();
    }
    let partition = region.map_or("aws", partition_of);
    let path = if role.starts_with("role/") { role.to_owned() } else { format!("role/{role}") };
    format!("arn:{partition}:iam::{account}:{path}")
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn load(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| Error::io("read", path, &error).with_kind(Kind::Configuration))
}

fn parse(path: &Path, text: &str) -> Result<File, Error> {
    let root = yaml::Reader::default().read(path, text)?;
    if root.is_null() {
        return Ok(File::default());
    }
    for section in ["aws", "ecs"] {
        let accounts = root.get(section).and_then(|section| section.get("accounts"));
        let wrong = accounts.filter(|accounts| !accounts.is_null() && !matches!(accounts.value, Value::List(_)));
        if let Some(wrong) = wrong {
            let told =
                format_args!("{}: {section}.accounts is {}, not a list: write - name: …", wrong.at, wrong.kind());
            return Err(Error::new(Kind::Configuration, told));
        }
    }
    File::deserialize(texts(&root))
        .map_err(|error| Error::new(Kind::Configuration, format_args!("{}: {error}", path.display())))
}

/// An account id without quotes is a number to YAML: plain scalars are read as texts.
fn texts(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::List(elements) => elements.iter().map(texts).collect(),
        Value::Map(members) => {
            Json::Object(members.iter().map(|(key, value)| (key.text.clone(), texts(value))).collect())
        }
        _ => node.scalar().map_or(Json::Null, Json::String),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENTED: &str = "\
aws:
  enabled: true

  accounts:
    - name: aws-account-name
      accountId: \"123456789012\"
      regions:
        - name: us-east-1
  defaultAssumeRole: role/SpinnakerManaged

ecs:
  enabled: true
  accounts:
    - name: ecs-account-name
      awsAccount: aws-account-name
";

    fn file(text: &str, local: Option<&str>) -> (tempfile::TempDir, Clouddriver) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clouddriver.yml");
        std::fs::write(&path, text).unwrap();
        if let Some(local) = local {
            std::fs::write(dir.path().join("clouddriver-local.yml"), local).unwrap();
        }
        let read = Clouddriver::read(&path).unwrap();
        (dir, read)
    }

    #[test]
    fn the_documented_example() {
        let (_dir, clouddriver) = file(DOCUMENTED, None);
        for account in ["ecs-account-name", "aws-account-name"] {
            let target = clouddriver.target(account).unwrap();
            assert_eq!(target.role_arn.as_deref(), Some("arn:aws:iam::123456789012:role/SpinnakerManaged"));
            assert_eq!(target.region.as_deref(), Some("us-east-1"));
        }
    }

    #[test]
    fn own_roles_partitions_and_whole_arns() {
        let text = "\
aws:
  defaultAssumeRole: role/Default
  accounts:
    - {name: a, accountId: '000000000001', assumeRole: role/Own, regions: [{name: cn-north-1}]}
    - {name: b, accountId: 000000000002, regions: [{name: us-gov-west-1}]}
    - {name: c, accountId: '000000000003', assumeRole: 'arn:aws:iam::9:role/x'}
    - {name: d, accountId: '000000000004', assumeRole: Plain}
";
        let (_dir, clouddriver) = file(text, None);
        for (account, want) in [
            ("a", "arn:aws-cn:iam::000000000001:role/Own"),
            ("b", "arn:aws-us-gov:iam::000000000002:role/Default"),
            ("c", "arn:aws:iam::9:role/x"),
            ("d", "arn:aws:iam::000000000004:role/Plain"),
        ] {
            assert_eq!(clouddriver.target(account).unwrap().role_arn.as_deref(), Some(want), "{account}");
        }
    }

    #[test]
    fn the_local_file_overrides() {
        let (_dir, clouddriver) = file(DOCUMENTED, Some("aws:\n  defaultAssumeRole: role/Local\n"));
        let target = clouddriver.target("ecs-account-name").unwrap();
        assert_eq!(target.role_arn.as_deref(), Some("arn:aws:iam::123456789012:role/Local"));
    }

    #[test]
    fn errors_name_file_key_and_near_names() {
        let (_dir, clouddriver) = file(DOCUMENTED, None);
        let said = clouddriver.target("ecs-acount-name").unwrap_err().to_string();
        assert!(said.contains("clouddriver.yml") && said.contains("did you mean ecs-account-name"), "{said}");
        let missing = DOCUMENTED.replace("      accountId: \"123456789012\"\n", "");
        let (_dir, clouddriver) = file(&missing, None);
        let said = clouddriver.target("ecs-account-name").unwrap_err().to_string();
        assert!(said.contains("aws-account-name has no accountId"), "{said}");
        let astray = DOCUMENTED.replace("awsAccount: aws-account-name", "awsAccount: aws-acount-name");
        let (_dir, clouddriver) = file(&astray, None);
        let said = clouddriver.target("ecs-account-name").unwrap_err().to_string();
        assert!(
            said.contains("awsAccount aws-acount-name") && said.contains("did you mean aws-account-name"),
            "{said}"
        );
    }

    #[test]
    fn a_broken_file_is_named_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("clouddriver.yml");
        std::fs::write(&path, "aws:\n  accounts: [\n").unwrap();
        let said = Clouddriver::read(&path).unwrap_err().to_string();
        assert!(said.contains("clouddriver.yml:"), "{said}");
        std::fs::write(&path, "aws:\n  accounts: text\n").unwrap();
        let said = Clouddriver::read(&path).unwrap_err().to_string();
        assert!(said.contains("clouddriver.yml:2:"), "{said}");
    }
}
