//! `shell-init` under real shells: what it adds works, and sourcing other files stays what the shell makes of it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::harness::{Ran, Sandbox, tool};
use crate::jdk::with_jdks;
use crate::vectors::job_fixture;

const JDKS: [&str; 2] = ["java-8-openjdk-amd64", "java-11-openjdk-amd64"];

/// Shells whose `source` and `.` hand words to the file, as commands that take a script's name, and their init.
const SOURCING: [(&str, &[&str], &str); 4] =
    [("bash", &[], "bash"), ("bash", &["--posix"], "bash"), ("bash", &["--posix"], "sh"), ("zsh", &["-f"], "zsh")];

/// Runs a script file with the arguments `one` and `two words`, after `set -eu` and `shell-init`.
fn run(sandbox: &Sandbox, (shell, options, init): (&str, &[&str], &str), script: &str) -> Ran {
    let script = format!("set -eu\neval \"$(shipctl shell-init {init})\"\n{script}");
    let file = sandbox.write("script.sh", script);
    Ran::of(sandbox.command(tool(shell)).args(options).arg(file).args(["one", "two words"]).output().unwrap())
}

#[test]
fn sourced_jdk_set() {
    for shell in SOURCING {
        let sandbox = with_jdks(&JDKS);
        let ran = run(
            &sandbox,
            shell,
            "source shipctl jdk set openjdk11
             java -version
             . shipctl jdk set openjdk8; java -version; env | grep -c ^JAVA_HOME=
             choose() { local name=$1; source shipctl jdk set \"$name\"; }
             choose openjdk11; java -version
             ( . shipctl jdk set openjdk8; java -version ); java -version
             if source shipctl jdk set openjdk9 2> /dev/null; then echo no; else echo $?; fi
             java -version; echo \"$# $1 $2\"",
        );
        let (old, new) = (format!("java of {}\n", JDKS[0]), format!("java of {}\n", JDKS[1]));
        ran.prints([&new, &old, "1\n", &new, &old, &new, "99\n", &new, "2 one two words\n"].concat());
    }
}

#[test]
fn a_sourced_failure_ends_a_script_under_set_e() {
    for shell in SOURCING {
        let sandbox = with_jdks(&JDKS);
        run(&sandbox, shell, "source shipctl jdk set openjdk9; echo on").fails(99, "openjdk9 is not installed");
        run(&sandbox, shell, ". shipctl no_such_command; echo on").fails(99, "no_such_command");
        run(&sandbox, shell, "shipctl jdk set openjdk9; echo on").fails(99, "openjdk9 is not installed");
    }
}

#[test]
fn a_plain_call_switches_java_too() {
    for shell in SOURCING.into_iter().chain([("dash", &[][..], "sh")]) {
        let sandbox = with_jdks(&JDKS);
        let ran = run(
            &sandbox,
            shell,
            "shipctl jdk set openjdk11 > code; java -version; shippable_jdk set openjdk8 > /dev/null; java -version
             . ./code; java -version; eval \"$(shipctl jdk set openjdk8)\"; java -version; echo \"${__shipctl_code-none}\"",
        );
        let (old, new) = (format!("java of {}\n", JDKS[0]), format!("java of {}\n", JDKS[1]));
        ran.prints([&new, &old, &new, &old, "none\n"].concat());
    }
}

#[test]
fn sourcing_any_other_command_runs_it() {
    for shell in SOURCING {
        let sandbox = Sandbox::new();
        let ran = run(
            &sandbox,
            shell,
            "source shipctl to_uppercase 'a  b'; . shipctl get_resource_name a-b; shipctl to_uppercase c",
        );
        ran.prints("A  B\nAB\nC\n");
    }
}

/// The same script with and without `shell-init`: nothing about ordinary files may differ.
#[test]
fn sourcing_other_files_is_the_shells_own() {
    let script = "
        mkdir -p d; printf '%s\\n' 'echo \"in: $# $*\"; declare -a list; list=(x y); shift; set -- new \"$@\"; return 7' > d/args
        printf '%s\\n' 'typeset -A map; map[k]=v; count=1' > declares
        printf '%s\\n' 'echo late; false; echo not under e' > fails
        printf '%s\\n' 'source ./declares; echo \"inner $#\"' > nested
        source ./d/args && echo no || echo \"status $?\"; echo \"after: $# $*\"
        . ./d/args a 'b c' || echo \"status $?\"; echo \"after: $# $*\"
        f() { source ./d/args || :; echo \"f: $# $*\"; . ./d/args q || :; echo \"f: $# $*\"; }
        f g h; echo \"after: $# $*\"
        source ./declares; echo \"${map[k]} $count\"
        source ./nested
        (source ./missing) 2> /dev/null || echo missing
        (. nowhere) 2> /dev/null || echo nowhere
        PATH=$PWD/d:$PATH; . args p || echo \"found on the path $?\"
        source /dev/stdin <<< 'echo \"stdin $#\"'
        source ./fails; echo not reached";
    for (shell, options, _) in SOURCING.into_iter().filter(|(_, _, init)| *init != "sh") {
        let sandbox = Sandbox::new();
        let with = run(&sandbox, (shell, options, shell), script);
        let file = sandbox.write("plain.sh", format!("set -eu\n{script}"));
        let plain = sandbox.command(tool(shell)).args(options).arg(file).args(["one", "two words"]).output().unwrap();
        let plain = Ran::of(plain);
        assert!(plain.out().contains("late"), "{shell}: {}{}", plain.out(), plain.err());
        assert_eq!((with.status, with.out()), (plain.status, plain.out()), "{shell} {options:?}: {}", with.err());
    }
}

#[test]
fn dash_has_source_for_shipctl_and_its_dot_says_why_not() {
    let sandbox = with_jdks(&JDKS);
    let dash = ("dash", &[][..], "sh");
    sandbox.write("work/lib", "echo \"lib $#: $*\"; return 3\n");
    let ran = run(
        &sandbox,
        dash,
        "source shipctl jdk set openjdk11; java -version; source shipctl to_uppercase x
         set +e; source ./lib a 'b c'; echo $?; source ./lib; echo $?; set -e
         if source shipctl jdk set openjdk9 2> /dev/null; then echo no; else echo $?; fi; echo \"$# $2\"",
    );
    ran.prints(format!("java of {}\nX\nlib 2: a b c\n3\nlib 0: \n3\n99\n2 two words\n", JDKS[1]));
    run(&sandbox, dash, ". shipctl jdk set openjdk11; echo on").fails(99, "eval \"$(shipctl jdk set NAME)\"");
}

#[test]
fn child_processes_find_the_program_and_the_file() {
    let sandbox = with_jdks(&JDKS);
    let ran = run(
        &sandbox,
        SOURCING[0],
        "for shell in bash zsh dash sh; do $shell -c 'shipctl to_uppercase x; command -v shipctl'; done
         env shipctl to_uppercase y; echo z | xargs shipctl to_uppercase; find . -maxdepth 0 -exec shipctl to_uppercase w ';'
         bash -c 'source shipctl jdk set openjdk8; java'; zsh -fc '. shipctl jdk set openjdk11; java'
         bash -euc '. shipctl jdk set openjdk9; echo on' 2> /dev/null || echo $?",
    );
    let program = format!("X\n{}\n", sandbox.path("bin/shipctl").display()).repeat(4);
    ran.prints(format!("{program}Y\nZ\nW\njava of {}\njava of {}\n99\n", JDKS[0], JDKS[1]));
}

#[test]
fn repeated_unquoted_and_joined() {
    let sandbox = with_jdks(&JDKS);
    for shell in ["bash", "dash"] {
        let init = if shell == "dash" { "sh" } else { "bash" };
        let ran = sandbox.shell(
            shell,
            &format!(
                "set -eu; eval $(shipctl shell-init {init}); one=$PATH; eval \"$(shipctl shell-init {init})\"
                 [ \"$PATH\" = \"$one\" ]; source shipctl jdk set openjdk8; java; read_json t.json a.b"
            ),
        );
        assert_eq!(ran.out().lines().next(), Some(&*format!("java of {}", JDKS[0])), "{shell}: {}", ran.err());
    }
}

#[test]
fn older_names_are_functions() {
    let sandbox = job_fixture();
    let script = "
        [ \"$(ship_resource_get_state app_repo)\" = \"$(shipctl get_resource_state app_repo)\" ]
        [ \"$(ship_resource_get_param app-params PORT)\" = \"$(shipctl get_params_resource app-params PORT)\" ]
        [ \"$(ship_resource_get_integration aws-cli aws_access_key_id)\" = \"$(shipctl get_integration_resource aws-cli aws_access_key_id)\" ]
        ship_resource_get_name a-b; ship_resource_get_type app_repo
        ship_resource_get_meta app_repo > /dev/null; ship_resource_get_version_name app_repo
        for name in ship_resource_post_state ship_resource_put_state ship_resource_copy_file_from_state \\
            ship_resource_refresh_file_to_state shippable_retry shippable_replace shippable_decrypt shippable_jdk \\
            read_json replace_envs bump_semver compare_git retry_command decrypt_file replicate_resource \\
            send_notification write_output; do
            case $(type $name) in *function*) ;; *) echo $name ;; esac
        done
        case $(type shippable_service 2>&1) in *function*) echo shadowed ;; esac
        ship_resource_get_name && echo no || echo $?";
    for shell in SOURCING.into_iter().chain([("dash", &[][..], "sh")]) {
        let ran = run(&sandbox, shell, script);
        assert_eq!((ran.status, ran.out()), (0, "AB\ngitRepo\nabc\n99\n".to_owned()), "{shell:?} {}", ran.err());
        assert_eq!(ran.err(), "Usage: shipctl get_resource_name RESOURCE_NAME\n");
    }
}

/// As scripts of the platform's time were: files of their own that a job starts.
#[test]
fn scripts_that_are_started_find_the_older_names() {
    let sandbox = job_fixture();
    let child = sandbox.write(
        "work/provision.sh",
        "#!/bin/bash -e
         export STATE=$(ship_resource_get_state stateA)
         ship_resource_post_state out_params versionName \"Version from build 9\"
         echo '$DB_URL' > t; shippable_replace t; shippable_retry cat t; ship_get_json_value props.json servers[0].ipaddress
         [ \"$STATE\" = \"$(shipctl get_resource_state stateA)\" ]; cat \"$JOB_STATE/out_params.env\"
         command -v read_json || echo 'only a function'",
    );
    fs::set_permissions(child, fs::Permissions::from_mode(0o755)).unwrap();
    for shell in SOURCING.into_iter().chain([("dash", &[][..], "sh")]) {
        let ran = run(&sandbox, shell, "./provision.sh");
        let said = "my.database.local\n10.0.0.9\nversionName=Version from build 9\nonly a function\n";
        assert_eq!((ran.status, ran.out()), (0, said.to_owned()), "{shell:?} {}", ran.err());
    }
}

#[test]
fn where_the_file_goes() {
    let mut sandbox = with_jdks(&JDKS);
    let sourced = |sandbox: &Sandbox| {
        let ran = sandbox.bash(
            "set -eu; eval \"$(shipctl shell-init)\"; source shipctl jdk set openjdk8; java > /dev/null
             IFS=:; for folder in $PATH; do [ -x $folder/shipctl ] || ls $folder/shipctl 2> /dev/null || :; done",
        );
        assert_eq!((ran.status, ran.err()), (0, String::new()));
        std::path::PathBuf::from(ran.out().trim_end())
    };
    let file = sourced(&sandbox);
    assert_eq!(file, sandbox.path("home/.cache/shipctl/sourced/shipctl"));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o111, 0);
    // Damaged or made executable, it is put right.
    fs::write(&file, "echo damaged").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(sourced(&sandbox), file);
    sandbox.set("XDG_CACHE_HOME", sandbox.path("own cache"));
    assert_eq!(sourced(&sandbox), sandbox.path("own cache/shipctl/sourced/shipctl"));
    // Folders that others can write to are not used, nor are links there to be had.
    let open = sandbox.path("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    sandbox.set("XDG_CACHE_HOME", &open);
    let temporary = sourced(&sandbox);
    assert!(temporary.starts_with(sandbox.path("tmp")), "{}", temporary.display());
    sandbox.env.remove(std::ffi::OsStr::new("XDG_CACHE_HOME"));
    sandbox.env.remove(std::ffi::OsStr::new("HOME"));
    assert_eq!(sourced(&sandbox), temporary);
    fs::remove_dir_all(temporary.parent().unwrap().parent().unwrap()).unwrap();
    symlink(&open, temporary.parent().unwrap().parent().unwrap()).unwrap();
    let last = sourced(&sandbox);
    assert!(
        last.starts_with(sandbox.path("tmp")) && !last.starts_with(temporary.parent().unwrap()),
        "{}",
        last.display()
    );
}

#[test]
fn without_a_place_for_the_file_the_rest_works() {
    let mut sandbox = Sandbox::new();
    sandbox.set("HOME", "/dev/null").set("TMPDIR", "/dev/null");
    let ran = sandbox.bash("set -eu; eval \"$(shipctl shell-init bash)\"; ship_resource_get_name a-b");
    assert_eq!((ran.status, ran.out()), (0, "AB\n".to_owned()));
    assert!(ran.err().contains("`source shipctl` will not work"), "{}", ran.err());
}

#[test]
fn odd_places() {
    let mut sandbox = with_jdks(&JDKS);
    let folder = sandbox.path("it's $HOME `x`");
    fs::create_dir(&folder).unwrap();
    crate::harness::copy_program(&folder.join("shipctl"));
    fs::remove_file(sandbox.path("bin/shipctl")).unwrap();
    let path = [folder.as_os_str(), ":/usr/bin:/bin".as_ref()].join("".as_ref());
    sandbox.set("PATH", path).set("XDG_CACHE_HOME", folder.join("cache"));
    for shell in SOURCING {
        let ran = run(&sandbox, shell, "source shipctl jdk set openjdk8; java; shipctl to_uppercase x");
        ran.prints(format!("java of {}\nX\n", JDKS[0]));
    }
}
