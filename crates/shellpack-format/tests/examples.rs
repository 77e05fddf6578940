//! The examples do what they say.

use std::fs::File;
use std::path::Path;

#[expect(dead_code, reason = "an example has a main function of its own")]
#[path = "../examples/list_paths.rs"]
mod list_paths;

#[test]
fn the_paths_of_a_bundle_are_listed() {
    let bundles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/bundles/v1");
    let bundle = File::open(bundles.join("minimal.shellpack")).unwrap();
    assert_eq!(
        list_paths::paths(bundle).unwrap(),
        ["/nix/store/00000000000000000000000000000001-bash"]
    );
}
