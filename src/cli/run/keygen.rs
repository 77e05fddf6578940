//! `shellpack keygen`.

use crate::cli::Keygen;
use crate::cli::stdout::print;
use crate::error::Result;
use crate::report::{Event, Report};
use crate::text::shown;
use crate::trust::keygen;

/// Prints the public key: that is for everybody.
pub(super) fn run(command: Keygen, report: &Report) -> Result<()> {
    let key = keygen::keygen(&command.options())?;
    let (file, fingerprint) = (shown(&key.file), key.public.fingerprint());
    report.emit(Event::Note(&format!(
        "the secret key is in {file}, and its fingerprint is {fingerprint}"
    )));
    print(&format!("{}\n", key.public))
}
