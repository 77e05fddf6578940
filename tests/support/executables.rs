//! Bundles that open themselves.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::bundles::machine_a;
use super::machine::Machine;

/// The file of the blog's executable bundle on the host.
pub(crate) fn executable() -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    let make = || {
        let a = machine_a();
        a.receive(static_shellpack(), "opener");
        let create = "create fixtures/shells/blog --level fast --executable --opener opener";
        a.runs(&format!("shellpack {create} -o blog.run"));
        a.home("blog.run")
    };
    MADE.get_or_init(make).clone()
}

/// A machine B that has received the blog's executable bundle as `x.run`.
pub(crate) fn offline_with_executable() -> Machine {
    let b = Machine::offline();
    b.receive(&executable(), "x.run");
    b
}

/// The library of the program under test. Others may be older, with other features or flags.
fn newest(deps: &Path) -> PathBuf {
    let files = deps.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let is_library = |file: &PathBuf| {
        let name = file.file_name().unwrap().to_string_lossy();
        name.starts_with("libshellpack-") && name.ends_with(".rlib")
    };
    let libraries = files.filter(is_library);
    let newest = libraries.max_by_key(|file| file.metadata().unwrap().modified().unwrap());
    newest.expect("cargo has made the library")
}

/// The shellpack under test as a static program: only its `main` is compiled and linked again, with the
/// library that cargo has made. That takes two seconds.
pub(crate) fn static_shellpack() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let dynamic = Path::new(env!("CARGO_BIN_EXE_shellpack"));
        let profile = dynamic.parent().unwrap();
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("static-shellpack");
        let deps = profile.join("deps");
        let library = newest(&deps);
        // This toolchain, wherever root's PATH leads.
        let rustc = Path::new(env!("CARGO")).with_file_name("rustc");
        let mut build = Command::new(rustc);
        build
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args("--edition 2024 --crate-type bin src/main.rs".split(' '))
            .args(["-Ctarget-feature=+crt-static", "-Cstrip=symbols"])
            .arg(format!("--extern=shellpack={}", library.display()))
            .arg(format!("-Ldependency={}", deps.display()))
            .arg("-o")
            .arg(&program);
        let output = build.output().unwrap();
        assert!(output.status.success(), "no static shellpack: {output:?}");
        program
    })
}
