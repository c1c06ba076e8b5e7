use super::*;

/// The field table of the contract: name, fields (`*` required, `!` secret by the rule of masking), variables.
const TABLE: &str = "\
amazonKeys | accessKey*! secretKey*! | ACCESSKEY SECRETKEY
amazonIamRole | assumeRoleARN*! output* url* awsAccountId! | ASSUMEROLEARN OUTPUT URL AWSACCOUNTID
azureKeys | appId*! password*! tenant*! | APPID PASSWORD TENANT
azureDcosKey | username* url* dcosPublicKey! dcosPrivateKey! | USERNAME URL DCOSPUBLICKEY DCOSPRIVATEKEY
gcloudKey | JSON_key*! | JSON_KEY
DOC | apiToken*! | APITOKEN
dclKey | username* token*! url* | USERNAME TOKEN URL
ddcKey | username* password*! url* | USERNAME PASSWORD URL
dockerRegistryLogin | url username* password*! email | URL USERNAME PASSWORD EMAIL
quayLogin | url* username* password*! email accessToken*! | URL USERNAME PASSWORD EMAIL ACCESSTOKEN
artifactoryKey | url* username* password*! | URL USERNAME PASSWORD
kubernetesConfig | kubeConfigContent*! clusterAccessType! masterKubeConfigContent! bastionHostIP! \
bastionKubeConfigType! bastionKubeConfigContent! bastionPublicKey! bastionPrivateKey! | KUBECONFIGCONTENT \
CLUSTERACCESSTYPE MASTERKUBECONFIGCONTENT BASTIONHOSTIP BASTIONKUBECONFIGTYPE BASTIONKUBECONFIGCONTENT \
BASTIONPUBLICKEY BASTIONPRIVATEKEY
joyentTritonKey | username* url* validityPeriod*! publicKey privateKey! certificates! | USERNAME URL VALIDITYPERIOD \
PUBLICKEY PRIVATEKEY CERTIFICATES
nodeCluster | nodes* publicKey privateKey! | NODES PUBLICKEY PRIVATEKEY
pemKey | key*! | KEY
sshKey | publicKey* privateKey*! | PUBLICKEY PRIVATEKEY
keyValuePair | envs*! | ENVS
gitCredential | host* port* username* password*! | HOST PORT USERNAME PASSWORD
slackKey | webhookUrl*! | WEBHOOKURL
hipchatKey | token*! | TOKEN
webhookV2 | webhookURL*! authorization! project! | WEBHOOKURL AUTHORIZATION PROJECT
airBrakeKey | url* token*! | URL TOKEN
newRelicKey | url* token*! | URL TOKEN
jira | url* username* token*! | URL USERNAME TOKEN
ircCreds | server! nick*! password! | SERVER NICK PASSWORD
github | url* token*! | URL TOKEN
githubEnterprise | url* token*! | URL TOKEN
gitlab | url* token*! | URL TOKEN
bitbucket | url* token*! | URL TOKEN
bitbucketServer | url* username* token*! | URL USERNAME TOKEN
bitbucketServerBasic | url* username* password*! | URL USERNAME PASSWORD
gerritBasic | url* username* password*! publicKey privateKey! | URL USERNAME PASSWORD PUBLICKEY PRIVATEKEY
AWS | aws_access_key_id*! aws_secret_access_key*! url* | AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY URL
ECR | aws_access_key_id*! aws_secret_access_key*! | AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
AWS_IAM | assumeRoleARN*! output* url* awsAccountId! | ASSUMEROLEARN OUTPUT URL AWSACCOUNTID
MAZ | subscriptionId*! username* password*! | SUBSCRIPTIONID USERNAME PASSWORD
ACS | username* url* | USERNAME URL
Docker | username* password*! email | USERNAME PASSWORD EMAIL
Private Docker Registry | url* username* password*! email | URL USERNAME PASSWORD EMAIL
Docker Trusted Registry | url* username* password*! email | URL USERNAME PASSWORD EMAIL
GCR | JSON_key*! | JSON_KEY
GKE | JSON_key*! url* | JSON_KEY URL
GCL | projectName*! serviceAccountEmail*! credentialFile*! | PROJECTNAME SERVICEACCOUNTEMAIL CREDENTIALFILE
KUBERNETES | clusterAccessType*! masterKubeConfigContent! bastionHostIP! bastionKubeConfigType*! \
bastionKubeConfigContent*! bastionPublicKey! bastionPrivateKey! | CLUSTERACCESSTYPE MASTERKUBECONFIGCONTENT \
BASTIONHOSTIP BASTIONKUBECONFIGTYPE BASTIONKUBECONFIGCONTENT BASTIONPUBLICKEY BASTIONPRIVATEKEY
Jenkins | username* password*! url* | USERNAME PASSWORD URL
Slack | webhookUrl*! | WEBHOOKURL
hipchat | token*! | TOKEN
webhook | project! webhookURL! authorization! | PROJECT WEBHOOKURL AUTHORIZATION
irc | |
";

#[test]
fn fields_of_the_contract() {
    for row in TABLE.lines() {
        let [name, fields, variables] = row.split('|').map(str::trim).collect::<Vec<_>>()[..] else { panic!("{row}") };
        let known = of(name).unwrap_or_else(|| panic!("{name} is unknown"));
        let got: Vec<String> = known
            .fields
            .iter()
            .map(|field| {
                let (required, secret) =
                    (if field.required { "*" } else { "" }, if field.is_secret() { "!" } else { "" });
                format!("{}{required}{secret}", field.name)
            })
            .collect();
        assert_eq!(got.join(" "), fields, "{name}");
        let got: Vec<String> = known.fields.iter().map(|field| names::key(field.name.as_bytes())).collect();
        assert_eq!(got.join(" "), variables, "{name}");
        for key in got {
            assert_eq!(names::key(known.field_of_key(&key).unwrap().name.as_bytes()), key);
        }
    }
    assert_eq!(of("Email").unwrap().fields, [required("Email address")]);
}

#[test]
fn names_that_share_fields() {
    for (other, name) in [
        ("AZURE_DCOS", "azureDcosKey"),
        ("AZURE-DC/OS", "azureDcosKey"),
        ("DCL", "dclKey"),
        ("DDC", "ddcKey"),
        ("TRIPUB", "joyentTritonKey"),
        ("CLUSTER", "nodeCluster"),
        ("Quay.io", "quayLogin"),
        ("artifactory", "artifactoryKey"),
        ("pem-key", "pemKey"),
        ("ssh-key", "sshKey"),
    ] {
        assert_eq!(of(other), of(name), "{other}");
    }
    for unknown in ["amazonkeys", "smtpCreds", ""] {
        assert_eq!(of(unknown), None, "{unknown}");
    }
    let mut every: Vec<&str> = all_names().collect();
    every.sort_unstable();
    every.dedup();
    assert_eq!(every.len(), all_names().count(), "a name is there twice");
}

#[test]
fn documented_spellings() {
    assert_eq!(of("azureKeys").unwrap().field("appid").unwrap().name, "appId");
    assert_eq!(of("artifactoryKey").unwrap().field("userName").unwrap().name, "username");
    assert_eq!(of("amazonKeys").unwrap().field("accesskey"), None);
}
