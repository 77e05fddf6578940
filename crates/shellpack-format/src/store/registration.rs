//! Path information as the text that `nix-store --load-db` reads.

use super::path_info::PathInfo;
use super::store_path::StoreDir;

/// The text for these paths. `nix-store --load-db` makes them valid; their files must be in place.
pub fn text(store: &StoreDir, infos: &[PathInfo]) -> Vec<u8> {
    let mut text = String::new();
    for info in infos {
        let deriver = info
            .deriver
            .as_ref()
            .map(|deriver| store.print(deriver))
            .unwrap_or_default();
        let head = [
            store.print(&info.path),
            info.nar_hash.hex(),
            info.nar_size.to_string(),
            deriver,
            info.references.len().to_string(),
        ];
        let references = info
            .references
            .iter()
            .map(|reference| store.print(reference));
        for line in head.into_iter().chain(references) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text.into_bytes()
}
