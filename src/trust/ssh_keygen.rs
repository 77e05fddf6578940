//! `ssh-keygen -Y sign`: the program that knows OpenSSH's keys, wherever they are.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{BadKeyFile, Result};
use shellpack_format::bundle::signature::{NAMESPACE, SshSignature};

/// The program.
const SSH_KEYGEN: &str = "ssh-keygen";

/// Lets ssh-keygen sign. It asks an agent, a hardware key or, at the terminal, for a passphrase.
pub(super) fn signature(key: &Path, manifest: &[u8]) -> Result<SshSignature> {
    let failed = |reason: String| BadKeyFile::SshFailed {
        key: key.to_owned(),
        reason,
    };
    let missing = BadKeyFile::NoSshKeygen;
    let mut child = Command::new(SSH_KEYGEN)
        .args(["-q", "-Y", "sign", "-n", NAMESPACE, "-f"])
        .arg(key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(missing)?;
    if let Some(mut input) = child.stdin.take() {
        // A program that fails early closes it. Its own words say why.
        let _ = input.write_all(manifest);
    }
    let output = child.wait_with_output().map_err(missing)?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(failed(words.trim().to_owned()).into());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let signature = SshSignature::from_pem(&text).map_err(|bad| failed(bad.to_string()))?;
    if signature.is_sound(manifest) {
        return Ok(signature);
    }
    let kind = signature.key().kind();
    Err(failed(format!(
        "signatures by a key of kind {kind} cannot be verified"
    ))
    .into())
}
