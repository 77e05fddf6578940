//! One table of bundles that do harm, and every route that a bundle can take: `verify`, a direct
//! import, an import through Nix's daemon, a rehearsal. All of them refuse each bundle, in the same
//! words, and no store has anything of it afterwards.

use std::fs;

use serde_json::Value;
use shellpack_format::bundle::BadBundle;
use shellpack_format::store::hash::Digest;
use shellpack_format::store::nar_check::{NarCheck, PathFault};
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::store_path::StoreDir;

use crate::support::daemon::DAEMON;
use crate::support::{Machine, path_infos};
use crate::synthetic::{Bundle, Tree, entry, faults, nar, nar_of_entries};

/// The empty hashes: the claims are well-formed, and false.
const SHA256: &str = "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73";
const SHA1: &str = "143xibwh31h9bvxzalr0sjvbbvpa6ffs";

/// Of one store path with this name and NAR.
fn of(name: &str, nar: Vec<u8>) -> Bundle {
    Bundle::new(&[("shell.nix", Tree::file("{ }"))], &[(name, nar)])
}

fn claiming(name: &str, claim: &str) -> Bundle {
    let mut bundle = of(name, Tree::file("hello").nar());
    bundle.manifest.closure.paths[0].ca = Some(claim.to_owned());
    bundle
}

/// A bundle, and the end of the message for it.
type Refused = (Bundle, &'static str);

fn table() -> Vec<Refused> {
    let all = [nars(), long_paths(), claims(), names()];
    all.into_iter().flatten().collect()
}

fn link(target: &str) -> Vec<u8> {
    let node = ["(", "type", "symlink", "target", target, ")"];
    nar(&[&["nix-archive-1"][..], &node].concat())
}

/// Some of these are taken by Nix.
fn nars() -> Vec<Refused> {
    let regular = |rest: &[&str]| {
        let strings: [&[&str]; 2] = [&["nix-archive-1", "(", "type", "regular"], rest];
        nar(&strings.concat())
    };
    let order = "it is not a valid NAR: its entries are not in order";
    let keyword = "it is not a valid NAR: an unexpected keyword";
    let target = "it is not a valid NAR: a symlink has no usable target";
    let length = "it is not a valid NAR: the target of a symlink is too long";
    let name = "it is not a valid NAR: an entry has an unsafe name";
    let twice = ["contents", "x", "contents", "y", ")"];
    let late = ["contents", "x", "executable", "", ")"];
    vec![
        (
            of("unsorted", nar_of_entries(&[&entry("b"), &entry("a")])),
            order,
        ),
        (of("none", regular(&[")"])), keyword),
        (of("twice", regular(&twice)), keyword),
        (of("late", regular(&late)), keyword),
        (of("zero", link("a\0b")), target),
        (of("long", link(&"x".repeat(4096))), length),
        (of("out", nar_of_entries(&[&entry("..")])), name),
    ]
}

/// Only the parts of the path are short.
fn long_paths() -> Vec<Refused> {
    let long = "d".repeat(250);
    let directory = [
        "entry",
        "(",
        "name",
        &long,
        "node",
        "(",
        "type",
        "directory",
    ];
    let mut strings = vec!["nix-archive-1", "(", "type", "directory"];
    strings.extend([directory; 20].concat());
    strings.extend([")"; 41]);
    vec![(
        of("deep", nar(&strings)),
        "the path of a file in it is too long",
    )]
}

fn claims() -> Vec<Refused> {
    let because = "its contents do not match its content address";
    let right_hash = format!("fixed:sha256:{}", Digest::of(b"hello").nix32());
    let recursive = format!("fixed:r:sha256:{SHA256}");
    let mut refers_to_itself = claiming("itself", &recursive);
    refers_to_itself.nars[0] = Tree::file(format!("{:032}-itself", 1)).nar();
    refers_to_itself.manifest.closure.paths[0].references = vec![0];
    refers_to_itself.cut(&[]);
    vec![
        (claiming("recursive", &recursive), because),
        (claiming("flat", &format!("fixed:sha256:{SHA256}")), because),
        (claiming("text", &format!("text:sha256:{SHA256}")), because),
        (claiming("old", &format!("fixed:sha1:{SHA1}")), because),
        (claiming("right-hash", &right_hash), because),
        (refers_to_itself, because),
    ]
}

fn names() -> Vec<Refused> {
    let because = "Nix itself uses its name, so it must be a regular file that is not empty, or \
                   content-addressed";
    let derivation = "it is not a derivation, although its name ends in .drv";
    let empty = || Tree::directory([]).nar();
    vec![
        (of("x.drv", Tree::file("Derive(").nar()), derivation),
        (of("y.drv", empty()), derivation),
        (of("x.lock", link("/root/outside")), because),
        (of("y.lock", Tree::file("").nar()), because),
        (of("z.lock", empty()), because),
        (of("x.drv.chroot", empty()), because),
        (of("x.check", link("/root")), because),
    ]
}

#[test]
fn every_route_refuses_the_same_bundles() {
    let (direct, served) = (Machine::offline(), Machine::offline());
    let store_is_sound = "ls -d /nix/store/0* 2>/dev/null || true; test ! -e ~/outside
        nix-store --verify --check-contents; sqlite3 /nix/var/nix/db/db.sqlite 'select path from ValidPaths'";
    let open = "shellpack open --no-shell x.shellpack";
    direct.sh("nix-store --init").succeeds();
    for (bundle, because) in table() {
        let path = &bundle.manifest.closure.paths[0].path;
        let said = format!("the store path {path} is damaged: {because}");
        let bytes = bundle.bytes();
        let found: Vec<_> = faults(&bytes).iter().map(BadBundle::to_string).collect();
        assert_eq!(found, [said.as_str()]);
        for machine in [&direct, &served] {
            fs::write(machine.home("x.shellpack"), &bytes).unwrap();
        }
        let (one, two) = (
            direct.sh(open),
            served.sh(&format!("{DAEMON}\nNIX_REMOTE=daemon {open}")),
        );
        for outcome in [one, two] {
            outcome.exits_with(125).says(&said);
        }
        // What Nix has written until the end was missing is not valid, and the next import or the
        // collector removes it.
        for machine in [&direct, &served] {
            machine
                .sh(&format!("nix-store --gc >/dev/null 2>&1; {store_is_sound}"))
                .succeeds()
                .prints("");
        }
    }
}

/// Each kind that Nix makes, also of a path that refers to itself.
#[test]
fn content_addresses_that_nix_makes_are_true() {
    let a = Machine::online();
    let script = r#"printf 'hello\n' > hello.txt
for algorithm in md5 sha1 sha256 sha512; do
  nix-store --add-fixed $algorithm hello.txt; nix-store --add-fixed --recursive $algorithm hello.txt
done
nix-instantiate --eval -E 'builtins.toFile "refers" "${./hello.txt}"' --read-write-mode
itself='derivation { name = "itself"; builder = "/bin/sh"; args = [ "-c" "echo a $out b $out > $out" ];
  system = builtins.currentSystem; }'
nix='nix --extra-experimental-features nix-command'
make=make-content-addressed; $nix store $make --help >/dev/null 2>&1 || make=make-content-addressable
$nix store $make $(nix-build --no-out-link -E "$itself") >&2"#;
    a.sh(script).succeeds();
    let infos = "nix --extra-experimental-features nix-command path-info --all --json";
    let infos = path_infos(&a.sh(infos).succeeds().stdout);
    let store = StoreDir::parse("/nix/store").unwrap();
    let parse = |path: &Value| store.parse_path(path.as_str().unwrap()).unwrap();
    let mut seen = 0;
    for (path, info) in &infos {
        let Some(ca) = info["ca"].as_str() else {
            continue;
        };
        let nar = a.nix("dump");
        a.sh(&format!("nix-store --dump {path} > /nix/dump"))
            .succeeds();
        let nar = fs::read(nar).unwrap();
        let mut references: Vec<_> = info["references"]
            .as_array()
            .unwrap()
            .iter()
            .map(parse)
            .collect();
        references.sort();
        let info = PathInfo {
            path: store.parse_path(path).unwrap(),
            nar_hash: Digest::of(&nar),
            nar_size: nar.len() as u64,
            references,
            deriver: None,
            ca: Some(ca.to_owned()),
            signatures: Vec::new(),
        };
        let checked = |nar: &[u8]| {
            let mut check = NarCheck::new(&info, &store);
            for slice in nar.chunks(50) {
                check.update(slice);
            }
            check.finish()
        };
        assert_eq!(checked(&nar), Ok(()), "{info:?}");
        seen += 1;
        let mut damaged = nar.clone();
        damaged[100] ^= 1;
        assert_eq!(checked(&damaged), Err(PathFault::Hash));
    }
    assert!(seen >= 10, "{infos:?}");
}

/// The rehearsal of a bundle opens it in a room.
#[test]
fn a_rehearsal_refuses_them_too() {
    let b = Machine::offline();
    for (bundle, because) in table().into_iter().step_by(5) {
        fs::write(b.home("x.shellpack"), bundle.bytes()).unwrap();
        let rehearsed = b.shellpack("rehearse x.shellpack --run true");
        assert_ne!(rehearsed.stderr.find(because), None, "{rehearsed}");
    }
}
