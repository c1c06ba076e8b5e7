//! `aws exec`: the command as a shell would run it, with the credentials and nothing stale, renewed where asked.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::aws_formats::STALE;
use crate::harness::{Ran, Sandbox, tool};
use crate::scripted_sts::{
    Answer, BASE_ID, BASE_SECRET, ROLE, SESSION_SECRET, SESSION_TOKEN, Sts, session_id, tells_no_secret,
};

const ROLE_WORDS: [&str; 5] = ["aws", "exec", "--ambient", "--role-arn", ROLE];

/// Words of `aws exec` for the role, with or without `--refresh`.
fn exec<'a>(refresh: bool, command: &[&'a str]) -> Vec<&'a str> {
    let refresh: &[&str] = if refresh { &["--refresh", "--"] } else { &["--"] };
    [&ROLE_WORDS[..], refresh, command].concat()
}

/// The variables that a child sees, from `env -0`.
fn variables(ran: &Ran) -> BTreeMap<OsString, OsString> {
    let pairs = ran.stdout.split(|byte| *byte == 0).filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap();
            (OsString::from_vec(pair[..at].to_vec()), OsString::from_vec(pair[at + 1..].to_vec()))
        })
        .collect()
}

/// A sandbox with static keys as the source `my.keys`, and everything stale that there is.
fn stale_sandbox(sts: &Sts) -> Sandbox {
    let mut sandbox = sts.sandbox();
    sandbox.set("MYKEYS_INTEGRATION_ACCESSKEY", "AKIAOWN").set("MYKEYS_INTEGRATION_SECRETKEY", "own/secret");
    for name in STALE {
        sandbox.set(name, "stale");
    }
    sandbox.set("AWS_SESSION_TOKEN", "stale").set("AWS_DEFAULT_REGION", "stale-1");
    sandbox
}

#[test]
fn the_environment_is_exactly_the_new_identity() {
    let sts = Sts::granting();
    let sandbox = stale_sandbox(&sts);
    let ran = sandbox.shipctl(["aws", "exec", "my.keys", "--", "env", "-0"]);
    assert_eq!((ran.status, ran.err()), (0, String::new()));
    let mut want = sandbox.env.clone();
    for name in STALE.iter().chain(&["AWS_SESSION_TOKEN"]) {
        want.remove(OsStr::new(name));
    }
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "AKIAOWN"),
        ("AWS_SECRET_ACCESS_KEY", "own/secret"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
    ] {
        want.insert(name.into(), value.into());
    }
    assert_eq!(variables(&ran), want);
    // Keys with a token and an end: these two are set, not cleared.
    let mut sandbox = sts.sandbox();
    for name in STALE {
        sandbox.set(name, "stale");
    }
    let got = variables(&sandbox.shipctl(exec(false, &["env", "-0"])));
    let mut want = sandbox.env.clone();
    for name in STALE {
        want.remove(OsStr::new(name));
    }
    let ends = got[OsStr::new("AWS_CREDENTIAL_EXPIRATION")].to_str().unwrap().to_owned();
    assert!(ends.len() == 20 && ends.ends_with('Z'), "{ends}");
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", session_id(1)),
        ("AWS_SECRET_ACCESS_KEY", format!("{SESSION_SECRET}1")),
        ("AWS_SESSION_TOKEN", format!("{SESSION_TOKEN}1")),
        ("AWS_CREDENTIAL_EXPIRATION", ends),
        ("AWS_DEFAULT_REGION", "eu-west-1".to_owned()),
    ] {
        want.insert(name.into(), value.into());
    }
    assert_eq!(got, want);
}

#[test]
fn with_refresh_no_key_is_in_the_environment() {
    let sts = Sts::granting();
    let mut sandbox = sts.sandbox();
    for name in STALE {
        sandbox.set(name, "stale");
    }
    sandbox.set("AWS_SESSION_TOKEN", SESSION_TOKEN);
    let got = variables(&sandbox.shipctl(exec(true, &["env", "-0"])));
    let mut want = sandbox.env.clone();
    for name in STALE.iter().chain(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]) {
        want.remove(OsStr::new(name));
    }
    want.insert("AWS_DEFAULT_REGION".into(), "eu-west-1".into());
    for name in ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"] {
        let value = got[OsStr::new(name)].clone();
        assert_ne!(value, "stale");
        want.insert(name.into(), value);
    }
    assert_eq!(got, want);
    let token = got[OsStr::new("AWS_CONTAINER_AUTHORIZATION_TOKEN")].to_str().unwrap();
    assert!(token.len() >= 32, "{token}");
}

#[test]
fn the_status_is_the_childs() {
    let sts = Sts::granting();
    let sandbox = sts.sandbox();
    let file = sandbox.write("work/not-executable", "#!/bin/sh\n");
    fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap();
    for refresh in [false, true] {
        let status = |command: &[&str]| {
            let ran = sandbox.shipctl(exec(refresh, command));
            (ran.status, ran.err())
        };
        assert_eq!(status(&["true"]), (0, String::new()));
        assert_eq!(status(&["sh", "-c", "exit 7"]), (7, String::new()));
        assert_eq!(status(&["sh", "-c", "kill -9 $$"]), (137, String::new()));
        assert_eq!(status(&["sh", "-c", "kill -TERM $$"]), (143, String::new()));
        let (code, said) = status(&["no-such-program"]);
        assert!(code == 127 && said.lines().count() == 1 && said.contains("no-such-program"), "{code} {said}");
        let (code, said) = status(&["./not-executable"]);
        assert!(code == 126 && said.lines().count() == 1 && said.contains("chmod +x"), "{code} {said}");
        let (code, said) = status(&["/"]);
        assert!(code == 126 && said.contains("directory"), "{code} {said}");
    }
}

#[test]
fn without_credentials_the_command_is_not_run() {
    let sts = Sts::saying([Answer::error(403, "AccessDenied", "no")]);
    let sandbox = sts.sandbox();
    for refresh in [false, true] {
        let ran = sandbox.shipctl(exec(refresh, &["touch", "ran"]));
        assert_eq!((ran.status, ran.out()), (4, String::new()));
        assert!(!sandbox.path("work/ran").exists());
    }
}

/// A running `aws exec` whose child has said that it is ready.
struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    /// The child's own process id.
    inner: i32,
}

impl Running {
    /// Starts `sh -c script` and reads `PID` from its first line.
    fn start(sandbox: &Sandbox, words: &[&str]) -> Self {
        let mut command = sandbox.command(sandbox.path("bin/shipctl"));
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let inner = line.trim().parse().unwrap_or_else(|_| {
            let mut said = String::new();
            child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            panic!("{line:?} {said}")
        });
        Self { child, out, inner }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.child.id().cast_signed()).unwrap(), signal).unwrap();
    }

    fn end(mut self) -> Ran {
        drop(self.child.stdin.take());
        let mut out = Vec::new();
        self.out.read_to_end(&mut out).unwrap();
        let mut ran = Ran::of(self.child.wait_with_output().unwrap());
        ran.stdout = out;
        ran
    }
}

fn is_alive(pid: i32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = state.rsplit_once(')').map_or("", |(_, rest)| rest);
    !after_name.is_empty() && !after_name.trim_start().starts_with(['Z', 'X'])
}

#[test]
fn signals_reach_the_child_and_nobody_is_left() {
    for (signal, name, number) in [(Signal::TERM, "TERM", 143), (Signal::INT, "INT", 130), (Signal::HUP, "HUP", 129)] {
        for refresh in [false, true] {
            let sts = Sts::granting();
            let sandbox = sts.sandbox();
            let script =
                format!("trap 'echo got {name}; exit 42' {name}; echo $$; while :; do read x || sleep 0.01; done");
            let mut running = Running::start(&sandbox, &exec(refresh, &["bash", "-c", &script]));
            running.signal(signal);
            assert_eq!(running.line(), format!("got {name}"), "{refresh}");
            let inner = running.inner;
            assert_eq!(running.end().status, 42);
            assert!(!is_alive(inner));
            // One that does not handle it: the status of its death.
            let running = Running::start(&sandbox, &exec(refresh, &["sh", "-c", "echo $$; exec sleep 600"]));
            running.signal(signal);
            let inner = running.inner;
            let ran = running.end();
            assert_eq!((ran.status, ran.err()), (number, String::new()), "{refresh}");
            assert!(!is_alive(inner));
        }
    }
}

#[test]
fn without_refresh_the_process_becomes_the_command() {
    let sts = Sts::granting();
    let sandbox = sts.sandbox();
    let running = Running::start(&sandbox, &exec(false, &["sh", "-c", "echo $$"]));
    assert_eq!(running.inner, running.child.id().cast_signed());
    running.end();
}

#[test]
fn words_and_variables_arrive_byte_for_byte() {
    let sts = Sts::granting();
    let mut sandbox = sts.sandbox();
    let odd = OsStr::from_bytes(b"a\xff\xfe b\n\t'\"$HOME`id`\\");
    sandbox.set("ODD", odd);
    for refresh in [false, true] {
        let mut command = sandbox.command(sandbox.path("bin/shipctl"));
        command.args(exec(refresh, &["sh", "-c", "printf '%s\\0' \"$ODD\" \"$@\"", "sh"]));
        let words = [odd, OsStr::new(""), OsStr::new("--"), OsStr::new("-n"), OsStr::new("*")];
        let ran = Ran::of(command.args(words).output().unwrap());
        let want: Vec<u8> = [odd].iter().chain(&words).flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect();
        assert_eq!((ran.status, ran.stdout), (0, want), "{refresh}");
    }
}

#[test]
fn standard_input_is_the_childs() {
    let sts = Sts::granting();
    let sandbox = sts.sandbox();
    for refresh in [false, true] {
        let words = exec(refresh, &["cat"]).join(" ");
        sandbox.bash(&format!("printf 'a\\0b' | shipctl {words} | od -An -c | tr -d ' \\n'")).prints("a\\0b");
    }
}

#[test]
fn no_argument_list_shows_a_secret() {
    let sts = Sts::granting();
    let sandbox = sts.sandbox();
    for refresh in [false, true] {
        let running = Running::start(&sandbox, &exec(refresh, &["sh", "-c", "echo $$; read x"]));
        for pid in [running.child.id().cast_signed(), running.inner] {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
            tells_no_secret(&String::from_utf8_lossy(&line));
        }
        if refresh {
            let environ = fs::read(format!("/proc/{}/environ", running.inner)).unwrap();
            tells_no_secret(&String::from_utf8_lossy(&environ));
        }
        assert_eq!(running.end().status, 1);
    }
}

/// The endpoint of a running `aws exec --refresh`.
struct Endpoint {
    address: String,
    token: String,
    running: Running,
}

impl Endpoint {
    fn start(sandbox: &Sandbox, more: &[&str]) -> Self {
        let script =
            "echo $$; echo $AWS_CONTAINER_CREDENTIALS_FULL_URI; echo $AWS_CONTAINER_AUTHORIZATION_TOKEN; read x";
        let words = [&ROLE_WORDS[..], &["--refresh"], more, &["--", "sh", "-c", script]].concat();
        let mut running = Running::start(sandbox, &words);
        let (url, token) = (running.line(), running.line());
        let address = url.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
        Self { address, token, running }
    }

    /// Status and body of the answer to a request.
    fn send(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        (status, answer.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned()))
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let headers = headers.concat();
        self.send(&format!("GET {path} HTTP/1.1\r\n{headers}\r\n"))
    }

    /// The document, asked for as a client does.
    fn credentials(&self) -> (u16, serde_json::Value) {
        let (status, body) = self.get("/", &[("Host", &self.address), ("Authorization", &self.token)]);
        (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}")))
    }
}

#[test]
fn the_endpoint_serves_the_session_to_who_has_the_token() {
    let sts = Sts::granting();
    let sandbox = sts.sandbox();
    let endpoint = Endpoint::start(&sandbox, &[]);
    let (status, document) = endpoint.credentials();
    assert_eq!(status, 200, "{document}");
    assert_eq!(document["AccessKeyId"], session_id(1));
    assert_eq!(document["SecretAccessKey"], format!("{SESSION_SECRET}1"));
    assert_eq!(document["Token"], format!("{SESSION_TOKEN}1"));
    let ends = document["Expiration"].as_str().unwrap();
    assert!(ends.len() == 20 && ends.ends_with('Z'), "{ends}");
    let (host, token) = (endpoint.address.as_str(), endpoint.token.as_str());
    let nearly = format!("{}x", &token[..token.len() - 1]);
    let longer = format!("{token}x");
    let bearer = format!("Bearer {token}");
    let port = host.rsplit(':').next().unwrap();
    let rebound = format!("evil.example:{port}");
    let refused: [&[(&str, &str)]; 7] = [
        &[("Host", host)],
        &[("Host", host), ("Authorization", "")],
        &[("Host", host), ("Authorization", &nearly)],
        &[("Host", host), ("Authorization", &longer)],
        &[("Host", host), ("Authorization", &bearer)],
        &[("Host", &rebound), ("Authorization", token)],
        &[("Authorization", token)],
    ];
    for headers in refused {
        let (status, body) = endpoint.get("/", headers);
        assert_eq!(status, 403, "{headers:?}: {body}");
        tells_no_secret(&body);
    }
    for path in ["/latest/meta-data/", "//", "/?x", "/creds", "http://evil.example/"] {
        let (status, body) = endpoint.get(path, &[("Host", host), ("Authorization", token)]);
        assert_eq!(status, 404, "{path}: {body}");
        tells_no_secret(&body);
        let (status, _) = endpoint.get(path, &[("Host", host)]);
        assert_eq!(status, 403, "{path}");
    }
    let (status, _) = endpoint.send(&format!("POST / HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n\r\n"));
    assert_eq!(status, 404);
    for nonsense in ["GET\r\n\r\n", "\u{0}\u{1}\r\n\r\n"] {
        let (status, body) = endpoint.send(nonsense);
        assert_eq!(status, 400, "{nonsense:?}: {body}");
    }
    let (status, _) = endpoint.send(&format!("GET / HTTP/1.1\r\nX: {}\r\n", "x".repeat(64 << 10)));
    assert!(status == 400 || status == 0, "{status}");
    assert_eq!(endpoint.credentials().0, 200, "goes on after all that");
    sts.only();
}

#[test]
fn a_client_that_says_nothing_holds_up_nobody() {
    let sts = Sts::granting();
    let endpoint = Endpoint::start(&sts.sandbox(), &[]);
    let silent: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(&endpoint.address).unwrap()).collect();
    let started = Instant::now();
    assert_eq!(endpoint.credentials().0, 200);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    drop(silent);
}

#[test]
fn the_endpoint_listens_on_the_loopback_alone() {
    let sts = Sts::granting();
    let endpoint = Endpoint::start(&sts.sandbox(), &[]);
    let pid = endpoint.running.child.id();
    let sockets: Vec<String> = fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .flatten()
        .filter_map(|fd| fs::read_link(fd.path()).ok()?.to_str()?.strip_prefix("socket:[").map(ToOwned::to_owned))
        .map(|inode| inode.trim_end_matches(']').to_owned())
        .collect();
    let mut listening = Vec::new();
    for table in ["tcp", "tcp6"] {
        let text = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
        for line in text.lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            // State 0A is LISTEN.
            if words[3] == "0A" && sockets.iter().any(|inode| inode == words[9]) {
                listening.push(words[1].to_owned());
            }
        }
    }
    let port: u16 = endpoint.address.rsplit(':').next().unwrap().parse().unwrap();
    assert_eq!(listening, [format!("0100007F:{port:04X}")]);
}

#[test]
fn sessions_are_renewed_when_they_run_out() {
    let sts = Sts::start(|call| Answer::session(call.number, 3));
    let sandbox = sts.sandbox();
    let endpoint = Endpoint::start(&sandbox, &["--min-ttl", "1"]);
    let first = endpoint.credentials().1["AccessKeyId"].clone();
    assert_eq!(first, session_id(1));
    assert_eq!(endpoint.credentials().1["AccessKeyId"], first, "not renewed before its time");
    let end = Instant::now() + Duration::from_secs(15);
    while endpoint.credentials().1["AccessKeyId"] == first {
        assert!(Instant::now() < end, "never renewed");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(endpoint.credentials().1["AccessKeyId"], session_id(2));
    assert_eq!(sts.calls().len(), 2);
    assert_eq!(sts.calls()[1].signer(), BASE_ID);
}

#[test]
fn many_who_ask_at_once_are_one_renewal() {
    let sts = Sts::start(|call| Answer::session(call.number, if call.number == 1 { 100 } else { 3600 }));
    // Within the five minutes of --min-ttl from the start.
    let endpoint = Endpoint::start(&sts.sandbox(), &[]);
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| assert_eq!(endpoint.credentials().1["AccessKeyId"], session_id(2)));
        }
    });
    assert_eq!(sts.calls().len(), 2);
}

#[test]
fn a_renewal_that_fails_leaves_what_is_still_good() {
    let sts = Sts::start(|call| match call.number {
        1 => Answer::session(1, 100),
        _ => Answer::error(403, "AccessDenied", "the role was taken away"),
    });
    let endpoint = Endpoint::start(&sts.sandbox(), &[]);
    let (status, document) = endpoint.credentials();
    assert_eq!((status, &document["AccessKeyId"]), (200, &session_id(1).into()));
    assert_eq!(sts.calls().len(), 2);
}

#[test]
fn a_renewal_that_fails_is_told_to_the_client() {
    let sts = Sts::start(|call| match call.number {
        1 => Answer::session(1, -1),
        _ => Answer::error(403, "AccessDenied", "the role was taken away"),
    });
    let endpoint = Endpoint::start(&sts.sandbox(), &[]);
    let (status, document) = endpoint.credentials();
    assert_eq!(status, 500, "{document}");
    let said = document["message"].as_str().unwrap();
    assert!(said.contains(ROLE) && said.contains("the role was taken away"), "{said}");
    tells_no_secret(said);
}

/// A server that tells callers whose key they signed with, and grants sessions of two seconds.
fn short_lived() -> Sts {
    Sts::start(|call| match call.action() {
        "GetCallerIdentity" => {
            Answer::identity("123456789012", &format!("arn:aws:sts::123456789012:{}", call.signer()))
        }
        _ => Answer::session(call.number, 2),
    })
}

#[test]
fn a_real_client_outlives_its_first_session() {
    let sts = short_lived();
    let sandbox = sts.sandbox();
    let script = "import boto3, time\n\
                  seen = set()\n\
                  end = time.time() + 30\n\
                  while len(seen) < 3 and time.time() < end:\n\
                  \x20   seen.add(boto3.client('sts').get_caller_identity()['Arn'])\n\
                  \x20   time.sleep(0.2)\n\
                  print(len(seen))\n";
    let python = tool("python");
    let words =
        [&ROLE_WORDS[..], &["--refresh", "--min-ttl", "1", "--", python.to_str().unwrap(), "-c", script]].concat();
    let ran = sandbox.shipctl(words);
    assert_eq!((ran.status, ran.out()), (0, "3\n".to_owned()), "{}", ran.err());
    let signers: Vec<String> = sts
        .calls()
        .iter()
        .filter(|call| call.action() == "GetCallerIdentity")
        .map(|call| call.signer().to_owned())
        .collect();
    assert!(signers.iter().all(|signer| signer.starts_with("ASIA")), "{signers:?}");
}

#[test]
fn a_default_profile_does_not_win_over_the_endpoint() {
    let sts = short_lived();
    let sandbox = sts.sandbox();
    sandbox.write(
        "home/.aws/credentials",
        "[default]\naws_access_key_id = AKIAOLD\naws_secret_access_key = old\n[other]\naws_access_key_id = AKIAOTHER\n\
         aws_secret_access_key = other\n",
    );
    let python = tool("python");
    let script = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])";
    let words = [&ROLE_WORDS[..], &["--refresh", "--", python.to_str().unwrap(), "-c", script]].concat();
    let ran = sandbox.shipctl(words);
    assert_eq!(ran.status, 0, "{}", ran.err());
    assert!(ran.out().contains(":ASIA"), "{}", ran.out());
    assert!(ran.err().lines().count() == 1 && ran.err().contains("default"), "{}", ran.err());
}

#[test]
fn static_keys_need_no_refresh() {
    let sts = Sts::granting();
    let sandbox = sts.sandbox();
    let ran = sandbox.shipctl(["aws", "exec", "--ambient", "--refresh", "--", "env", "-0"]);
    let got = variables(&ran);
    assert_eq!(got[OsStr::new("AWS_ACCESS_KEY_ID")], BASE_ID);
    assert_eq!(got[OsStr::new("AWS_SECRET_ACCESS_KEY")], BASE_SECRET);
    assert!(!got.contains_key(OsStr::new("AWS_CONTAINER_CREDENTIALS_FULL_URI")));
    assert!(ran.err().lines().count() == 1 && ran.err().contains("do not expire"), "{}", ran.err());
    tells_no_secret(&ran.err());
}
