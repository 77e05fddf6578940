//! Every rule for the contents of a store path, in one place: whoever takes NARs from a bundle, to
//! unpack them, to hand them to Nix's daemon or only to look at them, passes them through here
//! (`bundle-format.md`, section 5.3).

use sha2::{Digest as _, Sha256};

use super::content_address::{ContentAddress, Hashing};
use super::derivation::Derivation;
use super::hash::Digest;
use super::nar::parse::{BadNar, NarEvent, Parser};
use super::path_info::PathInfo;
use super::store_path::StoreDir;

/// The largest derivation that is read, in bytes. Large ones have some hundred thousand.
const MAX_DERIVATION: u64 = 16 << 20;

/// The longest path of a file in the store: `PATH_MAX` without the final zero.
const MAX_PATH: usize = 4095;

/// The reason why a store path of a bundle is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathFault {
    /// The bytes around the NAR are other ones.
    #[error("its framing is not the one that the manifest calls for")]
    Framing,
    /// The NAR has another hash.
    #[error("its contents do not have the hash that the manifest states")]
    Hash,
    /// The NAR is none.
    #[error("it is {0}")]
    Nar(#[from] BadNar),
    /// A file would have a path that no program can name.
    #[error("the path of a file in it is too long")]
    LongPath,
    /// The path has the name of a derivation, and Nix could not register it.
    #[error("it is not a derivation, although its name ends in .drv")]
    Derivation,
    /// The path does not follow from its contents, as it claims.
    #[error("its contents do not match its content address")]
    ContentAddress,
    /// Nix makes a file of this name beside another path, and would take this one for it.
    #[error(
        "Nix itself uses its name, so it must be a regular file that is not empty, or content-addressed"
    )]
    Name,
}

/// Checks one NAR while it goes by. Memory does not grow with it, except for that of a derivation.
#[derive(Debug, Clone)]
pub struct NarCheck {
    nar_hash: Digest,
    hasher: Sha256,
    parser: Parser,
    claim: Claim,
    /// The length of the path of the next file in the store.
    length: usize,
    /// The lengths of the paths of the open directories.
    directories: Vec<usize>,
    /// The contents, if the name is that of a derivation, and the store that it is for.
    derivation: Option<(Vec<u8>, StoreDir)>,
    /// Whether Nix uses the name, and the hash part is only claimed.
    must_be_file: bool,
    /// The first rule that is broken. Damage is the better explanation, so the hash comes first.
    fault: Option<PathFault>,
}

#[derive(Debug, Clone)]
enum Claim {
    /// There is none, or Nix checks it.
    None,
    /// The contents are not looked at: the claim cannot be true.
    False,
    /// It is true if the NAR has its hash.
    NarHash,
    /// It is true if this holds.
    Hashing(Box<Hashing>),
}

impl NarCheck {
    /// A check of the NAR of this path.
    pub fn new(info: &PathInfo, store: &StoreDir) -> Self {
        let claim = Claim::of(info, store);
        let is_derivation = info.path.is_derivation();
        Self {
            nar_hash: info.nar_hash,
            hasher: Sha256::new(),
            parser: Parser::default(),
            length: store.print(&info.path).len(),
            directories: Vec::new(),
            derivation: is_derivation.then(|| (Vec::new(), store.clone())),
            must_be_file: info.path.is_used_by_nix() && matches!(claim, Claim::None),
            fault: matches!(claim, Claim::False).then_some(PathFault::ContentAddress),
            claim,
        }
    }

    /// Takes the next bytes. Returns whether they may be handed on.
    pub fn update(&mut self, bytes: &[u8]) -> bool {
        self.hasher.update(bytes);
        if self.fault.is_none() {
            self.fault = self.look(bytes).err();
        }
        self.fault.is_none()
    }

    fn look(&mut self, bytes: &[u8]) -> Result<(), PathFault> {
        if let Claim::Hashing(hashing) = &mut self.claim {
            hashing.bytes(bytes);
        }
        let mut rest = bytes;
        while let Some(event) = self.parser.next(&mut rest)? {
            if self.must_be_file {
                if !matches!(event, NarEvent::File { size: 1.., .. }) {
                    return Err(PathFault::Name);
                }
                self.must_be_file = false;
            }
            self.measure(&event)?;
            if let Claim::Hashing(hashing) = &mut self.claim {
                hashing.event(&event);
            }
            if let Some((text, _)) = &mut self.derivation {
                take_derivation(text, &event)?;
            }
        }
        Ok(())
    }

    /// Nix names files by their whole paths when it imports, checks and deletes them.
    fn measure(&mut self, event: &NarEvent<'_>) -> Result<(), PathFault> {
        match event {
            NarEvent::Directory => self.directories.push(self.length),
            NarEvent::DirectoryEnd => drop(self.directories.pop()),
            NarEvent::Entry(name) => {
                let directory = self.directories.last().copied().unwrap_or_default();
                self.length = directory + 1 + name.len();
            }
            _ => {}
        }
        if self.length > MAX_PATH {
            return Err(PathFault::LongPath);
        }
        Ok(())
    }

    /// There are no more bytes.
    pub fn finish(self) -> Result<(), PathFault> {
        if Digest::from(self.hasher) != self.nar_hash {
            return Err(PathFault::Hash);
        }
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        self.parser.finish()?;
        if let Some((text, store)) = &self.derivation
            && Derivation::parse(text, store).is_err()
        {
            return Err(PathFault::Derivation);
        }
        let holds = match self.claim {
            Claim::None | Claim::NarHash => true,
            Claim::Hashing(hashing) => hashing.holds(),
            Claim::False => false,
        };
        if holds {
            Ok(())
        } else {
            Err(PathFault::ContentAddress)
        }
    }
}

/// Adds to the contents of a derivation: a regular file.
fn take_derivation(text: &mut Vec<u8>, event: &NarEvent<'_>) -> Result<(), PathFault> {
    match event {
        NarEvent::File { size, .. } if *size <= MAX_DERIVATION => Ok(()),
        NarEvent::Contents(bytes) => {
            text.extend_from_slice(bytes);
            Ok(())
        }
        NarEvent::FileEnd => Ok(()),
        _ => Err(PathFault::Derivation),
    }
}

impl Claim {
    fn of(info: &PathInfo, store: &StoreDir) -> Self {
        let Some(text) = &info.ca else {
            return Self::None;
        };
        let Some(claim) = ContentAddress::parse(text) else {
            return Self::False;
        };
        let Some(hashing) = Hashing::new(&claim, info) else {
            return Self::None;
        };
        if !claim.gives(info, store) {
            return Self::False;
        }
        if hashing.is_of(&info.nar_hash) {
            return Self::NarHash;
        }
        Self::Hashing(Box::new(hashing))
    }
}
