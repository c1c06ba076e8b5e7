//! Words that a shell reads back byte for byte, and the names that it keeps for itself.

/// A word for any POSIX shell: in single quotes, where nothing is special but the quote itself.
pub fn posix_quote(value: &[u8]) -> Vec<u8> {
    quote(value, |byte, out| match byte {
        b'\'' => out.extend_from_slice(b"'\\''"),
        _ => out.push(byte),
    })
}

/// A word for fish: in single quotes, where a backslash protects a quote or a backslash.
pub fn fish_quote(value: &[u8]) -> Vec<u8> {
    quote(value, |byte, out| {
        if matches!(byte, b'\'' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    })
}

fn quote(value: &[u8], each: impl Fn(u8, &mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() + 2);
    out.push(b'\'');
    for &byte in value {
        each(byte, &mut out);
    }
    out.push(b'\'');
    out
}

/// A word for `PowerShell`: in single quotes, with every quote doubled; the typographic ones close a string as well.
/// `PowerShell` has text only: what is not UTF-8 has to be refused before.
pub fn powershell_quote(value: &[u8]) -> Vec<u8> {
    let mut out = vec![b'\''];
    for chunk in value.utf8_chunks() {
        for letter in chunk.valid().chars() {
            let twice = matches!(letter, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}');
            let mut buffer = [0; 4];
            let bytes = letter.encode_utf8(&mut buffer).as_bytes();
            out.extend_from_slice(bytes);
            if twice {
                out.extend_from_slice(bytes);
            }
        }
        out.extend_from_slice(chunk.invalid());
    }
    out.push(b'\'');
    out
}

/// A value for an `.env` file as Docker Compose reads it: in double quotes, with `\\`, `\"`, `\$`, `\n` and `\r`.
/// A value with `"` or `$` that single quotes can hold as it stands gets those, since most other readers (dotenv for
/// Node and Ruby) agree on what they mean and disagree on escapes.
pub fn dotenv_quote(value: &[u8]) -> Vec<u8> {
    let holds = |bytes: &[u8]| value.iter().any(|byte| bytes.contains(byte));
    if holds(b"\"$") && !holds(b"'\\\n\r") {
        return quote(value, |byte, out| out.push(byte));
    }
    let mut out = vec![b'"'];
    for &byte in value {
        match byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\\' | b'"' | b'$' => out.extend_from_slice(&[b'\\', byte]),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
    out
}

/// Names that an `export` must not touch: bash refuses some (which ends a script under `set -e`), loses others, and
/// evaluates the value of a few as arithmetic, in which `a[$(command)]` runs the command.
pub fn posix_keeps(name: &str) -> bool {
    "_ BASHOPTS BASHPID BASH_ARGC BASH_ARGV BASH_ARGV0 BASH_COMMAND BASH_LINENO BASH_SOURCE BASH_SUBSHELL BASH_VERSINFO \
     DIRSTACK EPOCHREALTIME EPOCHSECONDS EUID FUNCNAME FUNCNEST GROUPS HISTCMD LINENO OPTIND PPID RANDOM SECONDS \
     SHELLOPTS SRANDOM UID"
        .split_ascii_whitespace()
        .any(|kept| kept == name)
}

/// Names that are plain in other shells but that zsh keeps for lists, numbers or itself: `path` is `PATH` there.
pub fn zsh_keeps(name: &str) -> bool {
    "ARGC COLUMNS EGID GID HISTCHARS HISTSIZE KEYTIMEOUT LINES LISTMAX MAILCHECK SAVEHIST SHLVL TRY_BLOCK_ERROR \
     TRY_BLOCK_INTERRUPT TTYIDLE USERNAME ZSH_EVAL_CONTEXT ZSH_SUBSHELL aliases argv builtins cdpath commands dirstack \
     dis_aliases dis_builtins dis_functions dis_functions_source dis_galiases dis_patchars dis_reswords dis_saliases \
     errnos fignore fpath funcfiletrace funcsourcetrace funcstack functions functions_source functrace galiases \
     histchars history historywords jobdirs jobstates jobtexts keymaps mailpath manpath mapfile module_path modules \
     nameddirs options parameters patchars path pipestatus psvar reswords saliases signals status sysparams termcap \
     terminfo userdirs usergroups watch widgets zsh_eval_context zsh_scheduled_events"
        .split_ascii_whitespace()
        .any(|kept| kept == name)
}

/// Names that fish does not let a script set.
pub fn fish_keeps(name: &str) -> bool {
    "_ FISH_VERSION PWD SHLVL fish_kill_signal fish_killring fish_pid history hostname pipestatus status umask version"
        .split_ascii_whitespace()
        .any(|kept| kept == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn words_by_shell() {
        for (value, posix, fish, powershell) in [
            ("", "''", "''", "''"),
            ("a b", "'a b'", "'a b'", "'a b'"),
            ("it's", r"'it'\''s'", r"'it\'s'", "'it''s'"),
            (r"a\", r"'a\'", r"'a\\'", r"'a\'"),
            ("$x`y`\n*", "'$x`y`\n*'", "'$x`y`\n*'", "'$x`y`\n*'"),
            ("‘q’‚‛", "'‘q’‚‛'", "'‘q’‚‛'", "'‘‘q’’‚‚‛‛'"),
        ] {
            assert_eq!(text(posix_quote(value.as_bytes())), posix);
            assert_eq!(text(fish_quote(value.as_bytes())), fish);
            assert_eq!(text(powershell_quote(value.as_bytes())), powershell);
        }
        assert_eq!(posix_quote(b"\xff"), b"'\xff'");
    }

    #[test]
    fn dotenv_values() {
        for (value, want) in [
            ("", r#""""#),
            ("plain value", r#""plain value""#),
            ("a#b", r#""a#b""#),
            ("it's", r#""it's""#),
            (r#"{"a":1}"#, r#"'{"a":1}'"#),
            ("$HOME", "'$HOME'"),
            ("it's $5", r#""it's \$5""#),
            ("l1\nl2\r", r#""l1\nl2\r""#),
            (r"a\nb", r#""a\\nb""#),
            ("\"q\"\n", r#""\"q\"\n""#),
        ] {
            assert_eq!(text(dotenv_quote(value.as_bytes())), want, "{value:?}");
        }
    }
}
