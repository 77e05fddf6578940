//! Open files.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit on open files, raised as far as this user may. The usual one of 1024 exists for programs
/// that use select(2), and the system's own is far higher. When this is dropped, the limit is what it
/// was: a shell inherits it.
#[derive(Debug)]
pub(crate) struct RaisedFiles(Rlimit);

impl RaisedFiles {
    /// Raises it. If that fails, the work may still succeed.
    pub(crate) fn raise() -> Self {
        let before = getrlimit(Resource::Nofile);
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: before.maximum,
                maximum: before.maximum,
            },
        );
        Self(before)
    }
}

impl Drop for RaisedFiles {
    fn drop(&mut self) {
        let _ = setrlimit(Resource::Nofile, self.0);
    }
}

/// How many more files this process may open.
pub(crate) fn files_left() -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    let limit = limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit).unwrap_or(usize::MAX)
    });
    let open = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    limit.saturating_sub(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raised_limit_is_put_back() {
        let before = getrlimit(Resource::Nofile);
        let raised = RaisedFiles::raise();
        assert_eq!(getrlimit(Resource::Nofile).current, before.maximum);
        assert!(files_left() > 0);
        drop(raised);
        assert_eq!(getrlimit(Resource::Nofile).current, before.current);
    }
}
