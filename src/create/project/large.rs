//! Large project files are named before the work: a shell may copy them by accident.

use std::fmt::Write as _;

use super::Project;
use crate::report::{Event, Report, human};
use shellpack_format::bundle::manifest::{FileKind, ProjectFile};

/// Fewer bytes are no reason to speak.
const LARGE: u64 = 10 << 20;

/// How many files a message names.
const NAMED: usize = 3;

impl Project {
    /// Tells of large files. Those in a directory that evaluation copies into the store are carried
    /// twice: there, and as files of the project, which the target can edit and anyone can recover.
    pub(in crate::create) fn tell_of_large_files(&self, report: &Report) {
        let twice: Vec<_> = self
            .sized()
            .filter(|(_, file)| self.is_copied(file))
            .collect();
        let bytes: u64 = twice.iter().map(|(size, _)| size).sum();
        if bytes >= LARGE {
            report.emit(Event::Warning(&format!(
                "{} of project files are carried twice, because evaluation copies them into the store \
                 as well:{}\n  if the shell does not need them there, filter them out, such as with \
                 `lib.fileset` or `builtins.path`",
                human(bytes),
                listed(twice)
            )));
            return;
        }
        let large: Vec<_> = self.sized().filter(|(size, _)| *size >= LARGE).collect();
        if !large.is_empty() {
            let lines = listed(large);
            report.emit(Event::Note(&format!("the project has large files:{lines}")));
        }
    }

    fn sized(&self) -> impl Iterator<Item = (u64, &ProjectFile)> {
        let files = self.entries.files.iter();
        files.filter_map(|file| match file.kind {
            FileKind::File { size, .. } => Some((size, file)),
            _ => None,
        })
    }

    fn is_copied(&self, file: &ProjectFile) -> bool {
        let path = self.root.join(file.path.as_str());
        self.copied.iter().any(|copied| path.starts_with(copied))
    }
}

/// The largest of these files, one per line.
fn listed(mut files: Vec<(u64, &ProjectFile)>) -> String {
    files.sort_by_key(|(size, file)| (std::cmp::Reverse(*size), file.path.as_str().to_owned()));
    let mut text = String::new();
    for (size, file) in files.iter().take(NAMED) {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {} ({})", file.path, human(*size));
    }
    if files.len() > NAMED {
        let _ = write!(text, "\n  and {} more", files.len() - NAMED);
    }
    text
}
