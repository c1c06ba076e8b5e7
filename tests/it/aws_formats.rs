//! Credentials as text: every format that a shell evaluates is evaluated by that shell, with secrets that hold
//! whatever a variable can hold; a failure stops the script that evaluates it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::process::Stdio;

use proptest::prelude::*;

use crate::harness::{Ran, SHIPCTL, Sandbox};
use crate::sts_stub;

const POSIX: [&str; 3] = ["bash", "dash", "zsh"];
const SHELLS: [&str; 4] = ["bash", "dash", "zsh", "fish"];

/// The contract's list, spelled out: what must not survive a change of identity.
pub const STALE: [&str; 12] = [
    "AWS_SECURITY_TOKEN",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_SESSION_EXPIRATION",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
];
const KEYS: [&str; 3] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

/// Keys as AWS makes them.
const ID: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLE=KEY";
const TOKEN: &str = "FwoGZXIvYXdzEBYaD/x+y==";
const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

/// Every printable character, and what each language here treats as special.
fn nasty() -> String {
    let printable: String = (b' '..=b'~').map(char::from).collect();
    format!(
        "\t'' \"\" \\' \\\\ $HOME `id` $(id) %PATH% !! ‘’‚‛ é😀\u{f600}\u{fdd0}\r\n\nEOF\n;\u{1b}\u{7f}{printable}\n'"
    )
}

/// A sandbox whose source `src` has these keys.
fn with_keys(id: &str, secret: &str, token: Option<&str>) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.set("SRC_INTEGRATION_AWS_ACCESS_KEY_ID", id).set("SRC_INTEGRATION_AWS_SECRET_ACCESS_KEY", secret);
    if let Some(token) = token {
        sandbox.set("SRC_INTEGRATION_AWS_SESSION_TOKEN", token);
    }
    sandbox.set("SHIPCTL_AWS_TIMEOUT", "1");
    sandbox
}

/// The statement that evaluates the output of `shipctl ARGS`, quoted as its documentation says.
fn eval(shell: &str, args: &str) -> String {
    let format = if shell == "fish" { " --format fish" } else { "" };
    format!("eval \"$(shipctl {args}{format})\"")
}

/// A script that stops at the first failure.
fn strict(shell: &str, script: &str) -> String {
    // fish has no `set -e`; there a script asks for the status.
    if shell == "fish" { format!("{script}; or exit $status\n") } else { format!("set -eu; {script}\n") }
}

/// The environment that a shell gives its children; `_` is the path of the child.
fn environment(stdout: &[u8]) -> BTreeMap<OsString, OsString> {
    let pairs = stdout.split(|&byte| byte == 0).filter(|pair| !pair.is_empty()).map(|pair| {
        let at = pair.iter().position(|&byte| byte == b'=').unwrap();
        (OsString::from_vec(pair[..at].into()), OsString::from_vec(pair[at + 1..].into()))
    });
    pairs.filter(|(name, _)| name != "_").collect()
}

/// A line for each name, in order.
fn lines<'a>(names: impl IntoIterator<Item = &'a str>, line: impl Fn(&str) -> String) -> String {
    names.into_iter().map(line).collect::<Vec<_>>().concat()
}

#[track_caller]
fn keeps_secrets(sandbox: &Sandbox, ran: &Ran) {
    for (name, value) in &sandbox.env {
        let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
        if name.contains("SECRET") || name.contains("TOKEN") {
            assert!(value.is_empty() || !ran.err().contains(&*value), "{name} is in standard error: {}", ran.err());
        }
    }
}

#[test]
fn any_value_survives_a_quoted_eval() {
    let (id, secret, token) = (format!("id{}", nasty()), nasty(), format!("{}end", nasty()));
    let sandbox = with_keys(&id, &secret, Some(&token));
    for shell in SHELLS {
        let mut want = environment(&sandbox.shell(shell, "env -0").stdout);
        want.extend(KEYS.iter().zip([&id, &secret, &token]).map(|(name, value)| (name.into(), value.into())));
        let ran = sandbox.shell(shell, &(strict(shell, &eval(shell, "aws export src")) + "env -0"));
        assert_eq!((ran.status, ran.err()), (0, String::new()), "{shell}");
        assert_eq!(environment(&ran.stdout), want, "{shell}");
    }
}

#[test]
fn keys_of_aws_survive_an_unquoted_eval() {
    let sandbox = with_keys(ID, SECRET, Some(TOKEN));
    for shell in SHELLS {
        let line = if shell == "fish" {
            "eval (shipctl aws export src --format fish)"
        } else {
            "eval $(shipctl aws export src)"
        };
        let print = "printf '%s|' $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_SESSION_TOKEN";
        let ran = sandbox.shell(shell, &(strict(shell, line) + print));
        ran.prints(format!("{ID}|{SECRET}|{TOKEN}|"));
    }
}

#[test]
fn fish_reads_a_pipe_too() {
    let sandbox = with_keys(ID, &nasty(), None);
    let ran = sandbox.shell(
        "fish",
        "shipctl aws export src --format fish | source; or exit 1\nprintf '%s' $AWS_SECRET_ACCESS_KEY; set -q shipctl_name",
    );
    assert_eq!((ran.status, ran.out(), ran.err()), (1, nasty(), String::new()));
}

#[test]
fn a_new_identity_leaves_nothing_of_the_old_one() {
    for token in [None, Some(TOKEN)] {
        let mut sandbox = with_keys(ID, SECRET, token);
        for name in STALE.iter().chain(&KEYS).chain(&["AWS_REGION", "AWS_DEFAULT_REGION"]) {
            sandbox.set(name, format!("old {name}"));
        }
        let new = [("AWS_ACCESS_KEY_ID", ID), ("AWS_SECRET_ACCESS_KEY", SECRET)].into_iter();
        let new = new.chain(token.map(|token| ("AWS_SESSION_TOKEN", token)));
        let new = new.chain(["AWS_REGION", "AWS_DEFAULT_REGION"].map(|name| (name, "eu-west-1")));
        for shell in SHELLS {
            let mut want = environment(&sandbox.shell(shell, "env -0").stdout);
            assert!(STALE.iter().all(|name| want.contains_key(std::ffi::OsStr::new(name))), "{shell}");
            want.retain(|name, _| !STALE.iter().any(|stale| name == stale) && name != "AWS_SESSION_TOKEN");
            want.extend(new.clone().map(|(name, value)| (name.into(), value.into())));
            let script = strict(shell, &eval(shell, "aws export src --region eu-west-1")) + "env -0";
            let ran = sandbox.shell(shell, &script);
            assert_eq!((ran.status, ran.err()), (0, String::new()), "{shell}");
            assert_eq!(environment(&ran.stdout), want, "{shell}");
        }
    }
}

#[test]
fn fish_clears_every_scope() {
    let sandbox = with_keys(ID, SECRET, None);
    let script = "
        set -Ux AWS_PROFILE universal
        set -gx AWS_ROLE_ARN global
        function become
            set -lx AWS_ROLE_ARN function
            set -lx AWS_ACCESS_KEY_ID local
            eval \"$(shipctl aws export src --format fish)\"; or return
            env | string match -r '^AWS_.*' | sort
        end
        become; or exit
        env | string match -r '^AWS_.*' | sort
    ";
    let keys = format!("AWS_ACCESS_KEY_ID={ID}\nAWS_SECRET_ACCESS_KEY={SECRET}\n");
    sandbox.shell("fish", script).prints(keys.repeat(2));
}

#[test]
fn variables_of_a_session() {
    let mut sandbox = with_keys(ID, SECRET, None);
    let answer = sts_stub::session("ASIAX", "s3cret", "t0ken", "2037-01-02T03:04:05Z");
    sandbox.set("AWS_ENDPOINT_URL_STS", sts_stub::serve(200, &answer));
    let args = format!("aws assume-role src --role-arn {ROLE} --region eu-west-1 --no-cache");
    let want = "AWS_ACCESS_KEY_ID=ASIAX\nAWS_CREDENTIAL_EXPIRATION=2037-01-02T03:04:05Z\nAWS_DEFAULT_REGION=eu-west-1\n\
                AWS_REGION=eu-west-1\nAWS_SECRET_ACCESS_KEY=s3cret\nAWS_SESSION_TOKEN=t0ken\n";
    for shell in SHELLS {
        let script = strict(shell, &eval(shell, &args)) + "env | grep ^AWS_ | grep -v ENDPOINT | sort";
        sandbox.shell(shell, &script).prints(want);
    }
    let words = args.split(' ').collect::<Vec<_>>();
    let data = |format: &str| {
        let ran = sandbox.shipctl(words.iter().copied().chain(["--format", format]));
        assert_eq!((ran.status, ran.err()), (0, String::new()), "{format}");
        ran.out()
    };
    assert_eq!(
        data("process"),
        "{\n  \"Version\": 1,\n  \"AccessKeyId\": \"ASIAX\",\n  \"SecretAccessKey\": \"s3cret\",\n  \
         \"SessionToken\": \"t0ken\",\n  \"Expiration\": \"2037-01-02T03:04:05Z\"\n}\n"
    );
    assert_eq!(
        data("json"),
        format!(
            "{{\n  \"accessKeyId\": \"ASIAX\",\n  \"secretAccessKey\": \"s3cret\",\n  \"sessionToken\": \"t0ken\",\n  \
             \"expires\": \"2037-01-02T03:04:05Z\",\n  \"region\": \"eu-west-1\",\n  \"account\": \"123456789012\",\n  \
             \"role\": \"{ROLE}\"\n}}\n"
        )
    );
    assert_eq!(
        data("ini"),
        "aws_access_key_id = ASIAX\naws_secret_access_key = s3cret\naws_session_token = t0ken\nregion = eu-west-1\n"
    );
    assert_eq!(
        data("env").lines().skip(1).collect::<Vec<_>>(),
        [
            "export AWS_ACCESS_KEY_ID='ASIAX';",
            "export AWS_SECRET_ACCESS_KEY='s3cret';",
            "export AWS_SESSION_TOKEN='t0ken';",
            "export AWS_CREDENTIAL_EXPIRATION='2037-01-02T03:04:05Z';",
            "export AWS_REGION='eu-west-1';",
            "export AWS_DEFAULT_REGION='eu-west-1';",
        ]
    );
    assert_eq!(data("env").lines().next().unwrap(), format!("unset {};", STALE.join(" ")));
}

#[test]
fn static_keys_have_no_token_and_no_end() {
    let sandbox = with_keys(ID, SECRET, None);
    sandbox.shipctl(["aws", "export", "src", "--format", "process"]).prints(format!(
        "{{\n  \"Version\": 1,\n  \"AccessKeyId\": \"{ID}\",\n  \"SecretAccessKey\": \"{SECRET}\"\n}}\n"
    ));
    let ran = sandbox.shipctl(["aws", "export", "src", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&json["sessionToken"], &json["expires"]), (&serde_json::Value::Null, &serde_json::Value::Null));
}

#[test]
fn not_exported_reaches_no_child() {
    let sandbox = with_keys(ID, &nasty(), None);
    for shell in POSIX {
        let ran = sandbox.shell(
            shell,
            "set -eu; eval \"$(shipctl aws export src --format env-no-export)\"\n\
             env | grep ^AWS_ || printf %s \"$AWS_SECRET_ACCESS_KEY\"",
        );
        ran.prints(nasty());
    }
}

/// One failure of each status that `export` and `assume-role` can end with.
fn failures() -> Vec<(&'static str, Sandbox, String, i32)> {
    let role = format!("aws assume-role src --no-cache --region eu-west-1 --role-arn {ROLE}");
    let answers = |status, code: &str| {
        let mut sandbox = with_keys(ID, SECRET, None);
        sandbox.set("AWS_ENDPOINT_URL_STS", sts_stub::serve(status, &sts_stub::error(code, "no")));
        sandbox
    };
    let mut nobody = with_keys(ID, SECRET, None);
    nobody.set("AWS_ENDPOINT_URL_STS", sts_stub::nobody());
    let mut incomplete = Sandbox::new();
    incomplete.set("SRC_INTEGRATION_ACCESSKEY", ID);
    let static_keys = || with_keys(ID, SECRET, None);
    vec![
        ("unknown source", static_keys(), "aws export nothing".to_owned(), 3),
        ("incomplete", incomplete, "aws export src".to_owned(), 3),
        ("no source", static_keys(), "aws export".to_owned(), 2),
        ("unknown option", static_keys(), "aws export src --typo".to_owned(), 2),
        ("unknown option of ours", static_keys(), "--typo x aws export src".to_owned(), 2),
        ("option without value", static_keys(), "aws assume-role src --role-arn".to_owned(), 2),
        ("no role", static_keys(), "aws assume-role src".to_owned(), 2),
        ("denied", answers(403, "AccessDenied"), role.clone(), 4),
        ("expired", answers(403, "ExpiredToken"), role.clone(), 5),
        ("throttled", answers(400, "Throttling"), role.clone(), 6),
        ("unreachable", nobody, role, 7),
    ]
}

#[test]
fn a_failure_stops_the_script_and_takes_the_old_keys_along() {
    std::thread::scope(|scope| {
        for (case, mut sandbox, args, status) in failures() {
            scope.spawn(move || {
                let old = STALE.iter().chain(&KEYS);
                for name in old {
                    sandbox.set(name, format!("old-{name}"));
                }
                for shell in SHELLS {
                    stops(&sandbox, shell, case, &args, status);
                }
            });
        }
    });
}

fn stops(sandbox: &Sandbox, shell: &str, case: &str, args: &str, status: i32) {
    let statement = eval(shell, args);
    let ran = sandbox.shell(shell, &(strict(shell, &statement) + "echo reached"));
    assert_eq!((ran.status, ran.out()), (status, String::new()), "{shell}, {case}: {}", ran.err());
    assert!(ran.err().starts_with("shipctl: "), "{shell}, {case}: {}", ran.err());
    keeps_secrets(sandbox, &ran);
    // A script that goes on has no identity at all.
    let go_on = if shell == "fish" { "; echo $status; " } else { " || echo $?\n" };
    let ran = sandbox.shell(shell, &format!("{statement}{go_on}env | grep ^AWS_ | grep -v -e ENDPOINT"));
    assert_eq!(ran.out(), format!("{status}\n"), "{shell}, {case}");
    // The unquoted form fails as well.
    let unquoted = statement.replace("\"$(", if shell == "fish" { "(" } else { "$(" }).replace(")\"", ")");
    let ran = sandbox.shell(shell, &(strict(shell, &unquoted) + "echo reached"));
    assert_eq!((ran.status, ran.out()), (status, String::new()), "{shell}, {case}, unquoted: {}", ran.err());
}

#[test]
fn a_failure_in_another_shell_or_as_data() {
    let sandbox = with_keys(ID, SECRET, None);
    let ran = |format: &str| {
        let ran = sandbox.shipctl(["aws", "export", "nothing", "--format", format]);
        assert_eq!(ran.status, 3, "{format}");
        assert!(ran.err().starts_with("shipctl: nothing: "), "{format}: {}", ran.err());
        assert_eq!(
            ran.out(),
            sandbox.shipctl(["aws", &format!("--format={format}"), "export", "-x"]).out().replace('2', "3")
        );
        ran.out()
    };
    let old: Vec<&str> = KEYS.into_iter().chain(STALE).collect();
    let unset = format!("unset {};\n(exit 3);\n", old.join(" "));
    assert_eq!((ran("env"), ran("env-no-export")), (unset.clone(), unset));
    let removed = lines(old.iter().copied(), |name| format!("Remove-Item Env:{name} -ErrorAction SilentlyContinue;\n"));
    let thrown = "$global:LASTEXITCODE = 3; throw 'shipctl gave no credentials (status 3)';\n";
    assert_eq!(ran("powershell"), removed + thrown);
    let emptied = lines(old.iter().copied(), |name| format!("set {name}=\n"));
    assert_eq!(ran("windows-cmd"), emptied + "exit /b 3\n");
    for format in ["process", "ini", "json", "github"] {
        assert_eq!(ran(format), "", "{format}");
    }
}

#[test]
fn only_what_is_evaluated_fails_in_statements() {
    let sandbox = with_keys(ID, SECRET, None);
    for words in [
        vec!["aws", "exec", "--typo", "--", "aws", "export", "x"],
        vec!["aws", "whoami", "nothing"],
        vec!["job", "aws", "export"],
        vec!["aws", "nonsense"],
        vec!["--typo"],
    ] {
        let ran = sandbox.shipctl(&words);
        assert_eq!((ran.status != 0, ran.out()), (true, String::new()), "{words:?}");
    }
    // An unknown format is taken for that of sh, which is the default.
    let ran = sandbox.shipctl(["aws", "export", "src", "--format", "bash"]);
    assert_eq!(ran.status, 2);
    assert!(ran.out().ends_with("(exit 2);\n"), "{}", ran.out());
}

#[test]
fn what_no_variable_can_hold_is_refused() {
    let mut sandbox = Sandbox::new();
    sandbox.set("JOB_PATH", sandbox.path("job"));
    sandbox.set("JOB_INTEGRATIONS", sandbox.path("job/integrations"));
    sandbox.write(
        "job/integrations/nul/integration.json",
        r#"{"masterName": "amazonKeys", "accessKey": "AKIA", "secretKey": "hid\u0000den"}"#,
    );
    for (format, stdout_is_empty) in [("env", false), ("fish", false), ("powershell", false), ("github", true)] {
        sandbox.set("GITHUB_ENV", sandbox.path("work/env"));
        let ran = sandbox.shipctl(["aws", "export", "nul", "--format", format]);
        assert_eq!((ran.status, ran.out().is_empty()), (1, stdout_is_empty), "{format}: {}", ran.err());
        assert!(ran.err().contains("AWS_SECRET_ACCESS_KEY, which has a NUL byte"), "{format}: {}", ran.err());
        assert!(!(ran.out() + &ran.err()).contains("hid"), "{format}");
    }
    assert!(!sandbox.path("work/env").exists());
}

#[test]
fn a_batch_file_gets_what_it_can_hold() {
    let args = ["aws", "export", "src", "--format", "windows-cmd"];
    let cleared = lines(["AWS_SESSION_TOKEN"].into_iter().chain(STALE), |name| format!("set {name}=\n"));
    with_keys(ID, SECRET, None)
        .shipctl(args)
        .prints(format!("{cleared}set AWS_ACCESS_KEY_ID={ID}\nset AWS_SECRET_ACCESS_KEY={SECRET}\n"));
    let special = "a & b | c < d > e ^ f ( ) ' , ; ~ $ `x` \\";
    with_keys(ID, special, None)
        .shipctl(args)
        .prints(format!("{cleared}set AWS_ACCESS_KEY_ID={ID}\nset \"AWS_SECRET_ACCESS_KEY={special}\"\n"));
    for refused in ["hush%", "say \"hush\"", "hush!", "hush\nlines", "hush\rlines", "hush\t", "hushé", "hush\u{7f}"] {
        let ran = with_keys(ID, refused, None).shipctl(args);
        assert_eq!(ran.status, 1, "{refused:?}");
        assert!(ran.out().ends_with("set AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=\nexit /b 1\n"), "{}", ran.out());
        assert!(ran.err().contains("windows-cmd cannot hold this AWS_SECRET_ACCESS_KEY"), "{}", ran.err());
        assert!(!(ran.out() + &ran.err()).contains("hush"), "{}", ran.err());
    }
}

#[test]
fn a_credentials_file_gets_what_it_can_hold() {
    let args = ["aws", "export", "src", "--format", "ini"];
    with_keys(ID, "a=b#c;d%e\"", None)
        .shipctl(args)
        .prints(format!("aws_access_key_id = {ID}\naws_secret_access_key = a=b#c;d%e\"\n"));
    for refused in ["hush\nhush", "hush b", " hush", "hush\u{a0}", "#hush", ";hush", "\"hush\"", "hush\t#b"] {
        let ran = with_keys(ID, refused, None).shipctl(args);
        ran.fails(1, "ini cannot hold this aws_secret_access_key");
        assert!(!ran.err().contains("hush"), "{}", ran.err());
    }
}

/// The value of a single-quoted string of PowerShell, as its tokenizer reads it: any quote closes it, unless it is
/// followed by another.
fn powershell_string(text: &str) -> String {
    let is_quote = |letter: char| "'‘’‚‛".contains(letter);
    let mut letters = text.strip_prefix('\'').unwrap().chars().peekable();
    let mut value = String::new();
    while let Some(letter) = letters.next() {
        if !is_quote(letter) {
            value.push(letter);
        } else if let Some(second) = letters.next_if(|&next| is_quote(next)) {
            value.push(second);
        } else {
            assert_eq!(letters.collect::<String>(), ";\n", "the string ends early");
            return value;
        }
    }
    panic!("the string does not end: {text:?}")
}

#[test]
fn powershell_statements() {
    let sandbox = with_keys(ID, &nasty(), None);
    let out = sandbox.shipctl(["aws", "export", "src", "--format", "powershell"]).out();
    let cleared = lines(["AWS_SESSION_TOKEN"].into_iter().chain(STALE), |name| {
        format!("Remove-Item Env:{name} -ErrorAction SilentlyContinue;\n")
    });
    let rest = out.strip_prefix(&format!("{cleared}$Env:AWS_ACCESS_KEY_ID = '{ID}';\n$Env:AWS_SECRET_ACCESS_KEY = "));
    let rest = rest.unwrap_or_else(|| panic!("{out}"));
    assert_eq!(powershell_string(rest), nasty());
    assert!(rest.contains("‘‘’’‚‚‛‛"), "{rest}");
}

/// A file as the runner of GitHub Actions reads it: `NAME=value`, or a heredoc; later lines win.
fn github_env(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut lines = text.split_inclusive('\n');
    while let Some(line) = lines.next() {
        let line = line.strip_suffix('\n').unwrap_or_else(|| panic!("the last line has no end: {line:?}"));
        let line = line.strip_suffix('\r').unwrap_or(line);
        let (equals, heredoc) = (line.find('='), line.find("<<"));
        if let Some(at) = heredoc.filter(|at| equals.is_none_or(|equals| *at < equals)) {
            let (name, end) = (&line[..at], &line[at + 2..]);
            let value: Vec<&str> = lines.by_ref().take_while(|line| line.trim_end_matches('\n') != end).collect();
            let value = value.concat();
            let value = value.strip_suffix('\n').unwrap_or(&value);
            found.insert(name.to_owned(), value.strip_suffix('\r').unwrap_or(value).to_owned());
        } else {
            let at = equals.unwrap_or_else(|| panic!("no assignment: {line:?}"));
            found.insert(line[..at].to_owned(), line[at + 1..].to_owned());
        }
    }
    found
}

#[test]
fn github_masks_first_and_then_appends() {
    let secret = format!("{}100%\r\n", nasty()) + "end";
    let mut sandbox = with_keys(ID, &secret, Some("t=o<<k"));
    // What stood there has no end of line.
    let file = sandbox.write("work/env", "BEFORE=1\nOPEN=2");
    sandbox.set("GITHUB_ENV", &file);
    let ran = sandbox.shipctl(["aws", "export", "src", "--region", "eu-west-1", "--format", "github"]);
    let escaped = secret.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    ran.prints(format!("::add-mask::{escaped}\n::add-mask::t=o<<k\n"));
    let got = github_env(&String::from_utf8(sandbox.read("work/env")).unwrap());
    let emptied = STALE.iter().filter(|name| !["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].contains(name));
    let mut want: BTreeMap<String, String> = emptied.map(|name| ((*name).to_owned(), String::new())).collect();
    for (name, value) in [
        ("BEFORE", "1"),
        ("OPEN", "2"),
        ("AWS_ACCESS_KEY_ID", ID),
        ("AWS_SECRET_ACCESS_KEY", &secret),
        ("AWS_SESSION_TOKEN", "t=o<<k"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_DEFAULT_REGION", "eu-west-1"),
    ] {
        want.insert(name.to_owned(), value.to_owned());
    }
    assert_eq!(got, want);
    // Static keys after a session in the same step: its token goes.
    sandbox.env.remove(std::ffi::OsStr::new("SRC_INTEGRATION_AWS_SESSION_TOKEN"));
    sandbox.shipctl(["aws", "export", "src", "--format", "github"]).prints(format!("::add-mask::{escaped}\n"));
    let got = github_env(&String::from_utf8(sandbox.read("work/env")).unwrap());
    assert_eq!(got["AWS_SESSION_TOKEN"], "");
}

#[test]
fn github_waits_for_another_appender() {
    let mut sandbox = with_keys(ID, "a\nb", None);
    let path = sandbox.write("work/env", "");
    sandbox.set("GITHUB_ENV", &path);
    let mut other = std::fs::File::options().append(true).open(&path).unwrap();
    other.lock().unwrap();
    other.write_all(b"OTHER").unwrap();
    let mut child = sandbox.command(SHIPCTL);
    let mut child = child.args(["aws", "export", "src", "--format", "github"]).stdout(Stdio::null()).spawn().unwrap();
    // The system's list of locks tells when it waits.
    let pid = child.id().to_string();
    let waits = |line: &str| line.contains("-> FLOCK") && line.split_whitespace().any(|word| word == pid);
    while !std::fs::read_to_string("/proc/locks").unwrap().lines().any(waits) {
        assert_eq!(child.try_wait().unwrap(), None, "it did not wait");
        std::thread::yield_now();
    }
    other.write_all(b"=1\n").unwrap();
    drop(other);
    assert!(child.wait().unwrap().success());
    let got = github_env(&String::from_utf8(sandbox.read("work/env")).unwrap());
    assert_eq!((got["OTHER"].as_str(), got["AWS_SECRET_ACCESS_KEY"].as_str()), ("1", "a\nb"));
}

#[test]
fn github_refuses_before_it_prints() {
    let args = ["aws", "export", "src", "--format", "github"];
    let sandbox = with_keys(ID, SECRET, None);
    sandbox.shipctl(args).fails(8, "GITHUB_ENV is not set");
    let mut sandbox = with_keys(ID, SECRET, None);
    sandbox.set("GITHUB_ENV", sandbox.path("none/env"));
    sandbox.shipctl(args).fails(8, "none/env");
    sandbox.set("GITHUB_ENV", sandbox.path("work/env"));
    for name in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
        sandbox.set(name, "");
        sandbox.shipctl(args).fails(8, &format!("{name} is set, and GITHUB_ENV cannot unset it"));
        sandbox.env.remove(std::ffi::OsStr::new(name));
    }
    sandbox.set("SRC_INTEGRATION_AWS_SECRET_ACCESS_KEY", "hidden\r");
    sandbox.shipctl(args).fails(1, "a carriage return at its end");
    assert!(!sandbox.path("work/env").exists());
}

/// Values of any characters but NUL, with those that quoting is about drawn often.
fn values() -> impl Strategy<Value = Vec<String>> {
    let special = proptest::sample::select("'\"\\$`%!&|;()<>^~#*?[]{}= \t\n\r‘’‚‛é😀".chars().collect::<Vec<_>>());
    let any = any::<char>().prop_filter("no variable holds NUL", |letter| *letter != '\0');
    let value = proptest::collection::vec(prop_oneof![3 => special, 1 => any], 1..24);
    proptest::collection::vec(value.prop_map(String::from_iter), 12)
}

proptest! {
    // One shell evaluates a dozen values.
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_survives_every_shell(values in values()) {
        let mut sandbox = Sandbox::new();
        for (at, value) in values.iter().enumerate() {
            sandbox.set(format!("S{at}_INTEGRATION_ACCESSKEY"), ID).set(format!("S{at}_INTEGRATION_SECRETKEY"), value);
        }
        let want = values.join("\0") + "\0";
        for shell in SHELLS {
            let steps = (0..values.len()).map(|at| {
                let step = strict(shell, &eval(shell, &format!("aws export s{at}")));
                step + "printf '%s\\0' \"$AWS_SECRET_ACCESS_KEY\"\n"
            });
            let ran = sandbox.shell(shell, &steps.collect::<String>());
            prop_assert_eq!((ran.status, ran.err(), ran.out()), (0, String::new(), want.clone()), "{}", shell);
        }
        for (at, value) in values.iter().enumerate() {
            let out = sandbox.shipctl(["aws", "export", &format!("s{at}"), "--format", "powershell"]).out();
            let (_, quoted) = out.split_once("SECRET_ACCESS_KEY = ").unwrap();
            prop_assert_eq!(&powershell_string(quoted), value);
        }
    }
}
