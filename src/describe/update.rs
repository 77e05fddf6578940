//! How much of its closure an update carries, and what it presumes.

use serde::Serialize;

use crate::report::{Labelled, count, human};
use shellpack_format::bundle::manifest::{Manifest, Origin};
use shellpack_format::store::hash::Digest;

/// How many hexadecimal digits of a manifest digest a full name has.
const DIGITS: usize = 12;

/// The parts that an update carries and leaves out, for programs and for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Update {
    carried_paths: usize,
    carried_nar_bytes: u64,
    /// Store paths that its target has, and that it does not carry.
    presumed_paths: usize,
    presumed_nar_bytes: u64,
    /// Store paths of the target that serve as the other side of a difference.
    base_paths: usize,
    /// The bundles that bring what is presumed.
    made_from: Vec<MadeFrom>,
}

/// A bundle that an update was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct MadeFrom {
    /// Its full name.
    pub(crate) id: String,
    pub(crate) manifest_digest: Digest,
}

impl Update {
    /// Of a bundle; `None` if it carries everything.
    pub(crate) fn of(manifest: &Manifest) -> Option<Self> {
        let delta = manifest.delta.as_ref()?;
        let mut update = Self {
            base_paths: delta.bases.len(),
            made_from: made_from(manifest),
            ..Self::default()
        };
        for path in &manifest.closure.paths {
            let (paths, bytes) = if path.presumed {
                (&mut update.presumed_paths, &mut update.presumed_nar_bytes)
            } else {
                (&mut update.carried_paths, &mut update.carried_nar_bytes)
            };
            *paths += 1;
            *bytes += path.nar_size;
        }
        Some(update)
    }

    /// Bytes of the NARs that it carries, whole or as a difference.
    pub(crate) fn carried_nar_bytes(&self) -> u64 {
        self.carried_nar_bytes
    }

    /// The machines that can open it, in words.
    pub(crate) fn targets(&self) -> String {
        let names: Vec<_> = self.made_from.iter().map(|from| from.id.as_str()).collect();
        match &names[..] {
            [] => "a target that has all that it leaves out".to_owned(),
            [name] => format!("a target that has opened {name}"),
            [first @ .., last] => format!(
                "a target that has all that it leaves out, as after opening {} and {last}",
                first.join(", ")
            ),
        }
    }

    /// Adds the lines about it.
    pub(super) fn lines(&self, text: &mut Labelled) {
        let (paths, bytes) = (
            count(self.carried_paths, "path"),
            human(self.carried_nar_bytes),
        );
        text.line("update", &format!("carries {paths}, {bytes} of NARs"));
        let (paths, bytes) = (
            count(self.presumed_paths, "path"),
            human(self.presumed_nar_bytes),
        );
        text.line(
            "",
            &format!("leaves out {paths}, {bytes} of NARs, which the target has"),
        );
        if self.base_paths > 0 {
            let bases = count(self.base_paths, "path");
            text.line("", &format!("is decoded with {bases} that the target has"));
        }
        let from = self.made_from.iter().map(|from| from.id.clone());
        text.list("made from", from, "what an inventory lists");
    }
}

/// The bundles that an update was made from.
pub(crate) fn made_from(manifest: &Manifest) -> Vec<MadeFrom> {
    let from = manifest.delta.iter().flat_map(|delta| &delta.from);
    from.map(|Origin { name, digest }| MadeFrom {
        id: format!("{name}@{}", &digest.hex()[..DIGITS]),
        manifest_digest: *digest,
    })
    .collect()
}
