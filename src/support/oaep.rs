//! RSA-OAEP: private keys in PEM, and what was encrypted for them as base64 text.

use std::fmt;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::rand_core::OsRng;

use rsa::traits::PublicKeyParts;
use rsa::{Oaep, RsaPrivateKey};
use sha1::Sha1;

/// A private key.
///
/// The crate's arithmetic does not run in constant time (RUSTSEC-2023-0071, "Marvin"): somebody who can have very many
/// messages of their own decrypted and time each could recover the key. A command that decrypts a file of the job's
/// owner on the job's machine answers nobody, and every decryption is blinded with fresh random numbers besides.
#[derive(Debug)]
pub struct PrivateKey(RsaPrivateKey);

/// Why a file is no key to decrypt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFault {
    /// There is no PEM block in it.
    NotPem,
    /// A key behind a passphrase.
    Encrypted,
    /// A key in the format of OpenSSH.
    OpenSsh,
    /// A key in the format of `PuTTY`.
    Putty,
    /// A public key, or a certificate.
    Public,
    /// The PEM block of some other kind of key.
    NotRsa,
    /// The PEM block has no end, no base64 or no key in it.
    Damaged,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPem => "it holds no PEM key: a line `-----BEGIN RSA PRIVATE KEY-----` or `-----BEGIN PRIVATE KEY-----` must begin one",
            Self::Encrypted => "it is locked with a passphrase: unlock a copy with `openssl rsa -in KEY -out COPY`",
            Self::OpenSsh => "it is in the format of OpenSSH: convert a copy with `ssh-keygen -p -m PEM -N '' -f COPY`",
            Self::Putty => "it is in the format of PuTTY: convert it with `puttygen KEY -O private-openssh -o COPY`",
            Self::Public => "it is the public half: decrypting takes the private key",
            Self::NotRsa => "it is no RSA key: decrypting takes the RSA key that the file was encrypted for",
            Self::Damaged => "its PEM block is damaged or cut off: fetch the key again, with all its lines",
        })
    }
}

/// Why a text could not be decrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The line that holds something other than base64.
    NotBase64 {
        /// The line, counted from 1.
        line: usize,
    },
    /// Nothing is in it.
    Empty,
    /// The blocks do not come out even.
    Length {
        /// Bytes of ciphertext.
        length: usize,
        /// Bytes of a block: the key's modulus.
        block: usize,
    },
    /// A block that the key does not open.
    Block {
        /// Which, counted from 1.
        number: usize,
        /// Of how many.
        of: usize,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBase64 { line } => {
                write!(f, "line {line} is not base64: give the text that was encrypted, as it was given out")
            }
            Self::Empty => f.write_str("it is empty: give the text that was encrypted"),
            Self::Length { length, block } => write!(
                f,
                "its {length} bytes are not a whole number of blocks of {block}, the key's length: it is cut off, or was encrypted for another key"
            ),
            Self::Block { number: 1, .. } => {
                f.write_str("it was encrypted for another key, or not with RSA-OAEP and SHA-1")
            }
            Self::Block { number, of } => {
                write!(f, "block {number} of {of} is damaged, or was encrypted for another key: fetch it again")
            }
        }
    }
}

impl PrivateKey {
    /// The first private key in a text, whatever stands around it: PKCS#1 or PKCS#8.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyFault> {
        let der = pem_content(text)?;
        let key = RsaPrivateKey::from_pkcs1_der(&der).or_else(|_| RsaPrivateKey::from_pkcs8_der(&der));
        key.map(Self).map_err(|error| match error {
            rsa::pkcs8::Error::PublicKey(rsa::pkcs8::spki::Error::OidUnknown { .. }) => KeyFault::NotRsa,
            _ => KeyFault::Damaged,
        })
    }

    /// What base64 text holds: blocks of the key's length, one after the other.
    pub fn decrypt(&self, text: &[u8]) -> Result<Vec<u8>, Fault> {
        let ciphertext = decode_base64(text).map_err(|at| Fault::NotBase64 { line: line_of(text, at) })?;
        let block = self.0.size();
        if ciphertext.is_empty() {
            return Err(Fault::Empty);
        }
        if !ciphertext.len().is_multiple_of(block) {
            return Err(Fault::Length { length: ciphertext.len(), block });
        }
        let of = ciphertext.len() / block;
        let mut plain = Vec::with_capacity(ciphertext.len());
        for (number, block) in (1..).zip(ciphertext.chunks_exact(block)) {
            let opened = self.0.decrypt_blinded(&mut OsRng, Oaep::new::<Sha1>(), block);
            plain.extend(opened.map_err(|_| Fault::Block { number, of })?);
        }
        Ok(plain)
    }
}

/// The bytes in the first PEM block of a private key, or what is there instead.
fn pem_content(text: &[u8]) -> Result<Vec<u8>, KeyFault> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    const DASHES: &[u8] = b"-----";
    let mut other = None;
    for at in memchr::memmem::find_iter(text, BEGIN) {
        let rest = &text[at + BEGIN.len()..];
        let Some(length) = memchr::memmem::find(rest, DASHES) else { continue };
        let fault = match &rest[..length] {
            b"RSA PRIVATE KEY" | b"PRIVATE KEY" => return pem_body(&rest[length + DASHES.len()..]),
            b"ENCRYPTED PRIVATE KEY" => KeyFault::Encrypted,
            b"OPENSSH PRIVATE KEY" => KeyFault::OpenSsh,
            b"PUBLIC KEY" | b"RSA PUBLIC KEY" | b"CERTIFICATE" => KeyFault::Public,
            label if label.ends_with(b"PRIVATE KEY") => KeyFault::NotRsa,
            _ => continue,
        };
        // A private key that cannot be used says more than the certificate beside it.
        if other.is_none() || other == Some(KeyFault::Public) {
            other = Some(fault);
        }
    }
    Err(other.unwrap_or_else(|| match text.trim_ascii_start() {
        text if text.starts_with(b"ssh-rsa ") => KeyFault::Public,
        text if text.starts_with(b"PuTTY-User-Key-File") => KeyFault::Putty,
        _ => KeyFault::NotPem,
    }))
}

fn pem_body(rest: &[u8]) -> Result<Vec<u8>, KeyFault> {
    let end = memchr::memmem::find(rest, b"-----END ").ok_or(KeyFault::Damaged)?;
    let body = &rest[..end];
    if memchr::memmem::find(body, b"ENCRYPTED").is_some() {
        return Err(KeyFault::Encrypted);
    }
    decode_base64(body).map_err(|_| KeyFault::Damaged)
}

/// Decodes base64 with blanks and line breaks anywhere. Every block may have been encoded, and padded, on its own.
/// An error is the offset of the first byte that does not belong.
fn decode_base64(text: &[u8]) -> Result<Vec<u8>, usize> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&STANDARD, config);
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3);
    let mut piece = Vec::with_capacity(text.len());
    let mut padded = false;
    for (at, byte) in text.iter().copied().enumerate().filter(|(_, byte)| !byte.is_ascii_whitespace()) {
        if padded && byte != b'=' {
            engine.decode_vec(&piece, &mut decoded).map_err(|_| at - 1)?;
            piece.clear();
        }
        padded = byte == b'=';
        if !padded && !byte.is_ascii_alphanumeric() && byte != b'+' && byte != b'/' {
            return Err(at);
        }
        piece.push(byte);
    }
    engine.decode_vec(&piece, &mut decoded).map_err(|_| text.trim_ascii_end().len().saturating_sub(1))?;
    Ok(decoded)
}

fn line_of(text: &[u8], at: usize) -> usize {
    memchr::memchr_iter(b'\n', &text[..at]).count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_in_any_layout() {
        for text in ["aGVsbG8gd29ybGQ=", " aGVs\r\nbG8g d29y\n\tbGQ=\r\n", "aGVsbG8g\nd29ybGQ", "aGVsbG8gdw==b3JsZA=="]
        {
            assert_eq!(decode_base64(text.as_bytes()).unwrap(), b"hello world", "{text:?}");
        }
        assert_eq!(decode_base64(b" \n").unwrap(), b"");
    }

    #[test]
    fn what_is_not_base64_is_found() {
        let line = |text: &[u8]| line_of(text, decode_base64(text).unwrap_err());
        assert_eq!(line(b"aGVs\nb%8g\n"), 2);
        assert_eq!(line(b"aGVs\n\nbG8g\nd\n"), 4);
        assert_eq!(line(b"aGVs\nbG8gd\n=\nd29y\n"), 3);
        assert_eq!(line(b"\xff"), 1);
        assert_eq!(line(b"===="), 1);
    }

    #[test]
    fn what_is_no_key_is_named() {
        let fault = |text: &str| PrivateKey::from_pem(text.as_bytes()).unwrap_err();
        let block = |label: &str| fault(&format!("x\n-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n"));
        assert_eq!(fault(""), KeyFault::NotPem);
        assert_eq!(fault("ssh-rsa AAAA me"), KeyFault::Public);
        assert_eq!(fault("PuTTY-User-Key-File-2: ssh-rsa"), KeyFault::Putty);
        assert_eq!(fault("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n"), KeyFault::Damaged);
        assert_eq!(block("RSA PRIVATE KEY"), KeyFault::Damaged);
        assert_eq!(block("ENCRYPTED PRIVATE KEY"), KeyFault::Encrypted);
        assert_eq!(block("OPENSSH PRIVATE KEY"), KeyFault::OpenSsh);
        assert_eq!(block("EC PRIVATE KEY"), KeyFault::NotRsa);
        assert_eq!(block("CERTIFICATE"), KeyFault::Public);
        let locked = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        assert_eq!(fault(locked), KeyFault::Encrypted);
    }
}
