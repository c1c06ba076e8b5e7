//! `decrypt`, against keys and ciphertext of the real openssl.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::LazyLock;

use crate::harness::{Sandbox, tool};

/// Runs openssl in the sandbox's `work`.
fn openssl(sandbox: &Sandbox, args: &[&str]) {
    let output = sandbox.command(tool("openssl")).args(args).output().unwrap();
    assert!(output.status.success(), "openssl {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The PKCS#8 text of a key of 2048 bits, made once.
static KEY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let sandbox = Sandbox::new();
    generate(&sandbox, "key", 2048);
    sandbox.read("work/key")
});

fn generate(sandbox: &Sandbox, name: &str, bits: usize) {
    let bits = format!("rsa_keygen_bits:{bits}");
    openssl(sandbox, &["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", &bits, "-out", name]);
}

/// A sandbox whose `work` holds the key as `key`.
fn with_key() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("work/key", &*KEY);
    sandbox
}

/// Encrypts for `key` as the platform did: pieces of at most `piece` bytes, each a block.
fn encrypt(sandbox: &Sandbox, key: &str, plain: &[u8], piece: usize) -> Vec<u8> {
    let mut ciphertext = Vec::new();
    for piece in plain.chunks(piece) {
        sandbox.write("work/piece", piece);
        let oaep = ["-pkeyopt", "rsa_padding_mode:oaep", "-in", "piece", "-out", "block"];
        openssl(sandbox, &[&["pkeyutl", "-encrypt", "-inkey", key], &oaep[..]].concat());
        ciphertext.extend(sandbox.read("work/block"));
    }
    ciphertext
}

fn base64(sandbox: &Sandbox, bytes: &[u8], wrap: &str) -> Vec<u8> {
    let file = sandbox.write("work/raw", bytes);
    let command = sandbox.command(tool("base64")).args(["-w", wrap]).arg(file).stdout(Stdio::piped()).output();
    command.unwrap().stdout
}

/// Every byte, more than one block of it, none at a round length.
fn plain() -> Vec<u8> {
    (0..=255).cycle().take(500).collect()
}

#[test]
fn keys_of_every_length_and_both_kinds() {
    for (bits, piece) in [(1024, 80), (1031, 80), (2048, 214), (3072, 300)] {
        let sandbox = if bits == 2048 { with_key() } else { Sandbox::new() };
        if bits != 2048 {
            generate(&sandbox, "key", bits);
        }
        openssl(&sandbox, &["rsa", "-in", "key", "-traditional", "-out", "key.pkcs1"]);
        assert!(sandbox.read("work/key").starts_with(b"-----BEGIN PRIVATE KEY-----"));
        assert!(sandbox.read("work/key.pkcs1").starts_with(b"-----BEGIN RSA PRIVATE KEY-----"));
        let ciphertext = encrypt(&sandbox, "key", &plain(), piece);
        sandbox.write("work/secret", base64(&sandbox, &ciphertext, "76"));
        for key in ["key", "key.pkcs1"] {
            sandbox.shipctl(["decrypt", "secret", key]).prints("");
            assert_eq!(sandbox.read("work/secret.decrypted"), plain(), "{bits} {key}");
            fs::remove_file(sandbox.path("work/secret.decrypted")).unwrap();
        }
    }
}

#[test]
fn base64_in_any_layout() {
    let sandbox = with_key();
    let ciphertext = encrypt(&sandbox, "key", &plain(), 200);
    let lines = base64(&sandbox, &ciphertext, "64");
    let crlf = String::from_utf8(lines.clone()).unwrap().replace('\n', " \r\n");
    let block_by_block: Vec<u8> = ciphertext.chunks(256).flat_map(|block| base64(&sandbox, block, "0")).collect();
    for text in [lines, base64(&sandbox, &ciphertext, "0"), crlf.into_bytes(), block_by_block] {
        sandbox.write("work/-secret file", text);
        sandbox.shipctl(["decrypt_file", "-secret file", "key"]).prints("");
        assert_eq!(sandbox.read("work/-secret file.decrypted"), plain());
    }
}

#[test]
fn keys_with_text_around_them() {
    let sandbox = with_key();
    let ciphertext = encrypt(&sandbox, "key", b"secret", 200);
    sandbox.write("work/secret", base64(&sandbox, &ciphertext, "76"));
    let key = String::from_utf8(KEY.clone()).unwrap();
    let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for text in [
        format!("Bag Attributes\n    friendlyName: sub\n{key}trailing\n"),
        key.replace('\n', "\r\n"),
        key.trim_end().replace('\n', " "),
        format!("{certificate}{key}"),
    ] {
        sandbox.write("work/odd", &text);
        sandbox.shipctl(["decrypt", "secret", "odd"]).prints("");
        assert_eq!(sandbox.read("work/secret.decrypted"), b"secret", "{text}");
    }
}

#[test]
fn the_result_is_private_and_replaces_an_older_one() {
    let sandbox = with_key();
    let ciphertext = encrypt(&sandbox, "key", b"new", 200);
    sandbox.write("work/secret", base64(&sandbox, &ciphertext, "76"));
    let target = sandbox.path("work/secret.decrypted");
    let mode = |file: &PathBuf| fs::metadata(file).unwrap().permissions().mode() & 0o7777;
    assert_eq!(sandbox.bash("umask 0; shipctl decrypt secret key").status, 0);
    assert_eq!((fs::read(&target).unwrap(), mode(&target)), (b"new".to_vec(), 0o600));
    fs::remove_file(&target).unwrap();
    fs::create_dir(&target).unwrap();
    let folder = mode(&target);
    sandbox.shipctl(["decrypt", "secret", "key"]).fails(1, "something that is no file is in its place");
    assert_eq!(mode(&target), folder);
    fs::remove_dir(&target).unwrap();
    fs::write(&target, "much longer, from an earlier run").unwrap();
    fs::set_permissions(&target, Permissions::from_mode(0o644)).unwrap();
    sandbox.shipctl(["decrypt", "secret", "key"]).prints("");
    assert_eq!((fs::read(&target).unwrap(), mode(&target)), (b"new".to_vec(), 0o600));
}

#[test]
fn keys_that_cannot_be_used_say_how_to_get_one() {
    let sandbox = with_key();
    sandbox.write("work/secret", "AAAA");
    openssl(&sandbox, &["rsa", "-in", "key", "-traditional", "-aes128", "-passout", "pass:x", "-out", "locked1"]);
    openssl(&sandbox, &["pkcs8", "-topk8", "-in", "key", "-passout", "pass:x", "-out", "locked8"]);
    openssl(&sandbox, &["rsa", "-in", "key", "-pubout", "-out", "public"]);
    openssl(&sandbox, &["genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "ec"]);
    openssl(&sandbox, &["rsa", "-in", "key", "-outform", "DER", "-out", "der"]);
    sandbox.write("work/half", &KEY[..KEY.len() / 2]);
    let openssh = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
    sandbox.write("work/openssh", openssh);
    for (key, message) in [
        ("locked1", "openssl rsa -in KEY -out COPY"),
        ("locked8", "openssl rsa -in KEY -out COPY"),
        ("openssh", "ssh-keygen -p -m PEM"),
        ("public", "it is the public half"),
        ("ec", "it is no RSA key"),
        ("der", "it holds no PEM key"),
        ("half", "damaged or cut off"),
    ] {
        sandbox.shipctl(["decrypt", "secret", key]).fails(1, message);
    }
    sandbox.shipctl(["decrypt", "secret", "none"]).fails(100, "there is no key at none");
    sandbox.shipctl(["decrypt", "secret", "."]).fails(100, "there is no key at .");
    sandbox.shipctl(["decrypt"]).fails(99, "Usage: shipctl decrypt FILE [KEY]");
    assert!(!sandbox.path("work/secret.decrypted").exists());
}

#[test]
fn what_cannot_be_decrypted_leaves_nothing() {
    let sandbox = with_key();
    let good = encrypt(&sandbox, "key", &plain(), 200);
    let mut damaged = good.clone();
    damaged[300] ^= 1;
    generate(&sandbox, "other", 2048);
    openssl(&sandbox, &["pkeyutl", "-encrypt", "-inkey", "key", "-in", "piece", "-out", "pkcs1-padded"]);
    let encode = |bytes: &[u8]| base64(&sandbox, bytes, "76");
    let cases = [
        (b" \n".to_vec(), "it is empty"),
        (b"AAAA\nplain text!\n".to_vec(), "line 2 is not base64"),
        (encode(&good[..700]), "its 700 bytes are not a whole number of blocks of 256"),
        (encode(&damaged), "block 2 of 3 is damaged"),
        (encode(&encrypt(&sandbox, "other", b"x", 200)), "encrypted for another key, or not with RSA-OAEP"),
        (encode(&sandbox.read("work/pkcs1-padded")), "or not with RSA-OAEP and SHA-1"),
        (encode(&[0xff; 256]), "encrypted for another key"),
    ];
    for (text, message) in cases {
        sandbox.write("work/secret", &text);
        sandbox.shipctl(["decrypt", "secret", "key"]).fails(1, message);
        assert!(!sandbox.path("work/secret.decrypted").exists(), "{message}");
    }
    sandbox.shipctl(["decrypt", "none", "key"]).fails(1, "cannot read none: No such file");
    sandbox.shipctl(["decrypt", ".", "key"]).fails(1, "cannot read .: Is a directory");
}
