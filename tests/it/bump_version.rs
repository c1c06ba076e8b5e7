//! `bump_version`, beyond the recorded runs.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::harness::Sandbox;

#[test]
fn every_number_can_be_raised() {
    let sandbox = Sandbox::new();
    sandbox.shipctl(["bump_version", "v0.9.199", "patch"]).prints("v0.9.200\n");
    sandbox.shipctl(["bump_version", "18446744073709551615.0.0", "major"]).prints("18446744073709551616.0.0\n");
    sandbox.shipctl(["bump_version", "1.2.3-rc.08-dropped", "rc"]).prints("1.2.3-rc.9\n");
    sandbox.shipctl(["bump_semver", "1.2.3", "minor", "ignored"]).prints("1.3.0\n");
}

#[test]
fn a_bad_version_or_action_is_named() {
    let sandbox = Sandbox::new();
    sandbox.shipctl(["bump_version"]).fails(99, "Usage: shipctl bump_version VERSION ACTION");
    sandbox.shipctl(["bump_version", "", "patch"]).fails(99, "Usage: shipctl bump_version VERSION ACTION");
    sandbox.shipctl(["bump_version", "1.2", "patch"]).fails(99, "1.2 is no version");
    sandbox.shipctl(["bump_version", "--help", "patch"]).fails(99, "--help is no version");
    sandbox.shipctl(["bump_version", "1.2.3", "Patch"]).fails(99, "Patch is no action: say major, minor");
    let bytes = OsStr::from_bytes(b"1.2.\xff3");
    sandbox.shipctl([OsStr::new("bump_version"), bytes, OsStr::new("patch")]).fails(99, "is no version");
}
