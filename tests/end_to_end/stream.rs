//! From a pipe to a pipe.

use std::process::Stdio;

use crate::support::shells::{MESSAGE, PRINT};
use crate::support::{Machine, Outcome, bundle, machine_a, offline_with};

#[test]
fn create_streams_into_open() {
    let (a, b) = (machine_a(), Machine::offline());
    let mut create = a
        .command("shellpack create fixtures/shells/blog -o -")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let open = format!("shellpack open - {PRINT}");
    let output = b
        .command(&open)
        .stdin(create.stdout.take().unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output();
    assert!(create.wait().unwrap().success());
    Outcome::new(&open, &output.unwrap())
        .succeeds()
        .prints(MESSAGE);
}

#[test]
fn a_stream_cannot_be_read_back_and_says_so() {
    let outcome = machine_a().sh("shellpack create fixtures/shells/blog -o - | tar -t");
    outcome
        .succeeds()
        .shows("manifest.toml\nmanifest.sig\n")
        .says("standard output; it cannot be read back and checked\n");
}

/// The pipe was the bundle's; whoever reads on gets nothing of it and does not wait for it.
#[test]
fn a_command_does_not_inherit_the_stream() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    b.sh("cat x.shellpack | shellpack open - --run 'cat; echo done'")
        .succeeds()
        .prints("done");
}

#[test]
fn an_interactive_shell_from_a_stream_reads_the_terminal() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    let typed = r#"printf 'echo "<$MESSAGE>"\nexit 3\n'"#;
    b.sh(&format!(
        "{typed} | script -qec 'cat x.shellpack | shellpack open -' /dev/null"
    ))
    .exits_with(3)
    .shows("[nix-shell:")
    .shows(&format!("<{MESSAGE}>"));
}

/// Places in a file of this size: at its edges, and somewhere else in each run.
fn places_in(size: u64) -> Vec<u64> {
    let mut state = std::process::id();
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u64::from(state) * size / (1 << 32)
    };
    let mut places: Vec<u64> = (0..8).map(|_| random()).collect();
    places.extend([0, 1, 511, 512, 10_000, size - 1024, size - 1]);
    places
}

/// Wherever a pipe ends, that is an error, all valid paths are sound, and the next attempt continues.
#[test]
fn a_pipe_that_is_cut_is_noticed_wherever_that_is() {
    let size = std::fs::metadata(bundle("blog")).unwrap().len();
    for place in places_in(size) {
        let b = offline_with("blog");
        b.runs("nix-store --init");
        let cut = format!("head -c {place} x.shellpack | shellpack");
        b.sh(&format!("{cut} open - --no-shell")).exits_with(125);
        b.sh(&format!("{cut} verify -")).exits_with(1);
        b.runs("nix-store --verify --check-contents; ! test -e blog");
        b.runs(&format!("cat x.shellpack | shellpack open - {PRINT}"))
            .prints(MESSAGE);
    }
}

/// The reader stops: that is an error, and no success is reported.
/// Also where nothing of it is missing: the sender must not see a broken pipe.
#[test]
fn a_stream_is_read_to_its_end() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    b.sh("shellpack open x.shellpack --no-shell").succeeds();
    b.sh(&format!(
        "{{ cat x.shellpack; echo sent $? >&2; }} | shellpack open - {PRINT}"
    ))
    .succeeds()
    .says("sent 0\n")
    .says("imported 0 store paths")
    .prints(MESSAGE);
    b.sh("head -c 1000000 x.shellpack | shellpack open - --no-shell")
        .exits_with(125)
        .says("error: could not read standard input\ncaused by: it is cut short: ");
}

#[test]
fn a_reader_that_goes_away_is_noticed() {
    let a = machine_a();
    for bytes in [0, 1, 5000, 700_000] {
        a.sh(&format!("{{ shellpack create fixtures/shells/blog --no-rehearsal --level fast -o - || echo \"exit $?\" >&2; }} | head -c {bytes} | wc -c"))
            .succeeds()
            .prints(&bytes.to_string())
            .says("could not write standard output")
            .says("exit 1\n")
            .never_says("sha256 ");
    }
}

/// Also with pauses; and one Ctrl-C is enough where no process writes.
#[test]
fn a_pipe_with_a_name_is_waited_for() {
    let b = Machine::offline();
    b.receive(&bundle("blog"), "x.shellpack");
    let slowly = "{ sleep 1; head -c 100; sleep 1; cat; } <x.shellpack";
    b.sh(&format!("mkfifo f; {slowly} >f & shellpack verify f"))
        .succeeds()
        .shows("f: sound (");
    b.sh("cat x.shellpack | shellpack verify /dev/stdin; bash -c 'shellpack verify <(cat x.shellpack)'")
        .succeeds();
    // In the foreground it sends one signal, elsewhere two.
    let interrupted = "timeout --foreground --preserve-status -s INT -k 20 2 shellpack";
    b.sh(&format!("{interrupted} verify f"))
        .exits_with(130)
        .says("interrupted");
    b.sh(&format!(
        "{{ head -c 100 x.shellpack; exec sleep 9; }} >f & {interrupted} open f --no-shell"
    ))
    .exits_with(130)
    .says("interrupted");
}
