//! A machine: a room with a store and a home of its own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, Once, PoisonError};

use shellpack::internals::{Access, Room, RoomCommand};

use super::outcome::Outcome;
use super::scratch::Scratch;

/// Programs that must be on a machine; `scripts/setup` installs them.
const PROGRAMS: [&str; 10] = [
    "/usr/bin/nix-shell",
    "/usr/bin/nix-daemon",
    "/usr/bin/busybox",
    "/usr/bin/bash-static",
    "/usr/bin/git",
    "/usr/bin/hg",
    "/usr/bin/python3",
    "/usr/bin/script",
    "/usr/bin/setpriv",
    "/usr/bin/zstd",
];

/// No build users and no sandbox, as rooms need it, and no substituters.
const NIX_CONF: &str = "build-users-group =\nsandbox = false\nsubstituters =\n";

/// Users have one meaning on every host, and no group `nixbld` changes how Nix builds.
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n\
    alice:x:1000:1000:Alice:/home/alice:/bin/sh\n\
    nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nalice:x:1000:\nnix-users:x:998:\nnogroup:x:65534:\n";

/// A machine with an empty store, an empty home, and the host's programs. Nothing else of the
/// host's state is visible: `/home`, `/root`, `/run`, `/tmp`, `/var/lib`, `/var/tmp` and this
/// repository are empty. Each command runs in a room of its own over the same directories, so what has to
/// run at the same time or on one network belongs in one script.
#[derive(Debug)]
pub(crate) struct Machine {
    dir: Scratch,
    room: Room,
    user: Option<&'static str>,
}

impl Machine {
    /// Machine A: it has a network, of which only the loopback is up, and `~/fixtures`.
    pub(crate) fn online() -> Self {
        let machine = Self::new("a-", "/root").with_room(Room::own_network);
        machine.with_fixtures()
    }

    /// Machine A of an ordinary user, who owns `/nix`.
    pub(crate) fn online_of_a_user() -> Self {
        let machine = Self::new("a-", "/home/alice").with_room(Room::own_network);
        machine.with_fixtures().with_a_users_store()
    }

    /// Machine A with an ordinary user, where `/nix` is root's. Scripts run as root.
    pub(crate) fn online_with_a_daemon() -> Self {
        let machine = Self::new("a-", "/home/alice").with_room(Room::own_network);
        let machine = machine.with_fixtures();
        machine.owned_by_a_user(&["home"]).run_by_root()
    }

    /// Machine B: it has no network at all, not even a loopback that is up, and builds nothing.
    pub(crate) fn offline() -> Self {
        Self::unbuilding("/root")
    }

    /// Machine B with an ordinary user, who owns `/nix`.
    pub(crate) fn offline_of_a_user() -> Self {
        Self::unbuilding("/home/alice").with_a_users_store()
    }

    /// Machine B with an ordinary user, where `/nix` is root's. Scripts run as root.
    pub(crate) fn offline_with_a_daemon() -> Self {
        let machine = Self::unbuilding("/home/alice");
        machine.owned_by_a_user(&["home"]).run_by_root()
    }

    /// Machine B of an ordinary user, with no Nix. `/nix` is empty and root's.
    pub(crate) fn bare() -> Self {
        let machine = Self::unbuilding("/home/alice");
        machine.remove_nix();
        machine.owned_by_a_user(&["home"])
    }

    /// Leaves a `PATH` with all programs but Nix's.
    fn remove_nix(&self) {
        let programs = self.home(".programs");
        fs::create_dir_all(&programs).unwrap();
        for dir in ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"] {
            for program in fs::read_dir(dir).into_iter().flatten().flatten() {
                let name = program.file_name();
                if !name.to_string_lossy().starts_with("nix") {
                    let _ = std::os::unix::fs::symlink(program.path(), programs.join(name));
                }
            }
        }
    }

    fn unbuilding(home: &str) -> Self {
        let machine = Self::new("b-", home).with_room(Room::sealed);
        machine.configure("max-jobs = 0");
        machine
    }

    fn run_by_root(self) -> Self {
        Self { user: None, ..self }
    }

    fn new(prefix: &str, home: &str) -> Self {
        ensure_testable();
        let dir = Scratch::new(prefix);
        let at = |name: &str| dir.path().join(name);
        for part in ["nix/etc/nix", "home", "lib"] {
            fs::create_dir_all(at(part)).unwrap();
        }
        fs::write(at("nix/etc/nix/nix.conf"), NIX_CONF).unwrap();
        fs::write(at("passwd"), PASSWD).unwrap();
        fs::write(at("group"), GROUP).unwrap();
        let mut room = Room::new()
            .executable(env!("CARGO_BIN_EXE_shellpack"))
            .bind_self()
            .nix(at("nix"));
        let hidden = ["/home", "/root", "/run", "/tmp", "/var/tmp"];
        // In a home, the repository is hidden with it, and must leave no trace in the machine's own.
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        let is_hidden = hidden.iter().any(|dir| repository.starts_with(dir));
        let repository = (!is_hidden).then_some(env!("CARGO_MANIFEST_DIR"));
        for private in hidden.into_iter().chain(repository) {
            room = room.private(private);
        }
        let own = Path::new(Room::SELF_PATH).parent().unwrap();
        let path = format!(
            "{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            own.display()
        );
        let user = Path::new(home).file_name().unwrap();
        let room = room
            .bind(at("home"), home, Access::Writable)
            .bind(at("lib"), "/var/lib", Access::Writable)
            .bind(at("passwd"), "/etc/passwd", Access::ReadOnly)
            .bind(at("group"), "/etc/group", Access::ReadOnly)
            .env_clear()
            .env("PATH", path)
            .env("NIX_CONF_DIR", "/nix/etc/nix")
            .env("TERM", "dumb")
            .env("USER", user)
            .env("LOGNAME", user)
            .home(home)
            .current_dir(home);
        Self {
            dir,
            room,
            user: None,
        }
    }

    /// Changes what the machine is like.
    pub(crate) fn with_room(self, change: impl FnOnce(Room) -> Room) -> Self {
        let room = change(self.room);
        Self { room, ..self }
    }

    /// Makes `~/fixtures/shells/NAME/shell.nix`: an expression in which `pkgs` is the fixture
    /// nixpkgs, pinned as the blog's shell pins it, at a url that any place of the file has.
    pub(crate) fn write_shell(&self, name: &str, expression: &str) {
        let blog = include_str!("../../fixtures/shells/blog/shell.nix");
        let hash = blog.lines().find(|line| line.contains("sha256 =")).unwrap();
        let shell = format!(
            r#"let
  pkgs = import (builtins.fetchTarball {{
    url = "file://${{builtins.getEnv "HOME"}}/fixtures/nixpkgs.tar.gz";
{hash}
  }}) {{ config = {{ }}; overlays = [ ]; }};
in
{expression}
"#
        );
        let top = name.split('/').next().unwrap_or(name);
        own(self.home(&format!("fixtures/shells/{top}")));
        self.write(&format!("fixtures/shells/{name}/shell.nix"), &shell);
    }

    fn with_fixtures(self) -> Self {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        copy(&fixtures, &self.home("fixtures"));
        self
    }

    /// Makes what Nix looks for: without it, a newer one uses a store in the user's home.
    fn with_a_users_store(self) -> Self {
        fs::create_dir_all(self.nix("var/nix")).unwrap();
        self.owned_by_a_user(&["nix", "home"])
    }

    fn owned_by_a_user(self, parts: &[&str]) -> Self {
        let places = parts.iter().map(|part| self.dir.path().join(part));
        let status = Command::new("chown")
            .args(["-R", "1000:1000"])
            .args(places)
            .status();
        assert!(status.unwrap().success());
        let user = Some("alice");
        Self { user, ..self }
    }

    /// Where a file of the machine's home is on the host.
    pub(crate) fn home(&self, file: &str) -> PathBuf {
        self.dir.path().join("home").join(file)
    }

    /// Where a file of the machine's `/nix` is on the host.
    pub(crate) fn nix(&self, file: &str) -> PathBuf {
        self.dir.path().join("nix").join(file)
    }

    /// Brings a file or directory of the host into the home.
    pub(crate) fn receive(&self, file: &Path, name: &str) {
        // A link suffices for a bundle, which is never changed in place, and large ones are quick.
        if !file.is_file() || fs::hard_link(file, self.home(name)).is_err() {
            copy(file, &self.home(name));
        }
    }

    /// Writes a file in the home, with the directories that it needs.
    pub(crate) fn write(&self, file: &str, text: &str) {
        let file = self.home(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Adds a line to the machine's `nix.conf`.
    pub(crate) fn configure(&self, line: &str) {
        let file = self.nix("etc/nix/nix.conf");
        let before = fs::read_to_string(&file).unwrap();
        fs::write(file, format!("{before}{line}\n")).unwrap();
    }

    /// Runs a script in the home, to its end or its first failure.
    pub(crate) fn sh(&self, script: &str) -> Outcome {
        let output = self.command(script).output();
        Outcome::new(script, &output.unwrap())
    }

    /// Runs a script that must succeed.
    #[track_caller]
    pub(crate) fn runs(&self, script: &str) -> Outcome {
        self.sh(script).succeeds()
    }

    /// A script for the caller to start, with pipes of its choice. It has a session of its own and
    /// the default meaning of Ctrl-C, whether the tests run at a terminal or in the background.
    pub(crate) fn command(&self, script: &str) -> RoomCommand {
        self.command_of(self.user.is_some(), script)
    }

    /// Runs a script of root's, with root's own home, that must succeed.
    #[track_caller]
    pub(crate) fn root(&self, script: &str) -> Outcome {
        let script = format!("export HOME=/root\n{script}");
        let output = self.command_of(false, &script).output();
        Outcome::new(&script, &output.unwrap()).succeeds()
    }

    fn command_of(&self, is_user: bool, script: &str) -> RoomCommand {
        let alone = "setsid --wait env --default-signal=INT,QUIT";
        let mut args: Vec<OsString> = alone.split(' ').map(OsString::from).collect();
        if is_user {
            args.extend(
                "setpriv --reuid 1000 --regid 1000 --clear-groups --"
                    .split(' ')
                    .map(OsString::from),
            );
        }
        args.extend(["sh", "-euc", script].map(OsString::from));
        let program = args.remove(0);
        self.room.command(Path::new(&program), &args).unwrap()
    }

    /// Runs shellpack; the words are those of a shell.
    pub(crate) fn shellpack(&self, words: &str) -> Outcome {
        self.sh(&format!("exec shellpack {words}"))
    }
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(
        status.unwrap().success(),
        "could not copy {}",
        from.display()
    );
}

/// A test that cannot run says why, once, before it fails in a hundred ways.
fn ensure_testable() {
    static CHECKED: Once = Once::new();
    CHECKED.call_once(|| {
        let id = Command::new("id").arg("-u").output().unwrap();
        assert!(
            id.stdout == b"0\n",
            "these tests need root, since machine A and machine B are rooms with users of their own: \
             run them with sudo, or in a container"
        );
        let missing: Vec<_> = PROGRAMS.iter().filter(|file| !Path::new(file).exists()).collect();
        assert!(missing.is_empty(), "these tests need {missing:?}: run scripts/setup");
        let room = Room::new().executable(env!("CARGO_BIN_EXE_shellpack")).sealed();
        room.ensure_buildable().expect("these tests need to make namespaces: run them with CAP_SYS_ADMIN");
    });
}

/// Directories of shells, and the tests that write them. Tests share a home, and run in any order.
static OWNERS: Mutex<BTreeMap<PathBuf, String>> = Mutex::new(BTreeMap::new());

/// Another test must not use the same one, and find its files there already.
fn own(directory: PathBuf) {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let said = format!("two tests have a shell in {}", directory.display());
    let mut owners = OWNERS.lock().unwrap_or_else(PoisonError::into_inner);
    let owner = owners
        .entry(directory)
        .or_insert_with(|| test.clone())
        .clone();
    drop(owners);
    assert_eq!(owner, test, "{said}");
}
