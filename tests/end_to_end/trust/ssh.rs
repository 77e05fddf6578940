use crate::support::Machine;
use crate::support::trust::{set_policy, under_policy, with_a_key};

/// Makes `FILE.sig` of a bundle's first SSH signature, as `ssh-keygen -Y verify` takes it.
const TAKE_OUT: &str = "
take_out() {
  { echo -----BEGIN SSH SIGNATURE-----
    tar -xOf $1 manifest.sig | tr -d '\\000' | sed -n 's/^sshsig //p' | head -n 1 | fold -w 70
    echo -----END SSH SIGNATURE-----; } > $1.sig
  tar -xOf $1 manifest.toml > $1.toml
}
";

/// A machine with `x.shellpack` and a key of this kind for `alice@example.org`, in `id` and `allowed`.
fn with_ssh_key(kind: &str) -> Machine {
    let b = with_a_key();
    b.runs(&format!(
        "ssh-keygen -q {kind} -N '' -C alice -f id
         echo \"alice@example.org namespaces=\\\"shellpack\\\" $(cat id.pub)\" > allowed"
    ));
    b
}

#[test]
fn keys_of_every_kind_sign_and_ssh_keygen_verifies() {
    for kind in [
        "-t ed25519",
        "-t ecdsa -b 256",
        "-t ecdsa -b 384",
        "-t rsa -b 3072",
    ] {
        let b = with_ssh_key(kind);
        b.shellpack("sign x.shellpack --sign-key id").succeeds();
        b.runs(&format!(
            "{TAKE_OUT} take_out x.shellpack
             ssh-keygen -Y verify -f allowed -I alice@example.org -n shellpack -s x.shellpack.sig < x.shellpack.toml"
        ))
        .shows("Good \"shellpack\" signature for alice@example.org with ");
        b.runs("cp allowed ~/allowed_signers");
        set_policy(&b, "allowed-signers = \"/root/allowed_signers\"\n");
        under_policy(&b, "verify x.shellpack")
            .succeeds()
            .shows("signed: by alice@example.org (SHA256:")
            .shows("), trusted by /root/allowed_signers\n");
        under_policy(&b, "open x.shellpack --no-shell")
            .succeeds()
            .says("x.shellpack is signed by alice@example.org (SHA256:");
    }
}

/// The officer signs where there is no shellpack.
#[test]
fn a_signature_made_elsewhere_is_added() {
    let b = with_ssh_key("-t ed25519");
    b.runs(
        "tar -xOf x.shellpack manifest.toml > manifest.toml
         ssh-keygen -q -Y sign -n shellpack -f id manifest.toml
         shellpack sign x.shellpack --signature manifest.toml.sig --sign-key key",
    )
    .shows("signed by lab-1 (")
    .shows("\n          an ssh-ed25519 key (");
    b.runs(
        "cp blog.shellpack y.shellpack; shellpack sign y.shellpack --sign-key id --sign-key key",
    );
    b.runs("shellpack verify x.shellpack y.shellpack");
    for (make, said) in [
        (
            "echo other | ssh-keygen -q -Y sign -n shellpack -f id > bad",
            "could not use the signature in bad: it does not match the manifest of x.shellpack\n",
        ),
        (
            "ssh-keygen -q -Y sign -n file -f id < manifest.toml > bad",
            "could not use the signature in bad: it was made for the namespace 'file', not for 'shellpack'\n",
        ),
        (
            "echo > bad",
            "could not use the signature in bad: it is not a signature of ssh-keygen\n",
        ),
    ] {
        b.runs(make);
        b.shellpack("sign x.shellpack --signature bad")
            .exits_with(1)
            .says(&format!("error: {said}"))
            .says("\nhint: make it with: tar -xOf BUNDLE manifest.toml | ssh-keygen -Y sign -n shellpack -f KEY\n");
    }
}

/// The secret never leaves the agent.
#[test]
fn an_agent_signs() {
    let b = with_ssh_key("-t ed25519");
    b.runs(
        "ssh-agent sh -euc 'ssh-add -q id; rm id; shellpack sign x.shellpack --sign-key id.pub'
         shellpack verify x.shellpack",
    )
    .shows("signed: claimed to be by an ssh-ed25519 key (SHA256:");
    b.shellpack("sign x.shellpack --sign-key id.pub")
        .exits_with(1)
        .says("error: could not sign with id.pub: ")
        .says("\nhint: let an agent hold the secret key: ssh-add KEY\n");
}

/// A line that is drawn while ssh-keygen asks would wipe its question.
#[test]
fn nothing_is_drawn_while_ssh_keygen_asks() {
    let b = with_a_key();
    b.runs("ssh-keygen -q -t ed25519 -N 'a secret' -f id");
    let typed = "{ sleep 4; echo 'a secret'; sleep 1; }";
    let sign = "TERM=xterm script -qec 'shellpack sign x.shellpack --sign-key id' /dev/null";
    let shown = b.sh(&format!("{typed} | {sign}")).succeeds().stdout;
    let (_, after) = shown.split_once("Enter passphrase").unwrap();
    // The answer ends the line.
    let asking = after.lines().next().unwrap();
    assert_eq!(asking.trim(), ":", "{shown}");
    b.shellpack("verify x.shellpack").succeeds();
}

#[test]
fn keys_that_ssh_keygen_cannot_use_are_refused() {
    let b = with_ssh_key("-t ed25519");
    b.shellpack("sign x.shellpack --sign-key - < id")
        .exits_with(1)
        .says("error: could not use the key from standard input: ssh-keygen needs a file\n\nhint: keep it in a file");
    b.runs("chmod 644 id");
    b.shellpack("sign x.shellpack --sign-key id")
        .exits_with(1)
        .says("error: could not use the key in id: users other than its owner can read the file, too\n");
    let no_program =
        "chmod 600 id; mkdir bin; ln -s $(command -v shellpack) bin; PATH=~/bin shellpack";
    b.sh(&format!("{no_program} sign x.shellpack --sign-key id"))
        .exits_with(1)
        .says("error: could not run ssh-keygen\ncaused by: No such file or directory")
        .says("\nhint: install the client of OpenSSH: apt install openssh-client, or ");
    b.runs("cmp blog.shellpack x.shellpack");
}

#[test]
fn an_unknown_key_of_openssh_is_refused_with_the_line_that_trusts_it() {
    let b = with_ssh_key("-t ed25519");
    b.shellpack("sign x.shellpack --sign-key id").succeeds();
    let key = b.runs("cut -d' ' -f1,2 id.pub").text();
    let fingerprint = b.runs("ssh-keygen -l -f id.pub | cut -d' ' -f2").text();
    let said = format!(
        "error: could not trust x.shellpack: it is not signed by a key that is trusted here, but by an ssh-ed25519 key
  key         {key}
  fingerprint {fingerprint}

hint: if the signer confirms that fingerprint, trust the key with this line in /etc/shellpack/allowed_signers: NAME namespaces=\"shellpack\" {key} (where NAME is yours to choose)\n"
    );
    b.shellpack("open x.shellpack --no-shell")
        .exits_with(125)
        .says(&said);
    set_policy(&b, "");
    // Without the policy file naming it, the file of that name counts.
    b.write(
        "etc/shellpack/allowed_signers",
        &format!("alice namespaces=\"shellpack\" {key}\n"),
    );
    under_policy(&b, "open x.shellpack --no-shell").succeeds();
    for (options, said) in [
        (
            "namespaces=\"git\"",
            "it is not signed by a key that is trusted here, but by an ssh-ed25519 key\n",
        ),
        (
            "valid-before=\"20200101\"",
            "it is not signed by a key that is trusted here, but by alice\n",
        ),
    ] {
        b.write(
            "etc/shellpack/allowed_signers",
            &format!("alice {options} {key}\n"),
        );
        under_policy(&b, "open x.shellpack --no-shell")
            .exits_with(125)
            .says(said);
    }
}
