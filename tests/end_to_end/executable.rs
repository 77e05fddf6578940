//! One file that opens itself: how it is made, and that it is a bundle like any other. What its header
//! does is in [`header`].

/// The script at the beginning, on all kinds of machines.
mod header;

use crate::support::executables::{executable, offline_with_executable, static_shellpack};
use crate::support::shells::{MESSAGE, PRINT};
use crate::support::trust::with_a_key;
use crate::support::volumes::names;
use crate::support::{Machine, bundle, machine_a};

/// Prints where the bundle begins in `x.run`.
const START: &str = "sed -n 's/^shellpack_bundle_at=//p;6q' x.run";

#[test]
fn it_opens_itself() {
    let b = offline_with_executable();
    for call in ["sh x.run", "./x.run"] {
        b.runs(&format!("{call} {PRINT}")).prints(MESSAGE);
    }
    b.runs("sh x.run --shellpack list").shows("blog ");
    b.runs("test ! -e /tmp/shellpack* && ls .cache/shellpack/opener | wc -l")
        .prints("1");
}

#[test]
fn create_tells_what_it_has_made() {
    let a = machine_a();
    executable();
    let create = "mkdir e1; cd e1; shellpack create ../fixtures/shells/blog --level fast --executable --opener ../opener";
    a.runs(create)
        .shows("packed    blog.run\n")
        .shows(
            "opens itself on x86_64-linux; header and program are not covered by the signature\n",
        )
        .shows("on the target, run:\n  sh blog.run\n");
    a.runs("stat -c %a e1/blog.run; cmp e1/blog.run blog.run; umask 077; cd e1; shellpack create ../fixtures/shells/blog --level fast --executable --opener ../opener --force --json; stat -c %a blog.run")
        .shows("755\n{")
        .shows("\"system\": \"x86_64-linux\"")
        .shows("\"covered-by-signature\": false")
        .shows("}\n700\n");
    // To standard output, and nowhere.
    a.runs("shellpack create fixtures/shells/blog --level fast --executable --opener opener -o - | cmp - blog.run");
    a.runs("cd e1; shellpack create ../fixtures/shells/blog --executable --opener ../opener -n -o n.run; test ! -e n.run")
        .shows("plan      n.run (dry run");
}

#[test]
fn the_bundle_in_it_is_the_one_that_create_writes() {
    let a = machine_a();
    executable();
    bundle("blog");
    let start = a
        .runs("sed -n 's/^shellpack_bundle_at=//p;6q' blog.run")
        .text();
    let from = start.parse::<u64>().unwrap() + 1;
    a.runs(&format!("tail -c +{from} blog.run | cmp - blog.shellpack"));
}

#[test]
fn only_a_static_shellpack_is_carried() {
    let a = Machine::online();
    a.receive(static_shellpack(), "opener");
    // A shellpack for another processor, and one that knows nothing of all this.
    a.runs("cp opener arm; printf '\\267\\000' | dd of=arm bs=1 seek=18 conv=notrunc 2>/dev/null");
    let create = "shellpack create fixtures/shells/blog --executable -o x.run";
    for (opener, refusal) in [
        (
            "",
            "error: could not carry this shellpack to open the bundle: it loads libraries, which the target need not have\n\nhint: name a static one, which `make dist` and releases have: --opener FILE, or --with-opener=FILE\n",
        ),
        (
            "--opener /usr/bin/env",
            "error: could not carry /usr/bin/env: it loads libraries, which the target need not have\n\nhint: name a static shellpack",
        ),
        (
            "--opener /usr/bin/busybox",
            "error: could not carry /usr/bin/busybox: it is not a shellpack that opens executable bundles\n",
        ),
        (
            "--opener fixtures/shells/blog/shell.nix",
            "shell.nix: it is not a program for Linux\n",
        ),
        (
            "--opener /dev/zero",
            "/dev/zero: it is not a program for Linux\n",
        ),
        (
            "--opener arm",
            "error: could not carry arm: it is for aarch64-linux, and the shell is for x86_64-linux\n\nhint: name a static shellpack for x86_64-linux, which its release has: --opener FILE, or --with-opener=FILE\n",
        ),
        ("--opener nowhere", "error: could not read nowhere\n"),
    ] {
        a.sh(&format!("{create} {opener}"))
            .exits_with(1)
            .says(refusal);
    }
    a.runs("test ! -e x.run");
    a.sh("shellpack create fixtures/shells/blog --opener opener")
        .exits_with(2);
    // A static one carries itself.
    a.runs("./opener create fixtures/shells/blog --executable -o x.run; sh x.run --shellpack verify x.run")
        .shows("x.run: sound (");
}

/// A shellpack for ARM, as far as its ELF header says; this machine does not run it.
#[cfg(target_arch = "x86_64")]
#[test]
fn for_another_processor_it_carries_a_program_of_that() {
    let a = machine_a();
    executable();
    a.runs("cp opener for-arm; printf '\\267\\000' | dd of=for-arm bs=1 seek=18 conv=notrunc 2>/dev/null");
    a.write(
        "arm/shell.nix",
        "derivation { name = \"arm\"; system = builtins.currentSystem; builder = \"/bin/sh\"; }",
    );
    let create = "cd arm; shellpack create --system aarch64-linux";
    a.sh(&format!("{create} --executable --opener ../opener"))
        .exits_with(1)
        .says("error: could not carry ../opener: it is for x86_64-linux, and the shell is for aarch64-linux\n\nhint: name a static shellpack for aarch64-linux");
    let on_arm = "opens itself on aarch64-linux; header and program are not covered";
    a.runs(&format!(
        "{create} --executable --opener ../for-arm -o x.run"
    ))
    .shows(on_arm);
    a.runs(&format!("{create} --with-opener=../for-arm"))
        .shows("on the target, run:\n  ./shellpack-aarch64-linux open arm.shellpack\n");
    a.runs("shellpack inspect arm/x.run").shows(on_arm);
    a.runs("shellpack inspect --json arm/x.run")
        .shows("\"system\": \"aarch64-linux\"");
    a.runs("shellpack verify arm/x.run")
        .shows("arm/x.run: sound (");
    a.sh("shellpack open arm/x.run --run true")
        .exits_with(125)
        .says("error: could not open arm/x.run: it is for aarch64-linux, and this machine is x86_64-linux\n");
    a.sh("sh arm/x.run --run true")
        .exits_with(125)
        .says("error: this file is for aarch64-linux, and this machine is x86_64 with Linux\n");
}

#[test]
fn a_program_may_be_beside_the_bundle() {
    let a = machine_a();
    executable();
    let create = "shellpack create ../fixtures/shells/blog --level fast --with-opener=../opener";
    a.runs(&format!("mkdir e2; cd e2; {create}"))
        .shows("opener    shellpack-x86_64-linux, ")
        .shows("on the target, run:\n  ./shellpack-x86_64-linux open blog.shellpack\n");
    assert_eq!(names(a, "e2"), "blog.shellpack shellpack-x86_64-linux");
    a.runs("cd e2; stat -c %a shellpack-x86_64-linux; cmp shellpack-x86_64-linux ../opener")
        .prints("755");
    // Several bundles share it; another file is not replaced.
    a.runs(&format!("cd e2; {create} -o two.shellpack --json"))
        .shows("\"path\": \"shellpack-x86_64-linux\"");
    a.sh(&format!(
        "cd e2; echo mine >shellpack-x86_64-linux; {create} -o three.shellpack"
    ))
    .exits_with(1)
    .says("error: could not write shellpack-x86_64-linux: it already exists\n");
    a.runs("cd e2; test ! -e three.shellpack && cat shellpack-x86_64-linux")
        .prints("mine");
    a.sh(&format!("{create} -o - | cat").replace("../", ""))
        .says("could not write volumes, a checksum file, parity or a program to standard output");
}

#[test]
fn a_copy_takes_the_program_along() {
    let a = machine_a();
    executable();
    let create = "shellpack create ../fixtures/shells/blog --level fast --no-rehearsal --with-opener=../opener";
    a.runs(&format!(
        "mkdir e5 e6 e7; cd e5; {create}; cp blog.shellpack two.shellpack"
    ));
    a.runs("shellpack copy e5/blog.shellpack e6; cmp e6/shellpack-x86_64-linux opener; stat -c %a e6/shellpack-x86_64-linux")
        .shows("opener    e6/shellpack-x86_64-linux, ")
        .shows("\n755\n");
    // It is shared by the next one, and is not a bundle that a pattern names.
    a.runs("shellpack copy e5/* e7 --json | grep -c '\"path\": \"e7/shellpack-x86_64-linux\"'")
        .prints("2");
    assert_eq!(
        names(a, "e7"),
        "blog.shellpack shellpack-x86_64-linux two.shellpack"
    );
    // Another file stays, unless the user allows it; then nothing is copied.
    a.sh("rm e6/*; echo mine >e6/shellpack-x86_64-linux; shellpack copy e5/blog.shellpack e6")
        .exits_with(1)
        .says("error: could not write e6/shellpack-x86_64-linux: it already exists\n");
    assert_eq!(names(a, "e6"), "shellpack-x86_64-linux");
    a.runs("shellpack copy e5/blog.shellpack e6 --force; cmp e6/shellpack-x86_64-linux opener");
}

#[test]
fn a_copy_takes_no_other_program_along() {
    let a = machine_a();
    executable();
    a.runs("mkdir e8 e9; cp blog.run e8; shellpack create fixtures/shells/blog --level fast --no-rehearsal -o e8/b.shellpack");
    // Another processor's, one that is no such shellpack, and none at all.
    a.runs("cp opener e8/shellpack-aarch64-linux; printf '\\267\\000' | dd of=e8/shellpack-aarch64-linux bs=1 seek=18 conv=notrunc 2>/dev/null; cp /usr/bin/busybox e8/shellpack-x86_64-linux; mkdir e8/shellpack-i686-linux");
    a.runs("shellpack copy e8/b.shellpack e9")
        .shows("copied    e9/b.shellpack\n");
    assert_eq!(names(a, "e9"), "b.shellpack");
    a.sh("shellpack copy e8/shellpack-x86_64-linux e9")
        .exits_with(1)
        .says("e8/shellpack-x86_64-linux");
}

#[test]
fn every_command_reads_it() {
    let b = offline_with_executable();
    let digest = |file: &str| {
        let told = b.runs(&format!("shellpack verify --json {file}")).stdout;
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        told[0]["executable"].clone()
    };
    let told = digest("x.run");
    let header = b
        .runs("head -c 16384 x.run | sha256sum | cut -c -64")
        .text();
    assert_eq!(told["header-digest"], format!("sha256:{header}"));
    let program = b
        .runs("sed -n 's/^shellpack_program_sha256=//p;5q' x.run")
        .text();
    assert_eq!(told["program-digest"], format!("sha256:{program}"));
    b.runs("shellpack verify x.run")
        .shows("x.run: sound (")
        .shows(&format!(
            "header: sha256 {header}, not covered by the signature\n"
        ))
        .shows(&format!(
            "program: sha256 {program}, not covered by the signature\n"
        ));
    b.runs("shellpack inspect x.run")
        .shows(&format!(
            "header sha256   {header}\nprogram sha256  {program}\n"
        ))
        .shows(
            "opens itself on x86_64-linux; header and program are not covered by the signature\n",
        );
    b.runs("shellpack inspect - --json <x.run").shows(&program);
    b.runs("cat x.run | shellpack verify -")
        .shows("standard input: sound (");
    b.runs(&format!("cat x.run | shellpack open - {PRINT}"))
        .prints(MESSAGE);
    b.runs("shellpack rehearse x.run");
    // Copies are the same, and programs as well.
    b.runs("mkdir c v; shellpack copy x.run c; cmp c/x.run x.run; stat -c %a c/x.run")
        .shows("\n755\n");
    b.runs("shellpack split x.run -o v --volume-size $(($(stat -c %s x.run) - 900000)); cat v/x.run.0* | cmp - x.run; cd v; sha256sum -c x.run.sha256");
    b.runs("cp -r v w; cd w; shellpack verify x.run.001; shellpack join x.run.002; cmp x.run ../x.run; stat -c %a x.run")
        .shows("\n755\n");
}

#[test]
fn volumes_open_themselves_from_the_first() {
    let b = offline_with_executable();
    b.runs("mkdir v; shellpack split x.run -o v --volume-size $(($(stat -c %s x.run) - 900000)); rm x.run");
    assert_eq!(names(&b, "v"), "x.run.001 x.run.002 x.run.sha256");
    b.runs(&format!("sh v/x.run.001 {PRINT}")).prints(MESSAGE);
    // Not from another one, of which the shell makes what it can.
    b.runs("! sh v/x.run.002 </dev/null");
}

#[test]
fn a_first_volume_that_does_not_hold_what_opens_it_is_refused() {
    let b = offline_with_executable();
    let refusal = "x.run in volumes of 1.00 MiB: the first one must hold the program that opens it and the manifest, ";
    b.sh("mkdir v; shellpack split x.run -o v --volume-size 1M")
        .exits_with(1)
        .says(refusal)
        .says("hint: choose larger volumes: --volume-size SIZE; or put the program beside the bundle: create --with-opener\n");
    assert_eq!(names(&b, "v"), "");
    let a = machine_a();
    let create = "shellpack create fixtures/shells/blog --executable --opener opener -o tiny-x.run";
    a.sh(&format!("{create} --volume-size 1M"))
        .exits_with(1)
        .says(refusal);
    a.runs("test ! -e tiny-x.run.001");
}

#[test]
fn it_is_signed_in_place() {
    let b = with_a_key();
    b.receive(&executable(), "given");
    b.runs("cp given x.run; sha256sum x.run >x.run.sha256; shellpack protect x.run --parity 5%");
    let start: u64 = b.runs(START).text().parse().unwrap();
    b.runs("shellpack sign x.run --sign-key key")
        .shows("changed   x.run\n          x.run.sha256\n          x.run.parity\n");
    b.runs("sha256sum -c x.run.sha256; shellpack verify x.run")
        .shows("signed: ")
        .shows("x.run.parity: sound");
    let changed = "cmp -l given x.run | awk 'NR == 1 { print $1 }'";
    let first: u64 = b.runs(changed).text().parse().unwrap();
    assert!(first > start, "{first} is before {start}");
    b.runs("shellpack verify given").never_says("signed: lab");
    // Of volumes, only the first changes.
    b.runs("cp given y.run; mkdir v; shellpack split y.run -o v --volume-size $(($(stat -c %s y.run) - 900000))")
        .says("");
    b.runs("shellpack sign v/y.run.001 --sign-key key; shellpack verify v/y.run")
        .shows("changed   v/y.run.001\n          v/y.run.sha256\n")
        .shows("signed: ");
}

#[test]
fn create_signs_protects_and_cuts_it() {
    let a = machine_a();
    executable();
    a.runs("mkdir e3; cd e3; shellpack keygen e3 -o key; shellpack create ../fixtures/shells/blog --level fast --executable --opener ../opener --volume-size $(($(stat -c %s ../opener) + 600000)) --parity 5% --sign-key key");
    assert_eq!(
        names(a, "e3"),
        "blog.run.001 blog.run.002 blog.run.parity blog.run.sha256 key key.pub"
    );
    a.runs(
        "cd e3; sha256sum -c blog.run.sha256; shellpack verify blog.run; stat -c %a blog.run.001",
    )
    .shows("signed: ")
    .shows("blog.run.parity: sound")
    .shows("\n755\n");
}

#[test]
fn damage_to_the_header_and_the_program_is_repaired() {
    let b = offline_with_executable();
    b.runs("shellpack protect x.run --parity 5%");
    for (place, fault) in [
        (100, "fault: its header is damaged: "),
        (
            5000,
            "fault: its header is damaged: it does not match its own digest\n",
        ),
        (1_000_000, "fault: the program in it is damaged\n"),
        (0, "fault: it is not a shellpack bundle\n"),
    ] {
        b.runs(&format!(
            "cp x.run y.run; cp x.run.parity y.run.parity; rm -f y-repaired.run
            printf '~~~' | dd of=y.run bs=1 seek={place} conv=notrunc 2>/dev/null"
        ));
        b.sh("shellpack verify y.run")
            .exits_with(1)
            .shows(fault)
            .shows("parity: all of the damage is covered by y.run.parity\n");
        b.runs("shellpack repair y.run; cmp y-repaired.run x.run; stat -c %a y-repaired.run")
            .shows("\n755\n");
    }
}

/// The header says how.
#[test]
fn stock_tools_recover_it() {
    let b = offline_with_executable();
    let line =
        "sed -n 's/^#   \\(tail .* | tar -xOf .*\\)$/\\1/p;40q' x.run | sed 's/blog.run/x.run/'";
    let import = b.runs(line).text();
    assert!(import.ends_with("--wildcards 'closure/*.zst' | zstd -dc | nix-store --import"));
    let import = import.replace('\'', "'\\''");
    b.runs(&format!("sh -c '{import}'"));
    let unpack =
        "sed -n 's/^#   \\(tail .* | tar -xf .*\\)$/\\1/p;40q' x.run | sed 's/blog.run/x.run/'";
    let unpack = b.runs(unpack).text();
    b.runs(&format!("{unpack}; cd shell; nix-shell {PRINT}"))
        .prints(MESSAGE);
}
