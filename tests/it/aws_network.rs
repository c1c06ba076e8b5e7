//! Calls to AWS over TLS, through proxies, and by names: the product's own client below the SDK.

use std::net::SocketAddr;

use crate::harness::Sandbox;
use crate::scripted_sts::{Answer, ROLE, Sts, assume_role, printed, refuses, session_id};
use crate::servers::{Authority, Dns, Http, Recorded, Reply};

/// An STS over TLS that grants every role.
fn secure(authority: &Authority, name: &str) -> Http {
    Http::start_tls(authority.server(name), |_: &Recorded| {
        let Answer::Http(_, _, body) = Answer::session("tls", 3600) else { unreachable!() };
        Reply::of("200 OK", body)
    })
}

/// A proxy that leads every connection to one server.
fn proxy(to: SocketAddr) -> Http {
    Http::start(move |request| match request.method.as_str() {
        "CONNECT" => Reply::Tunnel(to),
        _ => Reply::of("403 Forbidden", "<html><body>no</body></html>"),
    })
}

/// A sandbox for an endpoint by that name, whose authority is trusted.
fn sandbox(authority: &Authority, name: &str, server: &Http) -> Sandbox {
    let mut sandbox = Sts::granting().sandbox();
    let file = sandbox.write("ca.pem", &authority.pem);
    sandbox.set("SSL_CERT_FILE", file);
    sandbox.set("AWS_ENDPOINT_URL", format!("https://{name}:{}", server.address().port()));
    sandbox
}

#[track_caller]
fn grants(sandbox: &Sandbox) {
    assert_eq!(printed(&sandbox.shipctl(assume_role(&["--no-cache"])))["accessKeyId"], session_id("tls"));
}

#[test]
fn an_authority_of_ones_own_is_trusted_by_ssl_cert_file() {
    let authority = Authority::new("ours");
    let server = secure(&authority, "localhost");
    let mut sandbox = sandbox(&authority, "localhost", &server);
    grants(&sandbox);
    assert_eq!(server.only().method, "POST");
    // Without it, or with another's, the certificate is refused, at once and by name.
    let other = sandbox.write("other.pem", &Authority::new("theirs").pem);
    sandbox.set("SSL_CERT_FILE", other).set("SHIPCTL_AWS_TIMEOUT", "60");
    let started = std::time::Instant::now();
    refuses(&sandbox.shipctl(assume_role(&[])), 7, &[ROLE, "localhost", "certificate", "SSL_CERT_FILE"]);
    server.only();
    assert!(started.elapsed().as_millis() < 1500, "tried again: {:?}", started.elapsed());
    let empty = sandbox.write("empty.pem", "");
    sandbox.set("SSL_CERT_FILE", empty);
    refuses(&sandbox.shipctl(assume_role(&[])), 7, &["no certificates to trust", "SSL_CERT_FILE"]);
}

#[test]
fn a_certificate_of_another_name_is_refused() {
    let authority = Authority::new("ours");
    let server = secure(&authority, "elsewhere.test");
    let sandbox = sandbox(&authority, "localhost", &server);
    refuses(&sandbox.shipctl(assume_role(&[])), 7, &[ROLE, "localhost", "certificate"]);
    assert!(server.requests().is_empty());
}

#[test]
fn names_are_looked_up_without_the_c_library() {
    let authority = Authority::new("ours");
    let server = secure(&authority, "sts.corp.test");
    let names = Dns::knowing("sts.corp.test");
    let mut sandbox = sandbox(&authority, "sts.corp.test", &server);
    sandbox.set("SHIPCTL_DNS", names.address().to_string());
    grants(&sandbox);
    assert!(names.asked().iter().any(|name| name == "sts.corp.test"), "{:?}", names.asked());
    sandbox.set("AWS_ENDPOINT_URL", "https://nowhere.corp.test").set("SHIPCTL_AWS_TIMEOUT", "2");
    refuses(&sandbox.shipctl(assume_role(&[])), 7, &[ROLE, "nowhere.corp.test", "not known"]);
    sandbox.set("SHIPCTL_DNS", "nonsense");
    refuses(&sandbox.shipctl(assume_role(&[])), 8, &["SHIPCTL_DNS"]);
}

#[test]
fn https_proxy_and_no_proxy() {
    let authority = Authority::new("ours");
    let server = secure(&authority, "sts.corp.test");
    let proxy = proxy(server.address());
    let mut sandbox = sandbox(&authority, "sts.corp.test", &server);
    // The proxy looks the name up: nobody else knows it.
    sandbox.set("HTTPS_PROXY", proxy.url(""));
    grants(&sandbox);
    let connect = proxy.only();
    assert_eq!(connect.target, format!("sts.corp.test:{}", server.address().port()));
    assert_eq!(connect.header("authorization"), None, "the signature is for AWS alone");
    let names = Dns::knowing("sts.corp.test");
    sandbox.set("NO_PROXY", ".corp.test").set("SHIPCTL_DNS", names.address().to_string());
    grants(&sandbox);
    assert_eq!((proxy.requests().len(), server.requests().len()), (1, 2));
}

#[test]
fn a_proxy_that_refuses_is_named() {
    let authority = Authority::new("ours");
    let server = secure(&authority, "sts.corp.test");
    let refusing = Http::start(|_| Reply::of("407 Proxy Authentication Required", "<html>log in</html>"));
    let mut sandbox = sandbox(&authority, "sts.corp.test", &server);
    sandbox.set("HTTPS_PROXY", refusing.url("").replace("http://", "http://user:pass-word@"));
    sandbox.set("SHIPCTL_AWS_TIMEOUT", "2");
    let ran = sandbox.shipctl(assume_role(&[]));
    refuses(&ran, 7, &[ROLE, "proxy", &refusing.address().to_string()]);
    assert!(!ran.err().contains("pass-word"), "{}", ran.err());
}

#[test]
fn metadata_and_containers_are_asked_without_a_proxy() {
    // A proxy for everything must not be told of tokens and keys that are this machine's own.
    let container = Sts::start(|_| {
        let body =
            r#"{"AccessKeyId":"ASIAMETA","SecretAccessKey":"m","Token":"t","Expiration":"2999-01-01T00:00:00Z"}"#;
        Answer::Http(200, vec![("Content-Type", "application/json".to_owned())], body.to_owned())
    });
    let prying = Http::start(|_| Reply::of("502 Bad Gateway", "x"));
    let mut sandbox = Sandbox::new();
    sandbox.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.url()).set("AWS_EC2_METADATA_DISABLED", "true");
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"] {
        sandbox.set(name, prying.url(""));
    }
    sandbox.set("SHIPCTL_AWS_TIMEOUT", "3");
    let got = printed(&sandbox.shipctl(["aws", "export", "--ambient", "--format", "json"]));
    assert_eq!(got["accessKeyId"], "ASIAMETA");
    assert!(prying.requests().is_empty(), "{:?}", prying.requests());
}
