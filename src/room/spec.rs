//! The description of a room as data, for the process that builds it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Room;

/// The running program's own file.
pub(super) const OWN_EXECUTABLE: &str = "/proc/self/exe";

/// A room and the program in it: the whole task of the hidden subcommands.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Spec {
    pub(super) room: Room,
    /// The program and its arguments; empty to only try out the room.
    pub(super) command: Vec<Os>,
    /// The caller's directory. The program starts there if it exists in the room.
    pub(super) caller_dir: Option<Os>,
}

/// The room's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Network {
    /// The host's.
    Host,
    /// A namespace of its own in which every interface is down, even the loopback.
    Sealed,
    /// A namespace of its own with a working loopback.
    Loopback,
}

/// How much of the host is in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Host {
    /// Its files, as they are.
    Files,
    /// Its files, which cannot be written.
    ReadOnlyFiles,
    /// All of it: also its processes, devices and shared memory, and what is mounted later.
    Whole,
}

/// Whether the room may write to a bound file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// Nothing below it can be changed, including mounts in it.
    ReadOnly,
    /// The user has the same rights as on the host.
    Writable,
}

/// A mount over the host's directories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Overlay {
    /// An empty directory.
    Private { at: Os },
    /// A file or directory of the host.
    Bind { source: Os, at: Os, access: Access },
    /// A file, directory or symlink of the host's store, read-only.
    StorePath { source: Os, at: Os },
    /// A directory of the host; what the room writes goes to another.
    Layered { source: Os, writes: Os, at: Os },
}

impl Overlay {
    /// Its place in the room.
    pub(super) fn at(&self) -> &Path {
        match self {
            Self::Private { at }
            | Self::Bind { at, .. }
            | Self::StorePath { at, .. }
            | Self::Layered { at, .. } => at.path(),
        }
    }

    /// Whether it takes the place of a symlink there.
    pub(super) fn replaces(&self, link: &Path) -> bool {
        matches!(self, Self::Bind { at, .. } if at.path() == link)
    }

    /// Its places on the host.
    pub(super) fn sources_mut(&mut self) -> impl Iterator<Item = &mut Os> {
        let sources = match self {
            Self::Private { .. } => [None, None],
            Self::Bind { source, .. } | Self::StorePath { source, .. } => [Some(source), None],
            Self::Layered { source, writes, .. } => [Some(source), Some(writes)],
        };
        sources.into_iter().flatten()
    }
}

/// A path, argument or variable. In JSON it is a string if it is UTF-8, else a list of bytes, so
/// that every file name survives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Os(OsString);

impl Os {
    pub(super) fn path(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl AsRef<OsStr> for Os {
    fn as_ref(&self) -> &OsStr {
        &self.0
    }
}

impl From<PathBuf> for Os {
    fn from(path: PathBuf) -> Self {
        Self(path.into_os_string())
    }
}

impl From<OsString> for Os {
    fn from(text: OsString) -> Self {
        Self(text)
    }
}

impl Serialize for Os {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.to_str() {
            Some(text) => serializer.serialize_str(text),
            None => self.0.as_bytes().serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Os {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Encoded {
            Text(String),
            Bytes(Vec<u8>),
        }
        Ok(match Encoded::deserialize(deserializer)? {
            Encoded::Text(text) => Self(text.into()),
            Encoded::Bytes(bytes) => Self(OsString::from_vec(bytes)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(spec: &Spec) -> Spec {
        serde_json::from_str(&serde_json::to_string(spec).unwrap()).unwrap()
    }

    #[test]
    fn a_spec_survives_the_round_trip() {
        let spec = Spec {
            room: Room::new()
                .sealed()
                .read_only_host()
                .private("/tmp")
                .bind("/a", "/b", Access::Writable)
                .layered("/a", "/w", "/c")
                .nix("/n")
                .store_paths("/nix/store", vec!["/nix/store/x".into()])
                .home("/h")
                .current_dir("/d")
                .env_clear()
                .env("A", "1"),
            command: vec![OsString::from("sh").into(), OsString::from("-c").into()],
            caller_dir: Some(PathBuf::from("/here").into()),
        };
        let back = round_trip(&spec);
        assert_eq!(back.room, spec.room);
        assert_eq!(back.command, spec.command);
        assert_eq!(back.caller_dir, spec.caller_dir);
    }

    #[test]
    fn names_that_are_not_utf8_survive_the_round_trip() {
        for bytes in [&b"/a\xff\0b"[..], b"", b"\xe2\x82", b"/plain"] {
            let name = Os(OsString::from_vec(bytes.to_vec()));
            let json = serde_json::to_string(&name).unwrap();
            assert_eq!(serde_json::from_str::<Os>(&json).unwrap(), name, "{json}");
        }
    }
}
