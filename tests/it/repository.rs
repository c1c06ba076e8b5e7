//! gitRepo: clones from repositories of this machine, by a real git.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use shipctl::ctx::Env;
use shipctl::error::Kind;
use shipctl::job::repository::{Checkout, Clone, Credential, Credentials, PullRequest, checkout};

use crate::harness::Sandbox;

/// A repository with three commits on `main`, a branch `dev`, and pull request 7.
struct Remote {
    sandbox: Sandbox,
}

const SETUP: &str = r"
    set -e
    export GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=ada@example.com GIT_COMMITTER_NAME=Ada GIT_COMMITTER_EMAIL=ada@example.com
    git init -q -b main ../remote && cd ../remote
    echo 1 > f; git add f; git commit -qm one
    git checkout -qb dev; echo dev > d; git add d; git commit -qm dev; git checkout -q main
    echo 2 > f; git commit -qam two
    git checkout -qb pull; echo 7 > p; git add p; git commit -qm pull
    git update-ref refs/pull/7/head HEAD; git update-ref refs/merge-requests/8/head HEAD; git checkout -q main
    git branch -qD pull
    git checkout -qb clash HEAD; echo x > f; git commit -qam clash; git update-ref refs/pull/9/head HEAD
    git checkout -q main; git branch -qD clash
    echo 3 > f; git commit -qam three
    git config uploadpack.allowAnySHA1InWant true
";

impl Remote {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.bash(SETUP).prints("");
        Self { sandbox }
    }

    fn env(&self) -> Env {
        Env::Fixed(self.sandbox.env.clone())
    }

    fn target(&self) -> PathBuf {
        self.sandbox.path("job/IN/app_repo/gitRepo")
    }

    fn git(&self, folder: &Path, command: &str) -> String {
        let ran = self.sandbox.bash(&format!("git -C '{}' {command}", folder.display()));
        assert_eq!(ran.status, 0, "git {command}: {}", ran.err());
        ran.out().trim_end().to_owned()
    }

    fn sha(&self, name: &str) -> String {
        self.git(&self.sandbox.path("remote"), &format!("rev-parse {name}"))
    }

    fn spec(&self) -> Clone {
        let url = format!("file://{}", self.sandbox.path("remote").display());
        Clone { source_url: Some(url), ..Clone::default() }
    }

    #[track_caller]
    fn clones(&self, spec: Clone) -> Vec<String> {
        checkout(&Checkout::Clone(Box::new(spec)), &self.target(), &self.env()).unwrap()
    }

    #[track_caller]
    fn fails(&self, spec: Clone, kind: Kind, message: &str) -> String {
        let error = checkout(&Checkout::Clone(Box::new(spec)), &self.target(), &self.env()).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(message), "{message:?} is not in {error}");
        assert!(!self.target().exists(), "half a clone is left");
        error.to_string()
    }
}

#[test]
fn a_commit() {
    let remote = Remote::new();
    let sha = remote.sha("main~1");
    assert_eq!(remote.clones(Clone { sha: Some(sha.clone()), ..remote.spec() }), [""; 0]);
    let target = remote.target();
    assert_eq!(remote.git(&target, "rev-parse HEAD"), sha);
    assert_eq!(fs::read_to_string(target.join("f")).unwrap(), "2\n");
    assert_eq!(remote.git(&target, "status --porcelain"), "");
    assert_eq!(remote.git(&target, "config --local user.name"), "Shippable Build");
    assert!(remote.git(&target, "branch -r").contains("origin/dev"));
    // The user's own configuration is as it was.
    assert!(!remote.sandbox.path("home/.gitconfig").exists());
}

#[test]
fn a_branch_and_the_default() {
    let remote = Remote::new();
    remote.clones(Clone { branch: Some("dev".into()), ..remote.spec() });
    assert_eq!(remote.git(&remote.target(), "rev-parse HEAD"), remote.sha("dev"));
    fs::remove_dir_all(remote.target()).unwrap();
    // The empty state directory that is made before the handlers run.
    fs::create_dir_all(remote.target()).unwrap();
    remote.clones(remote.spec());
    assert_eq!(remote.git(&remote.target(), "rev-parse HEAD"), remote.sha("main"));
    fs::remove_dir_all(remote.target()).unwrap();
    remote.fails(Clone { branch: Some("nope".into()), ..remote.spec() }, Kind::Failed, "has no branch nope");
}

#[test]
fn a_shallow_clone_fetches_what_it_lacks() {
    let remote = Remote::new();
    let spec = Clone { depth: Some(1), ..remote.spec() };
    remote.clones(Clone { sha: Some(remote.sha("main")), ..spec.clone() });
    assert_eq!(remote.git(&remote.target(), "rev-list --count HEAD"), "1");
    assert!(remote.git(&remote.target(), "branch -r").contains("origin/dev"), "--no-single-branch");
    fs::remove_dir_all(remote.target()).unwrap();
    let first = remote.sha("main~2");
    remote.clones(Clone { sha: Some(first.clone()), ..spec.clone() });
    assert_eq!(remote.git(&remote.target(), "rev-parse HEAD"), first);
    fs::remove_dir_all(remote.target()).unwrap();
    // A server that hands out branches only: the whole history then.
    remote.git(&remote.sandbox.path("remote"), "config uploadpack.allowAnySHA1InWant false");
    remote.clones(Clone { sha: Some(first.clone()), git_config: vec!["protocol.version 0".into()], ..spec.clone() });
    assert_eq!(remote.git(&remote.target(), "rev-parse HEAD"), first);
    fs::remove_dir_all(remote.target()).unwrap();
    let nowhere = "1234567890123456789012345678901234567890".to_owned();
    remote.fails(Clone { sha: Some(nowhere.clone()), ..spec }, Kind::Failed, &format!("has no commit {nowhere}"));
    remote.fails(Clone { sha: Some("--orphan".into()), ..remote.spec() }, Kind::Failed, "has no commit --orphan");
}

#[test]
fn a_pull_request_is_merged() {
    let remote = Remote::new();
    let pull = |number: &str| Some(PullRequest { number: number.into(), base: "main".into(), head: None });
    for (number, provider, depth) in [("7", None, None), ("8", Some("gitlab"), None), ("7", Some("github"), Some(1))] {
        let spec = Clone { pull_request: pull(number), provider: provider.map(str::to_owned), depth, ..remote.spec() };
        assert_eq!(remote.clones(spec), [""; 0]);
        let target = remote.target();
        let head = remote.sha("refs/pull/7/head");
        assert_eq!(remote.git(&target, "rev-parse HEAD^1 HEAD^2"), format!("{head}\n{}", remote.sha("main")));
        let read = |name: &str| fs::read_to_string(target.join(name)).unwrap();
        assert_eq!((read("p"), read("f")), ("7\n".to_owned(), "3\n".to_owned()));
        assert_eq!(remote.git(&target, "log -1 --format=%cn"), "Shippable Build");
        fs::remove_dir_all(&target).unwrap();
    }
    let by_branch = PullRequest { number: "7".into(), base: "main".into(), head: Some("dev".into()) };
    let spec = Clone { pull_request: Some(by_branch), provider: Some("bitbucket".into()), ..remote.spec() };
    remote.clones(spec.clone());
    assert_eq!(remote.git(&remote.target(), "rev-parse HEAD^1"), remote.sha("dev"));
    fs::remove_dir_all(remote.target()).unwrap();
    // One that has moved on since the build was started.
    let old = remote.sha("main");
    let notes = remote.clones(Clone { sha: Some(old.clone()), ..spec });
    assert!(notes[0].contains(&format!("not at {old}")), "{notes:?}");
}

#[test]
fn pull_requests_that_cannot_be_built() {
    let remote = Remote::new();
    let spec = |number: &str, base: &str| Clone {
        pull_request: Some(PullRequest { number: number.into(), base: base.into(), head: None }),
        ..remote.spec()
    };
    remote.fails(spec("9", "main"), Kind::Failed, "CONFLICT (content): Merge conflict in f");
    remote.fails(spec("7", "nope"), Kind::Failed, "has no branch nope, into which pull request 7 goes");
    remote.fails(spec("6", "main"), Kind::Failed, "cannot fetch pull request 6");
    remote.fails(spec("7/../x", "main"), Kind::Configuration, "is no number of a pull request");
    let bitbucket = Clone { provider: Some("bitbucket".into()), ..spec("7", "main") };
    remote.fails(bitbucket, Kind::Configuration, "its branch is not known");
}

#[test]
fn a_clone_that_fails() {
    let remote = Remote::new();
    let spec = |url: &str| Clone { source_url: Some(url.to_owned()), ..Clone::default() };
    let nowhere = format!("file://{}", remote.sandbox.path("nowhere").display());
    remote.fails(spec(&nowhere), Kind::Failed, "fatal: ");
    remote.fails(spec("--upload-pack=touch x"), Kind::Configuration, "is no address");
    remote.fails(spec("ext::touch x"), Kind::Failed, "transport 'ext' not allowed");
    remote.fails(Clone::default(), Kind::Configuration, "has no address");
    let bad = Clone { git_config: vec!["nonsense".into()], ..remote.spec() };
    remote.fails(bad, Kind::Configuration, "nonsense is no name of a git setting");
    // Nobody listens there.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said =
        remote.fails(spec(&format!("http://ada:hunter2@{closed}/o/r.git")), Kind::Network, "cannot clone http://");
    assert!(!said.contains("hunter2"), "{said}");
    // The empty folder that was there is there again.
    fs::create_dir_all(remote.target()).unwrap();
    checkout(&Checkout::Clone(Box::new(spec(&nowhere))), &remote.target(), &remote.env()).unwrap_err();
    assert_eq!(fs::read_dir(remote.target()).unwrap().count(), 0);
    // What is not ours stays.
    fs::write(remote.target().join("mine"), "").unwrap();
    let error = checkout(&Checkout::Clone(Box::new(remote.spec())), &remote.target(), &remote.env()).unwrap_err();
    assert!(error.to_string().contains("is in the way"), "{error}");
    assert!(remote.target().join("mine").exists());
}

#[test]
fn three_tries() {
    let mut remote = Remote::new();
    let real = remote.sandbox.bash("command -v git").out();
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in *' clone '*) echo >> '{log}'; [ $(wc -l < '{log}') -ge 3 ] || exit 128;; esac\n\
         exec {real}",
        log = remote.sandbox.path("tries").display(),
        real = real.trim().to_owned() + " \"$@\"\n"
    );
    let git = remote.sandbox.write("bin/git", script);
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).unwrap();
    remote.clones(remote.spec());
    assert_eq!(remote.sandbox.read("tries").len(), 3);
    // Without any git.
    fs::remove_dir_all(remote.target()).unwrap();
    remote.sandbox.set("PATH", remote.sandbox.path("tmp").into_os_string());
    remote.fails(remote.spec(), Kind::Failed, "cannot run git");
}

#[test]
fn settings_are_for_this_clone_only() {
    let remote = Remote::new();
    let setting =
        format!("url.file://{}.insteadOf https://git.invalid/o/r.git", remote.sandbox.path("remote").display());
    let spec =
        Clone { https_url: Some("https://git.invalid/o/r.git".into()), git_config: vec![setting], ..Clone::default() };
    remote.clones(spec);
    assert_eq!(remote.git(&remote.target(), "config --get remote.origin.url"), "https://git.invalid/o/r.git");
    let all = remote.git(&remote.target(), "config --list");
    assert!(!all.contains("insteadof"), "{all}");
}

#[test]
fn the_key_is_given_to_ssh() {
    let mut remote = Remote::new();
    let seen = remote.sandbox.path("seen");
    // Says what it was called with, and runs what it was to run over there.
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" > '{}'\nfor last; do :; done\nexec sh -c \"$last\"\n",
        seen.display()
    );
    let ssh = remote.sandbox.write("bin/ssh", script);
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
    let key = remote.sandbox.write("it's a/key $(touch x).pem", "key");
    let path = remote.sandbox.path("remote");
    let spec = Clone {
        ssh_url: Some(format!("git@git.invalid:{}", path.display())),
        https_url: Some("https://git.invalid/o/r.git".into()),
        is_private: true,
        key: Some(key.clone()),
        ..Clone::default()
    };
    remote.clones(spec.clone());
    let seen = String::from_utf8(remote.sandbox.read("seen")).unwrap();
    let want = format!("-i\n{}\n-o\nIdentitiesOnly=yes\n-o\nBatchMode=yes\n", key.display());
    assert!(seen.starts_with(&want), "{seen}");
    // An ssh of the user's own stays.
    fs::remove_dir_all(remote.target()).unwrap();
    remote.sandbox.set("GIT_SSH_COMMAND", "ssh -F none");
    remote.clones(spec);
    let seen = String::from_utf8(remote.sandbox.read("seen")).unwrap();
    assert!(seen.starts_with(&format!("-F\nnone\n{want}")), "{seen}");
}

#[test]
fn credentials_stay_in_their_file() {
    let remote = Remote::new();
    let file = remote.sandbox.path("it's private");
    let credential = Credential {
        host: "git.invalid".into(),
        port: Some("8443".into()),
        user: "a@b".into(),
        password: "p/w 1".into(),
    };
    let (all, later) = (vec![credential], remote.sandbox.path("it's moved"));
    let credentials = Credentials { all, file: file.clone(), later: later.clone() };
    remote.clones(Clone { credentials: Some(credentials), ..remote.spec() });
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    fs::rename(&file, &later).unwrap();
    // git itself finds them from within the clone, and nowhere else are they written.
    for host in ["git.invalid", "git.invalid:8443"] {
        let script = format!(
            "printf 'protocol=https\\nhost={host}\\n\\n' | git -C '{}' credential fill",
            remote.target().display()
        );
        let filled = remote.sandbox.bash(&script).out();
        assert!(filled.contains("username=a@b\npassword=p/w 1\n"), "{filled}");
    }
    let config = fs::read_to_string(remote.target().join(".git/config")).unwrap();
    assert!(!config.contains("p/w") && !config.contains("p%2Fw"), "{config}");
    assert!(!remote.sandbox.path("home/.git-credentials").exists());
}

#[test]
fn an_existing_checkout_is_linked() {
    let remote = Remote::new();
    let (target, env) = (remote.target(), remote.env());
    let there = remote.sandbox.path("remote");
    fs::create_dir_all(&target).unwrap();
    let link = |path: &Path| checkout(&Checkout::Existing(path.to_owned()), &target, &env);
    for (path, message) in [
        (remote.sandbox.path("nowhere"), "No such file or directory"),
        (remote.sandbox.path("home"), "not a git repository"),
        (there.join("f"), "it is no folder"),
        (there.join(".git"), "it is a repository without files"),
    ] {
        let error = link(&path).unwrap_err();
        assert_eq!(error.kind(), Kind::Configuration);
        assert!(error.to_string().contains(message), "{message:?} is not in {error}");
        assert!(target.is_dir() && !target.is_symlink());
    }
    assert_eq!(link(&there).unwrap(), [""; 0]);
    assert_eq!(fs::read_link(&target).unwrap(), there);
    assert!(link(&there).unwrap_err().to_string().contains("is in the way"));
}
