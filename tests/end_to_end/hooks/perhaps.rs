//! Files that a shell uses only at times: nothing reads them while it is packed.

use crate::support::shells::packed;

const FILES: &str = "mkdir conf scripts untracked; echo '. ./conf/common.sh' > completion.sh
    for name in common prod a b c d; do echo echo $name > conf/$name.sh; done
    echo echo done > scripts/go.sh; chmod +x scripts/go.sh; git init -q .; git add .; echo x > untracked/x.sh";

/// Only an interactive shell reads some, a function and a variable name others, and of one a part is in
/// a variable of the user's.
const HOOK: &str = r"if [[ $- == *i* ]]; then . ./completion.sh; fi
    export ROOT=$PWD; go() { $ROOT/scripts/go.sh; }; bar() { . conf/a.sh; }
    export E=conf/b.sh; P='. ./conf/c.sh'; . ./conf/''${STAGE:-d}.sh; [ ! -e untracked/x.sh ]";

#[test]
fn files_that_a_shell_may_use_are_carried() {
    let shell = format!("pkgs.mkShell {{ shellHook = ''{HOOK}''; }}");
    let b = packed("perhaps", &shell, FILES, "");
    b.shellpack("open x.shellpack --command 'go; bar; . $E; eval \"$P\"; exit'")
        .succeeds()
        .prints("d\ndone\na\nb\nc");
    b.sh("STAGE=prod shellpack enter perhaps --run true")
        .succeeds()
        .prints("prod");
    let typed = "printf 'exit\\n' | script -qec 'shellpack enter perhaps' /dev/null";
    b.sh(typed).succeeds().shows("common");
    b.sh("ls perhaps").succeeds().never_says("untracked");
}
