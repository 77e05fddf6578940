//! Commands that tell what makes a bundle large, and why: `du`, `why` and `inspect --tree`.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::support::Machine;
use crate::support::shells::packed;
use crate::synthetic::{Bundle, Tree};

/// A bundle with these references: an index for each, smaller than its own. The shell names those in `from` in
/// variables.
fn bundle(references: &[Vec<u32>], from: &[usize]) -> Bundle {
    let names: Vec<_> = (0..references.len()).map(|n| format!("p{n}-1.0")).collect();
    let closure: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(n, name)| (name.as_str(), Tree::file(vec![b'x'; 1 << (n + 4)]).nar()))
        .collect();
    let mut bundle = Bundle::new(&[("shell.nix", Tree::file("x"))], &closure);
    let closure = &mut bundle.manifest.closure;
    for (path, references) in closure.paths.iter_mut().zip(references) {
        path.references.clone_from(references);
    }
    let store = closure.store.clone();
    let shell = &mut bundle.manifest.shells[0];
    shell.bash = Some(store.print(&closure.paths[from[0]].path) + "/bash");
    for &index in from {
        let path = store.print(&closure.paths[index].path);
        shell
            .environment
            .insert(format!("VARIABLE_{index}"), format!("{path}/lib"));
    }
    bundle.cut(&[]);
    bundle
}

fn json(b: &Machine, command: &str) -> Value {
    serde_json::from_str(&b.shellpack(command).succeeds().stdout).unwrap()
}

/// The paths that are reached from others, if one of them is taken out.
fn reached(
    references: &[Vec<u32>],
    from: &BTreeSet<usize>,
    without: Option<usize>,
) -> BTreeSet<usize> {
    let mut open: Vec<_> = from.iter().copied().collect();
    let mut seen = BTreeSet::new();
    while let Some(index) = open.pop() {
        if Some(index) != without && seen.insert(index) {
            open.extend(references[index].iter().map(|&other| other as usize));
        }
    }
    seen
}

/// Compared with taking each path out, and looking at what is left.
#[test]
fn what_would_be_freed_is_what_nothing_else_brings_in() {
    let b = Machine::offline();
    let mut state = 7_u32;
    let mut random = move |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below.max(1)
    };
    for _ in 0..12 {
        let mut references: Vec<Vec<u32>> = Vec::new();
        for n in 0..10_u32 {
            let chosen: BTreeSet<_> = (0..random(4)).map(|_| random(n + 1)).collect();
            references.push(chosen.into_iter().collect());
        }
        let named: BTreeSet<usize> = (0..3).map(|_| random(10) as usize).collect();
        let bundle = bundle(&references, &named.iter().copied().collect::<Vec<_>>());
        fs::write(b.home("x.shellpack"), bundle.bytes()).unwrap();
        let sizes: Vec<_> = bundle
            .manifest
            .closure
            .paths
            .iter()
            .map(|path| path.nar_size)
            .collect();
        // A path that nothing names or refers to is there for itself.
        let mut roots = named;
        for index in 0..10 {
            let mut others = references.iter().enumerate();
            let is_referred = others
                .any(|(other, all)| other != index && all.iter().any(|&one| one as usize == index));
            if !is_referred {
                roots.insert(index);
            }
        }
        let all = reached(&references, &roots, None);
        for weight in json(&b, "du x.shellpack --json")["paths"]
            .as_array()
            .unwrap()
        {
            let path = weight["path"].as_str().unwrap();
            let index: usize = path
                .rsplit_once("-p")
                .unwrap()
                .1
                .trim_end_matches("-1.0")
                .parse()
                .unwrap();
            let left = reached(&references, &roots, Some(index));
            let freed: u64 = all.difference(&left).map(|&index| sizes[index]).sum();
            assert_eq!(
                weight["freed-bytes"], freed,
                "{references:?}, {roots:?}, {index}"
            );
        }
    }
}

#[test]
fn ways_to_a_path_are_the_shortest_from_what_names_it() {
    let b = Machine::offline();
    // 4 → 3 → 1 → 0, 4 → 2 → 0, and a path of its own.
    let references = [vec![], vec![0], vec![0], vec![1], vec![2, 3, 4], vec![]];
    let bytes = bundle(&references, &[4, 1]).bytes();
    fs::write(b.home("x.shellpack"), bytes).unwrap();
    b.shellpack("why x.shellpack p0").succeeds().prints(
        "00000000000000000000000000000001-p0-1.0
  128 B of its own, 128 B with all that it refers to; without it, 128 B would be freed
  shell.nix, VARIABLE_1
    → p1-1.0 → p0-1.0
  shell.nix, VARIABLE_4
    → p4-1.0 → p2-1.0 → p0-1.0
  shell.nix, bash
    → p4-1.0 → p2-1.0 → p0-1.0",
    );
    let found = json(
        &b,
        "why x.shellpack --json /nix/store/00000000000000000000000000000004-p3-1.0/bin/x",
    );
    assert_eq!(found.as_array().unwrap().len(), 1);
    assert_eq!(found[0]["chains"][0]["paths"].as_array().unwrap().len(), 2);
    b.shellpack("why x.shellpack p5-1.0")
        .succeeds()
        .shows("  needed to evaluate or to enter\n    → p5-1.0\n");
    b.shellpack("why x.shellpack 1.0")
        .exits_with(1)
        .says("could not find 1.0 in x.shellpack\n  p0-1.0\n  p1-1.0\n")
        .says("list its store paths: shellpack du -v x.shellpack");
    b.shellpack("inspect x.shellpack --tree").succeeds().prints(
        "shell.nix, VARIABLE_1
└── 00000000000000000000000000000002-p1-1.0  144 B
    └── 00000000000000000000000000000001-p0-1.0  128 B
shell.nix, VARIABLE_4
└── 00000000000000000000000000000005-p4-1.0  368 B
    ├── 00000000000000000000000000000003-p2-1.0  176 B
    │   └── 00000000000000000000000000000001-p0-1.0  128 B
    └── 00000000000000000000000000000004-p3-1.0  240 B
        └── 00000000000000000000000000000002-p1-1.0  144 B …above
shell.nix, bash
└── 00000000000000000000000000000005-p4-1.0  368 B …above
needed to evaluate or to enter
└── 00000000000000000000000000000006-p5-1.0  624 B",
    );
    // A manifest is enough, and an inventory is not.
    b.runs("shellpack inspect x.shellpack --manifest > x.toml");
    b.shellpack("du x.toml")
        .succeeds()
        .shows("p5-1.0\n")
        .shows("6 paths\n");
    b.runs("nix-store --init; shellpack inventory -o have.spi");
    b.shellpack("du have.spi")
        .exits_with(1)
        .says("have.spi is an inventory, which lists paths alone");
}

/// Names in a manifest are others' words, and its references may be a chain of any length.
#[test]
fn hostile_manifests_are_shown_safely() {
    let b = Machine::offline();
    let references: Vec<_> = (0..60_u32)
        .map(|n| n.checked_sub(1).into_iter().collect())
        .collect();
    let names: Vec<_> = (0..60).map(|n| format!("p{n}")).collect();
    let closure: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), Tree::file("x").nar()))
        .collect();
    let mut bundle = Bundle::new(&[("shell.nix", Tree::file("x"))], &closure);
    for (path, references) in bundle.manifest.closure.paths.iter_mut().zip(references) {
        path.references = references;
    }
    let last = bundle
        .manifest
        .closure
        .store
        .print(&bundle.manifest.closure.paths[59].path);
    let variable = "A\u{1b}[31m\u{202e}\nB".to_owned();
    bundle.manifest.shells[0].environment.insert(variable, last);
    bundle.cut(&[]);
    fs::write(b.home("x.shellpack"), bundle.bytes()).unwrap();
    for command in [
        "inspect --tree x.shellpack",
        "why x.shellpack p0",
        "du x.shellpack",
    ] {
        let said = b.shellpack(command).succeeds().stdout;
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said}");
    }
    b.shellpack("inspect --tree x.shellpack")
        .succeeds()
        .shows(" …deeper\n");
}

/// A real shell: what is on PATH brings in what it refers to.
#[test]
fn a_real_shell_is_explained() {
    let b = packed(
        "graph-real",
        "pkgs.mkShell { packages = [ pkgs.hello ]; }",
        "",
        "",
    );
    b.shellpack("why x.shellpack hello")
        .succeeds()
        .shows("  shell.nix, ");
    b.shellpack("why x.shellpack busybox")
        .succeeds()
        .shows(" → busybox");
    b.shellpack("inspect --tree x.shellpack")
        .succeeds()
        .shows("── ");
}
