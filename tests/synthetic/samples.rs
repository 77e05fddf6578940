//! The bundles that most tests start from, and that the golden files hold. A change here is a
//! change of what has been released: make another sample instead.

use shellpack_format::bundle::manifest::{Pin, SearchPathEntry, ShellName};
use shellpack_format::store::store_path::StorePath;

use super::{Bundle, Tree, store_path};

/// The sample's source, a file with `nixpkgs`, as `nix-store --add` names it.
const SOURCE: &str = "qnw2mcnwhycsvig1rjd632i5nswh3lc9-source";
/// The hash of its NAR.
const SOURCE_HASH: &str = "0xl1y90raja6xx6jfr0m0qfxsz5hbzmasglx803ls81kqn2nf917";

impl Bundle {
    /// With a shell file and one store path, which nothing refers to.
    pub(crate) fn minimal() -> Self {
        Self::new(
            &[("shell.nix", Tree::file("{ }"))],
            &[(
                "bash",
                Tree::directory([("bash", Tree::program("#!"))]).nar(),
            )],
        )
    }

    /// The same file under two names, as two shells.
    pub(crate) fn several() -> Self {
        let mut bundle = Self::minimal();
        let shells = &mut bundle.manifest.shells;
        shells.push(shells[0].clone());
        for (shell, name) in shells.iter_mut().zip(["a", "tools/b"]) {
            shell.name = Some(ShellName::parse(name).unwrap());
        }
        bundle
    }

    /// With a bit of everything that a bundle can have, on few bytes.
    pub(crate) fn sample() -> Self {
        let bash = Tree::directory([
            ("bash", Tree::program("#! the whole of bash")),
            ("sh", Tree::Symlink("bash".into())),
        ]);
        let noise: Vec<u8> = (0..2500u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let library = Tree::directory([
            ("empty", Tree::directory([])),
            ("libgreet.so", Tree::file(noise)),
        ]);
        let long = "a-long-name-".repeat(9);
        let mut bundle = Self::new(
            &[
                (
                    "nix",
                    Tree::directory([
                        ("sources.json", Tree::file("{}")),
                        (&long, Tree::Symlink("../".repeat(40) + "target")),
                    ]),
                ),
                ("run", Tree::program("#!/bin/sh\n")),
                ("shell.nix", Tree::file("import ./nix\n")),
            ],
            &[
                ("bash", bash.nar()),
                ("source", Tree::file("nixpkgs").nar()),
                ("libgreet-1.0", library.nar()),
                ("greet-1.0", Tree::program("#!/bin/greet").nar()),
            ],
        );
        let shell = &mut bundle.manifest.shells[0];
        let source = StorePath::from_base_name(SOURCE).unwrap();
        shell.roots[1] = source.clone();
        shell.nix_path = vec![SearchPathEntry {
            name: "nixpkgs".into(),
            path: format!("/nix/store/{source}"),
        }];
        shell.environment = [("MESSAGE".into(), "Hello, \"world\"!\n".into())].into();
        bundle.manifest.pins = vec![Pin {
            fetcher: "fetchTarball".into(),
            url: "https://example.org/nixpkgs.tar.gz".into(),
            hash: Some("0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73".into()),
            store_path: source.clone(),
            frozen: false,
            rev: None,
            arguments: None,
            attributes: None,
            flake: None,
        }];
        let paths = &mut bundle.manifest.closure.paths;
        paths[1].path = source;
        paths[1].ca = Some(format!("fixed:r:sha256:{SOURCE_HASH}"));
        paths[2].signatures = vec![format!("lab-1:{}==", "A".repeat(86))];
        paths[3].references = vec![0, 2, 3];
        paths[3].deriver = Some(store_path(9, "greet-1.0.drv"));
        bundle.cut(&[900, 1800]);
        bundle
    }
}
