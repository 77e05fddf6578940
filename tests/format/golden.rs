//! Bundles of format 1 as they were released. What is here must read for ever; that what is
//! written today has the same bytes shows that the format was not changed by accident.
//!
//! `SHELLPACK_WRITE_FIXTURES=1 cargo test golden` writes missing fixtures. Never replace one.

use std::fs;
use std::path::{Path, PathBuf};

use shellpack_format::bundle::reader::{Piped, Reader};
use shellpack_format::store::hash::Digest;

use crate::synthetic::{Bundle, Members, faults};

fn fixture(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/bundles/v1");
    dir.join(format!("{name}.shellpack"))
}

fn bundles() -> [(&'static str, Bundle); 3] {
    [
        ("minimal", Bundle::minimal()),
        ("sample", Bundle::sample()),
        ("several", Bundle::several()),
    ]
}

/// The fixture's bytes; made first where that is asked for and it is not there.
fn golden(name: &str, bundle: &Bundle) -> Vec<u8> {
    let path = fixture(name);
    if std::env::var_os("SHELLPACK_WRITE_FIXTURES").is_some() && !path.exists() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bundle.bytes()).unwrap();
    }
    fs::read(&path).unwrap()
}

#[test]
fn the_same_input_gives_the_golden_bytes() {
    for (name, bundle) in bundles() {
        let (ours, theirs) = (bundle.bytes(), golden(name, &bundle));
        assert_eq!(headers(&ours), headers(&theirs), "{name}");
        assert_eq!(Digest::of(&ours), Digest::of(&theirs), "{name}");
    }
}

/// Something that can be read when the bytes differ.
fn headers(bundle: &[u8]) -> Vec<String> {
    let members = Members::of(bundle).0;
    let line = |member: &crate::synthetic::Member| {
        let name = String::from_utf8_lossy(&member.header.path_bytes()).into_owned();
        format!(
            "{name} {} {}",
            member.content.len(),
            Digest::of(&member.content)
        )
    };
    members.iter().map(line).collect()
}

#[test]
fn golden_bundles_have_their_digests() {
    let digest = |name| Digest::of(&fs::read(fixture(name)).unwrap()).hex();
    assert_eq!(
        digest("minimal"),
        "0da59feb643a6f21f144dc46495a95f381a6609fcddad678f74c0224eea68d7f"
    );
    assert_eq!(
        digest("sample"),
        "241ee7853dbe8d69c6b1f1945d757041829c83b332b413bd01f576f4a256924a"
    );
    assert_eq!(
        digest("several"),
        "5a82925528a6b18bdc024c7d86cdad72c593a3ab785bf11bfc8d5184d1857aa9"
    );
}

#[test]
fn golden_bundles_are_sound() {
    for (name, _) in bundles() {
        assert!(
            faults(&fs::read(fixture(name)).unwrap()).is_empty(),
            "{name}"
        );
    }
}

#[test]
fn golden_bundles_say_what_they_always_said() {
    for (name, bundle) in bundles() {
        let bytes = fs::read(fixture(name)).unwrap();
        let reader = Reader::open(Piped(bytes.as_slice())).unwrap();
        assert_eq!(*reader.manifest(), bundle.manifest, "{name}");
    }
}

/// The line that the manifest's comments give to a human.
#[test]
fn stock_tools_get_the_export_stream_out() {
    let line = "tar -xOf \"$1\" --wildcards 'closure/*.zst' | zstd -dc";
    let mut shell = std::process::Command::new("sh");
    let output = shell
        .args(["-c", line, "sh"])
        .arg(fixture("sample"))
        .output()
        .unwrap();
    assert!(output.stdout == Bundle::sample().stream());
}

#[test]
fn stock_tar_gets_the_project_files_out() {
    let scratch = tempfile::tempdir().unwrap();
    let mut tar = std::process::Command::new("tar");
    tar.current_dir(&scratch)
        .arg("-xf")
        .arg(fixture("sample"))
        .arg("shell");
    assert!(tar.status().unwrap().success());
    let shell_file = fs::read_to_string(scratch.path().join("shell/shell.nix"));
    assert_eq!(shell_file.unwrap(), "import ./nix\n");
}
