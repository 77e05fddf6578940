//! Manifests that are refused, and why.

use shellpack_format::bundle::BadBundle;
use shellpack_format::bundle::manifest::Manifest;

use super::{Bundle, fault, faults, framed};

/// Why a manifest of this text is refused.
pub(crate) fn refused_text(text: &str) -> BadBundle {
    let mut found = faults(&Bundle::sample().bytes_saying(&framed(text)));
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// The reason of a fault that is an invalid manifest.
#[track_caller]
pub(crate) fn invalid(fault: &BadBundle) -> String {
    match fault {
        BadBundle::Manifest(reason) => reason.clone(),
        other => panic!("{other:?}"),
    }
}

/// Why the sample's manifest is not valid once its tables are changed.
pub(crate) fn with_tables(edit: impl FnOnce(&mut toml::Table)) -> String {
    let mut tables = Bundle::sample().tables();
    edit(&mut tables);
    invalid(&refused_text(&toml::to_string(&tables).unwrap()))
}

/// Why the sample's manifest is not valid once it is changed in a way that its types allow.
pub(crate) fn with(edit: impl FnOnce(&mut Manifest)) -> String {
    let bundle = Bundle::sample();
    let mut manifest = bundle.manifest.clone();
    edit(&mut manifest);
    let bytes = bundle.bytes_saying(&manifest.to_bytes().unwrap());
    let said = fault(&bytes);
    let reason = said.strip_prefix("its manifest is not valid: ");
    reason.unwrap_or(&said).to_owned()
}
