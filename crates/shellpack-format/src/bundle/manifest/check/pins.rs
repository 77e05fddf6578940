//! The pins.

use super::{Paths, bad};
use crate::bundle::BadBundle;
use crate::bundle::manifest::{FlakePin, Pin, RelativePath};

/// The builtins that can be answered.
const FETCHERS: [&str; 6] = [
    "fetchTarball",
    "fetchurl",
    "fetchGit",
    "fetchMercurial",
    "fetchTree",
    "getFlake",
];

/// Checks that each pin is carried, and is the answer to a fetcher.
pub(super) fn ensure_pins(pins: &[Pin], paths: &Paths<'_>) -> Result<(), BadBundle> {
    for pin in pins {
        if !paths.contains(&pin.store_path) {
            return bad(format!(
                "the pin {} is not among the store paths",
                pin.store_path
            ));
        }
        ensure_pin(pin)?;
    }
    Ok(())
}

/// The answer to a fetcher consists of plain values: strings, numbers, booleans.
fn ensure_pin(pin: &Pin) -> Result<(), BadBundle> {
    use serde_json::Value;
    let parse = |text: &String| serde_json::from_str::<Value>(text);
    let attributes = pin.attributes.as_ref().map(parse).transpose();
    let is_flake = match &pin.flake {
        Some(flake) => pin.fetcher == "getFlake" && is_sound(flake),
        None => pin.fetcher != "getFlake",
    };
    let is_fetcher = is_flake && FETCHERS.contains(&pin.fetcher.as_str());
    match (&pin.arguments, attributes) {
        (Some(_), Ok(attributes)) if is_fetcher && attributes.as_ref().is_none_or(is_set) => Ok(()),
        (None, Ok(None)) if is_flake => Ok(()),
        _ => bad(format!("the pin {} is malformed", pin.store_path)),
    }
}

/// Plain values by name, among them no path.
pub(super) fn is_set(attributes: &serde_json::Value) -> bool {
    let is_plain =
        |value: &serde_json::Value| value.is_string() || value.is_i64() || value.is_boolean();
    let fields = attributes.as_object();
    fields.is_some_and(|fields| !fields.contains_key("outPath") && fields.values().all(is_plain))
}

/// Whether a flake is inside its tree, and its lock is a lock file.
fn is_sound(flake: &FlakePin) -> bool {
    let is_lock = |text: &String| {
        serde_json::from_str::<serde_json::Value>(text).is_ok_and(|lock| lock["nodes"].is_object())
    };
    let directory = &flake.directory;
    let is_inside = directory.is_empty() || RelativePath::parse(directory).is_ok();
    is_inside && flake.lock.as_ref().is_none_or(is_lock)
}
