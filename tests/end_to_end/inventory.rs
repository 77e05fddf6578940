//! A target lists what it has, and its updates leave that out.

use std::collections::BTreeSet;
use std::fs;

use shellpack_format::bundle::inventory::{self, Inventory};

use crate::support::daemon::{DAEMON, with_trust_in};
use crate::support::shells::HELLO;
use crate::support::trust::{public_key, set_policy, under_policy, with_a_key};
use crate::support::{Machine, bundle, machine_a, offline_with};

/// The only programs are those of the home's `.programs`, none of which is Nix's.
const BARE: &str = "export PATH=/.shellpack:$HOME/.programs;";

fn parsed(machine: &Machine, file: &str) -> Inventory {
    let bytes = fs::read(machine.home(file)).unwrap();
    inventory::parse(&bytes).unwrap().0
}

fn names(inventory: &Inventory) -> BTreeSet<&str> {
    inventory
        .paths
        .iter()
        .map(|held| held.path.name())
        .collect()
}

/// The base names of all paths that Nix has, with what it says of their NARs.
fn as_nix_has_them(machine: &Machine) -> BTreeSet<String> {
    let all = "cd /nix/store; all=$(ls -d /nix/store/*-* | grep -v -e '\\.drv$' -e '\\.lock$')";
    let text = machine
        .runs(&format!(
            "{all}; for p in $all; do echo ${{p#/nix/store/}} $(nix-store -q --hash $p) $(nix-store -q --size $p); done"
        ))
        .text();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn nixs_store_is_listed_as_nix_has_it() {
    let b = offline_with("blog");
    b.shellpack("open x.shellpack --no-shell").succeeds();
    // A derivation, as an evaluation leaves them.
    b.runs("nix-instantiate blog/shell.nix > /dev/null 2>&1; ls -d /nix/store/*.drv > /dev/null");
    b.shellpack("inventory")
        .succeeds()
        .shows("inventory have.spi, ")
        .shows("store     /nix/store for x86_64-linux: ")
        .shows("opened    blog@");
    let inventory = parsed(&b, "have.spi");
    let listed = inventory.paths.iter().map(|held| {
        let (path, hash) = (&held.path, held.nar_hash.nix32());
        format!("{path} sha256:{hash} {}", held.nar_size)
    });
    assert_eq!(listed.collect::<BTreeSet<_>>(), as_nix_has_them(&b));
    let nix = b.runs("nix-instantiate --version").text();
    assert!(
        nix.ends_with(inventory.nix_version.as_deref().unwrap()),
        "{nix}"
    );
    // No clock and no host in it, and standard output has the same.
    b.runs("shellpack inventory -o - > again.spi; cmp have.spi again.spi")
        .says("inventory standard output, ")
        .says("\nopened    blog@");
    // JSON on standard error is as it is.
    let said = b
        .runs("shellpack --progress never inventory --json -o - > again.spi")
        .stderr;
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(json["path"], serde_json::Value::Null);
    assert!(said.ends_with("\n}\n"), "{said}");
}

#[test]
fn bundles_in_another_store_are_told() {
    let b = offline_with("blog");
    b.shellpack("open x.shellpack --no-shell --store 'my store'")
        .succeeds();
    let note = "1 bundle is open in ";
    let option = "/my store, which is not listed here: add --store '/";
    b.shellpack("inventory")
        .succeeds()
        .shows("opened    no bundle")
        .says(note)
        .says(option);
    b.shellpack("inventory --text")
        .succeeds()
        .says("no bundle is open here\n")
        .says(option);
    let typed = b
        .shellpack("inventory --text --store 'my store'")
        .succeeds();
    assert!(typed.stdout.starts_with("blog@"), "{typed}");
    typed.never_says(note);
}

#[test]
fn only_what_bundles_brought_is_listed_on_request() {
    let b = offline_with("blog");
    b.shellpack("open x.shellpack --no-shell").succeeds();
    b.runs("echo x > other-1; nix-store --add other-1; shellpack inventory; shellpack inventory --mine -o mine.spi");
    let (all, mine) = (parsed(&b, "have.spi"), parsed(&b, "mine.spi"));
    assert_eq!((all.paths.len(), mine.paths.len()), (10, 9));
    assert!(names(&all).contains("other-1") && !names(&mine).contains("other-1"));
    assert_eq!(all.bundles, mine.bundles);
    // What is not whole is not named.
    b.runs("shellpack inventory --text | grep -c '^blog@[0-9a-f]*$'; nix-store --delete /nix/store/*-hello-2.10 --ignore-liveness > /dev/null 2>&1; shellpack inventory --text")
        .prints("1")
        .says("is left out: this store lacks 1 path of it\n")
        .says("no bundle is open here\n");
}

/// Where the database cannot be read, the daemon tells the same.
#[test]
fn an_untrusted_user_of_a_daemon_lists_its_store() {
    let b = with_trust_in("root");
    b.receive(&bundle("blog"), "x.shellpack");
    b.runs(&format!(
        "{DAEMON}
        (export HOME=/root; cd /tmp; shellpack -q open /home/alice/x.shellpack --no-shell)
        alice shellpack inventory -o one.spi
        chmod 700 /nix/var/nix/db
        ! alice cat /nix/var/nix/db/db.sqlite 2> /dev/null
        alice shellpack inventory -o two.spi
        cmp one.spi two.spi"
    ));
    assert_eq!(parsed(&b, "one.spi").paths.len(), 9);
}

#[test]
fn a_store_of_ours_is_listed_where_there_is_no_nix() {
    let b = Machine::bare();
    b.receive(&bundle("blog"), "x.shellpack");
    b.sh(&format!("{BARE} exec shellpack inventory"))
        .exits_with(1)
        .says("Nix is not installed");
    b.runs(&format!(
        "{BARE} shellpack -q open x.shellpack --no-shell; shellpack inventory; rm x.shellpack"
    ))
    .shows("store     /nix/store for x86_64-linux: 9 paths, ")
    .shows("opened    blog@");
    let inventory = parsed(&b, "have.spi");
    assert_eq!((inventory.paths.len(), &inventory.nix_version), (9, &None));
    b.runs(&format!("mkdir ro; chmod 555 ro; {BARE} ! shellpack inventory -o ro/x"))
        .says("error: could not write ro/x\ncaused by: Permission denied (os error 13)\n\nhint: name a file in another directory: -o FILE\n");
    // A path whose files are gone is not there.
    b.runs(&format!(
        "chmod -R u+w {store}/*-hello-2.10; rm -r {store}/*-hello-2.10; {BARE} shellpack inventory --store .local/share/shellpack",
        store = ".local/share/shellpack/nix/store"
    ))
    .shows(": 8 paths, ")
    .shows("opened    no bundle");
    b.runs(&format!("{BARE} ! shellpack inventory --store nowhere"))
        .says("error: could not use the store in /home/alice/nowhere: there is none\n");
}

#[test]
fn another_file_is_not_replaced() {
    let b = offline_with("blog");
    b.write("have.spi", "mine\n");
    b.shellpack("inventory")
        .exits_with(1)
        .says("error: could not write have.spi: it already exists\n\nhint: choose another file, or replace this one: --force");
    b.runs("grep -qx mine have.spi; shellpack -q inventory --force; shellpack -q inventory; ls")
        .prints("have.spi\nx.shellpack");
    b.runs("! shellpack inventory -o .; ! shellpack inventory -o missing/x; mkfifo pipe; ! shellpack inventory -o pipe")
        .says("error: could not write .: it is a directory")
        .says("error: could not write to missing: there is no such directory")
        .says("error: could not replace pipe: it is not a regular file");
}

#[test]
fn a_damaged_inventory_is_refused() {
    let b = offline_with("blog");
    b.runs("shellpack -q open x.shellpack --no-shell; shellpack -q inventory; cp have.spi bad.spi
        printf x | dd of=bad.spi bs=1 seek=$(($(stat -c %s bad.spi) - 4200)) conv=notrunc 2> /dev/null
        head -c 3000 have.spi > cut.spi; sed '1s/1/2/' have.spi > new.spi");
    for (file, why, hint) in [
        (
            "bad",
            "it is damaged: its list does not have the digest that it states",
            "copy it again",
        ),
        (
            "cut",
            "it is damaged: its size is not the one that it states",
            "copy it again",
        ),
        (
            "new",
            "it is an inventory of version 2; this shellpack reads version 1",
            "take a newer shellpack",
        ),
    ] {
        b.shellpack(&format!("diff x.shellpack {file}.spi"))
            .exits_with(1)
            .says(&format!(
                "error: could not read {file}.spi\ncaused by: {why}\n"
            ))
            .says(hint);
    }
}

#[test]
fn a_signed_inventory_says_who_signed_it() {
    let b = with_a_key();
    b.shellpack("inventory --sign-key key")
        .succeeds()
        .shows("signed by lab-1 (");
    let read = "diff have.spi have.spi";
    under_policy(&b, read)
        .succeeds()
        .says("the inventory have.spi is signed: claimed to be by lab-1 (")
        .says("; this machine does not trust that key\n");
    set_policy(&b, &format!("trusted-keys = [\"{}\"]\n", public_key(&b)));
    under_policy(&b, read)
        .succeeds()
        .says("is signed: by lab-1 (");
    // A signature whose key it does not carry claims to be by the trusted one.
    let mut bytes = fs::read(b.home("have.spi")).unwrap();
    let head = inventory_head(&bytes);
    bytes.truncate(head + body(&bytes[..head]));
    let line = format!("lab-1:{}==\n", "A".repeat(86));
    let mut room = line.into_bytes();
    room.resize(4096, 0);
    bytes.extend(room);
    fs::write(b.home("have.spi"), bytes).unwrap();
    under_policy(&b, read)
        .exits_with(1)
        .says("error: could not trust have.spi: a signature in it claims to be by lab-1, and does not match the key of that name in ");
}

/// The size of the head.
fn inventory_head(bytes: &[u8]) -> usize {
    let mark = b"\n# sha256:";
    let at = bytes.windows(mark.len()).position(|it| it == mark).unwrap();
    at + 75
}

/// The size of the body, by the head.
fn body(head: &[u8]) -> usize {
    let text = std::str::from_utf8(head).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("body-size = "));
    line.unwrap().parse().unwrap()
}

/// The story of a site where only what a person types may come back.
#[test]
fn an_update_is_made_for_what_was_typed() {
    let (a, b) = (machine_a(), Machine::offline());
    let pack = |words: &str| {
        format!("cd ~/fixtures/shells/typed-base; exec shellpack create --name typed-base {words}")
    };
    let tool = |version: &str| {
        let tool = format!(
            "(pkgs.runCommand \"tool-{version}\" {{ }} \"mkdir $out; echo {version} > $out/version\")"
        );
        let packages = format!("packages = [ pkgs.hello {tool} ];");
        let shell = HELLO.replace("packages = [ pkgs.hello ];", &packages);
        a.write_shell("typed-base", &format!("pkgs.mkShell {{ {shell} }}"));
    };
    tool("1");
    a.sh(&pack("-o ~/typed-base.shellpack")).succeeds();
    b.receive(&a.home("typed-base.shellpack"), "x.shellpack");
    b.shellpack("open x.shellpack --no-shell").succeeds();
    let typed = b.runs("shellpack inventory --text").text();
    assert!(
        typed.starts_with("typed-base@") && typed.len() == 23,
        "{typed}"
    );
    // The bundle itself is gone on A, and the shell is another one.
    a.runs("rm ~/typed-base.shellpack");
    tool("2");
    let upper = typed[..19].to_owned().replace("typed-base@", "");
    let upper = format!("typed-base@{}", upper.to_uppercase());
    a.sh(&pack(&format!("--dry-run --base {upper}")))
        .succeeds()
        .shows("plan      typed-base-update.shellpack (dry run: nothing was written)\n")
        .shows("update    carries ")
        .shows(" of NARs, which the target has\n");
    let json = a
        .sh(&pack(&format!("--dry-run --json --base {typed}")))
        .succeeds();
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let carried = json["update"]["carried-paths"].as_u64().unwrap();
    assert!((1..5).contains(&carried), "{json}");
    assert!(
        json["update"]["presumed-paths"].as_u64().unwrap() > 4,
        "{json}"
    );
    // A dry run keeps no manifest: there is one to mean.
    a.sh(&pack("--dry-run --base typed-base")).succeeds();
    for (base, said) in [
        (
            "typed-base@00000000",
            "error: could not find typed-base@00000000: create kept no such manifest here\n  typed-base@",
        ),
        (
            "typed-base@123",
            "error: could not find typed-base@123: at least 8 digits must follow the @",
        ),
        (
            "never-packed@00000000",
            "error: could not find never-packed@00000000: create kept no such manifest here\n\nhint: name a file",
        ),
    ] {
        a.sh(&pack(&format!("--dry-run --base {base}")))
            .exits_with(1)
            .says(said);
    }
    let full = b
        .runs("shellpack inspect --manifest x.shellpack | sha256sum")
        .text()[..64]
        .to_owned();
    assert_eq!(typed, format!("typed-base@{}", &full[..12]));
    typing_errors_are_told(a, &full);
    a.sh(&pack("-o ~/typed-base-2.shellpack")).succeeds();
    a.sh(&pack("--dry-run --base typed-base"))
        .exits_with(1)
        .says("error: could not choose: create kept several manifests of typed-base\n  typed-base@")
        .says(" (UTC)\n");
    // Both ways, what was left out is there: the bundle's name, and the whole list.
    b.shellpack("-q inventory").succeeds();
    a.receive(&b.home("have.spi"), "typed-base.spi");
    for (words, file) in [
        (format!("--base {typed}"), "u1.shellpack"),
        ("--for ~/typed-base.spi".to_owned(), "u2.shellpack"),
    ] {
        let made = a.home(&format!("typed-base-{file}"));
        a.sh(&pack(&format!("{words} -o ~/typed-base-{file}")))
            .succeeds();
        let b = Machine::offline();
        b.receive(&a.home("typed-base-2.shellpack"), "full.shellpack");
        b.receive(&made, file);
        let sizes = ["full.shellpack", file].map(|file| fs::metadata(b.home(file)).unwrap().len());
        assert!(sizes[1] * 5 < sizes[0], "{sizes:?}");
        b.shellpack(&format!("open {file} --no-shell"))
            .exits_with(125)
            .says("typed-base");
    }
    b.receive(&a.home("typed-base-u2.shellpack"), "u2.shellpack");
    b.greets("open u2.shellpack");
    // Nor may others read what is kept.
    a.runs("stat -c %a ~/.local/state/shellpack/packed")
        .prints("700");
}

/// Every digit counts, and what is not one is named.
fn typing_errors_are_told(a: &Machine, full: &str) {
    let digits = &full[..12];
    let pack = |words: &str| {
        format!(
            "cd ~/fixtures/shells/typed-base; exec shellpack create --name typed-base --dry-run {words}"
        )
    };
    for right in [full, &format!("sha256:{full}"), &full[..20]] {
        a.sh(&pack(&format!("--base typed-base@{right}")))
            .succeeds();
    }
    let listed = format!("\n  typed-base@{digits}  packed ");
    let not_digit = |found: &str| {
        format!(
            "it is not a file, and as NAME@DIGEST it has {found} where a digit should be (0-9, a-f){listed}"
        )
    };
    let none = format!("create kept no such manifest here{listed}");
    for (base, said) in [
        (format!("typed-base@{digits}gggg"), not_digit("g")),
        (format!("typed-base@{}S", &digits[..7]), not_digit("S")),
        (format!("'typed-base@{digits} '"), not_digit("a space")),
        (wrong_after(12, full), none.clone()),
        (wrong_after(63, full), none.clone()),
        (format!("Typed-Base@{digits}"), none),
        (
            format!("typed-base{digits}"),
            format!("it is neither a file nor a manifest that create kept here{listed}"),
        ),
        (
            format!("typed-base@{full}0"),
            format!(
                "it is not a file, and as NAME@DIGEST it has 65 digits; a digest has 64{listed}"
            ),
        ),
        (
            "nosuch".to_owned(),
            "it is neither a file nor a manifest that create kept here\n\nhint: name a file"
                .to_owned(),
        ),
    ] {
        a.sh(&pack(&format!("--base {base}")))
            .exits_with(1)
            .says("error: could not find ")
            .says(&said);
    }
    // A directory is no base: its name may be that of a bundle.
    for (dir, said) in [
        ("typed-base", ""),
        ("typed-base/", ""),
        (
            "../shells",
            "../shells: it is a directory, and create kept no manifest of that name here\n",
        ),
    ] {
        let tried = a.sh(&format!("cd ~/fixtures/shells; exec shellpack create typed-base --name typed-base --dry-run --base {dir}"));
        let code = i32::from(!said.is_empty());
        tried.exits_with(code).says(said);
    }
}

/// The name with a digest that has another digit at this place.
fn wrong_after(place: usize, digest: &str) -> String {
    let other = if &digest[place..=place] == "0" {
        "1"
    } else {
        "0"
    };
    format!("typed-base@{}{other}", &digest[..place])
}

/// The bundle itself is on standard output.
#[test]
fn the_json_of_a_bundle_that_is_sent_is_printed_as_it_is() {
    let a = machine_a();
    a.write_shell("json-sent", "pkgs.mkShell { }");
    let said = a
        .sh("shellpack --progress never create fixtures/shells/json-sent --no-rehearsal --json -o - > /dev/null")
        .succeeds()
        .stderr;
    let at = said.find("{\n").unwrap_or_else(|| panic!("{said}"));
    let json: serde_json::Value = serde_json::from_str(&said[at..]).unwrap();
    assert_eq!(json["name"], "json-sent");
}

/// The bundle is what matters.
#[test]
fn a_manifest_that_cannot_be_kept_is_a_note() {
    let a = machine_a();
    a.write_shell("unkept", &format!("pkgs.mkShell {{ {HELLO} }}"));
    a.sh("cd ~/fixtures/shells/unkept; echo > state; XDG_STATE_HOME=$PWD/state exec shellpack create --no-rehearsal -o ~/unkept.shellpack")
        .succeeds()
        .says("the manifest was not kept for `create --base`: could not create ");
    a.runs("rm ~/unkept.shellpack");
}

#[test]
fn a_manifest_stands_for_its_bundle() {
    let b = offline_with("blog");
    b.runs("shellpack inspect --manifest x.shellpack > x.toml; tar -xOf x.shellpack manifest.toml | cmp - x.toml
        shellpack diff x.toml x.shellpack")
        .shows("same      all store paths");
    b.runs("sed -i 's/hello/hallo/' x.toml; ! shellpack diff x.toml x.shellpack")
        .says("error: could not read x.toml\ncaused by: its manifest is damaged");
}
