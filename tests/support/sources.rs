//! Sources that shells fetch, on a server of machine A.

use super::shells::MESSAGE;

/// A server of the fixtures on port 8321 that is there until the script ends.
pub(crate) const SERVE: &str = r#"
~/fixtures/serve 8321 2>/dev/null >&2 &
trap "kill $!" EXIT
timeout 60 python3 -c '
import socket, time
while socket.socket().connect_ex(("127.0.0.1", 8321)): time.sleep(0.02)'
"#;

/// Where [`SERVE`]'s server is, and Git repositories on it.
pub(crate) const URL: &str = "http://127.0.0.1:8321";

/// The same with a file of a certain name and text, and a lock file if it is a flake. It is not
/// served.
pub(crate) fn repository_of(name: &str, file: &str, text: &str) -> String {
    format!(
        r"
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q -b master ~/{name}-work; (cd ~/{name}-work
  cat > {file} <<'END'
{text}
END
  git add .; test {file} != flake.nix || nix flake lock; git add .; git commit -qm first
  git checkout -qb other; echo '# more' >> {file}; git commit -qam second
  git checkout -q master; git clone -q --bare . ~/fixtures/{name}.git
  git -C ~/fixtures/{name}.git update-server-info)
export REV=$(git -C ~/{name}-work rev-parse master)
"
    )
}

/// A tarball of what says hello, at [`URL`].
pub(crate) fn tarball(name: &str) -> String {
    format!(
        "{SERVE}\nmkdir {name}; echo '{{ MESSAGE = \"{MESSAGE}\"; }}' > {name}/default.nix
tar -czf ~/fixtures/{name}.tar.gz {name}; rm -r {name}"
    )
}
