//! The parity file itself: damaged, of another bundle, or none.

use crate::support::parity::{damage, in_volumes, protected};
use crate::support::{bundle, machine_a};

#[test]
fn a_damaged_parity_file_is_used_and_reported() {
    let b = protected("large", "");
    let before = b.sh("stat -c %s x.shellpack.parity").succeeds().text();
    let size: u64 = before.parse().unwrap();
    b.sh(&damage("x.shellpack.parity", 0, 100_000)).succeeds();
    // In the first section's parity: its head is in the file once more, in the middle.
    b.sh(&damage("x.shellpack.parity", size / 4, 500_000))
        .succeeds();
    b.shellpack("verify x.shellpack")
        .exits_with(1)
        .shows("x.shellpack: sound (")
        .shows("fault: x.shellpack.parity: it is damaged in places\n");
    b.shellpack("repair x.shellpack")
        .succeeds()
        .says("x.shellpack is not damaged; nothing was written, but x.shellpack.parity is damaged; write it again: shellpack protect --force x.shellpack");
    b.sh(&damage("x.shellpack", 30 << 20, 1 << 20)).succeeds();
    b.shellpack("repair x.shellpack").succeeds();
    b.receive(&bundle("large"), "good");
    b.sh("cmp x-repaired.shellpack good").succeeds();
}

#[test]
fn parity_of_something_else_repairs_nothing() {
    let b = protected("blog", "");
    b.receive(&bundle("large"), "y.shellpack");
    b.runs("mv x.shellpack.parity y.shellpack.parity");
    b.shellpack("verify y.shellpack")
        .exits_with(1)
        .shows("fault: y.shellpack.parity: it belongs to another bundle\n");
    b.shellpack("repair y.shellpack")
        .exits_with(1)
        .says("could not use y.shellpack.parity: it belongs to another bundle");
    b.shellpack("repair x.shellpack")
        .exits_with(1)
        .says("could not repair x.shellpack: there is no parity file x.shellpack.parity");
}

#[test]
fn a_file_without_parity_repairs_nothing() {
    let b = protected("blog", "");
    b.shellpack("repair x.shellpack --parity x.shellpack")
        .exits_with(1)
        .says("could not use x.shellpack: it is not a parity file, or all of it is damaged");
    b.runs("mkfifo pipe");
    for other in ["pipe", ".", "/dev/zero"] {
        let said = format!(
            "could not use {other}: it is neither a file nor a disk\n\nhint: name the right one: --parity FILE\n"
        );
        let repair = format!("timeout 20 shellpack repair x.shellpack --parity {other}");
        b.sh(&repair).exits_with(1).says(&said);
    }
}

/// It also replaces the parity that was copied with the damaged bundle.
#[test]
fn a_repaired_bundle_has_parity_of_its_own() {
    let b = protected("blog", "");
    b.runs(&damage("x.shellpack", 300_000, 10));
    b.runs("mkdir d; cp x.shellpack.parity d; shellpack repair x.shellpack -o d");
    b.runs("shellpack repair x.shellpack --force -o d; shellpack verify d/x.shellpack")
        .shows("d/x.shellpack.parity: sound\n");
}

#[test]
fn a_sound_bundle_is_not_called_damaged_for_its_parity_file() {
    let b = protected("blog", "");
    b.runs("mkdir 'a b'; mv x.shellpack* 'a b'; truncate -s -1 'a b/x.shellpack.parity'");
    b.shellpack("verify 'a b/x.shellpack'")
        .exits_with(1)
        .shows("a b/x.shellpack: sound (")
        .says("error: could not use a b/x.shellpack.parity: it is damaged in places\n")
        .says("write its parity again: shellpack protect --force 'a b/x.shellpack'\n");
    b.runs("shellpack protect --force 'a b/x.shellpack'; shellpack verify 'a b/x.shellpack'");
}

/// The hint names the medium that the parity is on.
#[test]
fn parity_is_written_anew_where_it_is() {
    let b = protected("blog", "");
    in_volumes(&b, "512K");
    b.runs("mkdir w; mv v/*.002 w; echo no parity >w/x.shellpack.parity; rm v/x.shellpack.parity");
    let anew = "shellpack protect --force v/x.shellpack --volumes w --output w/x.shellpack.parity";
    b.shellpack("verify v/x.shellpack --volumes w")
        .exits_with(1)
        .says("could not use w/x.shellpack.parity: it is not a parity file, or all of it is damaged\n")
        .says(&format!("write its parity again: {anew}\n"));
    b.runs(&format!(
        "{anew}; shellpack verify v/x.shellpack --volumes w"
    ));
}

#[test]
fn parity_is_not_written_to_a_pipe() {
    let a = machine_a();
    let create = "shellpack create fixtures/shells/blog --parity 5% -o";
    a.sh(&format!("{create} p1/x.shellpack -o -")).exits_with(2);
    a.sh(&format!("{create} - | cat; false"))
        .exits_with(1)
        .says("could not write volumes, a checksum file, parity or a program to standard output");
}
