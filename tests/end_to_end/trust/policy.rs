use std::fs;

use crate::support::Machine;
use crate::support::trust::{OWN_ETC, public_key, set_policy, signed, under_policy, with_a_key};
use shellpack_format::store::key::PublicKey;

const UNSIGNED: &str = "x.shellpack is not signed: nothing shows who made it\n";

/// Opens it with no policy but the default.
fn opened(b: &Machine) -> crate::support::Outcome {
    under_policy(b, "open x.shellpack --no-shell")
}

#[test]
fn an_unsigned_bundle_opens_with_one_line() {
    let b = with_a_key();
    let opened = b.shellpack("open x.shellpack --run true").succeeds();
    assert_eq!(opened.stderr.matches("not signed").count(), 1, "{opened}");
    opened.says(UNSIGNED);
}

/// The line in the hint is all that it takes.
#[test]
fn an_unknown_signer_is_refused_with_the_line_that_trusts_the_key() {
    let b = signed();
    let key = public_key(&b);
    let refused = b.shellpack("open x.shellpack --run true").exits_with(125);
    refused.says(&format!(
        "error: could not trust x.shellpack: it is not signed by a key that is trusted here, but by lab-1\n  \
           key         {key}\n  fingerprint SHA256:"
    ));
    b.runs("ls -d /nix/store/* ~/.local ~/blog 2>/dev/null || true")
        .prints("");
    let refused = b.shellpack("open x.shellpack").exits_with(125).stderr;
    let (_, line) = refused
        .split_once("with this line in /etc/shellpack/config.toml: ")
        .unwrap();
    set_policy(&b, line);
    opened(&b)
        .succeeds()
        .says("x.shellpack is signed by lab-1 (SHA256:");
    // An ordinary user has a policy, too.
    b.runs("rm -r etc/shellpack; mkdir -p /home/alice; cp x.shellpack key.pub /home/alice");
    let alice = "cd /home/alice; HOME=/home/alice exec setpriv --reuid 1000 --regid 1000 --clear-groups -- shellpack open x.shellpack";
    b.sh(&format!(
        "cp x.shellpack /tmp; cd /tmp; {}",
        alice.replace("cd /home/alice; ", "")
    ))
    .exits_with(125)
    .says("with this line in /home/alice/.config/shellpack/config.toml: trusted-keys = [\"lab-1:");
    set_policy(&b, "trusted-keys = []\n");
    opened(&b).exits_with(125).says(&format!(
        "trust the key: add \"{key}\" to trusted-keys in /etc/shellpack/config.toml\n"
    ));
}

/// The name proves nothing.
#[test]
fn another_key_of_that_name_is_not_trusted() {
    let b = signed();
    b.runs("shellpack keygen lab-1 -o other");
    let other = b.runs("cat other.pub").text();
    set_policy(&b, &format!("trusted-keys = [\"{other}\"]\n"));
    opened(&b)
        .exits_with(125)
        .says("it is not signed by a key that is trusted here, but by lab-1\n")
        .says("\n  another key of that name is trusted by /etc/shellpack/config.toml\n\nhint: do not open it before the signer has told you why lab-1 has another key than the one in /etc/shellpack/config.toml\n");
    under_policy(&b, "inspect x.shellpack")
        .succeeds()
        .shows("; this machine does not trust that key; another key of that name is trusted by /etc/shellpack/config.toml\n");
    // Nor does a signature that was cut off from its key.
    let forge = "python3 -c 'import base64; data = bytearray(open(\"x.shellpack\", \"rb\").read())
at = data.index(b\"lab-1:\", data.index(b\"manifest.sig\"))
data[at:at + 4096] = (b\"lab-1:\" + base64.b64encode(bytes(64)) + b\"\\n\").ljust(4096, b\"\\0\")
open(\"x.shellpack\", \"wb\").write(data)'"
        .to_string();
    b.runs(&forge);
    let said = "could not trust x.shellpack: a signature in it claims to be by lab-1, and does not match the key of that name in /etc/shellpack/config.toml\n\nhint: do not open it before you know why: ";
    opened(&b).exits_with(125).says(said);
    under_policy(&b, "verify x.shellpack")
        .exits_with(1)
        .says(said);
    under_policy(&b, "inspect x.shellpack").succeeds().shows(
        "signed    claimed to be by lab-1; not verified, it does not match the key of that name in /etc/shellpack/config.toml\n",
    );
    // Where nobody knows the key, it is a claim like any other.
    b.shellpack("inspect x.shellpack")
        .succeeds()
        .shows("signed    claimed to be by lab-1; not verified, the key is not known here\n");
    b.shellpack("open x.shellpack").exits_with(125).says(
        "it is not signed by a key that is trusted here, but by lab-1\n\nhint: ask the signer for the public key, and trust it with this line in /etc/shellpack/config.toml: trusted-keys = [\"lab-1:…\"]\n",
    );
}

#[test]
fn a_policy_can_require_a_signature() {
    let b = with_a_key();
    set_policy(&b, "require-signature = true\n");
    let said = "could not trust x.shellpack: it is not signed, and /etc/shellpack/config.toml requires a signature\n\nhint: ask whoever made it to sign it: shellpack sign BUNDLE --sign-key FILE\n";
    for (command, code) in [
        ("open x.shellpack --no-shell", 125),
        ("open --no-shell - < x.shellpack", 125),
        ("rehearse x.shellpack", 125),
        ("verify x.shellpack", 1),
    ] {
        let said = said.replace(
            "x.shellpack",
            if command.contains('-') && command.contains('<') {
                "standard input"
            } else {
                "x.shellpack"
            },
        );
        under_policy(&b, command).exits_with(code).says(&said);
    }
    b.runs("ls -d /nix/store/* 2>/dev/null || true").prints("");
    b.runs("shellpack sign x.shellpack --sign-key key");
    under_policy(&b, "verify x.shellpack")
        .exits_with(1)
        .says("it is not signed by a key that is trusted here, but by lab-1\n");
    let key = public_key(&b);
    set_policy(
        &b,
        &format!("require-signature = true\ntrusted-keys = [\"{key}\"]\n"),
    );
    under_policy(&b, "verify x.shellpack")
        .succeeds()
        .shows("), trusted by /etc/shellpack/config.toml\n");
    under_policy(&b, "rehearse x.shellpack --run true").succeeds();
    opened(&b).succeeds();
}

#[test]
fn the_users_policy_cannot_weaken_the_machines() {
    let b = signed();
    let key = public_key(&b);
    let fingerprint = PublicKey::parse(&key).unwrap().fingerprint();
    b.write(
        ".config/shellpack/config.toml",
        &format!("require-signature = false\ntrusted-keys = [\"{key}\"]\n"),
    );
    opened(&b).succeeds();
    set_policy(&b, "require-signature = true\n");
    opened(&b)
        .exits_with(125)
        .says("it is not signed by a key that is trusted here, but by lab-1\n");
    under_policy(&b, "config").succeeds().prints(&format!(
        "trusted-public-keys = cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=
  fingerprint SHA256:nUXNddr9SnngaxDXRLk/8PscTRi23cU7cssTS2se1vc
  from default
require-signature = true
  from /etc/shellpack/config.toml
trusted-keys = {key}
  fingerprint {fingerprint}
  from /root/.config/shellpack/config.toml
  ignored: the machine's policy requires a signature, and only its own keys count then"
    ));
    opened(&b).exits_with(125).says(
        "\n  /root/.config/shellpack/config.toml trusts it, which does not count: the machine's policy requires a signature\n",
    );
    // The user may be stricter.
    fs::remove_file(b.home("etc/shellpack/config.toml")).unwrap();
    b.write(
        ".config/shellpack/config.toml",
        "require-signature = true\n",
    );
    b.runs("cp blog.shellpack x.shellpack");
    opened(&b)
        .exits_with(125)
        .says("it is not signed, and /root/.config/shellpack/config.toml requires a signature\n");
}

#[test]
fn the_keys_that_nix_trusts_count() {
    let b = signed();
    let key = public_key(&b);
    let fingerprint = PublicKey::parse(&key).unwrap().fingerprint();
    // Not those of the user's own configuration.
    b.write(
        ".config/nix/nix.conf",
        &format!("extra-trusted-public-keys = {key}\n"),
    );
    opened(&b).exits_with(125);
    b.write("etc/nix/nix.conf", "substituters =\n!include keys.conf\n");
    b.write(
        "etc/nix/keys.conf",
        &format!("extra-trusted-public-keys = {key}\n"),
    );
    opened(&b).succeeds();
    under_policy(&b, "config").succeeds().shows(&format!(
        "\ntrusted-public-keys = {key}\n  fingerprint {fingerprint}\n  from /etc/nix/keys.conf\nrequire-signature = false\n  from default\n"
    ));
}

#[test]
fn a_policy_that_cannot_be_understood_is_an_error() {
    let b = with_a_key();
    for (text, said) in [
        (
            "require-signatures = true\n",
            "line 1: unknown field `require-signatures`, expected one of `trusted-keys`, `allowed-signers`, `require-signature`",
        ),
        (
            "trusted-keys = [\"lab-1:AAAA\"]\n",
            "trusted-keys has 'lab-1': after the colon, it must be 32 bytes in base 64",
        ),
        (
            "allowed-signers = \"missing\"\n",
            "/etc/shellpack/missing does not exist",
        ),
    ] {
        set_policy(&b, text);
        opened(&b).exits_with(125).says(&format!(
            "error: could not use the policy in /etc/shellpack/config.toml: {said}\n\nhint: correct /etc/shellpack/config.toml, and try again\n"
        ));
    }
    set_policy(&b, "");
    b.sh(&format!("{OWN_ETC}\nchmod 666 /etc/shellpack/config.toml; exec shellpack inspect x.shellpack"))
        .exits_with(1)
        .says("could not use the policy in /etc/shellpack/config.toml: every user of this machine may write to it\n");
    // A key that somebody put in the wrong place is not repeated.
    b.runs("chmod 644 etc/shellpack/config.toml");
    let secret = b.runs("cat key").text();
    set_policy(&b, &format!("trusted-keys = [\"{secret}\"]\n"));
    opened(&b)
        .exits_with(125)
        .says("trusted-keys has 'lab-1': it is a secret key; the public key is needed here\n")
        .never_says(&secret);
}

/// It must not seem to be there, and not be read.
#[test]
fn a_policy_that_leads_nowhere_or_is_anothers_is_an_error() {
    let b = with_a_key();
    set_policy(&b, "");
    b.runs("rm etc/shellpack/config.toml; ln -s /nix/store/gone etc/shellpack/config.toml");
    let nowhere =
        "could not use the policy in /etc/shellpack/config.toml: the symlink leads nowhere\n";
    opened(&b).exits_with(125).says(nowhere);
    b.runs("rm -r etc/shellpack; ln -s /nix/store/gone etc/shellpack");
    b.sh("mount --bind ~/etc /etc; exec shellpack verify x.shellpack")
        .exits_with(1)
        .says("could not use the policy in /etc/shellpack: the symlink leads nowhere\n");
    b.runs("rm etc/shellpack; mkdir -p theirs/shellpack; chown 1001 theirs/shellpack; chmod a+rx . x.shellpack");
    let alice = |before: &str| {
        format!(
            "{OWN_ETC} {before} XDG_CONFIG_HOME=/root/theirs HOME=/root/theirs exec setpriv --reuid 1000 --regid 1000 --clear-groups -- shellpack verify x.shellpack"
        )
    };
    b.sh(&alice(""))
        .exits_with(1)
        .says("could not use the policy in /root/theirs/shellpack: it belongs to another user\n");
    // Root's own files count for everyone.
    b.write("theirs/shellpack/config.toml", "require-signature = true\n");
    b.sh(&alice("chown -R 0:0 ~/theirs/shellpack;"))
        .exits_with(1)
        .says("it is not signed, and /root/theirs/shellpack/config.toml requires a signature\n");
    // For root, another user's policy is none, and `config` says so.
    b.sh(&format!("{OWN_ETC} chown 1001 ~/theirs/shellpack; XDG_CONFIG_HOME=/root/theirs exec shellpack config"))
        .succeeds()
        .shows("policy = /root/theirs/shellpack\n  from /root/theirs/shellpack\n  ignored: it is another user's\n");
}
