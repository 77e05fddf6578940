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

pub(crate) use judgement::{Judged, Judgement};
pub(crate) use policy::Policy;
pub(crate) use signer::Signer;
pub(crate) use signing_key::KeySource;
pub(crate) use signing_key::SigningKey;
