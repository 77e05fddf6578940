//! Hints for bundles, volumes and parity files that are damaged or missing.

use std::path::{Path, PathBuf};

use crate::error::{BadParity, Kind, Remedy};
use crate::manifests;
use crate::media::volumes::{self, Set, checksum_name};
use crate::parity::{parity_name, parity_of};
use shellpack_format::bundle::manifest::shell_typed_path;
use shellpack_format::bundle::{BadBundle, BadVolume};

pub(super) const PLUG_IN: &str = "if the medium was pulled out, plug it in and try again; if it is \
    failing, copy the bundle from the original again";

const REMOVE_SURPLUS: &str = "remove it: it is left over from an older bundle of that name";

/// For a bundle that has faults.
pub(super) fn faults(bundle: &Path, remedy: Remedy) -> String {
    match remedy {
        Remedy::Repair => repair(bundle),
        Remedy::CopyAgain => copy_again(bundle),
        Remedy::RemoveSurplus => REMOVE_SURPLUS.to_owned(),
    }
}

/// For damage that parity does not cover.
fn copy_again(bundle: &Path) -> String {
    if !volumes::is_named(bundle) {
        return "send the bundle again".to_owned();
    }
    let name = Set::named(bundle, &[]).map_or_else(|| bundle.to_owned(), |set| set.bundle());
    let checksums = checksum_name(&name);
    match checksums.file_name().filter(|_| checksums.is_file()) {
        Some(file) => format!(
            "copy the damaged files from the original again; to list them: (cd {} && sha256sum -c {})",
            shell_typed_path(volumes::parent(&checksums)),
            shell_typed_path(Path::new(file))
        ),
        None if bundle.is_file() && name == bundle => format!(
            "copy the original again, and compare: sha256sum {}",
            shell_typed_path(bundle)
        ),
        None => "copy the damaged files from the original again".to_owned(),
    }
}

/// For a bundle that cannot be read.
pub(super) fn unreadable(file: &Path, bad: &BadBundle) -> Option<String> {
    match bad {
        BadBundle::NotABundle => Some(not_a_bundle(file)),
        BadBundle::TrailingBytes if !volumes::is_named(file) => Some(
            "send nothing after the bundle; to send volumes: cat NAME.shellpack.[0-9]*".to_owned(),
        ),
        BadBundle::NewerFormat { .. } | BadBundle::UnknownNeed(_) => {
            Some("use the version of shellpack that wrote it, or a newer one".to_owned())
        }
        _ if manifests::kind_of(file) == Some(Kind::Manifest) => {
            Some("copy it again, or print it again: shellpack inspect --manifest BUNDLE".to_owned())
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
            "list all faults: shellpack verify {}; then copy the original again",
            shell_typed_path(file)
        )),
        _ => Some("send the bundle again".to_owned()),
    }
}

/// For a file that belongs to a bundle, or a bundle that has lost its beginning.
fn not_a_bundle(file: &Path) -> String {
    let bundle = file.with_extension("");
    let is_beside = [checksum_name(&bundle), parity_name(&bundle)].contains(&file.to_owned());
    if is_beside && volumes::is_named(&bundle) {
        return format!("name the bundle instead: {}", shell_typed_path(&bundle));
    }
    let typed = shell_typed_path(file);
    match manifests::kind_of(file) {
        Some(Kind::Inventory) => {
            return format!(
                "it is an inventory; make an update for it: shellpack create --for {typed}; or compare it: shellpack diff {typed} BUNDLE"
            );
        }
        Some(Kind::Manifest) => {
            return format!(
                "it is the manifest of a bundle; make an update of that: shellpack create --base {typed}; or compare it: shellpack diff {typed} BUNDLE"
            );
        }
        _ => {}
    }
    if is_protected(file) {
        return format!("if its beginning is damaged, {}", repair(file));
    }
    "create a bundle: shellpack create".to_owned()
}

/// Whether parity may help.
fn is_protected(file: &Path) -> bool {
    parity_of(file, &[]).is_some()
}

fn repair(file: &Path) -> String {
    format!("repair it: shellpack repair {}", shell_typed_path(file))
}

fn volume(bad: &BadVolume) -> String {
    match bad {
        BadVolume::Missing { .. } => {
            "put the volumes into one directory, or name the directories that they are in: --volumes DIR"
        }
        BadVolume::Surplus { .. } => REMOVE_SURPLUS,
        _ => "copy it from the original again",
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
        BadParity::Absent { .. } => "name it: --parity FILE; or copy the original again",
        BadParity::Unknown(_) => "use the version of shellpack that wrote it, or a newer one",
        BadParity::NotAFile(_) | BadParity::NotParity(_) | BadParity::OtherBundle(_) => {
            "name the right one: --parity FILE"
        }
        BadParity::NoVolumes(_) => "name the directories that they are in: --volumes DIR",
        BadParity::Beyond { .. } | BadParity::NotRestored(_) | BadParity::Damaged(_) => {
            "copy the damaged files from the original again"
        }
    }
    .to_owned()
}

/// For a sound bundle: the command that replaces its parity file.
fn anew(bundle: &Path, dirs: &[PathBuf], parity: &Path) -> String {
    let mut command = format!("shellpack protect --force {}", shell_typed_path(bundle));
    for dir in dirs {
        command = format!("{command} --volumes {}", shell_typed_path(dir));
    }
    let name = Set::named(bundle, dirs).map_or_else(|| bundle.to_owned(), |set| set.bundle());
    if parity != parity_name(&name) {
        command = format!("{command} --output {}", shell_typed_path(parity));
    }
    format!("the bundle is sound; write its parity again: {command}")
}
