//! `jdk set`: shell code that selects a JDK.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::Args;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::job::jdk::{self, Wanted};
use crate::support::shell::posix_quote;

/// Another folder to look for JDKs in, instead of where the system has them.
const ROOT_VARIABLE: &str = "SHIPCTL_JVM_DIR";

/// Prints code for `eval "$(shipctl jdk set NAME)"`. The original, which was sourced, appended to the path and had root
/// switch the system's java over; here the JDK comes first on the path, so that `java` is it for anybody.
pub(super) fn jdk(ctx: &Ctx, args: &Args) -> Result<(), Error> {
    if args.bytes(0) != b"set" {
        let action = args.display(0);
        return Err(Error::drop_in(format_args!("jdk {action}: unknown action; call shipctl jdk set NAME")));
    }
    let name = args.display(1);
    let Some(wanted) = Wanted::parse(args.get(1)) else {
        return Err(Error::drop_in(format_args!(
            "{name} is no name of a JDK: they are openjdk7 to openjdk21 and oraclejdk7 to oraclejdk11"
        )));
    };
    let roots: Vec<PathBuf> = match ctx.env.get_filled(ROOT_VARIABLE) {
        Some(root) => vec![ctx.absolute(root.as_ref())?],
        None => jdk::ROOTS.iter().map(PathBuf::from).collect(),
    };
    let installed = jdk::installed(&roots);
    let Some(chosen) = jdk::best(wanted, &installed) else {
        let there: Vec<_> = installed.iter().map(|jdk| jdk.name.to_string_lossy()).collect();
        let there = if there.is_empty() { "nothing".to_owned() } else { there.join(", ") };
        return Err(Error::drop_in(format_args!(
            "{name} is not installed: {} has {there}; install it, or name its parent folder in {ROOT_VARIABLE}",
            roots[0].display()
        )));
    };
    let bin = chosen.home.join("bin");
    let mut code = b"export JAVA_HOME=".to_vec();
    code.extend(posix_quote(chosen.home.as_os_str().as_bytes()));
    code.extend_from_slice(b";\nexport PATH=");
    if let Some(path) = ctx.env.get_filled("PATH") {
        code.extend(posix_quote(jdk::search_path(&bin, &path, &roots).as_bytes()));
    } else {
        // A path that the shell has not exported is the shell's to extend.
        code.extend(posix_quote(bin.as_os_str().as_bytes()));
        code.extend_from_slice(b"\"${PATH:+:$PATH}\"");
    }
    code.extend_from_slice(b";\n");
    ctx.print(&code)
}
