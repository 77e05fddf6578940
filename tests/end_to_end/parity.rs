//! A bundle that is damaged on its way is repaired, and opens.

use crate::support::parity::{damage, in_volumes, is_damaged, is_repaired, protected};
use crate::support::{bundle, machine_a, quarter};

/// The parity file itself.
mod file;

#[test]
fn create_protects_as_protect_does() {
    let a = machine_a();
    bundle("blog");
    let create = "create fixtures/shells/blog --level fast -o p1/x.shellpack --parity 5%";
    a.runs(&format!("mkdir p1; shellpack {create}"))
        .shows("parity    p1/x.shellpack.parity, ");
    a.runs("shellpack protect blog.shellpack -o p1/again; cmp p1/again p1/x.shellpack.parity");
    a.runs("shellpack verify p1/x.shellpack")
        .shows("p1/x.shellpack.parity: sound\n");
    // In volumes it is the same file: it covers their bytes, joined.
    a.shellpack(&format!("{create} --volume-size 300K --force"))
        .succeeds();
    a.runs("cmp p1/again p1/x.shellpack.parity; cd p1; sha256sum -c x.shellpack.sha256");
    // A bundle that replaces a protected one leaves no parity of the old one.
    a.shellpack(&create.replace("--parity 5%", "--force"))
        .succeeds();
    a.runs("ls p1").shows("again\nx.shellpack\n");
}

#[test]
fn a_megabyte_is_repaired() {
    let b = protected("large", "");
    b.sh(&damage("x.shellpack", 100 << 20, 1 << 20)).succeeds();
    b.shellpack("open x.shellpack --no-shell")
        .exits_with(125)
        .says("hint: repair it: shellpack repair x.shellpack\n");
    b.shellpack("verify x.shellpack")
        .exits_with(1)
        .shows("damaged: x.shellpack, 1048576 bytes from 104857600\n")
        .shows("parity: all of the damage is covered by x.shellpack.parity\n")
        .says("hint: repair it: shellpack repair x.shellpack\n");
    b.shellpack("repair x.shellpack")
        .succeeds()
        .shows("repaired  x-repaired.shellpack\n");
    b.receive(&bundle("large"), "good");
    b.sh("cmp x-repaired.shellpack good").succeeds();
    b.shellpack("repair x.shellpack")
        .exits_with(1)
        .says("could not write x-repaired.shellpack: it already exists");
}

#[test]
fn volumes_are_repaired_and_open_on_a_machine_with_no_network() {
    let b = protected("blog", "--parity 30%");
    b.sh("mkdir v w; shellpack split x.shellpack --volume-size 400K -o v; mv x.shellpack.parity v; mv v/x.shellpack.003 w")
        .succeeds();
    let script = damage("v/x.shellpack.002", 100_000, 50_000) + &damage("w/x.shellpack.003", 0, 1);
    b.sh(&script).succeeds();
    b.shellpack("verify v/x.shellpack --volumes w")
        .exits_with(1)
        .shows("damaged: v/x.shellpack.002, 51200 bytes from 99328\n")
        .shows("damaged: w/x.shellpack.003, 1024 bytes from 0\n")
        .shows("parity: all of the damage is covered by v/x.shellpack.parity\n");
    b.shellpack("repair v/x.shellpack.002 --volumes w -o y.shellpack --volume-size 1M")
        .succeeds();
    b.sh("cat y.shellpack.0* | cmp - x.shellpack; sha256sum -c y.shellpack.sha256")
        .succeeds();
    b.greets("open y.shellpack");
}

/// The one that has the manifest, any other, and the last, which is shorter.
#[test]
fn a_missing_volume_is_restored() {
    let b = protected("blog", "--parity 30%");
    in_volumes(&b, "400K");
    b.runs("mv x.shellpack good");
    let last = b.runs("ls v | grep -c 'x.shellpack.0'").text();
    for number in ["1", "2", &last] {
        let volume = format!("v/x.shellpack.00{number}");
        b.runs(&format!("cp {volume} away; rm {volume}"));
        b.shellpack("verify v/x.shellpack")
            .exits_with(1)
            .shows(&format!("damaged: x.shellpack.00{number}, "))
            .shows(" bytes from 0; it is missing\n")
            .says("hint: repair it: shellpack repair v/x.shellpack\n");
        is_repaired(&b, "v/x.shellpack");
        b.runs(&format!("head -c 1000 away >{volume}"));
        is_repaired(&b, "v/x.shellpack");
        b.runs(&format!("mv away {volume}"));
    }
}

/// Without its first bytes nothing says that it is a bundle, but its parity does.
#[test]
fn a_bundle_without_its_beginning_is_repaired() {
    let b = protected("blog", "");
    b.sh(&damage("x.shellpack", 0, 600)).succeeds();
    b.shellpack("verify x.shellpack")
        .exits_with(1)
        .shows("fault: it is not a shellpack bundle\ndamaged: x.shellpack, 1024 bytes from 0\nparity: all of the damage is covered")
        .says("hint: repair it: shellpack repair x.shellpack\n");
    b.shellpack("inspect x.shellpack")
        .exits_with(1)
        .says("hint: if its beginning is damaged, repair it: shellpack repair x.shellpack\n");
    b.sh("shellpack repair x.shellpack -o y; shellpack verify y")
        .succeeds();
    b.sh("rm x.shellpack; shellpack repair x.shellpack")
        .exits_with(1)
        .says("error: could not open x.shellpack\ncaused by: No such file or directory");
}

#[test]
fn damage_beyond_parity_is_reported_and_nothing_is_written() {
    let b = protected("large", "--parity 1%");
    b.sh(&damage("x.shellpack", 50 << 20, 3 << 20)).succeeds();
    b.shellpack("verify x.shellpack")
        .exits_with(1)
        .shows("parity: not all of the damage is covered by x.shellpack.parity\n")
        .says("copy the original again");
    b.shellpack("repair x.shellpack")
        .exits_with(1)
        .says("there is more damage than x.shellpack.parity covers");
    b.sh("ls -A | grep -e repaired -e part || true").prints("");
}

#[test]
fn open_says_how_a_lost_volume_is_restored() {
    let b = protected("blog", "--parity 30%");
    in_volumes(&b, "400K");
    b.runs("rm v/x.shellpack.002");
    b.shellpack("open v/x.shellpack --no-shell")
        .exits_with(125)
        .says("--volumes DIR; if they are lost, repair it: shellpack repair v/x.shellpack");
    b.sh("rm v/x.shellpack.001; shellpack repair v/x.shellpack -o y")
        .exits_with(1)
        .says("could not repair the bundle: there is more damage than v/x.shellpack.parity covers")
        .says("hint: copy the damaged files from the original again");
}

#[test]
fn the_only_copy_is_left_alone() {
    let b = protected("blog", "");
    b.runs(&damage("x.shellpack", 300_000, 10));
    let sum = b.runs("cat x.shellpack | sha256sum").text();
    b.runs("ln -s x.shellpack link");
    let again = "../$(basename $PWD)/x.shellpack";
    for output in ["x.shellpack", ".", "./x.shellpack", again, "link"] {
        b.shellpack(&format!("repair x.shellpack --force -o {output}"))
            .exits_with(1)
            .says("it belongs to the bundle being read");
    }
    b.shellpack("protect x.shellpack --force")
        .exits_with(1)
        .says("could not protect x.shellpack: it is already damaged");
    b.sh("cat x.shellpack | sha256sum").prints(&sum);
}

/// It was there before, is empty, or is larger than the last: no size follows from it.
#[test]
fn a_volume_that_an_older_bundle_left_does_no_harm() {
    let b = protected("blog", "--parity 30%");
    let size = quarter() << 10;
    in_volumes(&b, &size.to_string());
    b.runs("cp x.shellpack good; cp v/x.shellpack.002 away");
    for surplus in ["cat v/x.shellpack.001", "true", "cat v/x.shellpack.004"] {
        b.runs(&format!("{surplus} >new; mv -f new v/x.shellpack.005"));
        b.runs("shellpack protect v/x.shellpack --parity 30% --force; cmp v/x.shellpack.parity x.shellpack.parity");
        b.shellpack("verify v/x.shellpack")
            .exits_with(1)
            .prints("fault: v/x.shellpack.005 does not belong to it: the bundle ends in v/x.shellpack.004\nv/x.shellpack.parity: sound")
            .says("hint: remove it: it is left over from an older bundle of that name\n");
        b.runs("shellpack repair v/x.shellpack")
            .says("v/x.shellpack is not damaged; nothing was written");
        b.runs("rm v/x.shellpack.002");
        let missing = format!("damaged: x.shellpack.002, {size} bytes from 0; it is missing\n");
        is_damaged(&b, "v/x.shellpack", &missing);
        is_repaired(&b, "v/x.shellpack");
        b.runs("cp away v/x.shellpack.002");
    }
}

/// No block differs, but `verify` has a fault: `repair` mends it.
#[test]
fn a_file_that_is_too_long_or_lacks_only_zeros_is_repaired() {
    let b = protected("blog", "");
    b.runs("cp x.shellpack good");
    let size: u64 = b.runs("stat -c %s good").text().parse().unwrap();
    for (damage, bytes) in [
        ("echo garbage >>new", size + 8),
        ("truncate -s -600 new", size - 600),
    ] {
        b.runs(&format!("cp good new; {damage}; mv -f new x.shellpack"));
        let said = format!("damaged: x.shellpack has {bytes} bytes instead of {size}\n");
        is_damaged(&b, "x.shellpack", &said);
        is_repaired(&b, "x.shellpack");
    }
}

#[test]
fn a_volume_that_is_too_long_is_repaired() {
    let b = protected("blog", "");
    let size = quarter() << 10;
    in_volumes(&b, &size.to_string());
    b.runs("mv x.shellpack good; echo 1 >>v/x.shellpack.002");
    let bytes = size + 2;
    let said = format!("damaged: v/x.shellpack.002 has {bytes} bytes instead of {size}\n");
    is_damaged(&b, "v/x.shellpack", &said);
    is_repaired(&b, "v/x.shellpack");
}

/// It has nothing but the zeros at the end.
#[test]
fn a_last_volume_of_zeros_is_restored() {
    let b = protected("blog", "");
    let size: u64 = b.runs("stat -c %s x.shellpack").text().parse().unwrap();
    in_volumes(&b, &(size - 512).to_string());
    b.runs("mv x.shellpack good; rm v/x.shellpack.002");
    let missing = "damaged: x.shellpack.002 is missing\n";
    is_damaged(&b, "v/x.shellpack", missing);
    is_repaired(&b, "v/x.shellpack");
}
