//! Hints for machines that are not as shellpack needs them.

use super::line::Line;
use super::{entering, import, namespaces, this_command, typed, update};
use crate::error::{Conflict, Error, Unfit};
use crate::nix::places;
use shellpack_format::bundle::manifest::shell_typed;

/// Downloads Nix and all that it needs, also what is installed there. Any user can run it.
const FETCH_NIX: &str = "mkdir -p debs/partial; apt-get install -y --download-only --no-install-recommends \
    -o Debug::NoLocking=1 -o Dir::State::status=/dev/null -o Dir::Cache::archives=$PWD/debs nix-bin";

/// For a process that may not take what it needs.
pub(super) const MORE_MEMORY: &str =
    "if this shell has a limit (ulimit -v), lift it and try again: ulimit -v unlimited";

/// The command that installs the daemon on Debian and Ubuntu.
const DAEMON: &str = "sudo apt-get install nix-setup-systemd";

const START_DAEMON: &str = "start it: sudo systemctl start nix-daemon.socket nix-daemon; or, without \
    systemd: sudo sh -c 'nix-daemon > /dev/null 2>&1 &'";

/// For errors of Nix, the store and the kernel.
pub(super) fn of(error: &Error) -> Option<String> {
    Some(match error {
        Error::NixNotInstalled { .. } if places::of_user_behind_sudo().is_some() => {
            "Nix is installed for the user who typed sudo, and not for root: run this without sudo"
                .to_owned()
        }
        Error::NixNotInstalled { .. } => format!(
            "install Nix: sudo apt-get install --no-install-recommends nix-bin; or see https://nixos.org/download\n\
             for a machine with no network, on one with the same Debian or Ubuntu:\n  {FETCH_NIX}\n\
             and here, beside the directory debs: sudo dpkg -iGE debs/*.deb"
        ),
        Error::NamespacesForbidden {
            purpose, refusal, ..
        } => namespaces::of(*purpose, refusal),
        Error::Room { what } if what.contains("noexec") => {
            "name another directory for scratch space: TMPDIR=DIR".to_owned()
        }
        Error::Unfit(unfit) => unfit_for(unfit)?,
        // The daemon was asked before the import, and has changed its mind or found a forgery.
        Error::Daemon { message } if message.contains("signature") => import::trust_user(),
        Error::NixFailed { words, .. } if words.contains("forbidden in restricted mode") => {
            allow_evaluation("restrict-eval")
        }
        // The command `nix` evaluates flakes like this by itself.
        Error::NixFailed { program, words, .. }
            if *program == "nix-instantiate" && words.contains("forbidden in pure eval") =>
        {
            allow_evaluation("pure-eval")
        }
        _ => return None,
    })
}

/// For something in the store that is not what the bundle has.
fn conflict_with(conflict: &Conflict) -> String {
    match conflict {
        Conflict::NotALock { lock, .. } => {
            format!(
                "look at it, and delete it: nix-store --delete {}",
                shell_typed(&lock.to_string_lossy())
            )
        }
        Conflict::NotALockFile { lock, .. } => {
            format!(
                "look at it, and remove it: rm {}",
                shell_typed(&lock.to_string_lossy())
            )
        }
        Conflict::OneHashPart { other, .. } => format!(
            "find out where both are from; to delete the one that is here: nix-store --delete {other}"
        ),
        Conflict::OtherContents { path, .. } | Conflict::OtherReferences { path } => format!(
            "it was built here, or came with another bundle (shellpack list); to take the one of the \
             bundle, remove what uses it (shellpack remove NAME), and: nix-store --delete {path}"
        ),
    }
}

fn unfit_for(unfit: &Unfit) -> Option<String> {
    let is_access = matches!(
        unfit,
        Unfit::DaemonOfOthers { .. } | Unfit::NoDaemon | Unfit::StoreOfAnother { .. }
    );
    let hint = reason_for(unfit);
    if !(is_access && is_enter()) {
        return hint;
    }
    // The files of an opened bundle are there, and need no Nix.
    Some(as_packed_or(&hint?))
}

/// Whether the command enters a shell that was opened before.
fn is_enter() -> bool {
    typed().first().is_some_and(|command| command == "enter")
}

fn reason_for(unfit: &Unfit) -> Option<String> {
    match unfit {
        Unfit::NoSpace { .. } => Some(format!("free some space, for example: {}", collecting())),
        Unfit::WrongSystem { here, .. } => {
            Some(format!("create the bundle on another {here} machine"))
        }
        Unfit::NixTooOld { needed, .. } => {
            Some(as_packed_or(&format!("install Nix {needed} or newer here")))
        }
        Unfit::NixLacksFeatures { .. } => Some(as_packed_or("install a newer Nix here")),
        Unfit::TooLittleMemory { .. } => Some(MORE_MEMORY.to_owned()),
        Unfit::LacksPresumed { from, .. } => Some(update::bring_presumed(from)),
        Unfit::WrongStore { .. } | Unfit::KernelTooOld { .. } => None,
        Unfit::StoreBehindRoom => Some(format!(
            "leave the shell, and open it outside; or name the directory: {}",
            Line::typed().with("--store", "DIR")
        )),
        Unfit::NoNixForStore { .. } | Unfit::NoNixToBuild => Some(as_packed()),
        Unfit::UnseenProcess { .. } => {
            Some("this shell is in a room or a container; remove it from outside".to_owned())
        }
        Unfit::NoStoreThere { .. }
            if typed().first().is_some_and(|command| command == "remove") =>
        {
            Some(format!(
                "let its owner do it, for example: sudo {}",
                this_command()
            ))
        }
        Unfit::NoStoreThere { .. } | Unfit::OtherSchema { .. } => {
            Some(entering::with_another_store("name another directory"))
        }
        Unfit::Conflict(conflict) => Some(conflict_with(conflict)),
        Unfit::StoreElsewhere { is_set, .. } => Some(use_nix(*is_set)),
        Unfit::DaemonOfOthers {
            group,
            user,
            is_member,
            ..
        } => Some(join(group.as_deref(), user, *is_member)),
        Unfit::NoDaemon => Some(START_DAEMON.to_owned()),
        Unfit::StoreOfAnother { is_empty: true, .. } => Some(use_nix(false)),
        Unfit::StoreOfAnother { .. } => Some(format!(
            "install Nix's daemon, which serves all users: {DAEMON}; or, if only you use Nix here, take \
             the store: sudo chown -R \"$USER\" /nix"
        )),
        Unfit::UntrustedPaths(paths) => Some(import::of(&paths.way)),
        Unfit::DynamicProot { .. } => Some(
            "take a static one, for example: nix-build '<nixpkgs>' -A pkgsStatic.proot".to_owned(),
        ),
        Unfit::MayNotEvaluate { setting } => Some(as_packed_or(&allow_evaluation(setting))),
    }
}

/// For a daemon that serves only a group.
fn join(group: Option<&str>, user: &str, is_member: bool) -> String {
    match group {
        Some(group) if is_member => format!("log in again, or in this terminal: newgrp {group}"),
        Some(group) => format!("join it, and log in again: sudo usermod -aG {group} {user}"),
        None => "ask its administrator".to_owned(),
    }
}

/// For a store that is elsewhere than in `/nix`.
fn use_nix(is_set: bool) -> String {
    let by_variable = std::env::var_os("NIX_REMOTE").is_some_and(|remote| !remote.is_empty());
    match (is_set, by_variable) {
        (false, _) => {
            "take ownership of the store: \
             sudo install -d -o \"$USER\" /nix /nix/var /nix/var/nix; or install Nix's daemon: sudo \
             apt-get install nix-setup-systemd"
        }
        (true, true) => "use the store in /nix: unset NIX_REMOTE",
        (true, false) => {
            return format!(
                "use the store in /nix this time: NIX_CONFIG='store = auto' {}",
                this_command()
            );
        }
    }
    .to_owned()
}

/// The way that needs no evaluation, and so no Nix.
fn as_packed() -> String {
    let without_evaluation = Line::typed().with_switch("--no-eval", "--build");
    format!("enter it as it was packed: {without_evaluation}")
}

fn as_packed_or(other: &str) -> String {
    format!("{}; or {other}", as_packed())
}

/// The command that frees space in the store.
fn collecting() -> &'static str {
    if places::is_installed() {
        "nix-collect-garbage"
    } else {
        "shellpack remove NAME"
    }
}

fn allow_evaluation(setting: &str) -> String {
    format!(
        "allow it this time: NIX_CONFIG='{setting} = false' {}",
        this_command()
    )
}
