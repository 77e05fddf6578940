//! The manifest's frame: the comments before its tables and the digest line after them
//! (`bundle-format.md`, section 4.1).

use super::{Delta, Manifest, NEEDS_ANSWERS, NEEDS_REPLAY, Shell};
use crate::bundle::{BadBundle, PROJECT_PREFIX};
use crate::store::hash::Digest;

/// The start of the last line. The digest of all bytes before that line follows.
const DIGEST_LINE: &str = "# sha256:";
const DIGEST_LINE_LENGTH: usize = DIGEST_LINE.len() + 64 + 1;

/// Puts the comments around the tables. For a human without documentation, they say what this file
/// is and how to get everything out of it with tar, zstd and Nix alone.
pub(super) fn with_frame(manifest: &Manifest, body: &str) -> Vec<u8> {
    let mut text = match &manifest.delta {
        None => comments(manifest),
        Some(delta) => comments_of_update(manifest, delta),
    };
    text.push_str(body);
    let digest = Digest::of(text.as_bytes()).hex();
    text.push_str(DIGEST_LINE);
    text.push_str(&digest);
    text.push('\n');
    text.into_bytes()
}

fn comments(manifest: &Manifest) -> String {
    let name = &manifest.name;
    let enter = enter_by_hand(manifest).join("\n#   or: ");
    format!(
        "\
# A shellpack bundle: a nix-shell with everything that it needs, for a machine with no network.
#
# Open it:                shellpack open {name}.shellpack
# Look into it:           shellpack inspect {name}.shellpack
#
# Without shellpack, as a user whom Nix trusts (root without a daemon is one):
#   tar -xOf {name}.shellpack --wildcards 'closure/*.zst' | zstd -dc | nix-store --import
#   tar -xf {name}.shellpack {PROJECT_PREFIX}
#   {enter}
#
# The format is described in bundle-format.md of shellpack's source.

"
    )
}

fn comments_of_update(manifest: &Manifest, delta: &Delta) -> String {
    let name = &manifest.name;
    let from = delta.from.iter();
    let from = from.map(|origin| format!("\n#   {} {}", origin.name, origin.digest));
    let from = from.collect::<String>();
    let from = match from.as_str() {
        "" => String::new(),
        bundles => {
            format!("\n# These bundles bring what it presumes (manifest sha256):{bundles}\n#")
        }
    };
    format!(
        "\
# A shellpack update: a nix-shell with everything that it needs, less what its target has.
#
# Open it:                shellpack open {name}-update.shellpack
# Look into it:           shellpack inspect {name}-update.shellpack
#{from}
# The format is described in bundle-format.md of shellpack's source, section 15.

"
    )
}

/// How to enter each shell where its files were unpacked, without a line break: it is a comment.
fn enter_by_hand(manifest: &Manifest) -> Vec<String> {
    let only = |words: &str| vec![words.to_owned()];
    if manifest.is_no_eval() {
        return only("(entering it needs shellpack: the sources for evaluation were left out)");
    }
    if manifest.needs.iter().any(|need| need == NEEDS_REPLAY) {
        return only("(entering it needs shellpack: the shell fetches sources without a hash)");
    }
    if manifest.needs.iter().any(|need| need == NEEDS_ANSWERS) {
        return only(
            "(entering it needs shellpack: the shell depends on the machine that packed it)",
        );
    }
    manifest.shells.iter().map(line_by_hand).collect()
}

fn line_by_hand(shell: &Shell) -> String {
    let directory = format!("{PROJECT_PREFIX}/{}", shell.entered());
    let words = shell.by_hand(directory.trim_end_matches('/'), None, &shell.surroundings());
    format!("{words} --option substitute false").replace(char::is_control, "?")
}

/// Checks the digest line and returns the text before it.
pub(super) fn body(bytes: &[u8]) -> Result<&str, BadBundle> {
    let split = bytes
        .len()
        .checked_sub(DIGEST_LINE_LENGTH)
        .ok_or(BadBundle::ManifestDamaged)?;
    let (body, line) = bytes.split_at(split);
    let digest = line
        .strip_prefix(DIGEST_LINE.as_bytes())
        .and_then(|rest| rest.strip_suffix(b"\n"));
    if digest != Some(Digest::of(body).hex().as_bytes()) {
        return Err(BadBundle::ManifestDamaged);
    }
    std::str::from_utf8(body).map_err(|_| BadBundle::ManifestDamaged)
}
