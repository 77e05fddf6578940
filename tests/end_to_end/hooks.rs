//! A `shellHook` is run in the rehearsal. It does the same on the target, so its findings are told, and
//! cost no proof.

use crate::support::shells::UNENTERABLE;
use shellpack::internals::Access;

use crate::support::{Machine, Outcome, machine_a};

/// Files that only a hook reads.
mod files;
/// Symlinks that it reads through.
mod links;
/// Files and environment variables of machine A.
mod machine;
/// Files that the hook makes itself.
mod made;
/// The name of the directory.
mod name;
/// Files that an entered shell names.
mod named;
/// Files that are used only at times.
mod perhaps;
/// The directory that it runs in.
mod typed;

/// Packs a shell with this hook.
fn pack(name: &str, hook: &str) -> Outcome {
    let a = machine_a();
    a.write_shell(name, &format!("pkgs.mkShell {{ shellHook = ''{hook}''; }}"));
    let create = format!("shellpack create fixtures/shells/{name} -o {name}.shellpack");
    a.sh(&create)
}

#[test]
fn a_hook_may_leave_something_in_the_background() {
    pack("background", "sleep 1000 &").succeeds();
}

#[test]
fn a_hook_may_print_half_a_line() {
    pack("half-a-line", "printf hello").succeeds();
}

#[test]
fn a_hook_that_ends_the_shell_is_a_finding() {
    for (name, hook, status) in [
        ("exec", "echo about to go; exec true", 0),
        ("exit", "echo about to go; exit 3", 3),
        ("errexit", "echo about to go; set -e; false", 1),
        ("trap", "echo about to go; trap 'exit 4' ERR; false", 4),
    ] {
        for words in ["", "--no-eval"] {
            let a = machine_a();
            a.write_shell(name, &format!("pkgs.mkShell {{ shellHook = \"{hook}\"; }}"));
            a.sh(&format!(
                "shellpack create fixtures/shells/{name} {words} -f -o {name}.shellpack"
            ))
            .succeeds()
            .says(&format!(
                "warning: the shellHook ends or replaces the shell (exit status: {status})"
            ))
            .says("its output:\n  about to go\n")
            .shows(&format!(
                "the shellHook ended the shell (exit status: {status})"
            ))
            .never_says("--no-rehearsal");
        }
    }
}

#[test]
fn a_hook_may_set_a_trap() {
    pack("trapped", "set -e; trap 'echo bye' EXIT")
        .succeeds()
        .shows("entered nix-shell")
        .never_says("warning");
}

/// This shell is ended by something that comes before the hook.
#[test]
fn a_shell_that_cannot_be_entered_is_not_proved() {
    let a = machine_a();
    a.write_shell("unenterable", UNENTERABLE);
    a.shellpack("create fixtures/shells/unenterable -o unenterable.shellpack")
        .exits_with(1)
        .says("the rehearsal failed: the shell could not be entered\n  no\n")
        .never_says("--no-rehearsal");
}

/// The target has neither what an administrator installed here, nor files that are not carried.
#[test]
fn what_a_hook_says_is_missing_is_told() {
    let a = Machine::online().with_room(|room| room.private("/usr/local").private("/opt"));
    let hook = "echo at $(rep-tool); /opt/rep/tool; . ./.team.env; \
                cat ./gone 2> /dev/null; echo ready";
    let shell = format!("pkgs.mkShell {{ shellHook = ''{hook}''; }}");
    a.write_shell("hook-misses", &shell);
    let tools =
        "mkdir -p /usr/local/bin /opt/rep; printf '#!/bin/sh\necho tool' > /usr/local/bin/rep-tool
        chmod +x /usr/local/bin/rep-tool; cp /usr/local/bin/rep-tool /opt/rep/tool; rep-tool";
    for words in ["", "--no-eval"] {
        let create =
            format!("shellpack create fixtures/shells/hook-misses {words} -f -o x.shellpack");
        a.sh(&format!("{tools}; {create}"))
            .succeeds()
            .says("warning: the shellHook said in the rehearsal:\n")
            .says("rep-tool: command not found\n")
            .says("/opt/rep/tool: No such file or directory\n")
            .says("./.team.env: No such file or directory\n")
            .never_says("gone");
    }
}

/// They fail at home, too. A condition is no failure, nor is what the hook silences.
#[test]
fn commands_of_a_hook_that_fail_are_told() {
    let conditions = "[ -e .env ] && . .env; false || true; ls /gone 2> /dev/null; \
                      if false; then :; fi; grep -q x /dev/null || echo none";
    let hook = format!("{conditions}; sh -c 'echo no luck; exit 3'; echo ready; [ -e .env ] && :");
    for words in ["", "--no-eval"] {
        let a = machine_a();
        a.write_shell(
            "hook-fails",
            &format!("pkgs.mkShell {{ shellHook = \"{hook}\"; }}"),
        );
        let said = a
            .sh(&format!(
                "shellpack create fixtures/shells/hook-fails {words} -f -o hook-fails.shellpack"
            ))
            .succeeds()
            .says(
                "warning: a command of the shellHook fails in the rehearsal:\n  \
                 sh -c 'echo no luck; exit 3' (exit status: 3)\n  \
                 the output of the shellHook:\n  none\n  no luck\n  ready\n",
            );
        assert_eq!(
            said.stderr.matches("exit status").count(),
            1,
            "{}",
            said.stderr
        );
    }
    pack("hook-conditions", conditions)
        .succeeds()
        .never_says("warning");
}

/// The lines before the error are run, and bash goes on behind the hook.
#[test]
fn a_hook_that_bash_cannot_read_is_told() {
    pack("hook-unreadable", "echo begun\nif true; then\n  echo x\n")
        .succeeds()
        .says("warning: the shellHook said in the rehearsal:\n")
        .says("syntax error: unexpected end of file");
}

/// Nix may be among what an administrator installed.
#[test]
fn a_nix_in_opt_rehearses() {
    let a = Machine::online();
    a.write_shell("nix-in-opt", "pkgs.mkShell { shellHook = ''echo ready''; }");
    let create = "shellpack create fixtures/shells/nix-in-opt -f -o x.shellpack";
    // It builds the shell: Nix starts a program beside itself for that.
    a.runs(create);
    let a = a.with_room(|room| {
        let room = room.private("/usr/local").private("/opt");
        room.bind("/usr/bin/nix", "/opt/nix/bin/nix", Access::ReadOnly)
            .bind("/dev/null", "/usr/bin/nix", Access::ReadOnly)
    });
    let links = "for name in build collect-garbage daemon hash instantiate shell store; do
        ln -s /opt/nix/bin/nix /opt/nix/bin/nix-$name; done
        mkdir -p /usr/local/bin; ln -s /opt/nix/bin/* /usr/local/bin";
    for path in ["/opt/nix/bin", "/usr/local/bin"] {
        a.runs(&format!("{links}; export PATH={path}:$PATH; {create}"))
            .shows("entered nix-shell");
    }
}

/// The bundle is not at fault; the user reads the hook's own words.
#[test]
fn a_hook_that_wants_the_network_is_reported() {
    let connect = "exec 3<>/dev/tcp/192.0.2.1/80";
    let warning = "warning: the shellHook wants a network, which the target does not have";
    pack("wants-network", &format!("({connect})"))
        .succeeds()
        .shows("entered nix-shell")
        .says(&format!("{warning}; its output:\n"))
        .says("Network is unreachable");
    pack("needs-network", &format!("({connect}) || exit 6"))
        .succeeds()
        .shows("the shellHook wants a network, and ended the shell (exit status: 6)")
        .says(&format!(
            "{warning}, and ends the shell (exit status: 6); its output:\n"
        ));
}

/// The room counts what has no route, whatever the tools say.
#[test]
fn a_hook_that_wants_the_network_need_not_say_so() {
    for (name, hook) in [
        ("ipv4", "(exec 3<>/dev/tcp/10.11.12.13/80) 2> /dev/null"),
        ("ipv6", "(exec 3<>/dev/tcp/2001:db8::1/80) 2> /dev/null"),
        (
            "name",
            "/usr/bin/python3 -c 'import socket; socket.getaddrinfo(\"example.org\", 80)' 2> /dev/null",
        ),
    ] {
        let said = "warning: the shellHook wants a network, which the target does not have";
        pack(&format!("silent-{name}"), &format!("{hook}; echo done"))
            .succeeds()
            .says(&format!("{said}; its output:\n  done\n"));
        pack(&format!("mute-{name}"), hook)
            .succeeds()
            .says(&format!("{said}; it prints nothing\n"));
    }
}

/// This machine's own address and name need no network.
#[test]
fn a_hook_that_stays_on_the_machine_wants_no_network() {
    let own = "import socket; socket.getaddrinfo(socket.gethostname(), 80)";
    let hook = format!(
        "(exec 3<>/dev/tcp/127.0.0.1/9); /usr/bin/python3 -c '{own}'; echo Network is unreachable"
    );
    pack("local", &hook)
        .succeeds()
        .never_says("wants a network");
}
