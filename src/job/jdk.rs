//! JDKs that the image has, by the names that scripts give them.

use std::cmp::Reverse;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bstr::ByteSlice;

/// Where distributions and macOS put JDKs.
pub const ROOTS: [&str; 2] = ["/usr/lib/jvm", "/Library/Java/JavaVirtualMachines"];

/// What a script asks for: `openjdk11`, `oraclejdk8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    oracle: bool,
    major: u32,
}

impl Wanted {
    /// Reads a name; `None` when it is none.
    pub fn parse(name: &OsStr) -> Option<Self> {
        let name = name.to_str()?;
        let (oracle, digits) = match name.strip_prefix("openjdk") {
            Some(digits) => (false, digits),
            None => (true, name.strip_prefix("oraclejdk")?),
        };
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        let major = digits.parse().ok().filter(|_| plain)?;
        Some(Self { oracle, major })
    }
}

/// A folder with a `bin/java` that can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jdk {
    /// The folder's name below its root.
    pub name: OsString,
    /// What `JAVA_HOME` is to be.
    pub home: PathBuf,
    is_link: bool,
    compiles: bool,
}

/// Every JDK below some roots, by name.
pub fn installed(roots: &[PathBuf]) -> Vec<Jdk> {
    let entries = roots.iter().filter_map(|root| std::fs::read_dir(root).ok()).flatten().flatten();
    let mut found: Vec<Jdk> = entries
        .filter_map(|entry| {
            let path = entry.path();
            // On macOS a JDK is a bundle.
            let home = [path.join("Contents/Home"), path].into_iter().find(|home| runs(&home.join("bin/java")))?;
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            Some(Jdk { name: entry.file_name(), is_link, compiles: runs(&home.join("bin/javac")), home })
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// The one that fits best: of the vendor's own packages before others, whole before a runtime, of this machine's kind,
/// a folder before a link to one, the newest.
pub fn best(wanted: Wanted, installed: &[Jdk]) -> Option<&Jdk> {
    installed
        .iter()
        .filter_map(|jdk| Some((rank(wanted, jdk)?, jdk)))
        .min_by(|(a, _), (b, _)| a.cmp(b))
        .map(|(_, jdk)| jdk)
}

type Rank = (u8, bool, bool, bool, Reverse<Vec<u64>>, OsString);

fn rank(wanted: Wanted, jdk: &Jdk) -> Option<Rank> {
    let name = jdk.name.to_string_lossy().to_ascii_lowercase();
    let version = version(&name);
    if major(&version)? != u64::from(wanted.major) {
        return None;
    }
    // `jdk1.8.0_202` and `jdk-11.0.2` are the archives of Oracle, and of OpenJDK itself.
    let archive = name.strip_prefix("jdk").is_some_and(|rest| !rest.bytes().any(|byte| byte.is_ascii_alphabetic()));
    let vendor = match (wanted.oracle, name.contains("oracle")) {
        (true, true) => 0,
        (true, false) if archive => 1,
        (true, false) | (false, true) => return None,
        (false, false) if name.starts_with("java-") && name.contains("openjdk") => 0,
        (false, false) if name.contains("openjdk") => 1,
        (false, false) if !archive => 2,
        (false, false) => 3,
    };
    Some((vendor, !jdk.compiles, is_foreign(&name), jdk.is_link, Reverse(version), jdk.name.clone()))
}

/// The numbers of a name, without those of a machine's kind.
fn version(name: &str) -> Vec<u64> {
    let mut name = name.to_owned();
    for kind in KINDS.iter().flat_map(|(_, names)| names.iter()) {
        name = name.replace(kind, "");
    }
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

/// `1.8.0_202` is of the major version 8, as `8u292` and `8` are.
fn major(version: &[u64]) -> Option<u64> {
    match version {
        [1, major, ..] | [major, ..] => Some(*major),
        [] => None,
    }
}

/// Names of kinds of machines in folder names, by what Rust calls them.
const KINDS: [(&str, &[&str]); 6] = [
    ("x86_64", &["x86_64", "amd64", "x64"]),
    ("aarch64", &["aarch64", "arm64"]),
    ("x86", &["i386", "i586", "i686"]),
    ("arm", &["armhf", "arm32"]),
    ("powerpc64", &["ppc64le", "ppc64el"]),
    ("s390x", &["s390x"]),
];

fn is_foreign(name: &str) -> bool {
    let kind = KINDS.iter().find(|(_, names)| names.iter().any(|kind| name.contains(kind)));
    kind.is_some_and(|(kind, _)| *kind != std::env::consts::ARCH)
}

fn runs(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// A search path with a folder first and without what lay below the roots: however often a JDK is chosen, the path
/// holds one.
pub fn search_path(first: &Path, old: &OsStr, roots: &[PathBuf]) -> OsString {
    let mut path = first.as_os_str().as_bytes().to_vec();
    for folder in old.as_bytes().split_str(":") {
        let folder_path = Path::new(OsStr::from_bytes(folder));
        if folder_path != first && !roots.iter().any(|root| folder_path.starts_with(root)) {
            path.push(b':');
            path.extend_from_slice(folder);
        }
    }
    OsString::from_vec(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(wanted: &str, names: &[&str]) -> Option<String> {
        let jdks: Vec<_> = names
            .iter()
            .map(|name| Jdk { name: name.into(), home: name.into(), is_link: false, compiles: !name.contains("jre") })
            .collect();
        best(Wanted::parse(wanted.as_ref()).unwrap(), &jdks).map(|jdk| jdk.home.display().to_string())
    }

    #[test]
    fn spellings_of_distributions() {
        for (wanted, name) in [
            ("openjdk7", "java-7-openjdk-amd64"),
            ("openjdk8", "java-1.8.0-openjdk"),
            ("openjdk8", "java-1.8.0-openjdk-1.8.0.312.b07-1.el7_9.x86_64"),
            ("openjdk8", "adoptopenjdk-8-hotspot-amd64"),
            ("openjdk8", "jdk8u292-b10"),
            ("openjdk11", "java-11-openjdk-arm64"),
            ("openjdk11", "jdk-11.0.2"),
            ("openjdk11", "zulu-11-amd64"),
            ("openjdk11", "graalvm-ce-java11-22.3.0"),
            ("openjdk11", "java-11-amazon-corretto"),
            ("openjdk17", "temurin-17-jdk-amd64"),
            ("openjdk17", "temurin-17.jdk"),
            ("openjdk21", "java-1.21.0-openjdk-amd64"),
            ("oraclejdk8", "java-8-oracle"),
            ("oraclejdk8", "jdk1.8.0_202"),
            ("oraclejdk8", "oracle-java8-jdk-amd64"),
            ("oraclejdk8", "jdk-1.8-oracle-x64"),
            ("oraclejdk10", "jdk-10.0.2"),
            ("oraclejdk11", "jdk-11-oracle-x64"),
        ] {
            assert_eq!(choose(wanted, &[name]).as_deref(), Some(name), "{wanted}");
        }
    }

    #[test]
    fn others_do_not_fit() {
        let names = ["java-11-openjdk-amd64", "java-8-oracle", "default-java", "jdk-12.0.1", "openjdk-64"];
        for wanted in ["openjdk8", "oraclejdk11", "openjdk1", "openjdk9"] {
            assert_eq!(choose(wanted, &names), None, "{wanted}");
        }
    }

    #[test]
    fn the_best_of_several() {
        let own = format!("java-8-openjdk-{}", if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" });
        assert_eq!(choose("openjdk8", &["temurin-8-jdk", "java-8-openjdk-i386", &own]).unwrap(), own);
        assert_eq!(choose("openjdk8", &["jre-1.8.0-openjdk", "zulu-8"]).unwrap(), "jre-1.8.0-openjdk");
        assert_eq!(choose("openjdk11", &["java-11-openjdk-jre", "java-11-openjdk"]).unwrap(), "java-11-openjdk");
        assert_eq!(choose("oraclejdk8", &["jdk1.8.0_45", "jdk1.8.0_202"]).unwrap(), "jdk1.8.0_202");
    }

    #[test]
    fn names_of_scripts() {
        for name in ["openjdk11", "oraclejdk7", "openjdk21"] {
            assert!(Wanted::parse(name.as_ref()).is_some(), "{name}");
        }
        for name in ["", "openjdk", "jdk11", "openjdk-11", "openjdk011", "openjdk+8", "OpenJDK8", "openjdk99999999999"]
        {
            assert!(Wanted::parse(name.as_ref()).is_none(), "{name}");
        }
    }

    #[test]
    fn the_path_holds_one_jdk() {
        let roots = [PathBuf::from("/usr/lib/jvm")];
        let set = |old: &str| search_path(Path::new("/usr/lib/jvm/b/bin"), old.as_ref(), &roots).into_string().unwrap();
        assert_eq!(set("/bin:/usr/lib/jvm/a/bin:/usr/lib/jvmx:"), "/usr/lib/jvm/b/bin:/bin:/usr/lib/jvmx:");
        assert_eq!(set(&set("/bin::/x")), set("/bin::/x"));
    }
}
