//! What is kept and shown of secrets.

use serde_json::{Value, json};

use super::{Bench, job, with};
use crate::ecs::wanted::{WantedService, changed_secrets, is_digest, kept, masked, masked_request, shown, shown_again};

/// Whether what was kept of `first` is that of `second`.
fn is_same(first: &WantedService, second: &WantedService) -> bool {
    is_digest(&kept(first).0, second)
}

fn with_secret(options: &str, secret: &str) -> WantedService {
    let mut bench = Bench::default();
    bench.memory.references.insert("env:T".into(), secret.into());
    let options = format!("  - {{name: x, type: dockerOptions, version: {options}}}\n");
    let params = "  - {name: o, type: params, version: {params: {A: a, secure: {T: env:T, U: env:T}}}}\n";
    bench.wanted(&job(&(options + params), "", ", {IN: x}, {IN: o}")).services.remove(0)
}

#[test]
fn a_digest_tells_changes_apart() {
    let of = |options: &str| with("dockerOptions", options, ", {IN: o}").services.remove(0);
    let first = of("memory: 100\nservice: {a: {x: 1, y: 2}}");
    assert!(is_same(&first, &of("service: {a: {y: 2, x: 1}}\nmemory: 100")));
    assert!(!is_same(&first, &of("memory: 101\nservice: {a: {x: 1, y: 2}}")));
    assert!(!is_same(&first, &of("memory: 100\nservice: {a: {x: 1, y: 3}}")));
    assert!(is_same(&with_secret("{}", "one"), &with_secret("{}", "one")));
    assert!(!is_same(&with_secret("{}", "one"), &with_secret("{}", "two")));
    assert!(!is_digest("", &first));
}

/// Whoever reads two states cannot tell that they are of the same deployment, nor one secret at two places.
#[test]
fn digests_are_salted() {
    let service = with_secret("{}", "hunter2");
    let ((first, wanted), (second, _)) = (kept(&service), kept(&service));
    assert_eq!((first.len(), first.find(':')), (97, Some(32)), "{first}");
    assert!(first[..32] != second[..32] && first[33..] != second[33..], "{first} {second}");
    let secrets = wanted["secrets"].as_object().unwrap();
    assert_eq!(secrets.keys().collect::<Vec<_>>(), ["T of web", "U of web"]);
    assert_ne!(secrets["T of web"], secrets["U of web"]);
    assert!(!wanted.to_string().contains("hunter2"), "{wanted}");
}

/// As it was kept by versions without a salt.
#[test]
fn digests_without_a_salt_count_still() {
    let earlier = "d2c29eacdb7d6e2729c592bb8e1c9f28d7827d88aaee6164af736c19cae4ccee";
    let service = with_secret("{}", "hunter2");
    assert!(is_digest(earlier, &service));
    assert!(!is_digest(earlier, &with_secret("{}", "hunter3")));
    assert_eq!(changed_secrets(earlier, &masked(&service), &with_secret("{}", "hunter3")), [""; 0]);
}

#[test]
fn secrets_that_have_changed_are_named() {
    let options = |text: &str, token: &str| {
        let connect =
            format!("serviceConnectConfiguration: {{logConfiguration: {{options: {{splunk-token: {token}}}}}}}");
        format!("{{service: {{{connect}}}, cmd: [run, \"{text}\"]}}")
    };
    let (digest, wanted) = kept(&with_secret(&options("with hunter2 in it", "t1"), "hunter2"));
    let changed = |service| changed_secrets(&digest, &wanted, &service);
    assert_eq!(changed(with_secret(&options("with hunter2 in it", "t1"), "hunter2")), [""; 0]);
    assert_eq!(
        changed(with_secret(&options("with hunter3 in it", "t1"), "hunter3")),
        ["command.1 of web", "T of web", "U of web"]
    );
    // What can be seen is not among them.
    assert_eq!(
        changed(with_secret(&options("nothing", "t2"), "hunter2")),
        ["service.serviceConnectConfiguration.logConfiguration.options.splunk-token"]
    );
}

/// No task definition has them that could be gone back to: they are sent again.
#[test]
fn log_options_of_service_connect_are_kept_and_not_shown() {
    let options = "{splunk-token: hunter2, splunk-url: \"https://me:hunter2@host/\", splunk-index: main, x: hunter2}";
    let connect = format!("{{enabled: true, logConfiguration: {{logDriver: splunk, options: {options}}}}}");
    let section = format!("{{service: {{serviceConnectConfiguration: {connect}, role: hunter2}}}}");
    let service = with_secret(&section, "hunter2");
    let at = "/serviceConnectConfiguration/logConfiguration/options";
    let want = json!({"splunk-token": "***", "splunk-url": "https://me:***@host/", "splunk-index": "main", "x": "***"});
    assert_eq!(shown(&service)["service"].pointer(at), Some(&want));
    assert_eq!(masked_request(&service, &service.service).pointer(at), Some(&want));
    let (_, wanted) = kept(&service);
    assert_eq!(shown_again(&service, &wanted), shown(&service));
    assert_eq!(wanted["service"], Value::Object(service.service.clone()));
    let wanted = with("dockerOptions", &section, ", {IN: o}");
    assert!(wanted.warnings[0].contains("splunk-token among the log options"), "{:?}", wanted.warnings);
    let named = section.replace("splunk-token: hunter2, ", "").replace("me:hunter2@", "");
    assert!(with("dockerOptions", &named, ", {IN: o}").warnings.is_empty());
}
