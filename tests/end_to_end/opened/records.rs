//! Records that are damaged, or that a name does not tell apart.

use crate::support::Machine;
use crate::support::opened::{
    frees_what_it_says, ids, open, store, with_the_blogs_shell, with_two_of_one_name,
};

#[test]
fn a_name_of_two_bundles_is_not_enough() {
    let b = with_two_of_one_name();
    let ids = ids(&b);
    let [latest, first] = &ids[..] else {
        panic!("not two: {ids:?}")
    };
    let said = format!(
        "error: could not choose: several bundles named synthetic were opened here\n  {latest}\n  {first}\n"
    );
    b.shellpack("remove synthetic").exits_with(1).says(&said);
    b.shellpack("list").succeeds().shows(latest).shows(first);
    b.shellpack(&format!("remove {latest}"))
        .succeeds()
        .shows("project   /root/two stays");
    b.shellpack("remove synthetic")
        .succeeds()
        .shows("project   /root/one stays");
}

/// Damages the manifests of two records, `$1` and `$2`, and makes some that are none.
const DAMAGE: &str = "damage() {
    cd ~/.local/state/shellpack/roots; truncate -s 100 $1/manifest.toml
    sed -i s/synthetic/pathetics/ $2/manifest.toml
    mkdir empty; echo x > file; ln -s nowhere link; cp -r blog-* other-0123456789ab
    mkdir .removed-1-2; touch .removed-1-2/x; }";

/// A machine B with a sound record of the blog's shell and damaged ones, of which the first two are
/// those of bundles.
fn with_damaged_records() -> (Machine, [String; 2]) {
    let b = with_two_of_one_name();
    open(&b, "blog");
    let ids = ids(&b);
    let [_, cut, flipped] = &ids[..] else {
        panic!("not three: {ids:?}")
    };
    let [cut_dir, flipped_dir] = [cut, flipped].map(|id| id.replace('@', "-"));
    b.runs(&format!("{DAMAGE}\ndamage {cut_dir} {flipped_dir}"));
    let damaged = [cut.clone(), flipped.clone()];
    (b, damaged)
}

#[test]
fn damaged_records_are_listed() {
    let (b, [cut, flipped]) = with_damaged_records();
    b.runs("shellpack list")
        .shows(&format!("{cut}\n  damaged: its manifest is damaged\n"))
        .shows(&format!("{flipped}\n  damaged: its manifest is damaged\n"))
        .shows("other\n  damaged: its manifest belongs to another bundle\n")
        .shows("empty\n  damaged: it has no manifest")
        .shows("file\n  damaged: its manifest could not be read")
        .never_says(".removed")
        .shows("\nblog  ");
    b.shellpack(&format!("enter {cut}"))
        .exits_with(125)
        .says("its record is damaged")
        .says("caused by: its manifest is damaged")
        .says(&format!("shellpack remove {cut}"));
}

#[test]
fn damaged_records_are_removed() {
    let (b, [cut, flipped]) = with_damaged_records();
    for name in [&cut, &flipped, "empty", "file", "link", "other"] {
        b.shellpack(&format!("remove {name}")).succeeds();
    }
    b.runs("cd ~/.local/state/shellpack/roots; ls -A | sed 's/-.*//'")
        .prints("blog");
    b.greets("enter blog");
}

/// Of an older shellpack, which kept the roots alone.
#[test]
fn a_record_without_a_manifest_can_be_removed() {
    let b = with_the_blogs_shell();
    b.runs("cd ~/.local/state/shellpack/roots/*; rm -r manifest.toml entry-*");
    b.runs("shellpack list")
        .shows("damaged: it has no manifest");
    frees_what_it_says(&b, || b.shellpack("remove blog"));
    assert_eq!(store(&b), (0, 0));
}

/// Roots do not protect a path from this.
#[test]
fn paths_that_were_deleted_by_force_are_named() {
    let b = with_the_blogs_shell();
    b.sh("nix-store --delete --ignore-liveness /nix/store/*-hello-2.10")
        .succeeds();
    b.shellpack("enter blog --run true")
        .exits_with(125)
        .says("this machine's store does not have paths that it needs\n  /nix/store/")
        .says("-hello-2.10\n")
        .says("hint: open the bundle again: shellpack open BUNDLE");
    b.shellpack("list")
        .succeeds()
        .shows("damaged: one of its roots is gone");
    open(&b, "blog");
    b.shellpack("list").succeeds().never_says("damaged");
    b.greets("enter blog");
}

/// A root whose link is gone is one again as soon as the shell is entered.
#[test]
fn roots_that_are_gone_come_back() {
    let b = with_the_blogs_shell();
    b.sh("rm ~/.local/state/shellpack/roots/*/*-hello-2.10")
        .succeeds();
    b.greets("enter blog");
    b.sh("nix-collect-garbage -d").succeeds();
    b.greets("enter blog");
}
