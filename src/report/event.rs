//! What the engine tells.

use crate::error::Error;

/// What the engine is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// What is asked for is compared with this machine: a bundle, or what was opened before.
    Check,
    /// Nix evaluates the shell.
    Evaluate,
    /// Nix builds or fetches what the shell needs; its own log is shown.
    Build,
    /// The store is asked about every path.
    Query,
    /// The shell is entered in a room with no network.
    Rehearse,
    /// Paths are compressed and written.
    Pack,
    /// The file is brought to the medium.
    Sync,
    /// The written file is read and checked.
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
    /// A damaged bundle is searched for what is damaged.
    Locate,
    /// What is damaged is computed from what is not.
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

    /// Whether it is usually over at once, so that only its being slow is news.
    pub(super) fn is_brief(self) -> bool {
        self == Self::Check
    }
}

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// The next phase begins.
    Phase(Phase),
    /// How much the current phase has to do, as far as that is in NARs.
    Total {
        /// NAR bytes.
        bytes: u64,
        /// Store paths.
        paths: u64,
    },
    /// The same for a phase that reads a bundle and is as far as a [`Meter`](super::Meter) says:
    /// `Advanced` counts for nothing.
    TotalRead {
        /// Bytes of the bundle.
        bytes: u64,
        /// Store paths.
        paths: u64,
    },
    /// NAR bytes that were dealt with. It may come from any thread, as often as it likes.
    Advanced {
        /// How many more.
        bytes: u64,
    },
    /// One more store path is complete. From any thread, too.
    PathDone,
    /// The phase is over and none follows at once: results are about to be printed.
    PhaseDone,
    /// A line of Nix's own log.
    Log(&'a str),
    /// Something worth knowing.
    Note(&'a str),
    /// Something that may surprise on the other side.
    Warning(&'a str),
    /// Another program takes over the terminal and tells how it went.
    HandedOver,
    /// Everything is done; the terminal belongs to others from here on.
    Done,
    /// It failed.
    Failed {
        /// Why.
        error: &'a Error,
        /// What to type next.
        hint: Option<&'a str>,
        /// What the process will exit with.
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

/// What becomes of the log of a Nix that builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// It goes where stderr goes, in Nix's own colours.
    Shown,
    /// Its lines are emitted.
    Emitted,
    /// It is shown only if the command fails.
    OnFailure,
}
