//! The events that the engine emits.

use crate::error::Error;

/// The engine's current activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// A bundle, or the record of an opened one, is compared with this machine.
    Check,
    /// Nix evaluates the shell.
    Evaluate,
    /// Nix builds or fetches what the shell needs; its own log is shown.
    Build,
    /// The closure is queried from the store.
    Query,
    /// The shell is entered in a room with no network.
    Rehearse,
    /// The closure is compared with what the target of an update has.
    Compare,
    /// Paths are compressed and written.
    Pack,
    /// The file is written out to the medium.
    Sync,
    /// The written file is read back and checked.
    ReadBack,
    /// A bundle is checked.
    Verify,
    /// Paths are unpacked into the store.
    Import,
    /// A bundle is copied to volumes.
    Split,
    /// Volumes are copied to one file.
    Join,
    /// Parity is computed.
    Protect,
    /// A damaged bundle is searched for damage.
    Locate,
    /// The damaged parts are computed from the sound ones.
    Repair,
    /// A bundle is copied.
    Copy,
}

impl Phase {
    /// Its name for programs, which rely on it: docs/reference/progress.md lists them.
    pub fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Evaluate => "evaluate",
            Self::Build => "build",
            Self::Query => "query",
            Self::Rehearse => "rehearse",
            Self::Compare => "compare",
            Self::Pack => "pack",
            Self::Sync => "sync",
            Self::ReadBack => "read-back",
            Self::Verify => "verify",
            Self::Import => "import",
            Self::Split => "split",
            Self::Join => "join",
            Self::Protect => "protect",
            Self::Locate => "locate",
            Self::Repair => "repair",
            Self::Copy => "copy",
        }
    }

    /// Its name for humans.
    pub(super) fn doing(self) -> &'static str {
        match self {
            Self::Check => "checking",
            Self::Evaluate => "evaluating",
            Self::Build => "building",
            Self::Query => "listing the closure",
            Self::Rehearse => "rehearsing",
            Self::Compare => "comparing with the target",
            Self::Pack => "packing",
            Self::Sync => "syncing to disk",
            Self::ReadBack => "reading back",
            Self::Verify => "verifying",
            Self::Import => "importing",
            Self::Split => "splitting",
            Self::Join => "joining",
            Self::Protect => "computing parity",
            Self::Locate => "looking for damage",
            Self::Repair => "repairing",
            Self::Copy => "copying",
        }
    }

    /// Whether it is usually over at once, so that it is only mentioned when it is slow.
    pub(super) fn is_brief(self) -> bool {
        self == Self::Check
    }
}

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The next phase begins.
    Phase(Phase),
    /// The size of the current phase, as far as it is made of NARs.
    Total {
        /// NAR bytes.
        bytes: u64,
        /// Store paths.
        paths: u64,
    },
    /// Like `Total`, for a phase that reads a bundle. Its progress is that of a
    /// [`Meter`](super::Meter): `Advanced` is ignored.
    TotalRead {
        /// Bytes of the bundle.
        bytes: u64,
        /// Store paths.
        paths: u64,
    },
    /// More NAR bytes were processed. Any thread may emit this, as often as it likes.
    Advanced {
        /// Their number.
        bytes: u64,
    },
    /// One more store path is complete. Any thread may emit this.
    PathDone,
    /// The phase is over and no other follows at once: results are about to be printed.
    PhaseDone,
    /// A line of Nix's own log.
    Log(&'a str),
    /// A note for the user.
    Note(&'a str),
    /// The outcome of a command whose file goes to standard output, in lines of its own.
    Summary(&'a str),
    /// A warning: the target may behave differently than the user expects.
    Warning(&'a str),
    /// A warning that files which the user edited are not read.
    Unread(&'a str),
    /// Another program takes over the terminal, and reports the result itself.
    HandedOver,
    /// Everything is done. The terminal belongs to others from here on.
    Done,
    /// The command failed.
    Failed {
        /// The error.
        error: &'a Error,
        /// The command to type next.
        hint: Option<&'a str>,
        /// The exit code of the process.
        exit_code: u8,
    },
}

/// Whether and how progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Progress {
    /// A bar on a terminal, plain lines elsewhere.
    #[default]
    Auto,
    /// A bar, wherever stderr goes.
    Always,
    /// Nothing.
    Never,
    /// One JSON object per line, for a program.
    Json,
}

/// How the log of a Nix that builds is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// It goes to stderr, in Nix's own colours.
    Shown,
    /// Its lines are emitted as events.
    Emitted,
    /// It is displayed only if the command fails.
    OnFailure,
}
