use crate::support::machine_a;

/// Packs the project and returns the revision that the summary has.
fn revision(options: &str) -> serde_json::Value {
    let create = format!(
        "cd proven; shellpack create p --force --json -o out.shellpack --no-rehearsal {options}"
    );
    let json = machine_a().runs(&create).text();
    serde_json::from_str::<serde_json::Value>(&json).unwrap()["source-revision"].clone()
}

#[test]
fn a_clean_tree_has_a_revision() {
    let a = machine_a();
    let shell = r#"derivation { name = "proven"; system = builtins.currentSystem; builder = "/bin/sh"; src = builtins.readFile ./src; }"#;
    a.write("proven/p/shell.nix", shell);
    a.write("proven/p/src", "one");
    assert!(revision("").is_null());
    let commit = "cd proven; git init -q .; git add p; git -c user.email=a@b -c user.name=a commit -qm one; git rev-parse HEAD";
    let commit = a.runs(commit).text();
    // What is not carried does not count.
    a.write("proven/untracked", "");
    assert_eq!(revision(""), commit.as_str());
    a.write("proven/p/notes", "");
    assert!(revision("--include p/notes").is_null());
    a.write("proven/p/src", "two");
    assert!(revision("").is_null());
    a.write("proven/p/src", "one");
    assert_eq!(revision(""), commit.as_str());
    // A repository is asked, and runs nothing.
    a.runs("cd proven; git config core.fsmonitor 'touch ~/ran; false'");
    assert_eq!(revision(""), commit.as_str());
    a.runs("ls ran 2>/dev/null || true").prints("");
}
