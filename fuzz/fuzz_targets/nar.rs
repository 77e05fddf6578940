//! A NAR, unpacked into a directory of its own. An accepted NAR comes back byte for byte.

#![no_main]

use std::io::Read as _;

use libfuzzer_sys::fuzz_target;
use shellpack::internals::{delete_tree, Dump, Restore};

fuzz_target!(|bytes: &[u8]| {
    let scratch = tempfile::tempdir_in("/dev/shm").expect("a place in memory");
    let tree = scratch.path().join("tree");
    let mut restore = Restore::new(tree.clone());
    let unpacked = bytes.chunks(61).try_for_each(|slice| restore.write(slice));
    if unpacked.and_then(|()| restore.finish()).is_ok() {
        let mut again = Vec::new();
        let dump = Dump::of(&tree).expect("what was unpacked can be packed");
        dump.reader(0).read_to_end(&mut again).expect("and read");
        assert!(again == bytes, "another NAR came back");
    }
    delete_tree(&tree).expect("what was unpacked can be removed");
    assert_eq!(scratch.path().read_dir().expect("a directory").count(), 0);
});
