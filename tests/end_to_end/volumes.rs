//! A bundle in several files: written so, and opened in place.

/// Missing, damaged and foreign volumes, and full places.
mod wrong;

use crate::support::shells::{MESSAGE, PRINT};
use crate::support::volumes::{names, with_volumes};
use crate::support::{bundle, machine_a, quarter};

#[test]
fn create_writes_slices_of_the_same_bytes() {
    let a = machine_a();
    bundle("blog");
    let size = quarter();
    let create = "create fixtures/shells/blog --level fast -o v1/x.shellpack";
    let outcome = a.runs(&format!(
        "mkdir v1; shellpack {create} --volume-size {size}K"
    ));
    let digest = a.runs("sha256sum <blog.shellpack").text();
    outcome
        .shows(&format!(
            "volumes   4 volumes of {size}.00 KiB: v1/x.shellpack.001 to v1/x.shellpack.004\n"
        ))
        .shows(&format!("file sha256     {}\n", &digest[..64]))
        .shows("checksums v1/x.shellpack.sha256\n")
        .shows("shellpack open x.shellpack.001\n");
    a.runs("cat v1/x.shellpack.0* | cmp - blog.shellpack");
    let volumes = "x.shellpack.001 x.shellpack.002 x.shellpack.003 x.shellpack.004";
    assert_eq!(names(a, "v1"), format!("{volumes} x.shellpack.sha256"));
    a.runs("cd v1; sha256sum -c --strict x.shellpack.sha256; grep -c . x.shellpack.sha256")
        .shows("x.shellpack.004: OK\n4\n");
}

#[test]
fn create_json_reports_every_file() {
    let a = machine_a();
    let create = format!(
        "mkdir v2; shellpack create fixtures/shells/blog --level fast -o v2/x --volume-size {}K --json",
        quarter()
    );
    let told: serde_json::Value = serde_json::from_str(&a.sh(&create).succeeds().stdout).unwrap();
    let sums = a.sh("cd v2; cat x.0* | sha256sum; sha256sum x.0*");
    let sums = sums.succeeds().stdout;
    let digest = |value: &serde_json::Value| value["digest"].as_str().unwrap()[7..].to_owned();
    let files = told["files"].as_array().unwrap();
    let whole = &told["file-digest"].as_str().unwrap()[7..];
    let said = std::iter::once(format!("{whole}  -\n"));
    let path = |file: &serde_json::Value| file["path"].as_str().unwrap()[3..].to_owned();
    let of_files = files
        .iter()
        .map(|file| format!("{}  {}\n", digest(file), path(file)));
    assert_eq!(said.chain(of_files).collect::<String>(), sums);
    assert_eq!(told["checksum-file"], "v2/x.sha256");
    assert_eq!(told["name"], "blog");
}

#[test]
fn a_bundle_in_one_file_has_a_checksum_file_if_asked_for() {
    let a = machine_a();
    a.sh("mkdir v3; shellpack create fixtures/shells/blog -o v3/x.shellpack --checksum")
        .succeeds();
    assert_eq!(names(a, "v3"), "x.shellpack x.shellpack.sha256");
    a.sh("cd v3; sha256sum -c --strict x.shellpack.sha256")
        .succeeds()
        .prints("x.shellpack: OK");
}

#[test]
fn any_of_the_volumes_names_all_of_them() {
    let b = with_volumes();
    b.sh("mkdir w; mv v/x.shellpack.002 v/x.shellpack.004 w")
        .succeeds();
    for (name, elsewhere) in [
        ("v/x.shellpack", "w"),
        ("v/x.shellpack.001", "w"),
        ("v/x.shellpack.003", "w"),
        ("w/x.shellpack.004", "v"),
        ("v/x.shellpack.002", "w"),
    ] {
        for command in ["inspect", "verify"] {
            b.shellpack(&format!("{command} {name} --volumes {elsewhere}"))
                .succeeds();
        }
    }
    b.greets("open w/x.shellpack.002 --volumes v");
}

#[test]
fn volumes_are_rehearsed() {
    let a = machine_a();
    let split = format!(
        "shellpack split blog.shellpack --volume-size {}K -o v4",
        quarter()
    );
    a.sh(&format!("mkdir v4 w4; {split}; mv v4/*.003 w4"))
        .succeeds();
    a.greets("rehearse v4/blog.shellpack --volumes w4");
    a.shellpack("rehearse v4/blog.shellpack.002")
        .exits_with(125)
        .says("blog.shellpack.003 is missing; of 4 volumes, 1-2 and 4 are there\n");
}

#[test]
fn joined_by_cat_they_come_through_a_pipe() {
    let b = with_volumes();
    b.sh(&format!("cat v/x.shellpack.0* | shellpack open - {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

#[test]
fn stock_tools_recover_their_contents() {
    let b = with_volumes();
    b.sh("cat v/x.shellpack.[0-9]* | tar -xOf - --wildcards 'closure/*.zst' | zstd -dc | nix-store --import; cat v/x.shellpack.[0-9]* | tar -xf - shell")
        .succeeds();
    b.sh(&format!("cd shell; nix-shell {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

#[test]
fn split_and_joined_they_are_the_same_bytes() {
    let b = with_volumes();
    b.sh("shellpack join v/x.shellpack.002 -o joined; cmp joined x.shellpack")
        .succeeds()
        .shows("joined    joined\n");
    b.sh("cd v; shellpack join x.shellpack; cmp x.shellpack ../x.shellpack")
        .succeeds();
    b.sh("mkdir again; shellpack split v/x.shellpack.001 --volume-size 1M -o again; cat again/*.0* | cmp - x.shellpack")
        .succeeds();
    b.sh("cd again; sha256sum -c --strict x.shellpack.sha256")
        .succeeds();
}

#[test]
fn inspect_needs_only_the_first_volume() {
    let b = with_volumes();
    b.sh("rm v/x.shellpack.00[234]; shellpack inspect v/x.shellpack.001")
        .succeeds()
        .shows("closure ");
}

#[test]
fn an_imported_bundle_needs_only_the_first_volume() {
    let b = with_volumes();
    b.shellpack("open v/x.shellpack --no-shell").succeeds();
    b.sh(&format!(
        "rm v/x.shellpack.00[234]; shellpack open v/x.shellpack.001 {PRINT}"
    ))
    .succeeds()
    .prints(MESSAGE);
}

#[test]
fn more_than_a_thousand_volumes_sort() {
    let a = machine_a();
    let sample = "fixtures/bundles/v1/sample.shellpack";
    a.sh(&format!("mkdir many; shellpack split {sample} --volume-size 20 -o many"))
        .exits_with(2)
        .says("error: invalid value '20' for '--volume-size <SIZE>': volumes of less than 64K need --force\n");
    a.sh(&format!(
        "shellpack split {sample} --volume-size 20 --force -o many"
    ))
    .succeeds()
    .shows("sample.shellpack.0001 to ");
    a.sh(&format!("cd many; cat sample.shellpack.[0-9]* | cmp - ../{sample}; shellpack verify sample.shellpack"))
        .succeeds()
        .shows("sound");
    a.sh("cd many; rm sample.shellpack.0500; shellpack verify sample.shellpack.0001")
        .exits_with(1)
        .shows("fault: sample.shellpack.0500 is missing");
}

#[test]
fn replaced_bundles_leave_nothing_behind() {
    let a = machine_a();
    let blog = "shellpack create fixtures/shells/blog --level fast --no-rehearsal -o v5/x";
    let half = format!("--volume-size {}K", 2 * quarter());
    a.runs(&format!("mkdir v5; {blog} --volume-size 256K"));
    a.sh(blog)
        .exits_with(1)
        .says("could not write v5/x.001: it already exists");
    a.runs(&format!("{blog} {half} --force"));
    assert_eq!(names(a, "v5"), "x.001 x.002 x.sha256");
    a.runs("cd v5; sha256sum -c x.sha256; shellpack verify x");
    a.runs(&format!("{blog} --force"));
    assert_eq!(names(a, "v5"), "x");
    a.runs(&format!("{blog} --force {half}"));
    assert_eq!(names(a, "v5"), "x.001 x.002 x.sha256");
    a.sh(&format!("mkdir v5/x.003; {blog} --force"))
        .exits_with(1)
        .says("could not write v5/x.003: it is a directory");
    a.runs("rmdir v5/x.003");
    a.sh(&format!("shellpack split v5/x {half} -o v5"))
        .exits_with(1)
        .says("could not write v5/x.001: it already exists");
}

/// At a terminal: what is typed when it asks, and what is done to the stick before that.
const AT_A_TERMINAL: &str = r#"at_a_terminal() { python3 -c '
import os, pty, subprocess, sys
answers, command = sys.argv[1].split(";"), sys.argv[2]
pid, fd = pty.fork()
if pid == 0:
    os.execvp("sh", ["sh", "-c", command])
said = b""
for answer in answers:
    asked = said.count(b"press Enter")
    while said.count(b"press Enter") == asked:
        said += os.read(fd, 4096)
    action, _, line = answer.rpartition("|")
    subprocess.run(action, shell=True, check=True)
    os.write(fd, line.encode() + b"\n")
try:
    while part := os.read(fd, 4096):
        said += part
except OSError:
    pass
sys.stdout.buffer.write(said)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
' "$@"; }
"#;

#[test]
fn a_user_who_is_asked_may_give_up() {
    let b = with_volumes();
    for (typed, code) in [("\\004", 125), ("\\003", 130)] {
        let script = format!(
            r#"{AT_A_TERMINAL} rm -f v/x.shellpack.002
            at_a_terminal "|$(printf '{typed}')" 'exec shellpack open v/x.shellpack --no-shell'"#
        );
        b.sh(&script).exits_with(code);
        b.sh("ls -A /nix/store | grep -v links || true").prints("");
    }
}

/// Nothing holds the stick that is taken out, and none is asked for twice.
#[test]
fn at_a_terminal_the_next_medium_is_asked_for() {
    let b = with_volumes();
    let script = format!(
        r#"{AT_A_TERMINAL} mkdir stick; mount -t tmpfs none stick; cp v/x.shellpack.001 stick; mkdir last; mv v/x.shellpack.004 last
        change='umount stick && mount -t tmpfs none stick && cp v/x.shellpack'
        at_a_terminal "$change.002 stick|;true|nowhere;$change.003 stick|;true|last" \
            'TERM=xterm shellpack open stick/x.shellpack.001 --run "echo \"<\$MESSAGE>\""'"#
    );
    b.sh(&script)
        .succeeds()
        .shows("x.shellpack.002 is not there\r\n  insert its medium and press Enter, or type the directory that it is in: ")
        .shows("x.shellpack.003 is not there\r\n")
        .shows("nowhere is not a directory\r\n")
        .shows("x.shellpack.004 is not there\r\n")
        .shows(&format!("<{MESSAGE}>"));
}
