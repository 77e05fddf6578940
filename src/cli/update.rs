//! Options of the commands about what a target has.

use std::path::PathBuf;

use clap::Args;

use super::Volumes;
use crate::trust::KeySource;
use crate::{diff, inventory};

/// `shellpack inventory`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub struct Inventory {
    /// File to write; `-` is standard output [default: have.spi]
    #[arg(short, long, value_name = "FILE", conflicts_with = "text")]
    output: Option<PathBuf>,
    /// List only what bundles brought that are open here [default: all that is valid]
    #[arg(long)]
    mine: bool,
    /// List the store in this directory; `daemon` is Nix's own [default: Nix's, or that of opened
    /// bundles where there is no Nix]
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Write no file, and print one line for each bundle that is open here, NAME@DIGEST, which can be
    /// typed for `create --base`
    #[arg(long)]
    pub text: bool,
    /// Sign the inventory with this secret key, as `create --sign-key` signs a bundle; can be repeated
    #[arg(
        long = "sign-key",
        value_name = "FILE",
        allow_hyphen_values = true,
        conflicts_with = "text"
    )]
    sign_keys: Vec<KeySource>,
    /// Replace a file that is not an inventory
    #[arg(short, long)]
    force: bool,
    /// Print a summary in JSON
    #[arg(long, conflicts_with = "text")]
    pub json: bool,
}

/// `shellpack diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// The older one: a bundle, its manifest, an inventory, or NAME@DIGEST of a bundle that was packed here;
    /// `-` is a bundle on standard input
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The newer one
    #[arg(value_name = "NEW")]
    new: PathBuf,
    #[command(flatten)]
    volumes: Volumes,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Inventory {
    /// The request to the engine.
    pub fn options(self) -> inventory::Options {
        inventory::Options {
            store: self.store,
            mine: self.mine,
            output: self.output,
            force: self.force,
            sign_keys: self.sign_keys,
        }
    }
}

impl Diff {
    /// The request to the engine.
    pub fn options(self) -> diff::Options {
        diff::Options {
            old: self.old,
            new: self.new,
            volumes: self.volumes.dirs,
        }
    }
}
