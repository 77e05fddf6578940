//! What to type next, for the errors where that can be told.

use std::io;
use std::path::Path;

use super::{Error, Remedy};
use crate::media;
use crate::media::volumes::{self, Set, checksum_name};
use crate::nix::flake;
use crate::parity::parity_name;
use shellpack_format::bundle::manifest::{shell_quoted, shell_quoted_path};
use shellpack_format::bundle::{BadBundle, BadVolume};

impl Error {
    /// One line, usually with a command that can be run.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoShellFile(dir) if dir.join(flake::FILE).is_file() => {
                let reference = format!("{}#", dir.display());
                format!("it has a flake; pack that: shellpack create {}", shell_quoted(&reference))
            }
            Self::NoShellFile(_) => "name the file: shellpack create path/to/shell.nix".to_owned(),
            Self::RelativeArgument(_, directory) => format!("name the path as it is seen from the shell file: cd {} && shellpack create …", directory.display()),
            Self::NotAShellFile(named, kind) => kind.hint(named),
            Self::RelativeExpression(_) => "write it to a file beside those that it names, and pack that: shellpack create FILE".to_owned(),
            Self::BadName(_) => "choose another with --name NAME".to_owned(),
            Self::Output(output) => output.hint(),
            Self::Parity(parity) => parity.hint(),
            Self::NotFromStdin(_) => "write it to a file first".to_owned(),
            Self::NixNotInstalled { .. } => "install it: `sudo apt-get install nix-bin`, or see https://nixos.org/download; \
                 on a machine with no network, carry nix-bin's .deb packages to it with `apt-get download`"
                .to_owned(),
            Self::Unpinned { pinned, .. } => format!("pin it, and try again:\n{pinned}"),
            Self::SourceChanged { .. } => "try again, or pin it".to_owned(),
            Self::OutsideProject { file, .. } => {
                format!("copy it into the project, or make the project a git repository that holds {}", file.display())
            }
            Self::DamagedStorePath { path, .. } => format!("repair it: nix-store --repair-path {path}"),
            Self::InvalidStorePath(_) => "it may have been collected meanwhile; try again".to_owned(),
            Self::NotOneDerivation { .. } => "choose one with -A ATTRIBUTE".to_owned(),
            Self::NamespacesForbidden { .. } => "allow user namespaces: `sudo sysctl kernel.unprivileged_userns_clone=1`, \
                 `kernel.apparmor_restrict_unprivileged_userns=0` or `user.max_user_namespaces=10000`, whichever applies; \
                 or go on unproved with `shellpack create --no-rehearsal`"
                .to_owned(),
            Self::RehearsalFailed { advice, .. } => advice.clone()?,
            Self::Bundle { file, source } => bundle_hint(file, source)?,
            Self::Faults { file, remedy, .. } => match remedy {
                Remedy::Repair => repair_hint(file),
                Remedy::CopyAgain => damaged_hint(file),
                Remedy::RemoveSurplus => REMOVE_SURPLUS.to_owned(),
            },
            Self::ReadBack { .. } => "try another medium".to_owned(),
            Self::Unfit(unfit) => unfit.hint()?,
            Self::NoStructuredAttributes => "enter it without --no-eval".to_owned(),
            Self::NoSpace { .. } => "make room, for example: nix-collect-garbage".to_owned(),
            Self::FileDiffers(_) | Self::OtherDirectory(_) => "open into another directory: shellpack open BUNDLE --dir DIR".to_owned(),
            Self::Drift { can_build: true, .. } => "enter it as it was packed, with --no-eval; or build what is missing, with --build: \
                 it takes no network"
                .to_owned(),
            Self::Drift { .. } => "enter it as it was packed, with --no-eval; if the project was changed here, what it now needs has to come in a \
                 new bundle: shellpack create"
                .to_owned(),
            Self::Flake(problem) => problem.hint(),
            Self::NotThere(not_there) => not_there.hint()?,
            Self::Daemon { message } if message.contains("signature") => trusted_user_hint(),
            Self::NixFailed { words, .. } if words.contains("'/nix") && words.contains("Permission denied") => {
                "make the store yours: `sudo install -d -o \"$USER\" /nix`, or install Nix with its daemon".to_owned()
            }
            Self::Io { action, path, source } => io_hint(action, path, source)?,
            _ => return None,
        })
    }
}

const PLUG_IN: &str = "if the medium was pulled out, plug it in and try again; if it is failing, copy the bundle again from where it was made";

const REMOVE_SURPLUS: &str = "remove it: it was left by an older bundle of that name";

fn io_hint(action: &str, path: &Path, error: &io::Error) -> Option<String> {
    match error.kind() {
        io::ErrorKind::FileTooLarge => {
            Some("the place takes no file so large, but smaller volumes, which open as they are: --volume-size SIZE".to_owned())
        }
        io::ErrorKind::StorageFull => {
            Some("make room, and try again".to_owned())
        }
        _ if !media::is_lost(error) => None,
        _ if action == "read" => Some(PLUG_IN.to_owned()),
        _ => Some(format!(
            "if the medium was pulled out, plug it in and try again, else try another one; nothing half-written is called {}",
            path.display()
        )),
    }
}

/// There is no parity for it, or not enough.
fn damaged_hint(bundle: &Path) -> String {
    if !volumes::is_named(bundle) {
        return "send it again from where it was made".to_owned();
    }
    let name = Set::named(bundle, &[]).map_or_else(|| bundle.to_owned(), |set| set.bundle());
    let checksums = checksum_name(&name);
    match checksums.file_name().filter(|_| checksums.is_file()) {
        Some(file) => format!(
            "copy what is damaged again from where it was made; this names it: (cd {} && sha256sum -c {})",
            shell_quoted_path(volumes::parent(&checksums)),
            shell_quoted_path(Path::new(file))
        ),
        None if bundle.is_file() && name == bundle => format!(
            "copy it again from where it was made, and compare: sha256sum {}",
            shell_quoted_path(bundle)
        ),
        None => "copy what is damaged again from where it was made".to_owned(),
    }
}

fn bundle_hint(file: &Path, bad: &BadBundle) -> Option<String> {
    match bad {
        BadBundle::NotABundle => Some(no_bundle_hint(file)),
        BadBundle::TrailingBytes if !volumes::is_named(file) => {
            Some("send nothing behind it; of volumes: cat NAME.shellpack.[0-9]*".to_owned())
        }
        BadBundle::NewerFormat { .. } | BadBundle::UnknownNeed(_) => {
            Some("use the version of shellpack that made it, or a newer one".to_owned())
        }
        BadBundle::Manifest(_) => None,
        BadBundle::Volume(bad @ BadVolume::Missing { .. }) if is_protected(file) => Some(format!(
            "{}; if they are lost, {}",
            volume_hint(bad),
            repair_hint(file)
        )),
        BadBundle::Volume(bad @ (BadVolume::Missing { .. } | BadVolume::Surplus { .. })) => {
            Some(volume_hint(bad))
        }
        BadBundle::Unreadable { .. } if is_protected(file) => Some(format!(
            "if the medium was pulled out, plug it in and try again; if it is failing, {}",
            repair_hint(file)
        )),
        _ if is_protected(file) => Some(repair_hint(file)),
        BadBundle::Unreadable { .. } => Some(PLUG_IN.to_owned()),
        BadBundle::Volume(bad) => Some(volume_hint(bad)),
        _ if volumes::is_named(file) => Some(format!(
            "list all of its faults: shellpack verify {}; then copy it again from where it was made",
            shell_quoted_path(file)
        )),
        _ => Some("send it again from where it was made".to_owned()),
    }
}

/// It may be what lies beside a bundle, or one whose beginning is lost.
fn no_bundle_hint(file: &Path) -> String {
    let bundle = file.with_extension("");
    let is_beside = [checksum_name(&bundle), parity_name(&bundle)].contains(&file.to_owned());
    if is_beside && volumes::is_named(&bundle) {
        return format!("name the bundle: {}", shell_quoted_path(&bundle));
    }
    if is_protected(file) {
        return format!("if its beginning is damaged, {}", repair_hint(file));
    }
    "bundles are made with: shellpack create".to_owned()
}

/// Whether parity may help.
fn is_protected(file: &Path) -> bool {
    crate::parity::parity_of(file, &[]).is_some()
}

fn repair_hint(file: &Path) -> String {
    format!("repair it: shellpack repair {}", shell_quoted_path(file))
}

fn volume_hint(bad: &BadVolume) -> String {
    match bad {
        BadVolume::Missing { .. } => {
            "put them into one directory, or name the directories that they are in: --volumes DIR"
        }
        BadVolume::Surplus { .. } => REMOVE_SURPLUS,
        _ => "copy it again from where it was made",
    }
    .to_owned()
}

fn trusted_user_hint() -> String {
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
