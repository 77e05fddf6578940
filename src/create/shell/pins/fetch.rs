//! The call of a fetcher, and whether the project pins its result.

use std::fs::File;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::error::{BadSource, Error, Result};
use crate::nix::Nix;
use crate::nix::evaluate::Recorded;
use crate::nix::flake::Locked;
use crate::nix::replay;
use crate::redact;
use shellpack_format::bundle::manifest::Pin;
use shellpack_format::store::hash::Digest;
use shellpack_format::store::store_path::StorePath;

/// One call of a fetcher.
pub(super) struct Fetch<'a> {
    fetcher: &'a str,
    from: &'a str,
    arguments: &'a serde_json::Value,
    path: &'a str,
    attributes: Option<&'a serde_json::Value>,
    flake: Option<&'a Locked>,
}

impl<'a> Fetch<'a> {
    /// The call that an event tells of.
    pub(super) fn of(event: &'a Recorded) -> Option<Self> {
        let Recorded::Fetch {
            fetcher,
            from,
            arguments,
            path,
            attributes,
            flake,
        } = event
        else {
            return None;
        };
        Some(Self {
            fetcher,
            from,
            arguments,
            path,
            attributes: attributes.as_ref(),
            flake: flake.as_ref(),
        })
    }

    fn argument(&self, name: &str) -> Option<&str> {
        text(self.arguments, name)
    }

    fn url(&self) -> &str {
        self.arguments
            .as_str()
            .or_else(|| self.argument("url"))
            .or_else(|| self.argument("path"))
            .unwrap_or("(no url)")
    }

    /// Where it comes from, also if only a forge and a repository are named.
    fn origin(&self) -> String {
        let part = |name| self.argument(name).map(|part| format!("/{part}"));
        let kind = self.argument("type");
        match (
            kind,
            self.argument("owner"),
            self.argument("repo"),
            self.argument("id"),
        ) {
            (Some(forge), Some(owner), Some(repository), _) => {
                let at = part("rev").or_else(|| part("ref")).unwrap_or_default();
                format!("{forge}:{owner}/{repository}{at}")
            }
            (Some("indirect"), .., Some(id)) => {
                format!("flake:{id}{}", part("ref").unwrap_or_default())
            }
            _ => self.url().to_owned(),
        }
    }

    /// The hash that the project states.
    fn hash(&self) -> Option<&str> {
        self.argument("sha256").or_else(|| self.argument("narHash"))
    }

    /// The revision that was fetched.
    fn rev(&self) -> Option<&str> {
        let found = text(self.attributes?, "rev");
        // Uncommitted changes have the revision zero.
        found.filter(|rev| rev.chars().any(|digit| digit != '0'))
    }

    /// Whether Nix finds the result in the store without a network.
    pub(super) fn is_found_by_nix(&self) -> bool {
        matches!(self.fetcher, "fetchTarball" | "fetchurl") && self.hash().is_some()
    }

    /// Whether the project pins the content.
    pub(super) fn is_pinned(&self) -> bool {
        let names_rev = |rev| self.argument("rev") == Some(rev) || self.url().contains(rev);
        let names_hash = self.fetcher == "getFlake" && self.url().contains("narHash=");
        let is_tree = !matches!(self.fetcher, "fetchTarball" | "fetchurl");
        self.hash().is_some() || names_hash || (is_tree && self.rev().is_some_and(names_rev))
    }

    fn store_path(&self, nix: &Nix) -> Result<StorePath> {
        // The result may be a file in the store path.
        let path = nix.store.containing(self.path).map(|(path, _)| path);
        path.ok_or_else(|| {
            let reason = format!("{} is not in the store", self.path);
            Error::nix_output("nix-instantiate", &reason)
        })
    }

    /// The pin of the result. If `is_replayed`, it includes the answer for the fetcher.
    pub(super) fn pin(&self, nix: &Nix, project: &Path, is_replayed: bool) -> Result<Pin> {
        let store_path = self.store_path(nix)?;
        let is_pinned = self.is_pinned();
        let own = self.hash().map(str::to_owned);
        let hash = match own {
            None if !is_pinned => self
                .found_hash(nix, &store_path)
                .map(|hash| hash.to_string()),
            own => own,
        };
        Ok(Pin {
            fetcher: self.fetcher.to_owned(),
            url: redact::text(&replay::without_directory(&self.origin(), project)),
            hash,
            rev: self.rev().map(str::to_owned),
            store_path,
            frozen: !is_pinned,
            arguments: is_replayed.then(|| replay::digest(self.arguments, project)),
            attributes: self
                .attributes
                .filter(|_| is_replayed)
                .map(ToString::to_string),
            flake: self.flake.map(Locked::to_pin),
        })
    }

    /// The error for a source that the project does not pin.
    pub(super) fn unpinned(&self, nix: &Nix) -> Result<Error> {
        Ok(BadSource::Unpinned {
            from: self.from.to_owned(),
            fetcher: self.fetcher.to_owned(),
            url: self.origin(),
            pinned: self.pinned_form(nix, &self.store_path(nix)?),
        }
        .into())
    }

    /// The pinned form to suggest to the user, with the hash of the content that was just fetched.
    fn pinned_form(&self, nix: &Nix, path: &StorePath) -> String {
        if self.fetcher == "getFlake" {
            return self.pinned_flake();
        }
        let fetcher = if self.fetcher == "fetchurl" {
            "fetchurl"
        } else {
            "fetchTarball"
        };
        let Some(url) = self.fixed_url() else {
            return "  a path (`./.`) for a local source, or else\n  builtins.fetchTarball { url = \"…\"; sha256 = \"…\"; }".to_owned();
        };
        let hash = self
            .found_hash(nix, path)
            .map_or_else(|| "…".to_owned(), |hash| hash.nix32());
        let name = match path.name() {
            "source" => String::new(),
            name => format!("    name = \"{name}\";\n"),
        };
        format!(
            "  builtins.{fetcher} {{\n{name}    url = \"{url}\";\n    sha256 = \"{hash}\";\n  }}"
        )
    }

    /// A local flake cannot be pinned; it can be packed itself.
    fn pinned_flake(&self) -> String {
        let url = self.url();
        let local = ["/", "path:", "git+file:"];
        if local.iter().any(|start| url.starts_with(start)) {
            return format!("  the flake itself, instead of the file: shellpack create '{url}#'");
        }
        let and = if url.contains('?') { '&' } else { '?' };
        let rev = self.rev().unwrap_or("…");
        format!("  builtins.getFlake \"{url}{and}rev={rev}\"")
    }

    /// A URL of the same content that fetchTarball and fetchurl accept.
    fn fixed_url(&self) -> Option<String> {
        if matches!(self.fetcher, "fetchTarball" | "fetchurl") {
            return Some(self.url().to_owned());
        }
        // Forges serve each revision as a tarball of the same tree.
        let base = self
            .url()
            .trim_start_matches("git+")
            .trim_end_matches(".git");
        let rev = self.rev()?;
        base.starts_with("https://")
            .then(|| format!("{base}/archive/{rev}.tar.gz"))
    }

    fn found_hash(&self, nix: &Nix, path: &StorePath) -> Option<Digest> {
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

fn text<'a>(values: &'a serde_json::Value, name: &str) -> Option<&'a str> {
    let value = values.get(name)?.as_str();
    value.filter(|text| !text.is_empty())
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
