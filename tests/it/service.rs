//! `service`: hands over to the image's program, never to itself.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::harness::Sandbox;

const MISSING: &str = "The command shippable_service is not supported on this image.";

fn program(sandbox: &Sandbox, at: &str, content: &str) {
    let path = sandbox.write(at, content);
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_program_of_the_image() {
    let sandbox = Sandbox::new();
    program(&sandbox, "bin/shippable_service", "#!/bin/sh\nprintf '%s|' \"$@\"; cat; exit 7\n");
    let ran = sandbox.bash("echo in | shipctl service start 'two words' '*' '' --help; echo rc=$?");
    ran.prints("start|two words|*||--help|in\nrc=7\n");
    sandbox.bash("shipctl shippable_service; [ $? = 7 ]").prints("|");
}

#[test]
fn an_image_without_it() {
    let mut sandbox = Sandbox::new();
    sandbox.shipctl(["service", "start"]).fails(99, MISSING);
    sandbox.write("bin/shippable_service", "not executable");
    sandbox.shipctl(["service"]).fails(99, MISSING);
    sandbox.env.remove(std::ffi::OsStr::new("PATH"));
    sandbox.shipctl(["service"]).fails(99, MISSING);
}

#[test]
fn a_program_that_cannot_run() {
    let sandbox = Sandbox::new();
    program(&sandbox, "bin/shippable_service", "#!/no/such/interpreter\n");
    sandbox.shipctl(["service"]).fails(99, "cannot run ");
}

#[test]
fn links_and_copies_of_ourselves() {
    let mut sandbox = Sandbox::new();
    symlink("shipctl", sandbox.path("bin/shippable_service")).unwrap();
    sandbox.shipctl(["service", "start"]).fails(99, MISSING);
    sandbox.bash("shippable_service start").fails(99, MISSING);
    // Two installations, each of which finds the other.
    for copy in ["one", "two"] {
        fs::create_dir(sandbox.path(copy)).unwrap();
        crate::harness::copy_program(&sandbox.path(copy).join("shippable_service"));
    }
    let path = ["one", "two"].map(|copy| sandbox.path(copy).display().to_string()).join(":");
    sandbox.set("PATH", format!("{path}:/usr/bin:/bin"));
    sandbox.shipctl(["service", "start"]).fails(99, MISSING);
    // The real one is found behind a link to ourselves.
    program(&sandbox, "real/shippable_service", "#!/bin/sh\necho real\n");
    sandbox.set("PATH", format!("{}:{}:/bin", sandbox.path("bin").display(), sandbox.path("real").display()));
    sandbox.shipctl(["service"]).prints("real\n");
}
