//! `job init` with a gitRepo behind a password: a real git, over TLS, from a server that asks for it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use base64::Engine;

use crate::harness::{Ran, Sandbox};
use crate::servers::{Authority, Http, Recorded, Reply};

const PASSWORD: &str = "p/w:1 @%é";

/// A server of one repository, `o/r`, for whoever knows this user and password; and a folder to run in.
fn behind(user: &str, password: &str) -> (Sandbox, Http) {
    let mut sandbox = Sandbox::new();
    let script = "
        set -e
        export GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=a@x GIT_COMMITTER_NAME=Ada GIT_COMMITTER_EMAIL=a@x
        git init -q -b main ../made; cd ../made; echo one > file; git add file; git commit -qm one
        git clone -q --bare . ../bare; git -C ../bare update-server-info";
    sandbox.bash(script).prints("");
    let authority = Authority::new("ours");
    let repository = sandbox.path("bare");
    let wanted = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")));
    let server = Http::start_tls(authority.server("localhost"), move |request| {
        if request.header("authorization") != Some(wanted.as_str()) {
            let asks = ("WWW-Authenticate", "Basic realm=\"here\"".to_owned());
            return Reply::Answer("401 Unauthorized", vec![asks], Vec::new());
        }
        // Files are all that the older of git's protocols needs.
        let path =
            request.target.split('?').next().unwrap().strip_prefix("/o/r.git/").map(|path| repository.join(path));
        match path.and_then(|path| fs::read(path).ok()) {
            Some(content) => Reply::of("200 OK", content),
            None => Reply::of("404 Not Found", ""),
        }
    });
    let pem = sandbox.write("ours.pem", &authority.pem);
    sandbox.set("GIT_SSL_CAINFO", pem);
    // What every git of this run was called with, and what they called.
    let trace = sandbox.path("trace");
    sandbox.set("GIT_TRACE2_EVENT", trace);
    (sandbox, server)
}

fn place(server: &Http) -> String {
    format!("localhost:{}", server.address().port())
}

/// The clone is there, and the password nowhere but in its file.
#[track_caller]
fn cloned(sandbox: &Sandbox, ran: &Ran, secrets: &[&str]) {
    assert_eq!(ran.status, 0, "{}", ran.err());
    let job = PathBuf::from(ran.out().trim_end());
    assert_eq!(fs::read(job.join("IN/app/gitRepo/file")).unwrap(), b"one\n");
    let file = job.join("secrets/app_git_credentials");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let trace = String::from_utf8(sandbox.read("trace")).unwrap();
    assert!(trace.contains("remote-https") && trace.contains("credential-store"), "{trace}");
    let config = fs::read_to_string(job.join("IN/app/gitRepo/.git/config")).unwrap();
    assert!(config.contains(file.to_str().unwrap()), "{config}");
    for secret in secrets {
        for (what, text) in
            [("argv", &trace), (".git/config", &config), ("output", &ran.out()), ("standard error", &ran.err())]
        {
            assert!(!text.contains(secret), "{secret} is in {what}: {text}");
        }
        assert!(!String::from_utf8(fs::read(job.join("IN/app/version.json")).unwrap()).unwrap().contains(secret));
    }
    assert!(!sandbox.path("home/.git-credentials").exists());
    // A script fetches with it too, though the directory was made elsewhere.
    let ran = sandbox.bash(&format!("git -C '{}' fetch origin", job.join("IN/app/gitRepo").display()));
    assert_eq!(ran.status, 0, "{}", ran.err());
}

fn yml(of_resource: &str, of_job: &str) -> String {
    format!(
        "resources:\n  - {{name: app, type: gitRepo, {of_resource}}}\njobs:\n  - {{name: j, type: runSh, {of_job}steps: \
         [IN: app, TASK: 'true']}}\n"
    )
}

const INIT: [&str; 5] = ["job", "init", "j", "--integrations", "ints.yml"];

#[test]
fn a_git_credential_of_the_repository_or_of_the_job() {
    for of_job in [false, true] {
        let (sandbox, server) = behind("bob@x", PASSWORD);
        let source = format!("versionTemplate: {{sourceName: o/r, sourceUrl: 'https://{}/o/r.git'}}", place(&server));
        let port = server.address().port();
        let credential = format!(
            "cred: {{type: gitCredential, host: localhost, port: {port}, username: bob@x, password: '{PASSWORD}'}}\n"
        );
        let text = if of_job {
            yml(&source, "integrations: [cred], ")
        } else {
            yml(&format!("integration: cred, {source}"), "")
        };
        sandbox.write("work/shippable.yml", text);
        sandbox.write("work/ints.yml", credential);
        let ran = sandbox.shipctl(INIT);
        cloned(&sandbox, &ran, &[PASSWORD, "p%2Fw"]);
        let asked = server.requests();
        let with_password = |request: &&Recorded| request.header("authorization").is_some();
        assert!(asked[0].target.starts_with("/o/r.git/info/refs") && asked.iter().any(|one| with_password(&one)));
    }
}

/// A private repository has an address for ssh too, which a token is no good for.
#[test]
fn a_token_of_the_provider() {
    let (sandbox, server) = behind("oauth2", "glpat-hunter2");
    sandbox.write("work/shippable.yml", yml("integration: lab, versionTemplate: {sourceName: o/r}", ""));
    let lab = format!("lab: {{type: gitlab, url: 'https://{}/api/v4', token: glpat-hunter2}}\n", place(&server));
    sandbox.write("work/ints.yml", lab);
    let ran = sandbox.shipctl(INIT);
    cloned(&sandbox, &ran, &["glpat-hunter2"]);
}

#[test]
fn a_wrong_password_leaves_nothing() {
    let (sandbox, server) = behind("bob", "right");
    let source = format!("versionTemplate: {{sourceName: o/r, sourceUrl: 'https://{}/o/r.git'}}", place(&server));
    sandbox.write("work/shippable.yml", yml(&format!("integration: cred, {source}"), ""));
    let port = server.address().port();
    let asked = || server.requests().iter().filter(|one| one.header("authorization").is_some()).count();
    let credential = |host: &str| {
        format!("cred: {{type: gitCredential, host: {host}, port: {port}, username: bob, password: hunter2}}\n")
    };
    for (host, status, message) in
        [("localhost", 1, "; check user and password of its integration"), ("a/b", 8, "a/b:")]
    {
        sandbox.write("work/ints.yml", credential(host));
        let ran = sandbox.shipctl(INIT);
        ran.fails(status, message);
        assert!(!ran.err().contains("hunter2"), "{}", ran.err());
        assert!(!String::from_utf8(sandbox.read("trace")).unwrap().contains("hunter2"));
        let left: Vec<_> = fs::read_dir(sandbox.path("work/.shipctl/build")).into_iter().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(asked(), 1);
    }
}

/// Nobody listens on port 1: that is no fault of the yml, and trying again later may help.
#[test]
fn a_host_that_is_not_reached_is_the_network() {
    let sandbox = Sandbox::new();
    for (url, words) in
        [("http://127.0.0.1:1/o/r.git", "127.0.0.1"), ("git://127.0.0.1:1/o/r.git", "unable to connect")]
    {
        let source = format!("versionTemplate: {{sourceName: o/r, sourceUrl: '{url}'}}");
        sandbox.write("work/shippable.yml", yml(&source, ""));
        let ran = sandbox.shipctl(["job", "init", "j"]);
        ran.fails(7, words);
        assert!(ran.err().contains("check the address"), "{}", ran.err());
    }
}
