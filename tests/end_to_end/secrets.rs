//! A bundle has none of machine A's secrets, and none of its names.

use crate::support::shells::{HELLO, PRINT, arrives};
use crate::support::sources::{SERVE, URL, tarball};
use crate::support::{Machine, Outcome, machine_a};

/// Everything that could leak begins like this.
const MARK: &str = "marked7c1";

/// A home, a user, a host and a repository that are full of marked strings. `p` is the project.
const FULL: &str = r"
export HOME=/tmp/marked7c1-home USER=marked7c1-user LOGNAME=marked7c1-user
mkdir -p $HOME/.ssh $HOME/.config/nix $HOME/p/src; hostname marked7c1-host
export GITHUB_TOKEN=marked7c1-variable AWS_SECRET_ACCESS_KEY=marked7c1-aws
echo 'machine 127.0.0.1 login marked7c1-login password marked7c1-password' > $HOME/.netrc
echo 'access-tokens = github.com=marked7c1-access' > $HOME/.config/nix/nix.conf
echo marked7c1-key > $HOME/.ssh/id_rsa
cd $HOME/p; git init -q; git config user.name marked7c1-author
git config remote.origin.url https://marked7c1-bot:marked7c1-token@example.org/p.git
git config user.email a@b; echo marked7c1-env > .env; echo text > src/file; git add src; git commit -qm marked7c1-message
";

/// Every marked string in the bytes of `$HOME/x.shellpack`, decompressed.
const LOOK: &str = r"
mkdir $HOME/look; cd $HOME/look; tar -xf ../x.shellpack; for file in closure/*.zst; do zstd -dq --rm $file -o ${file%.zst}; done
grep -q mkShell shell/shell.nix; grep -rqa hello-2.10 closure; ls -R | grep -o 'marked7c1-[a-z]*' || true
grep -rahoE 'marked7c1-[a-z]*' . | sort -u || true
";

/// Packs `p` on that machine, and returns what leaks.
fn leaks(shell: &str, options: &str) -> String {
    let a = Machine::online();
    a.write_shell("p", shell);
    let script = format!(
        "{SERVE}\ncat > run <<'END'\nset -e\n{FULL}
        sed 's,file://.*nixpkgs,{URL}/nixpkgs,' /root/fixtures/shells/p/shell.nix > shell.nix
        shellpack create {options} -o ../x.shellpack >&2\n{LOOK}\nEND
        unshare --uts bash run"
    );
    let outcome = a.sh(&script).succeeds();
    outcome.text()
}

#[test]
fn nothing_of_the_machine_is_in_a_bundle() {
    let shell = format!("pkgs.mkShell {{ {HELLO} SOURCE = ./src; }}");
    assert_eq!(marks(&leaks(&shell, "")), Vec::<String>::new());
    assert_eq!(marks(&leaks(&shell, "--no-eval")), Vec::<String>::new());
}

#[test]
fn a_password_in_the_search_path_is_not_in_a_bundle() {
    let shell = format!("let pkgs = import <fixtures> {{ }}; in pkgs.mkShell {{ {HELLO} }}");
    let url = URL.replace("//", &format!("//{MARK}-bot:{MARK}-token@"));
    let options = format!("-I fixtures={url}/nixpkgs.tar.gz?private_token={MARK}-query");
    assert_eq!(marks(&leaks(&shell, &options)), Vec::<String>::new());
}

fn marks(said: &str) -> Vec<String> {
    let words = said.split_whitespace();
    let marked = words.filter(|word| word.contains(MARK));
    marked.map(str::to_owned).collect()
}

/// The file is the project's, so it is carried as it is, and named. The manifest and all that is said
/// are without it.
#[test]
fn a_password_in_a_url_is_only_in_the_file_that_has_it() {
    let (a, b) = (machine_a(), Machine::offline());
    let url = URL.replace("//", "//bot:s3cr3tword@");
    let url = format!("{url}/secret.tar.gz?access_token=t0ken0ken");
    a.write_shell(
        "in-url",
        &format!("let source = fetchTarball \"{url}\"; in pkgs.mkShell {{ inherit (import source) MESSAGE; }}"),
    );
    let script = format!(
        "{}\ncd ~/fixtures/shells/in-url; shellpack create -o ~/url.shellpack",
        tarball("secret")
    );
    let made = a
        .sh(&script)
        .succeeds()
        .says("password or token, which is carried with them: shell.nix\n")
        .says("***@127.0.0.1:8321/secret.tar.gz?access_token=***");
    made.never_says("s3cr3tword").never_says("t0ken0ken");
    for command in ["inspect url.shellpack", "inspect --json url.shellpack"] {
        let shown = a.shellpack(command).succeeds();
        shown
            .shows("access_token=***")
            .never_says("s3cr3tword")
            .never_says("t0ken0ken");
    }
    a.sh("tar -xOf url.shellpack manifest.toml | grep -c -e s3cr3tword -e t0ken0ken || true")
        .succeeds()
        .prints("0");
    b.receive(&a.home("url.shellpack"), "x.shellpack");
    arrives(&b);
}

#[test]
fn a_password_in_nixs_words_is_not_shown() {
    let a = Machine::online();
    a.write(
        "p/shell.nix",
        "import (fetchTarball \"http://bot:s3cr3tword@127.0.0.1:1/x.tar.gz?sig=t0ken0ken\")",
    );
    for option in ["", "--progress json", "-v"] {
        a.shellpack(&format!("create {option} p -o x.shellpack"))
            .exits_with(1)
            .says("unable to download 'http://***@127.0.0.1:1/x.tar.gz?sig=***'")
            .never_says("s3cr3tword")
            .never_says("t0ken0ken");
    }
    a.shellpack("create --locked p -o x.shellpack")
        .exits_with(1)
        .never_says("s3cr3tword");
}

#[test]
fn likely_secrets_are_named_before_the_work() {
    let a = machine_a();
    let shell = format!("pkgs.mkShell {{ {HELLO} src = ./.; REGISTRY_TOKEN = \"x\"; }}");
    a.write_shell("with-secrets", &shell);
    let files = "cd ~/fixtures/shells/with-secrets; mkdir .aws; touch .env id_rsa tls.pem .netrc .aws/credentials id_rsa.pub .env.example";
    for option in ["", "--no-eval"] {
        let said = a.sh(&format!(
            "{files}; shellpack create {option} --dry-run -o ../with-secrets.shellpack"
        ));
        let said = said.succeeds().says(
            "usually hold secrets; check whether they should be there: .aws/credentials, .env, .netrc, id_rsa, tls.pem\n",
        );
        let said = said
            .says("may hold a password or token, and their values are carried: REGISTRY_TOKEN\n")
            .stderr;
        assert!(
            said.find("secrets").unwrap() < said.find("listing the closure").unwrap(),
            "{said}"
        );
        a.sh("rm -r ~/fixtures/shells/with-secrets/.aws").succeeds();
    }
}

/// `src = ./.` carries all of it, in the project or in the store.
#[test]
fn secrets_of_many_programs_are_named_with_and_without_evaluation() {
    let a = machine_a();
    let shell = format!("pkgs.mkShell {{ {HELLO} src = ./.; }}");
    a.write_shell("with-credentials", &shell);
    a.runs(
        "cd ~/fixtures/shells/with-credentials; mkdir -p .config/gh .kube .hg; echo x > .hg/hgrc
        echo '{ \"private_key\": \"-----BEGIN PRIVATE KEY-----\\n\" }' > robot.json
        touch .git-credentials .pypirc .config/gh/hosts.yml .kube/config config.json",
    );
    for option in ["", "--no-eval"] {
        let create = "create --dry-run -o x.shellpack fixtures/shells/with-credentials";
        a.shellpack(&format!("{create} {option}"))
            .succeeds()
            .says("warning: evaluation copies the repository's whole history, and its configuration, into the bundle: .hg\n")
            .says("warning: evaluation drags files into the bundle that usually hold secrets; check whether they should be there: .config/gh/hosts.yml, .git-credentials, .kube/config, .pypirc, robot.json\n");
    }
}

#[test]
fn a_password_in_an_argument_is_named_and_not_shown() {
    let (a, b) = (machine_a(), Machine::offline());
    a.write_shell(
        "argument",
        &format!("{{ url }}: pkgs.mkShell {{ {HELLO} }}"),
    );
    a.sh("sed -i '1i { url }:' fixtures/shells/argument/shell.nix; sed -i 's/^{ url }: pkgs/pkgs/' fixtures/shells/argument/shell.nix
        shellpack create fixtures/shells/argument --argstr url https://bot:s3cr3tword@h/ -o argument.shellpack")
        .succeeds()
        .says("these arguments may hold a password or token, and are carried: url\n")
        .never_says("s3cr3tword");
    b.receive(&a.home("argument.shellpack"), "x.shellpack");
    b.shellpack(&format!("open x.shellpack {PRINT}"))
        .succeeds()
        .never_says("s3cr3tword");
    b.shellpack("open x.shellpack --no-shell")
        .succeeds()
        .says("by hand")
        .never_says("s3cr3tword");
    b.shellpack("inspect x.shellpack")
        .succeeds()
        .never_says("s3cr3tword");
    b.shellpack("inspect --json x.shellpack")
        .succeeds()
        .never_says("s3cr3tword");
}

/// Packs `fixtures/shells/NAME` with these attributes, after a script has prepared its directory.
fn pack(name: &str, attributes: &str, prepare: &str, words: &str) -> Outcome {
    let a = machine_a();
    a.write_shell(name, &format!("pkgs.mkShell {{ {attributes} }}"));
    let create = format!("shellpack create {words} -f -o ~/{name}.shellpack");
    a.sh(&format!(
        "cd fixtures/shells/{name}; {prepare}; {create}; {create} --dry-run"
    ))
}

const KEYS: &str = "usually hold secrets; check whether they should be there: ";
const URLS: &str = "password or token, which is carried with them: ";

/// Evaluation does not read them: the hook does, or a variable names them or their directory.
#[test]
fn likely_secrets_that_only_the_shell_needs_are_named() {
    let git = "git init -q .; git add .";
    let ssh = "mkdir ssh; echo x > ssh/id_ed25519; echo x > ssh/server.pem";
    for (name, attributes, prepare, said) in [
        (
            "secret-exported",
            "shellHook = ''export SSH_DIR=$PWD/ssh'';",
            format!("{ssh}; {git}"),
            format!("{KEYS}ssh/id_ed25519, ssh/server.pem\n"),
        ),
        (
            "secret-variable",
            "SSH = toString ./ssh;",
            format!("{ssh}; {git}"),
            format!("{KEYS}ssh/id_ed25519, ssh/server.pem\n"),
        ),
        (
            "secret-hook",
            "shellHook = ''. ./.env; . ./up.sh'';",
            format!("echo A=x > .env; echo 'U=https://u:s3cr3t@h/' > up.sh; {git}"),
            format!("{KEYS}.env\n"),
        ),
        (
            "secret-url",
            "CONF = toString ./conf;",
            format!("mkdir conf; echo https://u:s3cr3t@h/ > conf/url.txt; {git}"),
            format!("{URLS}conf/url.txt\n"),
        ),
        (
            "secret-in-path",
            "shellHook = ''export PATH=$PWD/bin:$PATH'';",
            "mkdir bin; printf '%s\\n' '-----BEGIN OPENSSH PRIVATE KEY-----' x > bin/key"
                .to_owned(),
            format!("{KEYS}bin/key\n"),
        ),
    ] {
        let outcome = pack(name, attributes, &prepare, "").succeeds();
        outcome.says(&said).never_says("s3cr3t");
    }
}

/// Without evaluation, the shell file and what the user names are carried, and nothing else.
#[test]
fn likely_secrets_are_named_without_evaluation() {
    pack(
        "secret-no-eval",
        "URL = \"https://u:s3cr3t@h/\";",
        "echo A=x > .env",
        "--no-eval --include .env",
    )
    .succeeds()
    .says(&format!("{KEYS}.env\n"))
    .says(&format!("{URLS}shell.nix\n"))
    .never_says("s3cr3t");
}
