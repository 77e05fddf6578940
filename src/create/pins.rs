//! Sources that evaluation fetched or looked up, and the refusal of those that are not
//! pinned.

use std::fs::File;

use sha2::{Digest as _, Sha256};

use crate::bundle::manifest::Pin;
use crate::error::{Error, Result};
use crate::nix::Nix;
use crate::nix::evaluate::Recorded;
use crate::nix::hash::Digest;
use crate::nix::search_path::{Entry, Frozen};
use crate::nix::store_path::StorePath;

/// The pins of `<…>` look-ups: shellpack's own, since the project has none.
pub(super) fn of_look_ups(search_path: &[Frozen]) -> Vec<Pin> {
    let pin = |entry: &Frozen| Pin {
        fetcher: format!("<{}>", entry.name),
        // Not where it was found: that would put a user's name into the bundle.
        url: String::new(),
        hash: None,
        store_path: entry.store_path.clone(),
        frozen: true,
    };
    search_path.iter().map(pin).collect()
}

/// The pins of fetchers, each source once.
pub(super) fn of_fetches(nix: &Nix, events: &[Recorded]) -> Result<Vec<Pin>> {
    let mut pins = Vec::new();
    for event in events {
        if let Recorded::Fetch {
            fetcher,
            from,
            arguments,
            path,
            rev,
        } = event
        {
            let call = Call {
                fetcher,
                from,
                arguments,
                rev: rev.as_deref(),
            };
            let store_path = nix
                .store
                .parse_path(path)
                .map_err(|bad| Error::nix_output("nix-instantiate", &bad.to_string()))?;
            pins.push(call.pin(nix, store_path)?);
        }
    }
    pins.sort();
    pins.dedup();
    Ok(pins)
}

/// An entry of the search path that is fetched has no hash to hold it to.
pub(super) fn unpinned_search_path(from: &str, entry: &Entry) -> Error {
    Error::Unpinned {
        from: from.to_owned(),
        fetcher: format!("<{}> from", entry.prefix),
        url: entry.path.clone(),
        pinned: format!("  NIX_PATH={}=/a/directory", entry.prefix),
    }
}

struct Call<'a> {
    fetcher: &'a str,
    from: &'a str,
    arguments: &'a serde_json::Value,
    rev: Option<&'a str>,
}

impl Call<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.arguments
            .get(name)?
            .as_str()
            .filter(|text| !text.is_empty())
    }

    fn url(&self) -> &str {
        self.arguments
            .as_str()
            .or_else(|| self.text("url"))
            .unwrap_or("(no url)")
    }

    fn pin(&self, nix: &Nix, store_path: StorePath) -> Result<Pin> {
        let hash = match self.fetcher {
            "fetchTarball" | "fetchurl" => self.text("sha256").or_else(|| self.text("narHash")),
            _ => None,
        };
        let Some(hash) = hash else {
            return Err(self.unpinned(nix, &store_path));
        };
        Ok(Pin {
            fetcher: self.fetcher.to_owned(),
            url: self.url().to_owned(),
            hash: Some(hash.to_owned()),
            store_path,
            frozen: false,
        })
    }

    fn unpinned(&self, nix: &Nix, path: &StorePath) -> Error {
        Error::Unpinned {
            from: self.from.to_owned(),
            fetcher: self.fetcher.to_owned(),
            url: self.url().to_owned(),
            pinned: self.pinned_form(nix, path),
        }
    }

    /// What to write instead, with the hash of what was just fetched.
    fn pinned_form(&self, nix: &Nix, path: &StorePath) -> String {
        let fetcher = if self.fetcher == "fetchurl" {
            "fetchurl"
        } else {
            "fetchTarball"
        };
        let Some(url) = self.fixed_url() else {
            return "  a local source as a path (`./.`), any other one as\n  builtins.fetchTarball { url = \"…\"; sha256 = \"…\"; }".to_owned();
        };
        let hash = self
            .hash(nix, path)
            .map_or_else(|| "…".to_owned(), |hash| hash.nix32());
        let name = match path.name() {
            "source" => String::new(),
            name => format!("    name = \"{name}\";\n"),
        };
        format!(
            "  builtins.{fetcher} {{\n{name}    url = \"{url}\";\n    sha256 = \"{hash}\";\n  }}"
        )
    }

    /// Where the same content can be had under a url that fetchTarball and fetchurl take.
    fn fixed_url(&self) -> Option<String> {
        if matches!(self.fetcher, "fetchTarball" | "fetchurl") {
            return Some(self.url().to_owned());
        }
        // Forges serve each revision as a tarball of the same tree.
        let base = self
            .url()
            .trim_start_matches("git+")
            .trim_end_matches(".git");
        let rev = self.rev?;
        base.starts_with("https://")
            .then(|| format!("{base}/archive/{rev}.tar.gz"))
    }

    fn hash(&self, nix: &Nix, path: &StorePath) -> Option<Digest> {
        if self.fetcher == "fetchurl" {
            let mut hasher = Sha256::new();
            std::io::copy(
                &mut File::open(nix.store.join(path)).ok()?,
                &mut HashWriter(&mut hasher),
            )
            .ok()?;
            return Some(hasher.into());
        }
        Some(nix.connect().ok()?.path_info(path).ok()??.nar_hash)
    }
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
