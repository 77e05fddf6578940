//! An ordinary user imports what the daemon accepts, and is told before the import what it does not.

use crate::support::daemon::{DAEMON, NIX_IN_ETC, with_trust_in};
use crate::support::shells::{MESSAGE, PRINT};
use crate::support::trust::OWN_ETC;
use crate::support::{Machine, Outcome, bundle, machine_a};
use shellpack_format::store::key::PublicKey;

/// For a script: Nix's new command.
const NIX: &str = "nix --extra-experimental-features nix-command";

/// Runs a script as root, in which the daemon has just started with the configuration of the machine,
/// and `alice COMMAND` runs a command as an ordinary user.
fn with_daemon(b: &Machine, script: &str) -> Outcome {
    b.sh(&format!("{OWN_ETC}{NIX_IN_ETC}{DAEMON}\n{script}"))
}

fn alice(b: &Machine, words: &str) -> Outcome {
    with_daemon(b, &format!("alice {words}"))
}

/// The error and its hint, without the notes before them.
fn refusal(outcome: Outcome) -> String {
    let outcome = outcome.exits_with(125);
    let start = outcome.stderr.find("error: ");
    outcome.stderr[start.expect("an error")..].to_owned()
}

/// A key of Nix's own making on machine A, in `~/NAME.secret` and `~/NAME.public`. Returns the public one.
fn key(a: &Machine, name: &str) -> String {
    a.runs(&format!(
        "nix-store --generate-binary-cache-key {name} {name}.secret {name}.public; cat {name}.public"
    ))
    .text()
}

/// A machine B with the blog's bundle as `x.shellpack`, made by a script on A that makes `~/NAME.shellpack`.
fn received(a: &Machine, name: &str, script: &str) -> Machine {
    a.runs(script);
    let b = with_trust_in("root");
    b.receive(&a.home(&format!("{name}.shellpack")), "x.shellpack");
    b
}

/// A machine B with a bundle that is signed by this key, which only Alice's shellpack trusts.
fn signed_by(a: &Machine, name: &str, key: &str) -> Machine {
    let create = format!(
        "shellpack create fixtures/shells/blog --sign-key {name}.secret -o {name}.shellpack"
    );
    let b = received(a, name, &create);
    b.write(
        ".config/shellpack/config.toml",
        &format!("trusted-keys = [\"{key}\"]\n"),
    );
    b.runs("chown -R 1000:1000 .config");
    b
}

/// The store has nothing, not even a lock.
fn ensure_untouched(b: &Machine) {
    b.runs("ls -A /nix/store | grep -v '^.links$' || true")
        .prints("");
}

/// How the bundle `x.shellpack` is opened by root.
const FOR_ALL: &str =
    "let root open it for all users: sudo shellpack open x.shellpack --store daemon --no-shell";

/// What helps if nobody signed a path.
fn nobody() -> String {
    format!(
        "{FOR_ALL}; or pack it with --sign-key FILE, and let root trust that key; or, which makes alice as \
         good as root, add `trusted-users = root alice` to /etc/nix/nix.conf, and: sudo systemctl restart \
         nix-daemon"
    )
}

#[test]
fn a_key_that_only_root_can_trust_is_told_before_the_import() {
    let key = key(machine_a(), "import-1");
    let b = signed_by(machine_a(), "import-1", &key);
    let line = format!("extra-trusted-public-keys = {key}");
    // Nothing but the manifest and the project files is there to be read.
    b.runs(
        "block=$(tar -tRf x.shellpack | sed -n 's/^block \\([0-9]*\\): closure.*/\\1/p' | head -n 1)
        mv x.shellpack whole; head -c $((block * 512)) whole > x.shellpack",
    );
    let fingerprint = PublicKey::parse(&key).unwrap().fingerprint();
    // No user's configuration counts for the daemon.
    let open =
        format!("env NIX_CONFIG='{line}' shellpack open x.shellpack --store daemon --run true");
    assert_eq!(
        refusal(alice(&b, &open)),
        format!(
            "error: could not open x.shellpack: Nix's daemon would refuse 6 of 9 store paths that are \
             missing here\n  6 signed by import-1, but by no key that it trusts\n\n\
             hint: {FOR_ALL}; or, if whoever made it confirms the fingerprint of import-1, {fingerprint}, let \
             root add this line to /etc/nix/nix.conf, and: sudo systemctl restart nix-daemon\n  {line}\n"
        )
    );
    alice(
        &b,
        "sh -c 'shellpack open - --store daemon --run true < x.shellpack'",
    )
    .exits_with(125)
    .says("could not open standard input: Nix's daemon would refuse 6 of 9 store paths");
    ensure_untouched(&b);
    b.configure(&line);
    alice(&b, &format!("shellpack open whole {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
    let verify = "store verify --all --trusted-public-keys";
    let other = self::key(machine_a(), "import-other");
    with_daemon(
        &b,
        &format!(
            "find /nix/store -name '*.lock'; {NIX} {verify} '{key}'; ! {NIX} {verify} '{other}' 2> /dev/null"
        ),
    )
    .succeeds()
    .prints("");
}

#[test]
fn a_daemon_that_has_not_read_the_line_is_told() {
    let key = key(machine_a(), "import-2");
    let b = signed_by(machine_a(), "import-2", &key);
    let add = format!("echo 'extra-trusted-public-keys = {key}' >> /etc/nix/nix.conf");
    let outcome = with_daemon(
        &b,
        &format!("{add}; alice shellpack open x.shellpack --store daemon --run true"),
    );
    assert_eq!(
        refusal(outcome),
        format!(
            "error: could not open x.shellpack: Nix's daemon would refuse 6 of 9 store paths that are \
             missing here\n  6 signed by import-2, but by no key that it trusts\n\n\
             hint: /etc/nix/nix.conf trusts import-2, but the daemon that runs does not: sudo systemctl \
             restart nix-daemon; or {FOR_ALL}\n"
        )
    );
    ensure_untouched(&b);
    alice(&b, &format!("shellpack open x.shellpack {PRINT}"))
        .succeeds()
        .prints(MESSAGE);
}

#[test]
fn unsigned_paths_are_told_before_the_import() {
    let b = with_trust_in("root");
    b.receive(&bundle("blog"), "x.shellpack");
    assert_eq!(
        refusal(alice(
            &b,
            "shellpack open x.shellpack --store daemon --pure --run true"
        )),
        format!(
            "error: could not open x.shellpack: Nix's daemon would refuse 6 of 9 store paths that are \
             missing here\n  6 signed by nobody\n\nhint: {}\n",
            nobody()
        )
    );
    ensure_untouched(&b);
    for line in ["trusted-users = root alice", "require-sigs = false"] {
        let b = with_trust_in("root");
        b.receive(&bundle("blog"), "x.shellpack");
        b.configure(line);
        alice(&b, &format!("shellpack open x.shellpack {PRINT}"))
            .succeeds()
            .prints(MESSAGE);
    }
}

/// Bundles of which Nix's own command signed paths: one in the name of a key that did not make the
/// signature, and then the others by that key.
fn forged(a: &Machine) -> String {
    let real = key(a, "site-1");
    a.runs(&format!(
        "mkdir forger; nix-store --generate-binary-cache-key site-1 forger/secret forger/public
        shellpack create fixtures/shells/blog --no-rehearsal --dry-run
        paths=$({NIX} path-info --all); hello=$(echo \"$paths\" | grep -e '-hello-2.10$')
        {NIX} store sign -k forger/secret $hello
        shellpack create fixtures/shells/blog -o partly.shellpack
        {NIX} store sign -k site-1.secret $(echo \"$paths\" | grep -v -e '-hello-2.10$' -e '.drv$')
        shellpack create fixtures/shells/blog -o forged.shellpack"
    ));
    real
}

#[test]
fn a_forged_signature_among_others_is_refused() {
    let a = Machine::online();
    let real = forged(&a);
    let line = format!("extra-trusted-public-keys = {real}");
    let receive = |name: &str| {
        let b = with_trust_in("root");
        b.receive(&a.home(name), "x.shellpack");
        b
    };
    let open = "shellpack open x.shellpack --store daemon --no-shell";
    let b = receive("partly.shellpack");
    assert_eq!(
        refusal(alice(&b, open)),
        format!(
            "error: could not open x.shellpack: Nix's daemon would refuse 6 of 9 store paths that are \
             missing here\n  5 signed by nobody\n  1 signed by site-1, but by no key that it trusts\n\n\
             hint: {}\n",
            nobody()
        )
    );
    // As long as the key is not known, nobody can tell.
    let b = receive("forged.shellpack");
    assert_eq!(
        refusal(alice(&b, open)),
        format!(
            "error: could not open x.shellpack: Nix's daemon would refuse 6 of 9 store paths that are \
             missing here\n  6 signed by site-1, but by no key that it trusts\n\n\
             hint: {FOR_ALL}; or ask whoever made it for the public key of site-1, and let root add this line \
             to /etc/nix/nix.conf, and: sudo systemctl restart nix-daemon\n  \
             extra-trusted-public-keys = site-1:…\n"
        )
    );
    b.configure(&line);
    assert_eq!(
        refusal(alice(&b, open)),
        "error: could not open x.shellpack: Nix's daemon would refuse 1 of 9 store paths that are missing \
         here\n  1 with a signature that claims to be by site-1, and does not match the key of that name in \
         /etc/nix/nix.conf\n\n\
         hint: do not open it before you know why: ask whoever made it for the manifest sha256 that \
         shellpack inspect shows\n"
    );
    ensure_untouched(&b);
    // The daemon's configuration is where only the daemon looks: it refuses the path itself.
    b.sh(&format!("{DAEMON}\nalice {open}"))
        .exits_with(125)
        .says("-hello-2.10' because it lacks a")
        .says(&format!("\nhint: {}\n", nobody()));
    b.runs("! nix-store --check-validity /nix/store/*-hello-2.10 2> /dev/null; nix-store --verify --check-contents");
}

/// Nothing in it needs anybody's trust.
#[test]
fn what_follows_from_its_contents_opens_for_everybody() {
    let a = machine_a();
    a.write(
        "fixtures/shells/all-addressed/shell.nix",
        r#"derivation { name = "all-addressed"; system = builtins.currentSystem; builder = "/bin/sh";
            note = builtins.toFile "note.txt" "Hello, world!"; sum = ./sum.txt; }"#,
    );
    a.write("fixtures/shells/all-addressed/sum.txt", "1");
    let create = "shellpack create fixtures/shells/all-addressed -o all-addressed.shellpack";
    let b = received(a, "all-addressed", create);
    alice(&b, "shellpack open x.shellpack --run 'cat $note'")
        .succeeds()
        .prints(MESSAGE);
}

/// Root, a user whom Nix trusts, and an ordinary user, at one daemon.
#[test]
fn three_users_share_a_machine() {
    let key = key(machine_a(), "import-9");
    let b = signed_by(machine_a(), "import-9", &key);
    b.receive(&bundle("source"), "unsigned.shellpack");
    b.configure("trusted-users = root bob");
    b.runs("mkdir bob roots; chown 1001:1001 bob");
    let outcome = with_daemon(
        &b,
        &format!(
            "echo bob:x:1001:1001:Bob:/home/alice/bob:/bin/sh >> /etc/passwd
            bob() {{ (cd bob; HOME=$PWD USER=bob setpriv --reuid 1001 --regid 1001 --clear-groups -- \"$@\"); }}
            ! alice shellpack open x.shellpack --store daemon --no-shell
            ! alice shellpack open unsigned.shellpack --store daemon --no-shell
            [ -z \"$(ls -A /nix/store | grep -v '^.links$')\" ]
            bob shellpack -q open ../unsigned.shellpack --run 'echo bob has it'
            alice shellpack -q open unsigned.shellpack --run 'echo alice has what bob opened'
            echo 'extra-trusted-public-keys = {key}' >> /etc/nix/nix.conf
            kill $!; wait
            {DAEMON}
            alice shellpack -q open x.shellpack --run 'echo alice has what root trusts'
            HOME=$PWD/roots shellpack -q open x.shellpack --no-shell
            nix-store --verify --check-contents"
        ),
    );
    outcome
        .succeeds()
        .says("6 signed by import-9, but by no key that it trusts\n")
        .says(" signed by nobody\n")
        .prints("bob has it\nalice has what bob opened\nalice has what root trusts");
}
