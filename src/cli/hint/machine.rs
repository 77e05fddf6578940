//! What to type next where this machine is not as shellpack needs it.

use crate::error::{Error, Unfit};

/// For Nix, the store, and what the kernel allows.
pub(super) fn of(error: &Error) -> Option<String> {
    Some(match error {
        Error::NixNotInstalled { .. } => {
            "install it: `sudo apt-get install nix-bin`, or see https://nixos.org/download; \
             on a machine with no network, carry nix-bin's .deb packages to it with \
             `apt-get download`"
                .to_owned()
        }
        Error::NamespacesForbidden { .. } => "allow user namespaces: \
             `sudo sysctl kernel.unprivileged_userns_clone=1`, \
             `kernel.apparmor_restrict_unprivileged_userns=0` or \
             `user.max_user_namespaces=10000`, whichever applies; \
             or go on unproved with `shellpack create --no-rehearsal`"
            .to_owned(),
        Error::Unfit(unfit) => unfit_for(unfit)?,
        Error::NoSpace { .. } => "make room, for example: nix-collect-garbage".to_owned(),
        Error::Daemon { message } if message.contains("signature") => trust_user(),
        Error::NixFailed { words, .. } if is_forbidden_store(words) => {
            "make the store yours: `sudo install -d -o \"$USER\" /nix`, or install Nix with its \
             daemon"
                .to_owned()
        }
        _ => return None,
    })
}

fn unfit_for(unfit: &Unfit) -> Option<String> {
    match unfit {
        Unfit::WrongSystem { bundle, .. } => Some(format!(
            "create the bundle on a machine that is {bundle} like the target"
        )),
        Unfit::NixTooOld { needed, .. } => Some(format!(
            "install Nix {needed} or newer here, or pin an older nixpkgs"
        )),
        Unfit::WrongStore { .. } => None,
    }
}

fn is_forbidden_store(words: &str) -> bool {
    words.contains("'/nix") && words.contains("Permission denied")
}

fn trust_user() -> String {
    format!(
        "let root add the line `trusted-users = root {}` to /etc/nix/nix.conf and restart nix-daemon",
        user_name()
    )
}

/// The name under which Nix's daemon knows us; the environment may say something else.
fn user_name() -> String {
    let id = rustix::process::geteuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let fields = users
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>());
    let own = fields
        .into_iter()
        .find(|fields| fields.get(2) == Some(&id.as_str()));
    own.and_then(|fields| fields.first().map(ToString::to_string))
        .unwrap_or(id)
}
