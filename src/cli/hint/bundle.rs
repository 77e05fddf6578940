//! What to type next where a bundle, its volumes or its parity are damaged or not there.

use std::path::{Path, PathBuf};

use crate::error::{BadParity, Remedy};
use crate::media::volumes::{self, Set, checksum_name};
use crate::parity::{parity_name, parity_of};
use shellpack_format::bundle::manifest::shell_quoted_path;
use shellpack_format::bundle::{BadBundle, BadVolume};

pub(super) const PLUG_IN: &str = "if the medium was pulled out, plug it in and try again; if it is \
    failing, copy the bundle again from where it was made";

const REMOVE_SURPLUS: &str = "remove it: it was left by an older bundle of that name";

/// For a bundle that has faults.
pub(super) fn faults(bundle: &Path, remedy: Remedy) -> String {
    match remedy {
        Remedy::Repair => repair(bundle),
        Remedy::CopyAgain => copy_again(bundle),
        Remedy::RemoveSurplus => REMOVE_SURPLUS.to_owned(),
    }
}

/// There is no parity for it, or not enough.
fn copy_again(bundle: &Path) -> String {
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

/// For a bundle that cannot be read.
pub(super) fn unreadable(file: &Path, bad: &BadBundle) -> Option<String> {
    match bad {
        BadBundle::NotABundle => Some(not_a_bundle(file)),
        BadBundle::TrailingBytes if !volumes::is_named(file) => {
            Some("send nothing behind it; of volumes: cat NAME.shellpack.[0-9]*".to_owned())
        }
        BadBundle::NewerFormat { .. } | BadBundle::UnknownNeed(_) => {
            Some("use the version of shellpack that made it, or a newer one".to_owned())
        }
        BadBundle::Manifest(_) => None,
        BadBundle::Volume(bad @ BadVolume::Missing { .. }) if is_protected(file) => Some(format!(
            "{}; if they are lost, {}",
            volume(bad),
            repair(file)
        )),
        BadBundle::Volume(bad @ (BadVolume::Missing { .. } | BadVolume::Surplus { .. })) => {
            Some(volume(bad))
        }
        BadBundle::Unreadable { .. } if is_protected(file) => Some(format!(
            "if the medium was pulled out, plug it in and try again; if it is failing, {}",
            repair(file)
        )),
        _ if is_protected(file) => Some(repair(file)),
        BadBundle::Unreadable { .. } => Some(PLUG_IN.to_owned()),
        BadBundle::Volume(bad) => Some(volume(bad)),
        _ if volumes::is_named(file) => Some(format!(
            "list all of its faults: shellpack verify {}; then copy it again from where it was made",
            shell_quoted_path(file)
        )),
        _ => Some("send it again from where it was made".to_owned()),
    }
}

/// It may be what lies beside a bundle, or one whose beginning is lost.
fn not_a_bundle(file: &Path) -> String {
    let bundle = file.with_extension("");
    let is_beside = [checksum_name(&bundle), parity_name(&bundle)].contains(&file.to_owned());
    if is_beside && volumes::is_named(&bundle) {
        return format!("name the bundle: {}", shell_quoted_path(&bundle));
    }
    if is_protected(file) {
        return format!("if its beginning is damaged, {}", repair(file));
    }
    "bundles are made with: shellpack create".to_owned()
}

/// Whether parity may help.
fn is_protected(file: &Path) -> bool {
    parity_of(file, &[]).is_some()
}

fn repair(file: &Path) -> String {
    format!("repair it: shellpack repair {}", shell_quoted_path(file))
}

fn volume(bad: &BadVolume) -> String {
    match bad {
        BadVolume::Missing { .. } => {
            "put them into one directory, or name the directories that they are in: --volumes DIR"
        }
        BadVolume::Surplus { .. } => REMOVE_SURPLUS,
        _ => "copy it again from where it was made",
    }
    .to_owned()
}

/// For a parity file that cannot be used.
pub(super) fn parity(bad: &BadParity) -> String {
    match bad {
        BadParity::Faulty {
            bundle,
            dirs,
            parity,
            ..
        } => return anew(bundle, dirs, parity),
        BadParity::Absent { .. } => {
            "name it with --parity FILE, or copy the bundle again from where it was made"
        }
        BadParity::Unknown(_) => "use the version of shellpack that made it, or a newer one",
        BadParity::NotAFile(_) | BadParity::NotParity(_) | BadParity::OtherBundle(_) => {
            "name the right one with --parity FILE"
        }
        BadParity::NoVolumes(_) => "name the directories that they are in: --volumes DIR",
        BadParity::Beyond { .. } | BadParity::NotRestored(_) | BadParity::Damaged(_) => {
            "copy what is damaged again from where it was made"
        }
    }
    .to_owned()
}

/// The command that writes a parity file again, where it is.
fn anew(bundle: &Path, dirs: &[PathBuf], parity: &Path) -> String {
    let mut command = format!("shellpack protect --force {}", shell_quoted_path(bundle));
    for dir in dirs {
        command = format!("{command} --volumes {}", shell_quoted_path(dir));
    }
    let name = Set::named(bundle, dirs).map_or_else(|| bundle.to_owned(), |set| set.bundle());
    if parity != parity_name(&name) {
        command = format!("{command} --output {}", shell_quoted_path(parity));
    }
    format!("the bundle is sound; write its parity anew: {command}")
}
