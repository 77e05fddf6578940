//! Faults that shellpack finds in some bytes.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use shellpack::internals::{Report, verify};
use shellpack_format::bundle::BadBundle;

/// A file without a name that holds these bytes, for code that takes a path.
#[derive(Debug)]
pub(crate) struct Unnamed(File);

impl Unnamed {
    pub(crate) fn holding(bytes: &[u8]) -> Self {
        let flags = rustix::fs::MemfdFlags::CLOEXEC;
        let mut file = File::from(rustix::fs::memfd_create("bundle", flags).unwrap());
        file.write_all(bytes).unwrap();
        Self(file)
    }

    pub(crate) fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.0.as_raw_fd()).into()
    }

    pub(crate) fn set(&self, place: usize, byte: u8) {
        self.0.write_all_at(&[byte], place as u64).unwrap();
    }

    pub(crate) fn cut(&self, length: usize) {
        self.0.set_len(length as u64).unwrap();
    }
}

/// Every fault that `verify` finds.
pub(crate) fn faults(bundle: &[u8]) -> Vec<BadBundle> {
    faults_of(&Unnamed::holding(bundle), 2)
}

pub(crate) fn faults_of(bundle: &Unnamed, threads: usize) -> Vec<BadBundle> {
    let found = verify(&bundle.path(), threads, &Report::silent());
    found.unwrap().faults
}

/// The message of `verify` for a bundle with one fault.
pub(crate) fn fault(bundle: &[u8]) -> String {
    match faults(bundle).as_slice() {
        [fault] => fault.to_string(),
        other => panic!("not one fault but {other:?}"),
    }
}
