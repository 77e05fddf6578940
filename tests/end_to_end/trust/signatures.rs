use crate::support::trust::{public_key, signed, with_a_key};
use crate::support::{Machine, machine_a, quarter};

/// Prints where a file differs from the unsigned bundle: the first and the last byte.
const CHANGED: &str = "cmp -l blog.shellpack x.shellpack | awk 'NR == 1 { print $1 } { last = $1 } END { print last }' | xargs";

#[test]
fn a_key_of_nixs_signs_in_place() {
    let b = with_a_key();
    b.shellpack("sign x.shellpack --sign-key key")
        .succeeds()
        .shows("bundle    x.shellpack\nsigned by lab-1 (SHA256:")
        .shows("changed   x.shellpack\n");
    // The room begins behind the manifest, and its header is one block.
    let manifest = "tar -xOf x.shellpack manifest.toml | wc -c";
    let manifest: u64 = b.runs(manifest).text().parse().unwrap();
    let room = 512 + manifest.next_multiple_of(512) + 512;
    let changed = b.runs(CHANGED).text();
    let (first, last) = changed.split_once(' ').unwrap();
    assert_eq!(first.parse::<u64>().unwrap(), room + 1);
    assert!(last.parse::<u64>().unwrap() < room + 200, "{changed}");
    // A line of the format, 6.1.
    let line = "tar -xOf x.shellpack manifest.sig | tr -d '\\000'";
    let line = b.runs(line).text();
    let (signature, key) = line.split_once(' ').unwrap();
    assert!(signature.starts_with("lab-1:"), "{line}");
    assert_eq!(format!("lab-1:{key}"), public_key(&b));
    // Signing again changes nothing.
    b.runs("cp x.shellpack once; shellpack sign x.shellpack --sign-key key; cmp once x.shellpack");
}

#[test]
fn keygen_makes_keys_that_nix_takes() {
    let b = Machine::offline();
    let key = b.shellpack("keygen lab-2").succeeds();
    key.says("the secret key is in lab-2.key, and its fingerprint is SHA256:");
    b.runs("stat -c %a lab-2.key").prints("600");
    let nix = "nix --extra-experimental-features nix-command key convert-secret-to-public";
    b.runs(&format!(
        "{nix} < lab-2.key > public; cmp public lab-2.key.pub"
    ));
    b.shellpack("keygen lab-2").exits_with(1).says(
        "error: could not make a key: lab-2.key.pub exists already\n\n\
         hint: choose another name, or another file: --output FILE\n",
    );
    b.shellpack("keygen 'lab 2'").exits_with(1).says(
        "error: could not make a key: its name must be 1 to 200 letters, digits or ._+-@/=~%,\n\nhint: name it after its host or purpose, and number it: shellpack keygen lab-1\n",
    );
    b.shellpack("keygen a/b").exits_with(1).says(
        "error: could not make a key: a/b cannot be the name of a file\n\n\
         hint: name the file of the key: shellpack keygen a/b --output FILE\n",
    );
    b.runs("shellpack keygen a/b -o c; ls c c.pub");
    b.shellpack("keygen lab-3 -o -")
        .exits_with(1)
        .says("error: could not make a key: a secret key is not written to standard output\n");
    b.runs("! ls -- - -.pub");
}

#[test]
fn create_signs_with_several_keys() {
    let a = machine_a();
    a.runs("mkdir -p signed; cd signed; shellpack keygen site-1; shellpack keygen officer-1");
    a.write(
        "fixtures/shells/secretive/shell.nix",
        r#"derivation {
  name = "secretive"; system = builtins.currentSystem; builder = "/bin/sh";
  seen = builtins.getEnv "SITE_KEY";
}"#,
    );
    let create = "cd signed; SITE_KEY=$(cat site-1.key) shellpack create ~/fixtures/shells/secretive \
         --sign-key env:SITE_KEY --sign-key officer-1.key";
    a.runs(&format!("{create} -o x.shellpack"))
        .shows("signed by site-1 (SHA256:")
        .shows("\n          officer-1 (SHA256:");
    // Evaluation does not see the key.
    let manifest = "tar -xOf signed/x.shellpack manifest.toml";
    a.runs(&format!("{manifest} | grep seen"))
        .prints("seen = \"\"");
    let json = a.runs(&format!("{create} -o y.shellpack --json")).text();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let signers = json["signed-by"].as_array().unwrap();
    assert_eq!(signers[0]["name"], "site-1");
    let key = a.runs("cat signed/site-1.key.pub").text();
    assert_eq!(signers[0]["key"], key.as_str());
    a.runs("cd signed; cmp x.shellpack y.shellpack; shellpack verify x.shellpack");
    // The same key later gives the same bytes.
    a.runs(
        "cd signed; shellpack create ~/fixtures/shells/secretive -o z.shellpack --sign-key officer-1.key
         cp z.shellpack once; shellpack sign z.shellpack --sign-key - < officer-1.key; cmp once z.shellpack",
    );
}

#[test]
fn of_volumes_only_the_first_changes() {
    let b = with_a_key();
    let size = quarter();
    b.runs(&format!(
        "mkdir v; shellpack split x.shellpack --volume-size {size}K -o v --force
         shellpack protect v/x.shellpack; cp -r v before
         shellpack sign v/x.shellpack --sign-key key"
    ))
    .shows("changed   v/x.shellpack.001\n          v/x.shellpack.sha256\n          v/x.shellpack.parity\n");
    b.runs("diff -rq before v || true").prints(
        "Files before/x.shellpack.001 and v/x.shellpack.001 differ\n\
         Files before/x.shellpack.parity and v/x.shellpack.parity differ\n\
         Files before/x.shellpack.sha256 and v/x.shellpack.sha256 differ",
    );
    b.runs("cd v; sha256sum --quiet -c x.shellpack.sha256; shellpack verify x.shellpack")
        .shows("x.shellpack.parity: sound\n");
    // Joined, it is the bundle that is signed in one file.
    b.runs(
        "shellpack sign x.shellpack --sign-key key; shellpack join v/x.shellpack -o joined
         cmp x.shellpack joined",
    );
}

/// Volumes may be smaller than the manifest.
#[test]
fn a_room_in_several_volumes_is_found() {
    let b = with_a_key();
    b.runs("mkdir v; shellpack split x.shellpack --volume-size 3000 -o v --force; cp -r v before");
    b.runs("shellpack sign v/x.shellpack --sign-key key; shellpack verify v/x.shellpack; cd v; sha256sum --quiet -c x.shellpack.sha256");
    b.runs(
        "shellpack sign x.shellpack --sign-key key; cat v/x.shellpack.[0-9]* | cmp - x.shellpack",
    );
}

#[test]
fn the_checksum_of_one_file_is_brought_up_to_date() {
    let b = with_a_key();
    b.runs("sha256sum x.shellpack key.pub > x.shellpack.sha256; shellpack sign x.shellpack --sign-key key");
    b.runs("sha256sum --quiet -c x.shellpack.sha256");
}

#[test]
fn parity_that_is_not_ours_is_told() {
    let b = with_a_key();
    b.runs("echo other > x.shellpack.parity; shellpack sign x.shellpack --sign-key key")
        .says("warning: x.shellpack.parity no longer fits: make it anew with shellpack protect --force x.shellpack\n");
    b.runs("cat x.shellpack.parity").prints("other");
}

/// Flips a bit in the last segment of `x.shellpack`.
const DAMAGE: &str = "at=$(($(stat -c %s x.shellpack) - 5000)); new=A
     [ \"$(tail -c +$((at + 1)) x.shellpack | head -c 1)\" != A ] || new=B
     printf $new | dd of=x.shellpack bs=1 seek=$at conv=notrunc status=none";

/// A digest or parity that is made anew would vouch for the damage.
#[test]
fn a_damaged_bundle_with_a_checksum_or_parity_file_is_not_signed() {
    for (protect, said) in [
        (
            "sha256sum x.shellpack > x.shellpack.sha256",
            "could not sign x.shellpack: its digest is not the one in x.shellpack.sha256, so it is \
             damaged, or was changed\n\nhint: look for the damage: shellpack verify x.shellpack\n",
        ),
        ("shellpack protect x.shellpack", ""),
    ] {
        let b = with_a_key();
        b.runs(&format!(
            "{protect}; {DAMAGE}; mkdir before; cp -p x.shellpack* before"
        ));
        b.shellpack("sign x.shellpack --sign-key key")
            .exits_with(1)
            .says(&format!("error: {said}"));
        b.runs("for file in before/*; do cmp $file $(basename $file); done");
    }
}

#[test]
fn a_signature_that_the_parity_lacks_is_told() {
    let b = with_a_key();
    b.runs(&format!(
        "shellpack protect x.shellpack; mv x.shellpack.parity parity
         shellpack sign x.shellpack --sign-key key; {DAMAGE}"
    ));
    b.shellpack("repair x.shellpack --parity parity -o repaired")
        .succeeds()
        .says("warning: the parity is older than the signature by lab-1 (SHA256:")
        .says("), so the repaired bundle does not have it\n");
    b.runs("cmp blog.shellpack repaired");
}

/// The checksum file is beside the file, and not beside the link.
#[test]
fn through_a_link_the_file_is_signed() {
    let b = with_a_key();
    b.runs(
        "mkdir real; mv x.shellpack real; ln -s real/x.shellpack link
         cd real; sha256sum x.shellpack > x.shellpack.sha256",
    );
    b.shellpack("sign link --sign-key key")
        .succeeds()
        .shows("/real/x.shellpack\n")
        .shows("/real/x.shellpack.sha256\n")
        .never_says("warning");
    b.runs("cd real; sha256sum --quiet -c x.shellpack.sha256; ln x.shellpack other");
    b.shellpack("sign real/x.shellpack --sign-key key --sign-key key")
        .succeeds()
        .says("warning: real/x.shellpack has other names (hard links): checksum and parity files elsewhere are not brought up to date\n");
}

#[test]
fn a_key_that_is_given_twice_is_listed_once() {
    let b = with_a_key();
    let json = b.runs("shellpack sign x.shellpack --sign-key key --sign-key key --json");
    let json: serde_json::Value = serde_json::from_str(&json.text()).unwrap();
    assert_eq!(json["signed-by"].as_array().unwrap().len(), 1, "{json}");
}

/// Messages get into logs.
#[test]
fn a_secret_in_the_place_of_a_file_is_not_repeated() {
    let b = with_a_key();
    b.runs("ssh-keygen -q -t ed25519 -N '' -f id");
    let said = "error: could not use the key: the key itself was given, and not the place that it is in\n\n\
                hint: every user of this machine can see the arguments of a program: ";
    for key in [
        "\"$(cat key)\"",
        "\" $(cat key)\"",
        "\"env:$(cat key)\"",
        "\"$(head -c 60 key)\"",
        "\"$(cut -d: -f2 key)\"",
        "\"$(cat id)\"",
    ] {
        for command in ["sign x.shellpack", "create . --no-rehearsal -o x.shellpack"] {
            let outcome = b.sh(&format!("shellpack {command} --sign-key {key}"));
            let outcome = outcome.exits_with(1).says(said);
            let secret = b.runs("cut -d: -f2 key | head -c 20").text();
            outcome.never_says(&secret).never_says("BEGIN");
        }
    }
}

#[test]
fn keys_that_cannot_be_used_are_refused() {
    let b = with_a_key();
    b.runs("cp key open; chmod 640 open; mkfifo pipe; touch empty");
    for (key, said) in [
        (
            "open",
            "could not use the key in open: users other than its owner can read the file, too\n\nhint: chmod 600 open\n",
        ),
        (
            "key.pub",
            "could not use the key in key.pub: it is a public key; the secret key is needed here\n\nhint: the secret key is the file that was made with it\n",
        ),
        (
            "empty",
            "could not use the key in empty: it is empty\n\nhint: make a key: shellpack keygen NAME\n",
        ),
        (
            "env:NONE",
            "could not use the key in the environment variable NONE: NONE is not set\n",
        ),
        (
            "missing",
            "could not read missing\ncaused by: No such file or directory",
        ),
    ] {
        b.shellpack(&format!("sign x.shellpack --sign-key {key}"))
            .exits_with(1)
            .says(&format!("error: {said}"));
    }
    b.runs("cmp blog.shellpack x.shellpack");
    // A pipe is the business of who made it.
    b.runs("cat open > pipe & shellpack sign x.shellpack --sign-key pipe")
        .shows("signed by lab-1");
    b.runs("shellpack sign x.shellpack --sign-key - < open");
    b.sh("shellpack sign x.shellpack --sign-key - < empty")
        .exits_with(1)
        .says("error: could not use the key from standard input: it is empty\n");
    let shown = b.sh("script -qec 'shellpack sign x.shellpack --sign-key -' /dev/null < /dev/null");
    shown
        .exits_with(1)
        .shows("error: could not read the key from standard input: it is a terminal");
    b.shellpack("sign - --sign-key key < x.shellpack")
        .exits_with(1)
        .says("error: could not sign standard input");
}

#[test]
fn signatures_that_do_not_fit_are_refused() {
    let b = with_a_key();
    b.runs("for i in $(seq 40); do shellpack keygen $(head -c 150 /dev/zero | tr '\\0' x)$i -o k$i; done");
    let all: String = (1..=40).map(|i| format!(" --sign-key k{i}")).collect();
    b.shellpack(&format!("sign x.shellpack{all}"))
        .exits_with(1)
        .says("error: could not sign x.shellpack: signatures of ")
        .says(" bytes do not fit its 4096 bytes of room\n\nhint: signatures of RSA keys take most of the room: ");
    // Before anything is evaluated.
    b.runs("for i in 1 2 3; do ssh-keygen -q -t rsa -b 4096 -N '' -f rsa$i; done");
    for keys in [
        all.as_str(),
        " --sign-key rsa1 --sign-key rsa2 --sign-key rsa3.pub",
    ] {
        b.shellpack(&format!("create /none{keys}"))
            .exits_with(1)
            .says("error: could not sign with these keys: their signatures take at least ")
            .says(" bytes, and a bundle has room for 4096\n");
    }
    b.shellpack("create /none --sign-key rsa1 --sign-key rsa2 --sign-key rsa2.pub")
        .exits_with(1)
        .never_says("signatures");
    b.runs("cmp blog.shellpack x.shellpack");
}

#[test]
fn a_read_only_bundle_is_not_signed() {
    let b = with_a_key();
    let read_only = "mkdir ro; cp x.shellpack ro; mount --bind ro ro; mount -o remount,ro,bind ro";
    b.sh(&format!(
        "{read_only}; exec shellpack sign ro/x.shellpack --sign-key key"
    ))
    .exits_with(1)
    .says("error: could not write ro/x.shellpack\ncaused by: Read-only file system")
    .says("\nhint: sign a copy: shellpack copy ro/x.shellpack DIR\n");
    // Only the file beside it cannot be replaced.
    b.sh(
        "mkdir place; cp x.shellpack place; cd place; sha256sum x.shellpack > x.shellpack.sha256
         mount --bind . .; touch ~/file; cp x.shellpack ~/file; mount --bind ~/file x.shellpack
         cd ~; mount -o remount,ro,bind place; exec shellpack sign place/x.shellpack --sign-key key",
    )
    .exits_with(1)
    .says("error: could not write place\ncaused by: Read-only file system");
    b.runs("cmp blog.shellpack file");
}

/// Copies, volumes and repaired bundles are the bundle, with its signatures.
#[test]
fn a_signature_travels() {
    let b = signed();
    b.runs("mkdir to; shellpack copy x.shellpack to; cmp x.shellpack to/x.shellpack");
}

/// What is shown as signed has been verified.
#[test]
fn a_flipped_bit_in_a_signature_is_found() {
    let b = signed();
    let offset = "$(($(tar -xOf x.shellpack manifest.toml | wc -c | awk '{ print 512 + int(($1 + 511) / 512) * 512 }') + 512 + 20))";
    b.runs(&format!(
        "at={offset}; new=A; [ \"$(tail -c +$((at + 1)) x.shellpack | head -c 1)\" != A ] || new=B
         printf $new | dd of=x.shellpack bs=1 seek=$at conv=notrunc"
    ));
    for command in [
        "inspect x.shellpack",
        "verify x.shellpack",
        "open x.shellpack --no-shell",
    ] {
        let outcome = b.shellpack(command);
        let found = format!("{}{}", outcome.stdout, outcome.stderr);
        let fault = "a signature in it does not match its manifest\n";
        assert!(found.contains(fault), "{outcome}");
        outcome.never_says("signed by lab-1");
    }
}

/// A hostile stick.
#[test]
fn a_pipe_in_the_place_of_a_checksum_file_is_not_waited_for() {
    let b = with_a_key();
    b.runs("mkfifo x.shellpack.sha256 x.shellpack.parity; timeout 20 shellpack sign x.shellpack --sign-key key");
}
