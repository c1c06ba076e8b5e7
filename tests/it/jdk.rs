//! `jdk set`: its code under a real shell, with JDKs that are shell scripts.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::Sandbox;

/// A sandbox with a JDK below `jvm` for each name; its `java` says the name.
pub fn with_jdks(names: &[&str]) -> Sandbox {
    let mut sandbox = Sandbox::new();
    for name in names {
        for program in ["java", "javac"] {
            let path = sandbox
                .write(format!("jvm/{name}/bin/{program}"), format!("#!/bin/sh\necho \"{program} of {name}\"\n"));
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    fs::create_dir_all(sandbox.path("jvm")).unwrap();
    sandbox.set("SHIPCTL_JVM_DIR", sandbox.path("jvm"));
    sandbox
}

#[test]
fn code_for_eval() {
    let sandbox = with_jdks(&["java-8-openjdk-amd64", "java-11-openjdk-amd64", "it's a jdk-17"]);
    let ran = sandbox.bash(
        "set -eu
         eval \"$(shipctl jdk set openjdk11)\"; java -version; env | grep ^JAVA_HOME; one=$PATH
         eval \"$(shipctl jdk set openjdk8)\"; java -version
         eval $(shipctl jdk set openjdk11); java -version; [ \"$PATH\" = \"$one\" ]
         eval \"$(shipctl jdk set openjdk17)\"; java -version; javac; bash -c 'echo \"$JAVA_HOME\"'",
    );
    let jvm = sandbox.path("jvm").display().to_string();
    ran.prints(format!(
        "java of java-11-openjdk-amd64\nJAVA_HOME={jvm}/java-11-openjdk-amd64\njava of java-8-openjdk-amd64\n\
         java of java-11-openjdk-amd64\njava of it's a jdk-17\njavac of it's a jdk-17\n{jvm}/it's a jdk-17\n"
    ));
}

#[test]
fn the_exact_code() {
    let mut sandbox = with_jdks(&["java-11-openjdk-amd64", "java-8-oracle"]);
    let jvm = sandbox.path("jvm").display().to_string();
    sandbox.set("PATH", format!("/a:{jvm}/java-11-openjdk-amd64/bin::/b'c"));
    let home = format!("{jvm}/java-8-oracle");
    sandbox
        .shipctl(["jdk", "set", "oraclejdk8", "more"])
        .prints(format!("export JAVA_HOME='{home}';\nexport PATH='{home}/bin:/a::/b'\\''c';\n"));
    sandbox.env.remove(std::ffi::OsStr::new("PATH"));
    sandbox
        .shipctl(["jdk", "set", "oraclejdk8"])
        .prints(format!("export JAVA_HOME='{home}';\nexport PATH='{home}/bin'\"${{PATH:+:$PATH}}\";\n"));
}

#[test]
fn none_to_choose() {
    let sandbox = with_jdks(&["java-8-openjdk-amd64", "java-11-openjdk-amd64"]);
    let there = "has java-11-openjdk-amd64, java-8-openjdk-amd64";
    sandbox.shipctl(["jdk", "set", "openjdk12"]).fails(99, there);
    sandbox.shipctl(["jdk", "set", "oraclejdk8"]).fails(99, there);
    sandbox.shipctl(["jdk", "set", "java8"]).fails(99, "java8 is no name of a JDK");
    sandbox.shipctl(["jdk", "unset", "openjdk8"]).fails(99, "jdk unset: unknown action");
    sandbox.shipctl(["jdk", "set"]).fails(99, "Usage: shipctl jdk set NAME");
    sandbox.shipctl(["jdk"]).fails(99, "Usage: shipctl jdk set NAME");
    // A folder whose java cannot be run is no JDK.
    let java = sandbox.path("jvm/java-8-openjdk-amd64/bin/java");
    fs::set_permissions(java, fs::Permissions::from_mode(0o644)).unwrap();
    sandbox.shipctl(["jdk", "set", "openjdk8"]).fails(99, "has java-11-openjdk-amd64;");
    with_jdks(&[]).shipctl(["jdk", "set", "openjdk8"]).fails(99, "has nothing");
}

#[test]
fn bundles_of_macos_and_links() {
    let sandbox = with_jdks(&["temurin-17.jdk/Contents/Home", "java-8-openjdk-real"]);
    std::os::unix::fs::symlink("java-8-openjdk-real", sandbox.path("jvm/java-1.8.0-openjdk")).unwrap();
    let jvm = sandbox.path("jvm").display().to_string();
    let homes = sandbox.bash("for n in 17 8; do eval \"$(shipctl jdk set openjdk$n)\"; echo $JAVA_HOME; done");
    homes.prints(format!("{jvm}/temurin-17.jdk/Contents/Home\n{jvm}/java-8-openjdk-real\n"));
}

#[test]
fn the_older_program() {
    let sandbox = with_jdks(&["java-8-openjdk-amd64"]);
    std::os::unix::fs::symlink("shipctl", sandbox.path("bin/shippable_jdk")).unwrap();
    let ran = sandbox.bash("eval \"$(shippable_jdk set openjdk8)\"; java");
    ran.prints("java of java-8-openjdk-amd64\n");
}
