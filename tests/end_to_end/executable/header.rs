//! The script that an executable bundle begins with: it finds its file, its processor and a place for
//! the program, and leaves nothing where others are.

use shellpack::internals::{Access, Room};

use crate::support::Machine;
use crate::support::executables::offline_with_executable;
use crate::support::shells::{MESSAGE, PRINT};

/// Neither of the user's own directories can be used.
const NO_PLACE_OF_OURS: &str = "export XDG_CACHE_HOME=/nowhere\n";

/// A directory of `bin` with these programs and nothing else.
fn with_only_busybox() -> Machine {
    let b = offline_with_executable();
    let b = b.with_room(|room| room.bind("/dev/null", Room::SELF_PATH, Access::ReadOnly));
    b.runs("mkdir bin; for it in $(busybox --list); do ln -s /usr/bin/busybox bin/$it; done");
    b
}

#[test]
fn busybox_is_all_that_it_needs() {
    let b = with_only_busybox();
    let alone = "env -i PATH=$HOME/bin HOME=$HOME";
    for (words, shell) in [("", "$HOME/bin/sh"), (NO_PLACE_OF_OURS, "$HOME/bin/sh")] {
        b.runs(&format!(
            "{words} {alone} ${{XDG_CACHE_HOME+XDG_CACHE_HOME=$XDG_CACHE_HOME}} {shell} x.run --shellpack verify x.run"
        ))
        .shows("x.run: sound (");
    }
    b.runs("test ! -e /tmp/shellpack*");
    // Not even a sha256sum.
    b.runs(&format!(
        "rm bin/sha256sum bin/mktemp; {alone} XDG_CACHE_HOME=/nowhere $HOME/bin/sh x.run --shellpack --version; test ! -e /tmp/shellpack*"
    ))
    .shows("shellpack ");
}

#[test]
fn every_shell_runs_it() {
    let b = offline_with_executable();
    for shell in [
        "dash",
        "bash",
        "bash --posix",
        "busybox sh",
        "zsh --emulate sh",
    ] {
        for words in ["", NO_PLACE_OF_OURS] {
            b.runs(&format!(
                "{words} {shell} x.run {PRINT}; test ! -e /tmp/shellpack*"
            ))
            .prints(MESSAGE);
        }
    }
}

#[test]
fn it_runs_from_a_medium_that_is_read_only_and_noexec() {
    let b = offline_with_executable();
    b.runs(&format!(
        "mkdir stick; mount -t tmpfs -o noexec none stick; cp x.run stick; mount -o remount,ro,noexec stick
        ! stick/x.run; sh stick/x.run {PRINT}"
    ))
    .prints(MESSAGE);
}

#[test]
fn it_is_found_by_any_name() {
    let b = offline_with_executable();
    b.runs("mkdir 'a b' p; ln x.run 'a b/c  d.run'; ln x.run \"new\nline.run\"; ln -s ../x.run p/link.run; ln x.run ./-x.run");
    let version = "--shellpack --version";
    for call in [
        "sh 'a b/c  d.run'",
        "sh \"new\nline.run\"",
        "sh p/link.run",
        "sh ./-x.run",
        "sh -- -x.run",
        "PATH=$PATH:$HOME/p link.run",
        "cd /; sh ~/x.run",
    ] {
        b.runs(&format!("{call} {version}")).shows("shellpack ");
    }
    b.runs(&format!("sh \"new\nline.run\" {PRINT}"))
        .prints(MESSAGE);
    b.sh("sh <x.run").exits_with(125).says(
        "error: this script does not find its own file, which has the program in it\n\nhint: name the file: sh blog.run\n",
    );
}

#[test]
fn another_processor_is_refused_in_words() {
    let b = offline_with_executable();
    b.runs("mkdir bin; printf '#!/bin/sh\\n[ $1 = -s ] && echo Linux || echo aarch64\\n' >bin/uname; chmod +x bin/uname");
    b.sh("PATH=~/bin:$PATH sh x.run").exits_with(125).says(
        "error: this file is for x86_64-linux, and this machine is aarch64 with Linux\n\nhint: pack the shell for this machine: shellpack create --executable\n",
    );
    b.runs("test ! -e .cache");
}

#[test]
fn where_nothing_runs_each_place_is_named() {
    let b = offline_with_executable();
    b.sh(
        "mkdir t .cache; for dir in /tmp /dev/shm t .cache; do mount -t tmpfs -o noexec none $dir; done
        export TMPDIR=$HOME/t XDG_RUNTIME_DIR=/nowhere; sh x.run || status=$?
        ls -A /tmp /dev/shm t .cache/shellpack/opener >&2; exit $status",
    )
    .exits_with(125)
    .says(
        "error: there is no place from which the program in x.run can run:\
        \n  /nowhere: it is not there, or not a directory of this user\
        \n  /root/.cache: no program can run there\
        \n  /root/t: no program can run there\
        \n  /tmp: no program can run there\
        \n  /dev/shm: no program can run there\
        \n\
        \nhint: name a directory where programs can run: TMPDIR=DIRECTORY sh x.run\n\
        .cache/shellpack/opener:\n\n/dev/shm:\n\n/tmp:\n\nt:\n",
    );
}

/// A stick that was pulled out too early: wherever it is cut, that is what is said.
#[test]
fn a_file_that_is_cut_short_is_named_as_such() {
    let b = offline_with_executable();
    let said = "is cut short, or damaged\n\nhint: copy the file again\n";
    b.runs("size=$(stat -c %s x.run); head -c $((size / 3)) x.run >third.run; head -c 20000 x.run >start.run");
    for file in ["third.run", "start.run"] {
        b.sh(&format!("sh {file}"))
            .exits_with(125)
            .says(&format!("error: {file} {said}"));
    }
    b.runs("test ! -e .cache");
}

/// Nor does a later run leave what a killed one left, once nobody can be writing it.
#[test]
fn what_a_killed_script_left_goes_after_an_hour() {
    let b = offline_with_executable();
    let dir = ".cache/shellpack/opener";
    b.runs(&format!(
        "umask 077; mkdir -p {dir}; touch -d '2 hours ago' {dir}/shellpack-0.1; touch {dir}/shellpack-0.2
         sh x.run --version; test ! -e {dir}/shellpack-0.1; test -e {dir}/shellpack-0.2"
    ));
}

#[test]
fn a_full_place_is_passed_over() {
    let b = offline_with_executable();
    b.runs(&format!(
        "mkdir .cache; mount -t tmpfs -o size=1M none .cache; sh x.run {PRINT}; ls -A .cache/shellpack/opener"
    ))
    .prints(MESSAGE);
}

#[test]
fn a_kept_program_that_was_replaced_is_not_run() {
    let b = offline_with_executable();
    let version = "sh x.run --shellpack --version";
    b.runs(version);
    let kept = ".cache/shellpack/opener/shellpack-*";
    b.runs(&format!(
        "printf '#!/bin/sh\\necho shellpack evil; touch ~/evil\\n' >evil.sh; cp evil.sh {kept}"
    ));
    b.runs(version).never_says("evil");
    b.runs(&format!(
        "test ! -e evil && cmp -s evil.sh {kept} && exit 1; {version}"
    ));
    // Of the same size, too.
    b.runs(&format!("size=$(stat -c %s {kept}); cp evil.sh same; truncate -s $size same; cp same {kept}; {version}; test ! -e evil"))
        .never_says("evil");
    // A link to another one is replaced as well, and what it leads to stays.
    b.runs(&format!("name=$(echo {kept}); rm $name; ln -s ~/evil.sh $name; {version}; test ! -h $name; cat evil.sh"))
        .never_says("shellpack evil\n");
}

#[test]
fn a_directory_that_is_not_ours_alone_is_not_used() {
    for make in [
        "mkdir .cache elsewhere; ln -s ~/elsewhere .cache/shellpack",
        "mkdir -p .cache/shellpack elsewhere; ln -s ~/elsewhere .cache/shellpack/opener",
        "mkdir -p .cache/shellpack; chown 1000 .cache/shellpack",
        "mkdir -p .cache/shellpack/opener; chown 1000 .cache/shellpack/opener",
        "mkdir -p .cache/shellpack; chmod 777 .cache/shellpack",
        "mkdir -p .cache/shellpack/opener",
        "mkdir .cache; chown 1000 .cache",
        "mkdir .cache; touch .cache/shellpack",
    ] {
        let b = offline_with_executable();
        b.runs(&format!(
            "{make}; sh x.run --shellpack --version
            test ! -e .cache/shellpack/opener/shellpack-*; test ! -e elsewhere/*; test ! -e /tmp/shellpack*"
        ))
        .shows("shellpack ");
    }
}

#[test]
fn root_makes_nothing_in_the_home_of_another() {
    let b = offline_with_executable();
    b.runs("mkdir home; chown 1000 home; HOME=~/home sh x.run --shellpack --version; test ! -e home/.cache");
}

#[test]
fn the_runtime_directory_comes_first() {
    let b = offline_with_executable();
    b.runs("mkdir -m 700 r; XDG_RUNTIME_DIR=$HOME/r sh x.run --shellpack --version; ls r/shellpack/opener/*; test ! -e .cache");
}

/// Also where a shared directory is all that there is: the shell is entered without it.
#[test]
fn nothing_stays_in_a_shared_place() {
    let b = offline_with_executable();
    let there = "ls -A /tmp | grep ^shellpack || echo nothing";
    b.runs(&format!("{NO_PLACE_OF_OURS} sh x.run --run '{there}'"))
        .prints("nothing");
    b.runs(&format!(
        "{NO_PLACE_OF_OURS} sh x.run --no-eval --run '{there}'"
    ))
    .prints("nothing");
    for words in [
        "--help",
        "--no-such-option",
        "--shellpack list",
        "--shellpack rehearse x.run",
    ] {
        b.runs(&format!(
            "{NO_PLACE_OF_OURS} sh x.run {words} || :; {there}"
        ))
        .shows("nothing\n");
    }
}

/// In the middle of writing the program, which a slow sha256sum makes long.
#[test]
fn ctrl_c_leaves_nothing() {
    let b = offline_with_executable();
    b.runs("mkdir bin; printf '#!/bin/sh\\ntouch ~/busy; exec sleep 30\\n' >bin/sha256sum; chmod +x bin/sha256sum");
    for words in [NO_PLACE_OF_OURS, ""] {
        for (signal, code) in [("INT", 130), ("TERM", 143)] {
            let script = format!(
                "{words} rm -f busy; PATH=~/bin:$PATH setsid env --default-signal=INT sh x.run & pid=$!
                while [ ! -e busy ]; do sleep 0.05; done
                kill -{signal} -$pid; wait $pid || echo $?; ls -A /tmp .cache/shellpack/opener 2>/dev/null | grep shellpack- || echo nothing"
            );
            b.runs(&script).prints(&format!("{code}\nnothing"));
        }
    }
}

#[test]
fn damage_is_noticed_before_the_program_runs() {
    let b = offline_with_executable();
    b.runs("cp x.run y.run; printf '~~~' | dd of=y.run bs=1 seek=1000000 conv=notrunc 2>/dev/null");
    b.sh("sh y.run")
        .exits_with(125)
        .says("error: the program in y.run is damaged\n\nhint: copy the file again\n");
    b.sh("head -c 1000000 x.run >z.run; sh z.run")
        .exits_with(125)
        .says("error: z.run is cut short, or damaged\n");
}

/// Also those whose names a script would choose.
#[test]
fn variables_of_the_user_arrive_as_they_are() {
    let b = offline_with_executable();
    let names = [
        "file", "program", "machine", "kernel", "made", "sum", "where", "mark", "tried", "IFS_",
    ];
    let set = names.map(|name| format!("{name}=mine")).join(" ");
    let told = names.map(|name| format!("${name}")).join(" ");
    b.runs(&format!("export {set}; sh x.run --run 'echo {told}'"))
        .prints(["mine"; 10].join(" ").as_str());
}

/// A hint says what to type, which is not shellpack.
#[test]
fn hints_name_the_file() {
    let b = offline_with_executable();
    b.sh("mkdir blog; touch blog/x; sh x.run --run true")
        .exits_with(125)
        .never_says("embedded")
        .says("hint: open into another directory: sh ./x.run --dir DIR\n");
    b.sh("sh x.run --shellpack enter")
        .exits_with(125)
        .says("hint: open one: sh ./x.run\n");
    b.runs("sh x.run --dir d --no-shell");
    b.sh("sh x.run --shellpack enter nothing")
        .exits_with(125)
        .says("hint: list the opened bundles: sh ./x.run --shellpack list\n");
    // In another directory, the whole name leads there.
    b.runs("sh x.run --shellpack env blog --direnv")
        .prints("eval \"$(sh /root/x.run --shellpack env blog)\"");
    b.runs("touch d/.envrc; sh x.run --dir d --no-shell")
        .says("into .envrc: eval \"$(sh /root/x.run --shellpack env blog)\"\n");
    // Where a bundle is made, there is a shellpack.
    b.sh("rm -r d; sh x.run --shellpack enter blog")
        .exits_with(125)
        .says("open the bundle again: sh ./x.run --dir /root/d\n");
}

#[test]
fn usage_names_the_file() {
    let b = offline_with_executable();
    let usage =
        "Usage: sh ./x.run [OPTIONS] [-- <CMD>...]\n       sh ./x.run --shellpack <COMMAND>\n";
    b.sh("sh x.run --wrong")
        .exits_with(2)
        .says(usage)
        .never_says("shellpack open");
    b.sh("sh x.run list")
        .exits_with(2)
        .says("tip: to run that command: sh ./x.run --shellpack list\n");
    b.runs("sh x.run --help")
        .shows(usage)
        .shows("sh ./x.run --shellpack enter NAME ");
    b.sh("sh x.run --shellpack list --wrong")
        .exits_with(2)
        .says("Usage: sh ./x.run --shellpack list [OPTIONS]\n");
    b.runs("sh x.run --shellpack list --help")
        .shows("see `sh ./x.run --shellpack --help`.\n");
    b.runs("sh x.run --version; sh x.run --shellpack --version")
        .shows("shellpack ");
}

/// The program removes its file before it does anything else, so it does not matter how it ends.
#[test]
fn a_program_that_is_killed_leaves_nothing() {
    let b = offline_with_executable();
    let there = "ls -A /tmp | grep ^shellpack- || echo nothing";
    // While it waits for a bundle that does not come.
    let script = format!(
        "{NO_PLACE_OF_OURS} mkfifo never; sleep 60 >never & writer=$!
        sh x.run --shellpack verify - <never 2>said & pid=$!
        until grep -q verifying said; do sleep 0.05; done
        kill -9 $pid; wait $pid || echo $?; {there}; kill $writer"
    );
    b.runs(&script).prints("137\nnothing");
}

/// A file without a name cannot be bound into a room, so that gets a copy.
#[test]
fn a_program_that_has_removed_itself_still_makes_rooms() {
    let b = offline_with_executable();
    let there = "ls -A /tmp | grep ^shellpack- || echo nothing";
    b.runs(&format!(
        "{NO_PLACE_OF_OURS} export TMPDIR=/tmp; sh x.run --shellpack rehearse x.run --run 'echo $MESSAGE'; {there}"
    ))
    .shows(MESSAGE)
    .shows("nothing\n");
    b.runs(&format!(
        "{NO_PLACE_OF_OURS} sh x.run --store ~/store {PRINT}; {there}"
    ))
    .prints(&format!("{MESSAGE}\nnothing"));
}
