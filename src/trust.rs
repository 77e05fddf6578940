//! Who made a bundle, and whom this machine believes.
//!
//! A [`Policy`] is read from the machine's and the user's `config.toml`, from `allowed_signers` files
//! and from Nix's `trusted-public-keys`. It judges the signatures of a bundle; the format's reader has
//! checked before that each is by the key that it carries. There is no switch that turns it off.

mod allowed_signers;
mod file;
mod judgement;
pub(crate) mod keygen;
mod place;
mod policy;
mod rule;
mod signer;
mod signing_key;
mod ssh_keygen;

use allowed_signers::AllowedSigner;
use file::PolicyFile;

pub(crate) use judgement::{Judged, Judgement};
pub(crate) use policy::Policy;
pub(crate) use rule::Rule;
pub(crate) use signer::Signer;
pub(crate) use signing_key::KeySource;
pub(crate) use signing_key::SigningKey;

/// Whether a text is a policy.
pub fn is_policy(text: &str) -> bool {
    PolicyFile::parse(text).is_ok()
}

/// Whether a text is an `allowed_signers` file.
pub fn is_signers_file(text: &str) -> bool {
    AllowedSigner::parse_file(text).is_ok()
}
