//! Sources in Mercurial repositories, for a target that has no `hg`.

use shellpack::internals::Access;

use crate::support::shells::MESSAGE;
use crate::support::{Machine, machine_a};

/// Where `hg serve` has the repository of a name while a script of A's runs. Nix remembers what it
/// got from an url, so that each test needs its own.
const URL: &str = "http://127.0.0.1:8322";

/// Makes `~/hg/NAME`, which is served until the script ends, with two commits on `default` and one
/// on the branch `other`. `REV` in the shell is the first one.
fn repository(name: &str) -> String {
    format!(
        r#"export HGUSER='a <a@b>'
mkdir -p ~/hg; hg init ~/hg/{name}; (cd ~/hg/{name}
  echo '{{ MESSAGE = "{MESSAGE}"; }}' > default.nix; hg commit -qAm first
  echo '# more' >> default.nix; hg commit -qm second
  hg branch -q other; echo other > branch; hg commit -qAm third)
hg serve -R ~/hg/{name} -a 127.0.0.1 -p 8322 --prefix {name} -d --pid-file ~/hg/{name}.pid >&2
trap "kill $(cat ~/hg/{name}.pid)" EXIT
sed -i "s/REV/$(hg log -R ~/hg/{name} -r 0 -T '{{node}}')/" ~/fixtures/shells/{name}/shell.nix
"#
    )
}

/// Packs a shell of a source that says hello, and opens it where there is no `hg`; the shell has
/// in `SAID` what Nix says of the source.
#[track_caller]
fn arrives(name: &str, make: &str, fetch: &str, said: &str) {
    let a = machine_a();
    a.write_shell(
        name,
        &format!(
            "let source = {fetch}; in pkgs.mkShell {{ inherit (import source) MESSAGE; SOURCE = source; SAID = \"{said}\"; }}"
        ),
    );
    let which = r#"--run 'echo "$out $SAID"; ls $SOURCE'"#;
    let outcome = a.sh(&format!(
        "{make}\ncd ~/fixtures/shells/{name}; shellpack create -o ~/{name}.shellpack >&2
NIX_BUILD_SHELL=bash nix-shell {which}"
    ));
    let here = outcome.succeeds().text();
    let b = Machine::offline()
        .with_room(|room| room.bind("/dev/null", "/usr/bin/hg", Access::ReadOnly));
    b.sh("hg --version").exits_with(127);
    b.receive(&a.home(&format!("{name}.shellpack")), "x.shellpack");
    b.shellpack(&format!("open x.shellpack {which}"))
        .succeeds()
        .prints(&here);
    b.greets("open x.shellpack");
}

#[test]
fn a_mercurial_revision_arrives() {
    let name = "hg-revision";
    let fetch = format!("fetchMercurial {{ url = \"{URL}/{name}\"; rev = \"REV\"; }}");
    arrives(
        name,
        &repository(name),
        &fetch,
        "${source.rev} ${source.branch}",
    );
}

#[test]
fn a_mercurial_branch_arrives() {
    let name = "hg-branch";
    let fetch = format!("builtins.fetchMercurial {{ url = \"{URL}/{name}\"; rev = \"other\"; }}");
    let said = "${source.shortRev} ${toString source.revCount}";
    arrives(name, &repository(name), &fetch, said);
}

#[test]
fn the_tip_of_a_mercurial_repository_arrives() {
    let name = "hg-tip";
    let fetch = format!("builtins.fetchMercurial \"{URL}/{name}\"");
    arrives(name, &repository(name), &fetch, "${source.branch}");
}

/// With uncommitted changes.
#[test]
fn a_mercurial_working_copy_arrives() {
    let make = format!(
        "export HGUSER=a; cd ~/fixtures/shells/hg-dirty; hg init; echo no > default.nix; hg commit -qAm first
echo '{{ MESSAGE = \"{MESSAGE}\"; }}' > default.nix; touch not-in-hg"
    );
    arrives("hg-dirty", &make, "builtins.fetchMercurial ./.", "");
}
