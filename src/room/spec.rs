//! What a room looks like, as data that survives the way to the process that builds it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Room;

/// The running program, wherever its file lies.
pub(super) const OWN_EXECUTABLE: &str = "/proc/self/exe";

/// A room and what runs in it: all that the hidden subcommands are told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Spec {
    pub(super) room: Room,
    /// The program and its arguments; nothing for a room that is only tried out.
    pub(super) command: Vec<Os>,
    /// Where the caller stands, which is where the program starts if that place exists inside.
    pub(super) caller_dir: Option<Os>,
}

/// Which network the room sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Network {
    /// The host's.
    Host,
    /// A namespace of its own in which nothing is up, not even the loopback.
    Sealed,
    /// A namespace of its own with a loopback that works.
    Loopback,
}

/// Whether the room may write to what is bound into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// Nothing below it can be changed, mounts inside it included.
    ReadOnly,
    /// As writable as it is for the user on the host.
    Writable,
}

/// Something laid over the host's directories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Overlay {
    /// An empty directory.
    Private { at: Os },
    /// A file or directory of the host.
    Bind { source: Os, at: Os, access: Access },
    /// A file, directory or symlink of the host's store, read-only.
    StorePath { source: Os, at: Os },
}

impl Overlay {
    /// Its place inside the room.
    pub(super) fn at(&self) -> &Path {
        match self {
            Self::Private { at } | Self::Bind { at, .. } | Self::StorePath { at, .. } => at.path(),
        }
    }

    /// Its place on the host, if it comes from there.
    pub(super) fn source_mut(&mut self) -> Option<&mut Os> {
        match self {
            Self::Private { .. } => None,
            Self::Bind { source, .. } | Self::StorePath { source, .. } => Some(source),
        }
    }
}

/// A path, argument or variable: bytes, in JSON a string where they are UTF-8 and a list of
/// numbers where they are not, so that every file name makes the round trip.
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
        enum Written {
            Text(String),
            Bytes(Vec<u8>),
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::Text(text) => Self(text.into()),
            Written::Bytes(bytes) => Self(OsString::from_vec(bytes)),
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
