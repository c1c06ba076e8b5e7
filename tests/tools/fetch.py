#!/usr/bin/env python3
"""Makes sure that the programs which tests, lints and benchmarks run are there.

A program on the path is used when it is the right one; else Debian's package of it is downloaded and unpacked into
`.tools/`, which takes no root and changes nothing outside the work tree. Programs in Python (moto, the AWS CLI) come from
PyPI into `.tools/venv`, in the versions of requirements.txt, by pip as this machine has it set up. Either way
`.tools/bin/NAME` starts it. What cannot be had is an error that says what to install: nothing is skipped.

    fetch.py [--force-fetch] [GROUP | NAME]...      groups: test (the default), lint, bench
"""

import argparse
import hashlib
import importlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".tools"
BIN = TOOLS / "bin"
UNPACKED = TOOLS / "unpacked"
APT = TOOLS / "apt"
VENV = TOOLS / "venv"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
STAMP = TOOLS / "stamp.json"


@dataclass
class Tool:
    """A program: how to tell that it is the right one, and where it comes from."""

    check: list  # arguments of a run that shows it works
    expect: str  # what that run prints, as a regular expression
    packages: list  # Debian packages, libraries too; "a|b" is the first that the release has
    program: str  # the program inside those packages
    env: dict = field(default_factory=dict)  # what it needs to run from another place; @ is that place
    before: list = field(default_factory=list)  # arguments put before the caller's
    links: dict = field(default_factory=dict)  # symbolic links to make after unpacking
    release: dict = field(default_factory=dict)  # distribution -> release that has the wanted version
    why: str = ""  # for the error


TOOLS_BY_NAME = {
    "jq": Tool(
        ["--version"],
        r"^jq-1\.6$",
        ["jq", "libjq1", "libonig5"],
        "usr/bin/jq",
        release={"debian": "bookworm", "ubuntu": "jammy"},
        why="version 1.6 exactly: it is what the original ran, and later ones print other text",
    ),
    "dash": Tool(["-c", "echo works"], "^works$", ["dash"], "bin/dash"),
    # The static zsh holds its modules; the other one looks for them at a fixed place.
    "zsh": Tool(
        ["-fc", "autoload -Uz compinit && compinit -D && echo works"],
        "^works$",
        ["zsh-static", "zsh-common"],
        "bin/zsh-static",
        env={"FPATH": ":".join(f"@/usr/share/zsh/functions{below}" for below in (
            "", "/Completion", "/Completion/Base", "/Completion/Debian", "/Completion/Linux", "/Completion/Unix",
            "/Completion/Zsh", "/Misc", "/Zle"))},
    ),
    # fish finds its data beside itself when <prefix>/etc/fish is there too. Its children must not see our libraries.
    "fish": Tool(
        ["-c", "string upper works; type -q fish_add_path; and complete -C'cd /us' | string match -q '/usr*'; and echo complete"],
        r"^WORKS\ncomplete$",
        ["fish", "fish-common", "libpcre2-32-0", "libtinfo6"],
        "usr/bin/fish",
        before=["-C", "set -e LD_LIBRARY_PATH"],
        links={"usr/etc": "../etc"},
    ),
    "envsubst": Tool(["--version"], "GNU gettext", ["gettext-base"], "usr/bin/envsubst"),
    "openssl": Tool(
        ["version"],
        r"^OpenSSL (1\.1|[3-9])",
        ["openssl", "libssl3|libssl3t64"],
        "usr/bin/openssl",
        env={"OPENSSL_CONF": "@/etc/ssl/openssl.cnf"},
    ),
    "git": Tool(
        ["--version"],
        r"^git version (2\.(2[89]|[3-9]\d)|[3-9])",
        ["git", "libpcre2-8-0", "zlib1g"],
        "usr/bin/git",
        env={"GIT_EXEC_PATH": "@/usr/lib/git-core", "GIT_TEMPLATE_DIR": "@/usr/share/git-core/templates"},
    ),
    "shellcheck": Tool(
        ["--version"], r"^version: 0\.[89]|^version: 0\.1\d", ["shellcheck", "libffi8", "libgmp10"], "usr/bin/shellcheck"
    ),
    "mandoc": Tool(["-Tascii", os.devnull], "", ["mandoc", "zlib1g"], "usr/bin/mandoc"),
    "hyperfine": Tool(["--version"], r"^hyperfine 1\.", ["hyperfine"], "usr/bin/hyperfine"),
}

# Programs of the venv: how to tell that each works.
VENV_PROGRAMS = {"moto_server": ["--help"], "aws": ["--version"], "python": ["-c", "import boto3, moto"],
                 "ecs": ["deploy", "--help"]}

GROUPS = {
    "test": ["jq", "dash", "zsh", "fish", "envsubst", "openssl", "git", "moto_server", "aws", "python"],
    "lint": ["shellcheck", "mandoc"],
    "bench": ["hyperfine", "jq", "envsubst", *VENV_PROGRAMS],
}

# What nearly every machine has, with Debian's package of it: it is asked for, never fetched.
GIVEN = {
    "bash": "bash", "cc": "gcc libc6-dev", "make": "make",
    "awk": "mawk", "diff": "diffutils", "find": "findutils", "grep": "grep", "sed": "sed", "xargs": "findutils",
    "flock": "util-linux", "script": "bsdutils", "setpriv": "util-linux", "setsid": "util-linux",
    **dict.fromkeys(["base64", "env", "mkfifo", "od", "sha256sum", "stat", "tee", "touch", "tr"], "coreutils"),
}
GIVEN_BY_GROUP = {"bench": {"curl": "curl"}}


def say(message):
    print(f"tools: {message}", flush=True)


def fail(message):
    sys.exit(f"tools: error: {message}")


def works(program, tool):
    """Whether this program is the right one."""
    try:
        ran = subprocess.run([str(program), *tool.check], capture_output=True, text=True, timeout=60, check=False,
                             stdin=subprocess.DEVNULL, cwd="/")
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ran.returncode == 0 and re.search(tool.expect, ran.stdout.strip(), re.M) is not None


def on_path(name):
    """Every program of that name on the path, our own folder aside."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        candidate = Path(folder or ".").absolute() / name
        if candidate.parent != BIN and candidate.is_file() and os.access(candidate, os.X_OK):
            yield candidate


def link(name, target):
    """`.tools/bin/NAME` becomes a link, put in place in one step: a test may be reading it."""
    BIN.mkdir(parents=True, exist_ok=True)
    new = BIN / f".{name}.{os.getpid()}"
    new.symlink_to(target)
    new.replace(BIN / name)


def wrapper(name, tool, root):
    """`.tools/bin/NAME` becomes a script that starts the unpacked program with what it needs."""
    libraries = sorted({str(lib.parent) for top in ("lib", "usr/lib") for lib in (root / top).glob("**/*.so.*")
                        if lib.parent.name != "zsh"})
    env = {key: value.replace("@", str(root)) for key, value in tool.env.items()}
    if libraries:
        env["LD_LIBRARY_PATH"] = ":".join(libraries)
    lines = [*(f"export {key}={shlex.quote(value)}" for key, value in env.items())]
    words = [shlex.quote(word) for word in [str(root / tool.program), *(tool.before if libraries else [])]]
    script(name, [*lines, f'exec {" ".join(words)} "$@"'])


def script(name, lines):
    """`.tools/bin/NAME` becomes a shell script of these lines, put in place in one step."""
    BIN.mkdir(parents=True, exist_ok=True)
    new = BIN / f".{name}.{os.getpid()}"
    new.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    new.chmod(0o755)
    new.replace(BIN / name)


def last_line(ran):
    """What a failed program said last."""
    return (ran.stderr.strip() or ran.stdout.strip() or f"status {ran.returncode}").splitlines()[-1]


class Apt:
    """Debian's package tools, pointed at folders of our own so that no root is needed."""

    def __init__(self):
        for program in ("apt-get", "apt-cache", "dpkg-deb"):
            if not shutil.which(program):
                raise LookupError(f"{program} is not on this machine")
        self.options = ["-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3"]

    def run(self, *words, cwd=None):
        return subprocess.run([words[0], *self.options, *words[1:]], cwd=cwd, capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL)

    def update(self, place, sources=None):
        """Package lists of our own: the system's are missing or older than the archive."""
        state, cache = place / "state", place / "cache"
        for folder in (state / "lists/partial", cache / "archives/partial"):
            folder.mkdir(parents=True, exist_ok=True)
        self.options += ["-o", f"Dir::State={state}", "-o", f"Dir::State::lists={state}/lists", "-o",
                         "Dir::State::status=/var/lib/dpkg/status", "-o", f"Dir::Cache={cache}"]
        if sources:
            file = place / "sources.list"
            file.write_text(sources)
            self.options += ["-o", f"Dir::Etc::sourcelist={file}", "-o", "Dir::Etc::sourceparts=-"]
        say("reading package lists")
        ran = self.run("apt-get", "update")
        if ran.returncode != 0:
            raise LookupError(f"apt-get update failed: {last_line(ran)}")

    def known(self, package):
        ran = self.run("apt-cache", "policy", package)
        return re.search(r"Candidate: (?!\(none\))\S", ran.stdout) is not None

    def download(self, packages, into):
        """Downloads packages and unpacks them."""
        chosen = [next((name for name in choice.split("|") if self.known(name)), None) for choice in packages]
        if None in chosen:
            raise LookupError(f"no package {packages[chosen.index(None)]} in the lists")
        debs = APT / "debs" / into.name
        shutil.rmtree(debs, ignore_errors=True)
        debs.mkdir(parents=True)
        ran = self.run("apt-get", "download", *chosen, cwd=debs)
        if ran.returncode != 0:
            raise LookupError(f"apt-get download failed: {last_line(ran)}")
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir(parents=True)
        for deb in sorted(debs.glob("*.deb")):
            subprocess.run(["dpkg-deb", "-x", deb, into], check=True)
        shutil.rmtree(debs)


def other_release(tool):
    """A source list for the release that has the wanted version, from what this machine has for its own release."""
    system = dict(line.rstrip().split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    own, distribution = system.get("VERSION_CODENAME", "").strip('"'), system.get("ID", "").strip('"')
    wanted = tool.release.get(distribution)
    if not wanted or not own:
        return None
    lines = []
    files = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for file in (file for file in files if file.is_file()):
        text = file.read_text()
        if file.suffix == ".sources":
            for stanza in re.split(r"\n\s*\n", text):
                fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.+)$", stanza, re.M))
                if own in fields.get("Suites", "").split() and "deb" in fields.get("Types", "").split():
                    key = f'[signed-by={fields["Signed-By"]}] ' if fields.get("Signed-By", "").startswith("/") else ""
                    lines += [f'deb {key}{uri} {wanted} {fields["Components"]}' for uri in fields["URIs"].split()]
        else:
            found = re.findall(rf"^deb\s+(\[[^]]*\]\s+)?(\S+)\s+{re.escape(own)}\s+(.+)$", text, re.M)
            lines += [f"deb {options}{uri} {wanted} {components}" for options, uri, components in found]
    return "\n".join(lines) + "\n" if lines else None


class Lists:
    """Package lists by where they come from, each read once, and the reason where they cannot be."""

    def __init__(self):
        self.read = {}

    def get(self, source, sources=None):
        if source not in self.read:
            try:
                apt = Apt()
                if source != SYSTEM:
                    apt.update(APT / source.replace(" ", "-"), sources)
                self.read[source] = apt
            except LookupError as error:
                self.read[source] = error
        return self.read[source]

    def attempts(self, tool):
        """The system's lists, fresh ones, those of the release that has the right version."""
        yield SYSTEM, self.get(SYSTEM)
        yield FRESH, self.get(FRESH)
        sources = other_release(tool) if tool.release else None
        if sources:
            yield OTHER, self.get(OTHER, sources)


SYSTEM, FRESH, OTHER = "the system's package lists", "fresh package lists", "lists of the release that has it"


def fetch(name, tool, lists):
    """Downloads a program; raises LookupError with every reason when it cannot be had."""
    reasons = []
    for source, apt in lists.attempts(tool):
        root = UNPACKED / name
        try:
            if isinstance(apt, LookupError):
                raise apt
            apt.download(tool.packages, root)
        except LookupError as error:
            reasons.append(f"{source}: {error}")
            continue
        for path, target in tool.links.items():
            (root / path).symlink_to(target)
        wrapper(name, tool, root)
        if works(BIN / name, tool):
            say(f"{name}: fetched ({source})")
            return
        (BIN / name).unlink()
        reasons.append(f"{source}: what was fetched does not run or is another version")
    raise LookupError("\n  ".join(dict.fromkeys(reasons)))


def identity(name):
    """What `.tools/bin/NAME` is now; None when it starts nothing."""
    path = BIN / name
    try:
        real = path.resolve(strict=True)
    except OSError:
        return None
    return [str(real), real.stat().st_mtime_ns]


def provide(name, force, lists):
    """Makes `.tools/bin/NAME` start the right program."""
    tool = TOOLS_BY_NAME[name]
    for program in () if force else on_path(name):
        if works(program, tool):
            link(name, program)
            say(f"{name}: {program}")
            return None
    try:
        fetch(name, tool, lists)
    except LookupError as error:
        wanted = f" ({tool.why})" if tool.why else ""
        packages = " ".join(tool.packages)
        return f"{name}{wanted} is neither on the path nor could it be fetched; install it (Debian: {packages})\n  {error}"
    return None


def venv_identity():
    """What the venv is now; None when there is none."""
    try:
        mtime = (VENV / "pyvenv.cfg").stat().st_mtime_ns
    except OSError:
        return None
    return [str(VENV), mtime, sys.version, hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()]


def make_venv():
    """Makes the venv anew; raises LookupError when that cannot be done."""
    if sys.version_info < (3, 11):
        raise LookupError(f"Python 3.11 or newer is needed, this is {platform.python_version()}; install one and run "
                          "`make PYTHON=python3.11 tools`")
    try:
        # Debian's python3 has the first and not the second.
        for module in ("venv", "ensurepip"):
            importlib.import_module(module)
    except ImportError as error:
        raise LookupError(f"this Python has no module {error.name}, which makes virtual environments; install it "
                          "(Debian: python3-venv)") from None
    say(f"installing {REQUIREMENTS.name} into {VENV.relative_to(ROOT)}")
    shutil.rmtree(VENV, ignore_errors=True)
    # A caller's variables for its own Python are no business of this one; pip's own, with its index, are.
    env = {key: value for key, value in os.environ.items() if key not in ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")}
    pip = [VENV / "bin/python", "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check",
           "--requirement", REQUIREMENTS]
    for words in ([sys.executable, "-m", "venv", VENV], pip):
        ran = subprocess.run(words, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if ran.returncode != 0:
            shutil.rmtree(VENV, ignore_errors=True)
            errors = [line for line in ran.stderr.splitlines() if line.startswith("ERROR:")]
            raise LookupError(f"{' '.join(map(str, words[2:4]))} failed: {' '.join(errors) or last_line(ran)}")


def provide_of_venv(names, stale, force, stamp):
    """Makes `.tools/bin/NAME` start these programs of the venv, which is made first when it is not the stamp's."""
    fresh = stamp.get("venv") is not None and stamp["venv"] == venv_identity() and not force
    if fresh and not stale:
        return None
    try:
        if not fresh:
            make_venv()
        # Links would do for its scripts, but a Python finds its packages by the place that it was started from.
        for name in names:
            script(name, [f'exec {shlex.quote(str(VENV / "bin" / name))} "$@"'])
            if not works(BIN / name, Tool(VENV_PROGRAMS[name], "", [], "")):
                raise LookupError(f"{name} of the venv does not run")
    except LookupError as error:
        for name in names:
            (BIN / name).unlink(missing_ok=True)
        return f"{', '.join(names)} cannot be had: {error}"
    stamp["venv"] = venv_identity()
    return None


def main():
    parser = argparse.ArgumentParser(description="Makes sure that the programs which the tests run are there.")
    parser.add_argument("--force-fetch", action="store_true", help="download even what is on the path")
    parser.add_argument("names", nargs="*", default=["test"], metavar="GROUP|NAME",
                        help=f"groups: {', '.join(GROUPS)}; names: {', '.join([*TOOLS_BY_NAME, *VENV_PROGRAMS])}")
    args = parser.parse_args()
    names = list(dict.fromkeys(name for word in args.names for name in GROUPS.get(word, [word])))
    known = [*TOOLS_BY_NAME, *VENV_PROGRAMS]
    unknown = [name for name in names if name not in known]
    if unknown:
        fail(f"unknown: {', '.join(unknown)}; there are {', '.join([*GROUPS, *known])}")
    given = {key: value for group in args.names for key, value in GIVEN_BY_GROUP.get(group, {}).items()} | GIVEN
    missing = [program for program in given if not shutil.which(program)]
    if missing:
        packages = dict.fromkeys(given[program] for program in missing)
        fail(f"{', '.join(missing)}: not on the path; install {'them' if missing[1:] else 'it'} "
             f"(Debian: {' '.join(packages)})")
    if platform.system() != "Linux":
        fail("the tests' programs are fetched on Linux only; put them on the path")

    recipe = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        stamp = {}
    if stamp.get("recipe") != recipe:
        stamp = {"recipe": recipe, "tools": {}, "venv": stamp.get("venv")}
    due = [name for name in names if args.force_fetch or identity(name) is None
           or stamp["tools"].get(name) != identity(name)]
    lists = Lists()
    errors = [provide(name, args.force_fetch, lists) for name in due if name in TOOLS_BY_NAME]
    of_venv = [name for name in names if name in VENV_PROGRAMS]
    if of_venv:
        errors.append(provide_of_venv(of_venv, not set(of_venv).isdisjoint(due), args.force_fetch, stamp))
    stamp["tools"].update({name: identity(name) for name in [*due, *of_venv]})
    errors = [error for error in errors if error]
    TOOLS.mkdir(exist_ok=True)
    STAMP.write_text(json.dumps(stamp, indent=2) + "\n")
    if errors:
        fail("\n".join(errors))


if __name__ == "__main__":
    main()
