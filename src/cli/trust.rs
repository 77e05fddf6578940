//! Options of the commands about keys, signatures and policies.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::{Volumes, threads};
use crate::carry::sign;
use crate::trust::{KeySource, keygen};

/// `shellpack keygen`.
#[derive(Debug, Args)]
pub struct Keygen {
    /// Name of the key, such as HOST-1; a later key of the same signer should have another
    name: String,
    /// File for the secret key; the public key is written beside it, to FILE.pub [default: ./NAME.key]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// `shellpack sign`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("by").args(["keys", "signatures"]).required(true).multiple(true))]
pub struct Sign {
    /// The bundle or one of its volumes
    bundle: PathBuf,
    /// Secret key: the file of a Nix key or of an SSH key; or, for a Nix key only, `-` for standard input
    /// or env:VARIABLE. For a key that an SSH agent or a hardware key holds, the file of its public half.
    /// Only the bundle is signed; store paths are signed by create. Can be repeated
    #[arg(long = "sign-key", value_name = "FILE", allow_hyphen_values = true)]
    keys: Vec<KeySource>,
    /// File with a signature that `ssh-keygen -Y sign -n shellpack` made elsewhere, over the bundle's
    /// manifest.toml; `-` for standard input. Can be repeated
    #[arg(long = "signature", value_name = "FILE")]
    signatures: Vec<PathBuf>,
    #[command(flatten)]
    volumes: Volumes,
    /// Number of threads that make parity anew [default: number of processors]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `shellpack config`.
#[derive(Debug, Args)]
pub struct Config {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Keygen {
    /// The request to the engine.
    pub fn options(self) -> keygen::Options {
        keygen::Options {
            name: self.name,
            output: self.output,
        }
    }
}

impl Sign {
    /// The request to the engine.
    pub fn options(self) -> sign::Options {
        sign::Options {
            bundle: self.bundle,
            dirs: self.volumes.dirs,
            keys: self.keys,
            signatures: self.signatures,
            threads: threads(self.threads),
        }
    }
}
