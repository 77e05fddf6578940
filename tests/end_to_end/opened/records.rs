//! Records that are damaged, or that a name does not tell apart.

use crate::support::opened::{
    frees_what_it_says, ids, open, store, with_the_blogs_shell, with_two_of_one_name,
};
use crate::support::shells::{MESSAGE, PRINT};

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
    b.shellpack("enter synthetic --run true")
        .exits_with(125)
        .says(&said);
    b.shellpack("remove synthetic").exits_with(1).says(&said);
    b.shellpack("list").succeeds().shows(latest).shows(first);
    b.shellpack(&format!("remove {latest}"))
        .succeeds()
        .shows("project   /root/two stays");
    b.shellpack("remove synthetic")
        .succeeds()
        .shows("project   /root/one stays");
}

#[test]
fn damaged_records_are_listed_and_removed() {
    let b = with_two_of_one_name();
    open(&b, "blog");
    let ids = ids(&b);
    let [_, cut, flipped] = &ids[..] else {
        panic!("not three: {ids:?}")
    };
    let damage = format!(
        "cd ~/.local/state/shellpack/roots; truncate -s 100 {cut}/manifest.toml
        sed -i s/synthetic/pathetics/ {flipped}/manifest.toml
        mkdir empty; echo x > file; ln -s nowhere link; cp -r blog-* other-0123456789ab
        mkdir .removed-1-2; touch .removed-1-2/x"
    );
    b.sh(&damage).succeeds();
    let list = b.shellpack("list").succeeds();
    let list = list
        .shows(&format!("{cut}\n  damaged: its manifest is damaged\n"))
        .shows(&format!("{flipped}\n  damaged: its manifest is damaged\n"))
        .shows("other\n  damaged: its manifest belongs to another bundle\n")
        .shows("empty\n  damaged: it has no manifest")
        .shows("file\n  damaged: its manifest could not be read")
        .never_says(".removed");
    list.shows("\nblog  ");
    b.shellpack(&format!("enter {cut}"))
        .exits_with(125)
        .says("its record is damaged")
        .says("caused by: its manifest is damaged")
        .says(&format!("shellpack remove {cut}"));
    for name in [cut, flipped, "empty", "file", "link", "other"] {
        b.shellpack(&format!("remove {name}")).succeeds();
    }
    b.sh("cd ~/.local/state/shellpack/roots; ls -A | sed 's/-.*//'")
        .succeeds()
        .prints("blog");
    b.shellpack(&format!("enter blog {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

/// Of an older shellpack, which kept the roots alone.
#[test]
fn a_record_without_a_manifest_can_be_removed() {
    let b = with_the_blogs_shell();
    b.sh("cd ~/.local/state/shellpack/roots/*; rm -r manifest.toml entry-*")
        .succeeds();
    b.shellpack("list")
        .succeeds()
        .shows("damaged: it has no manifest");
    frees_what_it_says(&b, || b.shellpack("remove blog"));
    assert_eq!(store(&b), (0, 0));
}

/// Somebody wanted it gone more than its roots wanted it kept.
#[test]
fn paths_that_were_deleted_by_force_are_named() {
    let b = with_the_blogs_shell();
    b.sh("nix-store --delete --ignore-liveness /nix/store/*-hello-2.10")
        .succeeds();
    b.shellpack("enter blog --run true")
        .exits_with(125)
        .says("this machine's store does not have what it needs\n  /nix/store/")
        .says("-hello-2.10\n")
        .says("hint: open the bundle again: shellpack open BUNDLE");
    b.shellpack("list")
        .succeeds()
        .shows("damaged: one of its roots is gone");
    open(&b, "blog");
    b.shellpack("list").succeeds().never_says("damaged");
    b.shellpack(&format!("enter blog {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

/// A root whose link is gone is one again as soon as the shell is entered.
#[test]
fn roots_that_are_gone_come_back() {
    let b = with_the_blogs_shell();
    b.sh("rm ~/.local/state/shellpack/roots/*/*-hello-2.10")
        .succeeds();
    b.shellpack(&format!("enter blog {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
    b.sh("nix-collect-garbage -d").succeeds();
    b.shellpack(&format!("enter blog {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}
