//! Sources that fetch on their own account, and what nixpkgs and they read of the project.

use crate::support::classes::Class;

#[test]
fn a_flake_for_those_without_flakes_arrives() {
    Class::of("flake-compat").arrives();
}

#[test]
fn devshells_own_inputs_arrive() {
    Class::of("devshell").arrives();
}

#[test]
fn sources_that_a_channels_manifest_names_arrive() {
    let mozilla = Class {
        make: "export NIX_PATH=nixpkgs=$HOME/fixtures/nixpkgs",
        ..Class::of("mozilla-overlay")
    };
    mozilla.arrives();
}

#[test]
fn a_tool_that_brings_its_own_nixpkgs_arrives() {
    Class::of("mach-nix").arrives();
}

#[test]
fn overlays_that_bring_their_own_nixpkgs_arrive() {
    Class::of("haskell-nix").arrives();
}

#[test]
fn sources_that_lock_files_name_arrive() {
    Class::of("lock-files").arrives();
}

#[test]
fn overlays_and_packages_found_by_listing_arrive() {
    Class::of("overlays").arrives();
}

/// flake-compat uses the files that Git tracks, and B has no working copy.
#[test]
fn a_working_copys_flake_arrives() {
    let commit = "git -c user.name=a -c user.email=a@b commit -qm 1";
    let dirty = "sed -i s/set/changed/ nix/settings.nix";
    let below = "mkdir dev; sed 's|\\./|../|' shell.nix > dev/shell.nix; cd dev";
    let worktree = "git worktree add -q ../flake-tree; cd ../flake-tree";
    for (name, change) in [
        ("flake-clean", ""),
        ("flake-dirty", dirty),
        ("flake-below", below),
        ("flake-worktree", worktree),
    ] {
        let make = format!(
            "cp -r . ../{name}; cd ../{name}\ngit init -q; git add .; {commit}
touch not-in-git; {change}"
        );
        let flake = Class {
            directory: "flake-compat",
            make: &make,
            ..Class::of(name)
        };
        flake.arrives();
    }
}

/// Where A's Nix has `fetchTree`, which B's need not have.
#[test]
fn a_flakes_inputs_as_trees_arrive() {
    let trees = Class {
        directory: "flake-compat",
        make: "export NIX_CONFIG='experimental-features = nix-command flakes'",
        words: "--arg useBuiltinsFetchTree true",
        ..Class::of("flake-trees")
    };
    trees.arrives();
}
