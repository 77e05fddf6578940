//! Files and environment variables of machine A that a shell names.

use crate::support::Machine;

fn machine() -> Machine {
    Machine::online().with_room(|room| room.private("/srv").private("/usr/local"))
}

#[test]
fn files_of_the_machine_are_named() {
    let a = machine();
    let hook = "[ -e /srv/flag ] && echo; [ -r ~/.config/h1/env ] && . ~/.config/h1/env
        export TOKEN=$(cat $HOME/.netrc 2> /dev/null) OTHER=$HOME/.other
        mkdir -p ~/.cache/x /tmp/x; . ~/.bashrc 2> /dev/null; /usr/bin/env > /dev/null
        # see /srv/unnamed; https://example.org/srv/unnamed";
    let shell =
        format!("pkgs.mkShell {{ SSL_CERT_FILE = \"/srv/rep-ca.pem\"; shellHook = ''{hook}''; }}");
    a.write_shell("names-machine", &shell);
    let files = "touch /srv/rep-ca.pem /srv/flag /srv/unnamed ~/.netrc ~/.other ~/.bashrc
        mkdir -p ~/.config/h1 ~/.cache/x; touch ~/.config/h1/env";
    let create = "shellpack create fixtures/shells/names-machine -f -o x.shellpack";
    for words in ["", "--no-eval"] {
        a.sh(&format!("{files}; {create} {words}"))
            .succeeds()
            .says("the shell names 5 files of this machine, which the target may not have:\n  /root/.config/h1/env\n  /root/.netrc\n  /root/.other\n  /srv/flag\n  /srv/rep-ca.pem\n")
            .never_says("unnamed")
            .never_says(".bashrc");
    }
}

#[test]
fn an_ordinary_shell_names_nothing_of_the_machine() {
    let a = machine();
    let shell = r#"pkgs.mkShell { GIVEN = "x"; shellHook = ''
      export PATH=$PWD/bin:~/.local/bin:/usr/local/bin:$PATH EDITOR="''${EDITOR:-vi}" CC=$CC
      STAGE=dev; echo $STAGE $USER $HOME $name $GIVEN
    ''; }"#;
    a.write_shell("names-nothing", shell);
    a.sh("mkdir -p ~/.local/bin /usr/local/bin; export STAGE=x EDITOR=x CC=x GIVEN=x name=x; shellpack create fixtures/shells/names-nothing -o x.shellpack")
        .succeeds()
        .never_says("of this machine")
        .never_says("the shellHook uses");
}

/// The target's own values count there.
#[test]
fn variables_of_the_machine_are_named() {
    let a = machine();
    let shell = r#"pkgs.mkShell { shellHook = ''
      export STAGE="''${DEPLOY_ENV:-local}" PROFILE=$AWS_PROFILE; echo $UNSET_HERE $STAGE
    ''; }"#;
    a.write_shell("uses-machine", shell);
    let create = "shellpack create fixtures/shells/uses-machine -f -o x.shellpack";
    a.sh(&format!("export DEPLOY_ENV=prod AWS_PROFILE=dev STAGE=x; {create}"))
        .succeeds()
        .says("the shellHook uses AWS_PROFILE and DEPLOY_ENV, which are set here: the target has its own\n");
    a.sh(&format!("export DEPLOY_ENV=prod; {create}"))
        .succeeds()
        .says("the shellHook uses DEPLOY_ENV, which is set here: the target has its own\n");
    a.sh(create).succeeds().never_says("the shellHook uses");
}
