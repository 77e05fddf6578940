//! The parts of an executable bundle that run first and are covered by no signature: header and program.

use serde::Serialize;

use crate::report::Labelled;
use shellpack_format::bundle::executable::Executable;
use shellpack_format::store::hash::Digest;

/// The words for it.
const UNCOVERED: &str = "not covered by the signature";

/// Header and program of an executable bundle, as `--json` prints them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Uncovered {
    /// The digest of the header, padding included.
    header_digest: Digest,
    /// The digest of the program.
    program_digest: Digest,
    /// The size of the program in bytes.
    program_size: u64,
    /// Nix's name of the system that the program runs on.
    system: String,
    /// Always false: it says so to programs, too.
    covered_by_signature: bool,
}

impl Uncovered {
    pub(crate) fn of(executable: &Executable) -> Self {
        let header = &executable.header;
        Self {
            header_digest: executable.digest,
            program_digest: header.program(),
            program_size: header.program_size(),
            system: header.system().to_owned(),
            covered_by_signature: false,
        }
    }

    /// Each part and its digest, for lines of their own.
    pub(crate) fn lines(&self) -> [(&'static str, String); 2] {
        let line = |digest: Digest| format!("sha256 {}, {UNCOVERED}", digest.hex());
        [
            ("header", line(self.header_digest)),
            ("program", line(self.program_digest)),
        ]
    }

    /// Adds both to the lines of a summary.
    pub(crate) fn describe(&self, text: &mut Labelled) {
        text.sha256("header", self.header_digest);
        text.sha256("program", self.program_digest);
        let system = &self.system;
        let line = format!("opens itself on {system}; header and program are {UNCOVERED}");
        text.line("", &line);
    }
}
