//! Hints about signatures, policies and keys.

use crate::error::{BadKeyFile, Distrust, WayToTrust};
use crate::text::shown;
use shellpack_format::bundle::manifest::{shell_quoted, shell_typed};
use shellpack_format::store::key::BadKey;

/// For a signature that is not by the key that it names.
pub(super) const BEWARE: &str = "do not open it before you know why: ask whoever made it for the \
    manifest sha256 that shellpack inspect shows";

pub(super) fn of(distrust: &Distrust) -> Option<String> {
    match distrust {
        Distrust::UnknownSigner { signers, .. } => signers
            .iter()
            .find_map(|signer| signer.way.as_ref())
            .map(trust),
        Distrust::Unsigned { .. } => {
            Some("ask whoever made it to sign it: shellpack sign BUNDLE --sign-key FILE".to_owned())
        }
        Distrust::WrongSignature { .. } => Some(BEWARE.to_owned()),
        Distrust::OpenPolicy(file) => Some(format!(
            "chmod go-w {}",
            shell_typed(&file.to_string_lossy())
        )),
        Distrust::BadPolicy { file, .. } => Some(format!("correct {}, and try again", shown(file))),
    }
}

pub(super) fn of_key(bad: &BadKeyFile) -> Option<String> {
    Some(match bad {
        BadKeyFile::Exposed(file) => {
            format!("chmod 600 {}", shell_quoted(&file.to_string_lossy()))
        }
        BadKeyFile::Bad {
            reason: BadKey::Public,
            ..
        } => "the secret key is the file that was made with it".to_owned(),
        BadKeyFile::Bad { .. } | BadKeyFile::Empty(_) => {
            "make a key: shellpack keygen NAME".to_owned()
        }
        BadKeyFile::Unset(name) => {
            format!("put the key into it, and export it: export {name}=\"$(cat FILE)\"")
        }
        BadKeyFile::Terminal => "name the file of the key: --sign-key FILE".to_owned(),
        BadKeyFile::KeyItself => "every user of this machine can see the arguments of a program: \
            give a file, - for standard input, or env:NAME; if the key is secret, make another one"
            .to_owned(),
        BadKeyFile::SshNeedsFile(_) => {
            "keep it in a file for you alone, or in an agent, and name the file of its public half"
                .to_owned()
        }
        BadKeyFile::Exists(_) => "choose another name, or another file: --output FILE".to_owned(),
        BadKeyFile::Name(_) => {
            "name it after its host or purpose, and number it: shellpack keygen lab-1".to_owned()
        }
        BadKeyFile::NoFileName(name) => {
            format!("name the file of the key: shellpack keygen {name} --output FILE")
        }
        BadKeyFile::ToStdout => "name a file: --output FILE".to_owned(),
        BadKeyFile::NoSshKeygen(_) => {
            "install the client of OpenSSH: apt install openssh-client, or nix-shell -p openssh"
                .to_owned()
        }
        BadKeyFile::NotAsRecorded { file, .. } => format!(
            "look for the damage: shellpack verify {}",
            shell_quoted(&file.to_string_lossy())
        ),
        BadKeyFile::ReadOnly { bundle, .. } => format!(
            "sign a copy: shellpack copy {} DIR",
            shell_quoted(&bundle.to_string_lossy())
        ),
        BadKeyFile::NoRoom { .. } | BadKeyFile::TooMany { .. } => {
            "signatures of RSA keys take most of the room: sign with \
            Ed25519 keys (ssh-keygen -t ed25519, shellpack keygen)"
                .to_owned()
        }
        BadKeyFile::SshFailed { reason, .. } => return no_key_in_agent(reason),
        BadKeyFile::BadSignature { .. } | BadKeyFile::OfAnother { .. } => {
            "make it with: tar -xOf BUNDLE manifest.toml | ssh-keygen -Y sign -n shellpack -f KEY"
                .to_owned()
        }
    })
}

/// The words of ssh-keygen when it was given a public key, and no agent has the secret half.
fn no_key_in_agent(reason: &str) -> Option<String> {
    let is_it = reason.contains("agent") || reason.contains("No private key found");
    is_it.then(|| "let an agent hold the secret key: ssh-add KEY".to_owned())
}

/// The line that trusts a key. It is only printed: a copy of a fingerprint is no comparison.
fn trust(way: &WayToTrust) -> String {
    const IF: &str = "if the signer confirms that fingerprint, trust the key";
    match way {
        WayToTrust::Key {
            file,
            key,
            has_list: false,
        } => format!(
            "{IF} with this line in {}: trusted-keys = [\"{key}\"]",
            shown(file)
        ),
        WayToTrust::Key { file, key, .. } => {
            format!("{IF}: add \"{key}\" to trusted-keys in {}", shown(file))
        }
        WayToTrust::AskFor { file, name } => format!(
            "ask the signer for the public key, and trust it with this line in {}: trusted-keys = [\"{name}:…\"]",
            shown(file)
        ),
        WayToTrust::Signer { file, key } => format!(
            "{IF} with this line in {}: NAME namespaces=\"shellpack\" {key} (where NAME is yours to choose)",
            shown(file)
        ),
        WayToTrust::Renew { file, now } => format!(
            "look at valid-after and valid-before in {}, and at this machine's clock: it is {now} here",
            shown(file)
        ),
        WayToTrust::AnotherKey { name, file } => format!(
            "do not open it before the signer has told you why {name} has another key than the one in {}",
            shown(file)
        ),
    }
}
