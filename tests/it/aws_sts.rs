//! Roles and sources against a scripted STS: what is asked, how often, and what is made of each answer.

use std::time::{Duration, Instant};

use crate::harness::Sandbox;
use crate::scripted_sts::{
    Answer, BASE_ID, BASE_SECRET, Call, ROLE, SESSION_SECRET, SESSION_TOKEN, Sts, assume_role, printed, refuses,
    session_id, tells_no_secret,
};
use crate::vectors::job_fixture;

/// Runs each case in a thread of its own.
fn at_once<T: Send + 'static>(cases: impl IntoIterator<Item = T>, run: impl Fn(T) + Send + Sync + Clone + 'static) {
    let running = cases.into_iter().map(|case| {
        let run = run.clone();
        std::thread::spawn(move || run(case))
    });
    for thread in running.collect::<Vec<_>>() {
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn a_session_of_the_role_is_printed() {
    let sts = Sts::granting();
    let got = printed(&sts.sandbox().shipctl(assume_role(&[])));
    assert_eq!(got["accessKeyId"], session_id(1));
    assert_eq!(got["secretAccessKey"], format!("{SESSION_SECRET}1"));
    assert_eq!(got["sessionToken"], format!("{SESSION_TOKEN}1"));
    assert_eq!((&got["account"], &got["role"]), (&"123456789012".into(), &ROLE.into()));
    assert_eq!(got["region"], "eu-west-1");
    let call = sts.only();
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/"));
    assert_eq!((call.signer(), call.region(), call.header("x-amz-security-token")), (BASE_ID, "eu-west-1", None));
}

#[test]
fn a_denial_is_final_and_names_role_caller_and_cure() {
    let said = "User: arn:aws:iam::111122223333:user/ci is not authorized to perform: sts:AssumeRole on resource: x";
    let sts = Sts::saying([Answer::error(403, "AccessDenied", said)]);
    let ran = sts.sandbox().shipctl(assume_role(&[]));
    refuses(
        &ran,
        4,
        &[ROLE, "AccessDenied", "arn:aws:iam::111122223333:user/ci", "req-AccessDenied", "trust policy", "external id"],
    );
    sts.only();
    // An answer that names nobody: the key id says who asked.
    let sts = Sts::saying([Answer::error(403, "AccessDenied", "Access denied")]);
    refuses(&sts.sandbox().shipctl(assume_role(&[])), 4, &[ROLE, BASE_ID, "trust policy"]);
    sts.only();
}

#[test]
fn the_hop_that_is_denied_is_named() {
    let sts = Sts::start(|call| match call.number {
        1 => Answer::session(1, 3600),
        _ => Answer::error(403, "AccessDenied", "Access denied"),
    });
    let second = "arn:aws:iam::210987654321:role/inner";
    let ran = sts.sandbox().shipctl(assume_role(&["--role-arn", second]));
    refuses(&ran, 4, &[second, "role 2 of 2", ROLE]);
    assert_eq!(sts.calls().len(), 2);
}

#[test]
fn throttling_is_outlasted_five_times_and_no_more() {
    at_once(1..=6_usize, |refusals| {
        let answers = [vec![Answer::throttled(); refusals], vec![Answer::session("x", 3600)]].concat();
        let sts = Sts::saying(answers);
        let ran = sts.sandbox().shipctl(assume_role(&[]));
        if refusals <= 5 {
            assert_eq!(printed(&ran)["accessKeyId"], session_id("x"));
            assert_eq!((sts.calls().len(), ran.err()), (refusals + 1, String::new()));
        } else {
            refuses(&ran, 6, &[ROLE, "Throttling", "Rate exceeded", "try again later"]);
            assert_eq!(sts.calls().len(), 6);
        }
    });
}

#[test]
fn waits_between_tries_grow_and_differ() {
    let waits = || {
        let sts = Sts::saying([Answer::throttled()]);
        assert_eq!(sts.sandbox().shipctl(assume_role(&[])).status, 6);
        let at: Vec<Instant> = sts.calls().iter().map(|call| call.at).collect();
        at.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<Duration>>()
    };
    let (one, other) = (waits(), waits());
    // The waits double up to their ceiling, each by a random part: no two runs are alike to the millisecond.
    assert!(one.iter().zip(&other).any(|(a, b)| a.abs_diff(*b) > Duration::from_millis(1)), "{one:?} {other:?}");
    assert!(one.iter().sum::<Duration>() < Duration::from_secs(6), "{one:?}");
}

#[test]
fn passing_faults_are_retried() {
    let internal = Answer::error(500, "InternalFailure", "try again");
    at_once([Answer::html(503), Answer::html(502), Answer::Reset, internal], |fault| {
        let sts = Sts::saying([fault.clone(), fault, Answer::session("x", 3600)]);
        assert_eq!(printed(&sts.sandbox().shipctl(assume_role(&[])))["accessKeyId"], session_id("x"));
        assert_eq!(sts.calls().len(), 3);
    });
}

#[test]
fn faults_that_do_not_pass_are_the_networks() {
    let cases: [(Answer, usize, &[&str]); 6] = [
        (Answer::html(503), 6, &["HTML page", "503", "proxy"]),
        (Answer::Reset, 6, &["the network"]),
        (Answer::error(500, "InternalFailure", "try again"), 6, &["InternalFailure"]),
        (Answer::html(200), 1, &["HTML page", "200", "proxy"]),
        (Answer::xml("<AssumeRoleResponse><AssumeRoleResult><Cred"), 1, &["makes no sense"]),
        (Answer::xml(""), 1, &["makes no sense"]),
    ];
    at_once(cases, |(fault, calls, holds)| {
        let sts = Sts::saying([fault]);
        refuses(&sts.sandbox().shipctl(assume_role(&[])), 7, &[&[ROLE], holds].concat());
        assert_eq!(sts.calls().len(), calls, "{holds:?}");
    });
}

#[test]
fn a_session_without_an_end_or_keys_is_no_session() {
    let bare = |inside: &str| {
        Answer::xml(format!("<AssumeRoleResponse><AssumeRoleResult>{inside}</AssumeRoleResult></AssumeRoleResponse>"))
    };
    let keyless = "<Credentials><AccessKeyId></AccessKeyId><SecretAccessKey></SecretAccessKey>\
                   <SessionToken></SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>";
    at_once([bare(""), bare(keyless)], |answer| {
        let sts = Sts::saying([answer]);
        refuses(&sts.sandbox().shipctl(assume_role(&[])), 7, &[ROLE, "without credentials"]);
        sts.only();
    });
}

#[test]
fn a_silent_or_endless_server_is_given_up_by_the_deadline() {
    at_once([Answer::Silence, Answer::Trickle], |fault| {
        let sts = Sts::saying([fault]);
        let mut sandbox = sts.sandbox();
        sandbox.set("SHIPCTL_AWS_TIMEOUT", "1.5");
        let started = Instant::now();
        let ran = sandbox.shipctl(assume_role(&[]));
        let took = started.elapsed();
        refuses(&ran, 7, &[ROLE, "no answer in time"]);
        assert!(took < Duration::from_secs(3), "{took:?}");
        assert!(sts.calls().len() >= 2, "a try was not cut short: {}", sts.calls().len());
    });
}

#[test]
fn nobody_listening_is_named() {
    let sts = Sts::granting();
    let mut sandbox = sts.sandbox();
    let url = sts.url();
    drop(sts);
    sandbox.set("SHIPCTL_AWS_TIMEOUT", "1");
    refuses(&sandbox.shipctl(assume_role(&[])), 7, &[ROLE, "refused", url.trim_start_matches("http://")]);
}

/// Grants when the call was signed by a clock like the server's, which is `ahead` seconds ahead of ours.
fn strict_clock(code: &'static str, ahead: i64) -> Sts {
    Sts::start(move |call| {
        let off = (call.signed_at() - crate::scripted_sts::now() - ahead).abs();
        let answer = if off > 300 {
            Answer::error(403, code, "Signature expired: 20190101T000000Z is now earlier than 20190101T003000Z")
        } else {
            Answer::session("x", 3600)
        };
        answer.dated(ahead)
    })
}

#[test]
fn a_clock_that_is_off_is_made_up_for_once() {
    let codes = ["SignatureDoesNotMatch", "RequestExpired", "RequestTimeTooSkewed", "InvalidSignatureException"];
    let cases = codes.into_iter().flat_map(|code| [(code, 1800, "30 min behind"), (code, -1800, "30 min ahead of")]);
    at_once(cases, |(code, ahead, words)| {
        let sts = strict_clock(code, ahead);
        let ran = sts.sandbox().shipctl(assume_role(&["--no-cache"]));
        assert_eq!(printed(&ran)["accessKeyId"], session_id("x"), "{code}");
        assert_eq!(sts.calls().len(), 2, "{code}");
        let said = ran.err();
        assert!(said.starts_with("shipctl: ") && said.lines().count() == 1 && said.contains(words), "{said:?}");
    });
}

#[test]
fn a_clock_that_is_off_is_told_once() {
    let sts = strict_clock("SignatureDoesNotMatch", 1800);
    let ran = sts.sandbox().shipctl(assume_role(&["--role-arn", "arn:aws:iam::210987654321:role/inner"]));
    printed(&ran);
    assert!(ran.err().lines().count() == 1 && ran.err().contains("30 min behind"), "{}", ran.err());
    let ran = sts.sandbox().shipctl(["aws", "whoami", "--ambient"]);
    assert!(ran.err().contains("30 min behind"), "{}", ran.err());
}

#[test]
fn a_key_that_is_wrong_under_a_wrong_clock_is_found_out_at_the_second_call() {
    let sts = Sts::start(|_| Answer::error(403, "SignatureDoesNotMatch", "wrong").dated(1800));
    let ran = sts.sandbox().shipctl(assume_role(&[]));
    assert_eq!((ran.status, sts.calls().len()), (5, 2), "{}", ran.err());
    assert!(ran.err().contains("30 min behind") && ran.err().contains("SignatureDoesNotMatch"), "{}", ran.err());
    // With a clock that is right there is nothing to make up for.
    let sts = Sts::start(|_| Answer::error(403, "SignatureDoesNotMatch", "wrong").dated(10));
    refuses(&sts.sandbox().shipctl(assume_role(&[])), 5, &["SignatureDoesNotMatch", "renew the credentials"]);
    sts.only();
}

#[test]
fn what_no_repetition_cures_is_asked_once() {
    let cases = [
        (400, "PackedPolicyTooLarge", 1, "the policy"),
        (400, "MalformedPolicyDocument", 1, "the policy"),
        (400, "ValidationError", 1, "correct"),
        (403, "RegionDisabledException", 1, "--region"),
        (403, "ExpiredToken", 5, "renew"),
        (400, "ExpiredTokenException", 5, "renew"),
        (403, "InvalidClientTokenId", 5, "renew"),
        (403, "SignatureDoesNotMatch", 5, "renew"),
        (403, "AccessDenied", 4, "trust policy"),
        (403, "UnknownToUs", 4, "trust policy"),
    ];
    at_once(cases, |(status, code, exit, cure)| {
        let sts = Sts::saying([Answer::error(status, code, "No, for a reason.")]);
        refuses(&sts.sandbox().shipctl(assume_role(&[])), exit, &[ROLE, code, "No, for a reason", cure]);
        sts.only();
    });
}

#[test]
fn every_option_arrives_as_it_was_given() {
    let sts = Sts::granting();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let ran = sts.sandbox().shipctl(assume_role(&[
        "--role-session-name",
        "build+42=x,y.z@w-q",
        "--duration-seconds",
        "7200",
        "--external-id",
        "a/b c&d=e+ü",
        "--policy",
        policy,
        "--policy-arns",
        "arn:aws:iam::aws:policy/ReadOnlyAccess",
        "arn:aws:iam::123456789012:policy/two",
        "--tags",
        "Key=Project,Value=a=b,c",
        "Key=Empty,Value=",
        "--transitive-tag-keys",
        "Project",
        "Empty",
        "--serial-number",
        "arn:aws:iam::123456789012:mfa/jo",
        "--token-code",
        "012345",
        "--source-identity",
        "jo@example.com",
    ]));
    printed(&ran);
    let want = [
        ("Action", "AssumeRole"),
        ("DurationSeconds", "7200"),
        ("ExternalId", "a/b c&d=e+ü"),
        ("Policy", policy),
        ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        ("PolicyArns.member.2.arn", "arn:aws:iam::123456789012:policy/two"),
        ("RoleArn", ROLE),
        ("RoleSessionName", "build+42=x,y.z@w-q"),
        ("SerialNumber", "arn:aws:iam::123456789012:mfa/jo"),
        ("SourceIdentity", "jo@example.com"),
        ("Tags.member.1.Key", "Project"),
        ("Tags.member.1.Value", "a=b,c"),
        ("Tags.member.2.Key", "Empty"),
        ("Tags.member.2.Value", ""),
        ("TokenCode", "012345"),
        ("TransitiveTagKeys.member.1", "Project"),
        ("TransitiveTagKeys.member.2", "Empty"),
        ("Version", "2011-06-15"),
    ];
    let mut got = sts.only().form;
    got.sort();
    assert_eq!(got, want.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn nothing_is_sent_that_was_not_given() {
    let sts = Sts::granting();
    let mut sandbox = sts.sandbox();
    sandbox.set("JOB_NAME", "deploy").set("BUILD_NUMBER", "7");
    printed(&sandbox.shipctl(assume_role(&[])));
    let mut got = sts.only().form;
    got.sort();
    let want =
        [("Action", "AssumeRole"), ("RoleArn", ROLE), ("RoleSessionName", "deploy-7"), ("Version", "2011-06-15")];
    assert_eq!(got, want.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn sessions_are_named_after_job_and_build() {
    let long = "a".repeat(80);
    let cases: [(&str, &str, String); 6] = [
        ("deploy_app", "42", "deploy_app-42".to_owned()),
        ("deploy app/ü:x", "1.2", "deploy-app---x-1.2".to_owned()),
        (&long, "123", format!("{}-123", "a".repeat(60))),
        ("", "42", "42".to_owned()),
        ("", "7", "shipctl-7".to_owned()),
        ("", "", "shipctl".to_owned()),
    ];
    for (job, build, want) in cases {
        let sts = Sts::granting();
        let mut sandbox = sts.sandbox();
        sandbox.set("JOB_NAME", job).set("BUILD_NUMBER", build);
        printed(&sandbox.shipctl(assume_role(&[])));
        assert_eq!(sts.only().param("RoleSessionName"), Some(want.as_str()), "{job} {build}");
    }
}

#[test]
fn options_out_of_range_are_refused_before_any_call() {
    let sts = Sts::granting();
    let sandbox = sts.sandbox();
    let cases: [(&[&str], &str); 6] = [
        (&["--duration-seconds", "899"], "900"),
        (&["--duration-seconds", "43201"], "43200"),
        (&["--tags", "Project=x"], "Key=NAME,Value=TEXT"),
        (&["--role-session-name", "x"], "session name"),
        (&["--role-session-name", "two words"], "session name"),
        (&["--role-arn", "deploy"], "ARN"),
    ];
    for (options, holds) in cases {
        let ran = sandbox.shipctl(assume_role(options));
        assert_eq!((ran.status, ran.out()), (2, String::new()), "{options:?}: {}", ran.err());
        assert!(ran.err().contains(holds), "{options:?}: {}", ran.err());
    }
    assert!(sts.calls().is_empty());
}

#[test]
fn roles_are_assumed_in_turn() {
    let sts = Sts::granting();
    let second = "arn:aws:iam::210987654321:role/inner";
    let ran = sts.sandbox().shipctl(assume_role(&[
        "--role-arn",
        second,
        "--duration-seconds",
        "7200",
        "--external-id",
        "for-the-last",
        "--serial-number",
        "arn:aws:iam::123456789012:mfa/jo",
        "--token-code",
        "012345",
    ]));
    let got = printed(&ran);
    assert_eq!((&got["role"], &got["account"]), (&second.into(), &"210987654321".into()));
    assert_eq!(got["accessKeyId"], session_id(2));
    let said = ran.err();
    assert!(said.lines().count() == 1 && said.contains(second) && said.contains("3600"), "{said:?}");
    let calls = sts.calls();
    assert_eq!(calls.len(), 2);
    let seen = |call: &Call| {
        let token = call.header("x-amz-security-token").map(ToOwned::to_owned);
        let [role, lasts, id, code] = ["RoleArn", "DurationSeconds", "ExternalId", "TokenCode"]
            .map(|name| call.param(name).map(ToOwned::to_owned));
        (call.signer().to_owned(), token, role, lasts, id, code)
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(seen(&calls[0]), (BASE_ID.to_owned(), None, some(ROLE), some("7200"), None, some("012345")));
    let token = format!("{SESSION_TOKEN}1");
    assert_eq!(seen(&calls[1]), (session_id(1), Some(token), some(second), some("3600"), some("for-the-last"), None));
}

#[test]
fn the_most_particular_region_counts() {
    let arn = "arn:aws:iam::123456789012:role/shippable-role-to-allow-ecs-access";
    let region = |set: &[(&str, &str)], words: &[&str]| {
        let sts = Sts::granting();
        let mut sandbox = job_fixture();
        sts.settle_in(&mut sandbox);
        sandbox.env.remove(std::ffi::OsStr::new("AWS_REGION"));
        sandbox.env.remove(std::ffi::OsStr::new("AWS_ECS_CLUSTER_POINTER_REGION"));
        sandbox.set("AWS_ACCESS_KEY_ID", BASE_ID).set("AWS_SECRET_ACCESS_KEY", BASE_SECRET);
        sandbox.write("home/.aws/config", "[default]\nregion = ca-central-1\n");
        for (name, value) in set {
            sandbox.set(name, value);
        }
        let base = ["aws", "export", "--format", "json"];
        let got = printed(&sandbox.shipctl([&base[..], words].concat()));
        let call = sts.only();
        assert_eq!(got["region"], call.region());
        assert_eq!(call.param("RoleArn"), Some(arn));
        call.region().to_owned()
    };
    let named = ["aws_ecs_cluster"];
    let all = [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_DEFAULT_REGION", "eu-west-2"),
        ("AWS_ECS_CLUSTER_POINTER_REGION", "us-east-2"),
    ];
    assert_eq!(region(&all, &["--region", "ap-south-1", "aws_ecs_cluster"]), "ap-south-1");
    assert_eq!(region(&all, &named), "us-east-2");
    // Without the variable the pointer of the resource's version.json says the same.
    assert_eq!(region(&all[..2], &named), "us-east-1");
    // A role without a region of its own.
    let bare = ["--ambient", "--role-arn", arn];
    assert_eq!(region(&all[..2], &bare), "eu-west-1");
    assert_eq!(region(&all[1..2], &bare), "eu-west-2");
    assert_eq!(region(&[], &bare), "ca-central-1");
}

#[test]
fn the_endpoint_of_sts_wins_over_that_of_all() {
    let (all, own) = (Sts::granting(), Sts::granting());
    let mut sandbox = all.sandbox();
    sandbox.set("AWS_ENDPOINT_URL_STS", own.url());
    printed(&sandbox.shipctl(assume_role(&[])));
    assert_eq!((all.calls().len(), own.calls().len()), (0, 1));
}

/// A job directory with one integration, in the environment or on disk, and a recording STS.
fn with_integration(name: &str, json: &str) -> (Sts, Sandbox) {
    let sts = Sts::granting();
    let mut sandbox = Sandbox::new();
    sts.settle_in(&mut sandbox);
    sandbox.write(format!("job/IN/{name}/version.json"), "{}");
    sandbox.write(format!("job/IN/{name}/integration.json"), json);
    let root = sandbox.path("job");
    sandbox.set("JOB_PATH", root);
    (sts, sandbox)
}

const EXPORT: [&str; 4] = ["aws", "export", "--format", "json"];

#[test]
fn keys_of_every_type_of_integration() {
    let cases = [
        (r#"{"masterName":"amazonKeys","accessKey":"AKIA1","secretKey":"s/1+="}"#, "AKIA1", "s/1+=", None),
        (r#"{"masterName":"AWS","aws_access_key_id":"AKIA2","aws_secret_access_key":"s2"}"#, "AKIA2", "s2", None),
        (r#"{"masterName":"ECR","aws_access_key_id":"AKIA3","aws_secret_access_key":"s3"}"#, "AKIA3", "s3", None),
        (
            r#"{"masterName":"keyValuePair","envs":{"AWS_ACCESS_KEY_ID":"AKIA4","AWS_SECRET_ACCESS_KEY":"s4"}}"#,
            "AKIA4",
            "s4",
            None,
        ),
        (
            r#"{"masterName":"keyValuePair","AWS_ACCESS_KEY_ID":"ASIA5","AWS_SECRET_ACCESS_KEY":"s5","AWS_SESSION_TOKEN":"t5"}"#,
            "ASIA5",
            "s5",
            Some("t5"),
        ),
    ];
    for (json, id, secret, token) in cases {
        let (sts, sandbox) = with_integration("my.keys", json);
        let got = printed(&sandbox.shipctl([&EXPORT[..], &["my.keys"]].concat()));
        assert_eq!((&got["accessKeyId"], &got["secretAccessKey"]), (&id.into(), &secret.into()), "{json}");
        assert_eq!(got["sessionToken"].as_str(), token, "{json}");
        assert!(got["expires"].is_null() && got["role"].is_null(), "{got}");
        assert!(sts.calls().is_empty(), "static keys cost no call");
    }
}

#[test]
fn the_environment_comes_before_the_file() {
    let (_sts, mut sandbox) =
        with_integration("my.keys", r#"{"masterName":"amazonKeys","accessKey":"AKIA1","secretKey":"s1"}"#);
    sandbox.set("MYKEYS_INTEGRATION_SECRETKEY", "from the environment");
    let got = printed(&sandbox.shipctl([&EXPORT[..], &["my.keys"]].concat()));
    assert_eq!((&got["accessKeyId"], &got["secretAccessKey"]), (&"AKIA1".into(), &"from the environment".into()));
    // Only the environment: no job directory at all.
    let mut bare = Sandbox::new();
    bare.set("MYKEYS_INTEGRATION_ACCESSKEY", "AKIA9").set("MYKEYS_INTEGRATION_SECRETKEY", "s9");
    let got = printed(&bare.shipctl([&EXPORT[..], &["my.keys"]].concat()));
    assert_eq!((&got["accessKeyId"], &got["secretAccessKey"]), (&"AKIA9".into(), &"s9".into()));
}

#[test]
fn the_recorded_job_directory_has_four_sources() {
    let sts = Sts::granting();
    let mut sandbox = job_fixture();
    sts.settle_in(&mut sandbox);
    for (source, id, region) in [
        ("aws-cli", "AKIAIOSFODNN7EXAMPLE", "us-west-2"),
        ("legacy.aws", "AKIALEGACY", "eu-west-1"),
        ("myAWSCreds", "AKIADIRECT", "eu-west-1"),
    ] {
        let got = printed(&sandbox.shipctl([&EXPORT[..], &[source]].concat()));
        assert_eq!((&got["accessKeyId"], &got["region"]), (&id.into(), &region.into()), "{source}");
    }
    assert!(sts.calls().is_empty());
    sandbox.set("AWS_ACCESS_KEY_ID", BASE_ID).set("AWS_SECRET_ACCESS_KEY", BASE_SECRET);
    let got = printed(&sandbox.shipctl([&EXPORT[..], &["aws_ecs_cluster"]].concat()));
    assert_eq!(got["accessKeyId"], session_id(1));
    let call = sts.only();
    assert_eq!(call.param("RoleArn"), Some("arn:aws:iam::123456789012:role/shippable-role-to-allow-ecs-access"));
    assert_eq!((call.signer(), call.param("RoleSessionName")), (BASE_ID, Some("deploy_app-42")));
}

#[test]
fn entries_of_job_integrations_are_sources() {
    let sts = Sts::granting();
    let mut sandbox = Sandbox::new();
    sts.settle_in(&mut sandbox);
    let text = r#"{"masterName":"amazonKeys","accessKey":"AKIA1","secretKey":"s1"}"#;
    sandbox.write("elsewhere/my-int/integration.json", text);
    let folder = sandbox.path("elsewhere");
    sandbox.set("JOB_INTEGRATIONS", folder);
    assert_eq!(printed(&sandbox.shipctl([&EXPORT[..], &["my-int"]].concat()))["accessKeyId"], "AKIA1");
}

#[test]
fn roles_of_integrations() {
    for kind in ["amazonIamRole", "AWS_IAM"] {
        let both = format!(r#"{{"masterName":"{kind}","assumeRoleARN":"{ROLE}","awsAccountId":"123456789012"}}"#);
        let alone = format!(r#"{{"masterName":"{kind}","assumeRoleARN":"{ROLE}"}}"#);
        for json in [both, alone] {
            let (sts, mut sandbox) = with_integration("cluster", &json);
            sandbox.set("AWS_ACCESS_KEY_ID", BASE_ID).set("AWS_SECRET_ACCESS_KEY", BASE_SECRET);
            let words = [&EXPORT[..], &["--external-id", "e", "cluster"]].concat();
            assert_eq!(printed(&sandbox.shipctl(words))["accessKeyId"], session_id(1), "{json}");
            let call = sts.only();
            assert_eq!((call.param("RoleArn"), call.param("ExternalId")), (Some(ROLE), Some("e")));
        }
        let wrong = format!(r#"{{"masterName":"{kind}","assumeRoleARN":"{ROLE}","awsAccountId":"999999999999"}}"#);
        let (sts, mut sandbox) = with_integration("cluster", &wrong);
        sandbox.set("AWS_ACCESS_KEY_ID", BASE_ID).set("AWS_SECRET_ACCESS_KEY", BASE_SECRET);
        let ran = sandbox.shipctl([&EXPORT[..], &["cluster"]].concat());
        refuses(&ran, 3, &["cluster", "awsAccountId 999999999999", ROLE]);
        assert!(sts.calls().is_empty());
    }
}

#[test]
fn missing_fields_are_named_with_their_variable() {
    let cases = [
        (r#"{"masterName":"amazonKeys","accessKey":"A"}"#, "amazonKeys", "secretKey", "MYKEYS_INTEGRATION_SECRETKEY"),
        (r#"{"masterName":"amazonKeys","secretKey":"A"}"#, "amazonKeys", "accessKey", "MYKEYS_INTEGRATION_ACCESSKEY"),
        (
            r#"{"masterName":"AWS","aws_access_key_id":"A"}"#,
            "AWS",
            "aws_secret_access_key",
            "MYKEYS_INTEGRATION_AWS_SECRET_ACCESS_KEY",
        ),
        (r#"{"masterName":"ECR"}"#, "ECR", "aws_access_key_id", "MYKEYS_INTEGRATION_AWS_ACCESS_KEY_ID"),
        (
            r#"{"masterName":"keyValuePair","AWS_ACCESS_KEY_ID":""}"#,
            "keyValuePair",
            "AWS_ACCESS_KEY_ID",
            "MYKEYS_INTEGRATION_AWS_ACCESS_KEY_ID",
        ),
        (r#"{"masterName":"amazonIamRole"}"#, "amazonIamRole", "assumeRoleARN", "MYKEYS_INTEGRATION_ASSUMEROLEARN"),
    ];
    for (json, kind, field, variable) in cases {
        let (_sts, sandbox) = with_integration("my.keys", json);
        refuses(&sandbox.shipctl([&EXPORT[..], &["my.keys"]].concat()), 3, &["my.keys", kind, field, variable]);
    }
    let (_sts, sandbox) = with_integration("my.keys", r#"{"masterName":"Slack","webhookUrl":"x"}"#);
    refuses(&sandbox.shipctl([&EXPORT[..], &["my.keys"]].concat()), 3, &["my.keys", "Slack", "amazonKeys"]);
    refuses(&sandbox.shipctl([&EXPORT[..], &["my.keyz"]].concat()), 3, &["my.keyz", "did you mean my.keys"]);
    let (_sts, sandbox) = with_integration("my.keys", "{broken");
    refuses(&sandbox.shipctl([&EXPORT[..], &["my.keys"]].concat()), 8, &["integration.json"]);
    let (_sts, sandbox) = with_integration("my.keys", r#"{"masterName":"amazonIamRole","assumeRoleARN":"deploy"}"#);
    refuses(&sandbox.shipctl([&EXPORT[..], &["my.keys"]].concat()), 3, &["my.keys", "assumeRoleARN", "not the ARN"]);
}

#[test]
fn profiles_with_their_chains() {
    let sts = Sts::granting();
    let mut sandbox = Sandbox::new();
    sts.settle_in(&mut sandbox);
    sandbox.env.remove(std::ffi::OsStr::new("AWS_REGION"));
    sandbox.write(
        "home/.aws/credentials",
        "[base]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = s/p\n[token]\naws_access_key_id = ASIAT\n\
         aws_secret_access_key = s\naws_session_token = t\n",
    );
    sandbox.write(
        "home/.aws/config",
        format!("[profile base]\nregion = ca-central-1\n[profile deep]\nrole_arn = {ROLE}\nsource_profile = base\nexternal_id = ext\n\
                 role_session_name = by-profile\nregion = sa-east-1\n"),
    );
    let got = printed(&sandbox.shipctl([&EXPORT[..], &["--profile", "base"]].concat()));
    assert_eq!((&got["accessKeyId"], &got["region"]), (&"AKIAPROFILE".into(), &"ca-central-1".into()));
    let got = printed(&sandbox.shipctl([&EXPORT[..], &["--profile", "token"]].concat()));
    assert_eq!((&got["accessKeyId"], &got["sessionToken"]), (&"ASIAT".into(), &"t".into()));
    assert!(sts.calls().is_empty());
    let got = printed(&sandbox.shipctl([&EXPORT[..], &["--profile", "deep"]].concat()));
    assert_eq!((&got["accessKeyId"], &got["region"]), (&session_id(1).into(), &"sa-east-1".into()));
    assert!(got["expires"].is_string(), "{got}");
    let call = sts.only();
    assert_eq!((call.signer(), call.param("RoleArn"), call.region()), ("AKIAPROFILE", Some(ROLE), "sa-east-1"));
    assert_eq!((call.param("ExternalId"), call.param("RoleSessionName")), (Some("ext"), Some("by-profile")));
    // Keys in the environment do not win over a profile that was asked for.
    sandbox.set("AWS_ACCESS_KEY_ID", BASE_ID).set("AWS_SECRET_ACCESS_KEY", BASE_SECRET);
    let got = printed(&sandbox.shipctl([&EXPORT[..], &["--profile", "base"]].concat()));
    assert_eq!(got["accessKeyId"], "AKIAPROFILE");
    refuses(&sandbox.shipctl([&EXPORT[..], &["--profile", "nosuch"]].concat()), 8, &["profile nosuch"]);
}

#[test]
fn a_denial_within_a_profile_is_a_denial() {
    let sts = Sts::saying([Answer::error(403, "AccessDenied", "Access denied")]);
    let mut sandbox = Sandbox::new();
    sts.settle_in(&mut sandbox);
    sandbox.write(
        "home/.aws/config",
        format!(
            "[profile base]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = {BASE_SECRET}\n\
                 [profile deep]\nrole_arn = {ROLE}\nsource_profile = base\n"
        ),
    );
    let ran = sandbox.shipctl([&EXPORT[..], &["--profile", "deep"]].concat());
    refuses(&ran, 4, &["profile deep", "AccessDenied", "trust policy"]);
    sts.only();
}

#[test]
fn a_profile_that_names_itself_is_found_out() {
    let sts = Sts::granting();
    let sandbox = sts.sandbox();
    sandbox.write(
        "home/.aws/config",
        format!(
            "[profile a]\nrole_arn = {ROLE}\nsource_profile = b\n[profile b]\nrole_arn = {ROLE}\nsource_profile = a\n\
                 [profile lost]\nrole_arn = {ROLE}\nsource_profile = nowhere\n"
        ),
    );
    refuses(&sandbox.shipctl([&EXPORT[..], &["--profile", "a"]].concat()), 8, &["profile a"]);
    refuses(&sandbox.shipctl([&EXPORT[..], &["--profile", "lost"]].concat()), 8, &["profile lost", "nowhere"]);
    assert!(sts.calls().is_empty());
}

#[test]
fn a_profile_of_sso_is_told_how_to_go_on() {
    let sts = Sts::granting();
    let mut sandbox = Sandbox::new();
    sts.settle_in(&mut sandbox);
    sandbox.write(
        "home/.aws/config",
        "[profile corp]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = dev\n\
         [sso-session s]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n",
    );
    let ran = sandbox.shipctl([&EXPORT[..], &["--profile", "corp"]].concat());
    refuses(&ran, 8, &["profile corp", "SSO", "aws configure export-credentials"]);
    sandbox.set("AWS_PROFILE", "corp");
    refuses(&sandbox.shipctl([&EXPORT[..], &["--ambient"]].concat()), 8, &["SSO"]);
    assert!(sts.calls().is_empty());
}

#[test]
fn a_profile_is_a_start_for_roles() {
    let sts = Sts::granting();
    let mut sandbox = Sandbox::new();
    sts.settle_in(&mut sandbox);
    sandbox.write("home/.aws/credentials", "[base]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = s/p\n");
    let ran = sandbox.shipctl(assume_role(&["--profile", "base"]));
    assert_eq!(printed(&ran)["accessKeyId"], session_id(1));
    assert_eq!((sts.only().signer(), sts.only().param("RoleArn")), ("AKIAPROFILE", Some(ROLE)));
}

#[test]
fn a_web_identity_is_ambient() {
    let sts = Sts::granting();
    let mut sandbox = Sandbox::new();
    sts.settle_in(&mut sandbox);
    let token = sandbox.write("token", "header.payload.signature");
    sandbox.set("AWS_WEB_IDENTITY_TOKEN_FILE", token).set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web");
    sandbox.set("AWS_ROLE_SESSION_NAME", "pod");
    let got = printed(&sandbox.shipctl([&EXPORT[..], &["--ambient", "--role-arn", ROLE]].concat()));
    assert_eq!(got["accessKeyId"], session_id(2));
    let calls = sts.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!((calls[0].action(), calls[0].signer()), ("AssumeRoleWithWebIdentity", ""));
    assert_eq!(calls[0].param("WebIdentityToken"), Some("header.payload.signature"));
    assert_eq!(calls[0].param("RoleSessionName"), Some("pod"));
    assert_eq!((calls[1].signer(), calls[1].param("RoleArn")), (session_id(1).as_str(), Some(ROLE)));
    // A token that the service does not take.
    let sts = Sts::saying([Answer::error(400, "InvalidIdentityToken", "No OpenIDConnect provider found")]);
    sts.settle_in(&mut sandbox);
    let ran = sandbox.shipctl([&EXPORT[..], &["--ambient"]].concat());
    refuses(&ran, 5, &["ambient", "InvalidIdentityToken", "No OpenIDConnect provider"]);
    assert!(!ran.err().contains("header.payload"), "{}", ran.err());
}

/// A server for the container and instance protocols.
fn metadata() -> Sts {
    let document = format!(
        r#"{{"Code":"Success","Type":"AWS-HMAC","LastUpdated":"2019-01-01T00:00:00Z","AccessKeyId":"ASIAMETA","SecretAccessKey":"m","Token":"t","Expiration":"2999-01-01T00:00:00Z","RoleArn":"{ROLE}"}}"#
    );
    Sts::start(move |call| match call.path.as_str() {
        "/latest/api/token" => Answer::Http(
            200,
            vec![("x-aws-ec2-metadata-token-ttl-seconds", "21600".to_owned())],
            "imds-token".to_owned(),
        ),
        path if path.ends_with("/security-credentials/") || path.ends_with("/security-credentials-extended/") => {
            Answer::Http(200, Vec::new(), "node".to_owned())
        }
        "/latest/meta-data/placement/region" => Answer::Http(200, Vec::new(), "eu-north-1".to_owned()),
        _ => Answer::Http(200, vec![("Content-Type", "application/json".to_owned())], document.clone()),
    })
}

#[test]
fn a_container_endpoint_is_ambient() {
    let endpoint = metadata();
    let mut sandbox = Sandbox::new();
    sandbox.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/creds", endpoint.url()));
    sandbox.set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Bearer x").set("AWS_EC2_METADATA_DISABLED", "true");
    let got = printed(&sandbox.shipctl([&EXPORT[..], &["--ambient"]].concat()));
    assert_eq!((&got["accessKeyId"], &got["sessionToken"]), (&"ASIAMETA".into(), &"t".into()));
    let call = endpoint.only();
    assert_eq!(
        (call.method.as_str(), call.path.as_str(), call.header("authorization")),
        ("GET", "/creds", Some("Bearer x"))
    );
}

#[test]
fn the_instance_is_asked_only_when_nothing_else_is_there() {
    let (instance, sts) = (metadata(), Sts::granting());
    let instance_of = |sandbox: &mut Sandbox| {
        sts.settle_in(sandbox);
        sandbox.env.remove(std::ffi::OsStr::new("AWS_EC2_METADATA_DISABLED"));
        sandbox.env.remove(std::ffi::OsStr::new("AWS_REGION"));
        sandbox.set("AWS_EC2_METADATA_SERVICE_ENDPOINT", instance.url());
    };
    let mut job = job_fixture();
    instance_of(&mut job);
    printed(&job.shipctl([&EXPORT[..], &["myAWSCreds"]].concat()));
    // A role with a region of its own, and ambient keys in the environment.
    job.set("AWS_ACCESS_KEY_ID", BASE_ID).set("AWS_SECRET_ACCESS_KEY", BASE_SECRET);
    printed(&job.shipctl([&EXPORT[..], &["aws_ecs_cluster"]].concat()));
    printed(&job.shipctl([&EXPORT[..], &["--ambient"]].concat()));
    assert!(instance.calls().is_empty(), "{:#?}", instance.calls());
    let mut bare = Sandbox::new();
    instance_of(&mut bare);
    let got = printed(&bare.shipctl([&EXPORT[..], &["--ambient"]].concat()));
    assert_eq!(got["accessKeyId"], "ASIAMETA");
    assert!(!instance.calls().is_empty());
}

#[test]
fn no_ambient_credentials_is_said_shortly() {
    let mut sandbox = Sandbox::new();
    Sts::granting().settle_in(&mut sandbox);
    let ran = sandbox.shipctl([&EXPORT[..], &["--ambient"]].concat());
    refuses(&ran, 3, &["no ambient AWS credentials", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"]);
    assert!(ran.stderr.len() < 300, "{}", ran.err());
    // An instance that does not answer is given up soon.
    sandbox.env.remove(std::ffi::OsStr::new("AWS_EC2_METADATA_DISABLED"));
    let silent = Sts::saying([Answer::Silence]);
    sandbox.set("AWS_EC2_METADATA_SERVICE_ENDPOINT", silent.url()).set("SHIPCTL_AWS_TIMEOUT", "3");
    let started = Instant::now();
    let ran = sandbox.shipctl([&EXPORT[..], &["--ambient"]].concat());
    refuses(&ran, 3, &["no ambient AWS credentials"]);
    assert!(ran.stderr.len() < 400, "{}", ran.err());
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
}

const CLOUDDRIVER: &str = "\
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

#[test]
fn a_spinnaker_account_is_its_role() {
    let sts = Sts::granting();
    let sandbox = sts.sandbox();
    sandbox.write("work/clouddriver.yml", CLOUDDRIVER);
    for (at, account) in ["ecs-account-name", "aws-account-name"].into_iter().enumerate() {
        let words = ["--no-cache", "--clouddriver", "clouddriver.yml", "--account", account];
        let got = printed(&sandbox.shipctl([&EXPORT[..], &words].concat()));
        assert_eq!((&got["account"], &got["region"]), (&"123456789012".into(), &"us-east-1".into()));
        let call = &sts.calls()[at];
        assert_eq!(call.param("RoleArn"), Some("arn:aws:iam::123456789012:role/SpinnakerManaged"));
        assert_eq!((call.signer(), call.region()), (BASE_ID, "us-east-1"));
    }
    let ran =
        sandbox.shipctl([&EXPORT[..], &["--clouddriver", "clouddriver.yml", "--account", "ecs-acount-name"]].concat());
    refuses(&ran, 8, &["clouddriver.yml", "ecs.accounts", "did you mean ecs-account-name"]);
    assert_eq!(sts.calls().len(), 2);
}

#[test]
fn whoami_says_who_and_until_when() {
    let sts = Sts::granting();
    let (sandbox, arn) = (sts.sandbox(), "arn:aws:sts::123456789012:assumed-role/deploy/x");
    let ran = sandbox.shipctl(["aws", "whoami", "--ambient", "--role-arn", ROLE, "--json"]);
    let got = printed(&ran);
    assert_eq!(
        (&got["account"], &got["arn"], &got["userId"]),
        (&"123456789012".into(), &arn.into(), &"AIDAUSER".into())
    );
    assert!(got["expires"].as_str().is_some_and(|at| at.len() == 20 && at.ends_with('Z')), "{got}");
    let plain = sandbox.shipctl(["aws", "whoami", "--ambient"]);
    plain.prints(format!("account  123456789012\narn      {arn}\nuser id  AIDAUSER\nexpires  never\n"));
    let same = sandbox.shipctl(["aws", "whoami", "--ambient", "--expect-account", "123456789012"]);
    assert_eq!(same.status, 0);
    let other = sandbox.shipctl(["aws", "whoami", "--ambient", "--expect-account", "999999999999"]);
    refuses(&other, 4, &["123456789012", "999999999999"]);
    assert_eq!(sts.calls().last().unwrap().signer(), BASE_ID);
}

#[test]
fn whoami_refused_says_what_to_do() {
    for (code, exit, cure) in
        [("InvalidClientTokenId", 5, "renew"), ("ExpiredToken", 5, "renew"), ("AccessDenied", 4, "GetCallerIdentity")]
    {
        let sts = Sts::saying([Answer::error(403, code, "The security token included in the request is invalid.")]);
        refuses(&sts.sandbox().shipctl(["aws", "whoami", "--ambient"]), exit, &["ambient", code, cure]);
        sts.only();
    }
}

#[test]
fn role_options_want_a_role() {
    let sts = Sts::granting();
    let ran = sts.sandbox().shipctl([&EXPORT[..], &["--ambient", "--external-id", "x"]].concat());
    refuses(&ran, 2, &["--role-arn"]);
    refuses(&sts.sandbox().shipctl(["aws", "assume-role", "--format", "json"]), 2, &["--role-arn"]);
    refuses(&sts.sandbox().shipctl(EXPORT), 2, &["--profile", "--ambient"]);
    assert!(sts.calls().is_empty());
}

#[test]
fn a_failure_tells_no_secret() {
    // A service that repeats what it was sent.
    let sts = Sts::start(|call| {
        Answer::error(403, "AccessDenied", &format!("{:?} {}", call.headers, call.body).replace(['<', '&'], " "))
    });
    let mut sandbox = sts.sandbox();
    sandbox.set("AWS_SESSION_TOKEN", SESSION_TOKEN);
    let ran = sandbox.shipctl(assume_role(&[]));
    assert_eq!(ran.status, 4);
    tells_no_secret(&ran.err());
}
