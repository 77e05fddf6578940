//! The room of a rehearsal, as it looks from inside.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::PROJECT;
use super::network::NO_RESOLVER;
use crate::error::{Error, Result};
use crate::nix::Nix;
use crate::room::{Access, Room};
use shellpack_format::store::path_info::PathInfo;
use shellpack_format::store::registration;
use shellpack_format::store::store_path::StoreDir;

/// Directories of the host that no shell may depend on. Sockets in `/run`, `/tmp` and `/var` (ssh-agent,
/// D-Bus, Docker, databases) would be reachable even from a network namespace.
const PRIVATE: [&str; 6] = ["/home", "/root", "/run", "/tmp", "/var", "/var/tmp"];

/// Directories in the root that belong to the system and not to projects. All others are hidden as
/// well: a file in `/srv` or `/data` that evaluation reads unseen, in the code of nixpkgs, must be
/// missing here, since it will be missing on the target.
const SYSTEM: [&str; 14] = [
    "bin", "dev", "etc", "gnu", "lib", "lib32", "lib64", "libx32", "nix", "opt", "proc", "sbin",
    "sys", "usr",
];

/// Where a system has its programs.
const SYSTEM_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";

fn private_directories() -> Result<Vec<PathBuf>> {
    let top = Path::new("/");
    let mut private: Vec<_> = PRIVATE.iter().map(PathBuf::from).collect();
    for entry in std::fs::read_dir(top).map_err(Error::io("list", top))? {
        let entry = entry.map_err(Error::io("list", top))?;
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let name = entry.file_name();
        let is_system = SYSTEM.iter().any(|system| *system == name);
        if is_dir && !is_system && !private.contains(&entry.path()) {
            private.push(entry.path());
        }
    }
    Ok(private)
}

/// Where an administrator puts what the distribution does not have. The target does not have it either.
const LOCAL: [&str; 2] = ["/usr/local", "/opt"];

/// Parts of `/usr/local` that programs need to run: their libraries, and those of git.
const LOCAL_LIBRARIES: [&str; 5] = ["lib", "lib32", "lib64", "libexec", "share/git-core"];

/// Whether Nix itself may run a program of this name, or shellpack.
fn is_used(program: &str) -> bool {
    program.starts_with("nix") || ["bash", "sh", "git"].contains(&program)
}

/// Hides what an administrator has installed, except for Nix and the programs that it needs.
fn without_local(mut room: Room) -> Room {
    let is_directory = |path: &Path| path.symlink_metadata().is_ok_and(|data| data.is_dir());
    for dir in LOCAL.iter().map(Path::new).filter(|dir| is_directory(dir)) {
        room = room.private(dir);
    }
    let [local, optional] = LOCAL.map(Path::new);
    let mut used: BTreeSet<PathBuf> = LOCAL_LIBRARIES.iter().map(|dir| local.join(dir)).collect();
    for bin in ["bin", "sbin"].map(|dir| local.join(dir)) {
        for entry in std::fs::read_dir(&bin).into_iter().flatten().flatten() {
            if entry.file_name().to_str().is_some_and(is_used) {
                used.insert(entry.path());
            }
        }
    }
    let own = mapped_files();
    let real = used.iter().filter_map(|path| path.canonicalize().ok());
    let real: Vec<_> = real.chain(nix_program()).chain(own).collect();
    let packages = real.iter().filter_map(|file| {
        let below = file.strip_prefix(optional).ok()?;
        Some(optional.join(below.components().next()?))
    });
    used.extend(packages);
    for place in used {
        if let Ok(real) = place.canonicalize() {
            room = room.bind(real, place, Access::ReadOnly);
        }
    }
    room
}

/// The files that this process has mapped: its executable, the loader, the libraries.
fn mapped_files() -> Vec<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let files = maps
        .lines()
        .filter_map(|line| line.find('/').map(|at| PathBuf::from(&line[at..])));
    files.collect()
}

/// The files that say where names are looked up.
const RESOLVER: &str = "/etc/resolv.conf";
const HOSTS: &str = "/etc/hosts";

/// A resolver that cannot be reached, so that queries for names are counted.
fn resolver() -> String {
    format!("nameserver {NO_RESOLVER}\noptions timeout:1 attempts:1\n")
}

/// The host's own names, and its name itself: not every host has that in the file, and to ask for it
/// is not to want a network.
fn hosts() -> String {
    let own = std::fs::read_to_string(HOSTS).unwrap_or_default();
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if own.split_whitespace().any(|word| word == name) {
        return own;
    }
    format!("{}\n127.0.0.1 {name}\n", own.trim_end())
}

/// The parts of `/etc` that programs need to run. The others are not there: a shell that looks at the
/// machine unseen, in the code of nixpkgs, must not find this one's settings.
const ETC: [&str; 17] = [
    "alternatives",
    "bash.bashrc",
    "group",
    "inputrc",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "nsswitch.conf",
    "passwd",
    "pki",
    "protocols",
    "services",
    "ssl",
    "static",
    "terminfo",
    "timezone",
];

/// A bare `/etc`.
fn with_bare_etc(room: Room) -> Room {
    let etc = Path::new("/etc");
    let here = ETC.iter().filter_map(|name| {
        let real = std::fs::canonicalize(etc.join(name)).ok()?;
        Some((real, etc.join(name)))
    });
    here.fold(room.private(etc), |room, (real, place)| {
        room.bind(&real, place, Access::ReadOnly)
    })
}

/// Shows a file of our own in place of the host's.
pub(super) fn with_own(room: Room, place: &Path, text: &str, nix_dir: &Path) -> Result<Room> {
    let own = nix_dir
        .join("etc")
        .join(place.file_name().unwrap_or_default());
    std::fs::write(&own, text).map_err(Error::io("write", &own))?;
    Ok(room.bind(&own, place, Access::ReadOnly))
}

/// A room with no network, in which only its own `/nix` and home are writable, and with nothing from
/// the user's environment.
pub(super) fn sealed(nix_dir: &Path) -> Result<Room> {
    let private = private_directories()?;
    let mut room = Room::new()
        .own_network()
        .read_only_host()
        .guarded()
        .nix(nix_dir)
        .bind_self();
    for dir in &private {
        room = room.private(dir);
    }
    let programs = nix_program().and_then(|file| file.parent().map(Path::to_owned));
    // A Nix that is in a private directory must be visible nevertheless.
    if let Some(dir) = programs
        .as_ref()
        .filter(|dir| private.iter().any(|private| dir.starts_with(private)))
    {
        room = room.bind(dir, dir, Access::ReadOnly);
    }
    room = with_bare_etc(without_local(room));
    for (file, text) in [(RESOLVER, resolver()), (HOSTS, hosts())] {
        room = with_own(room, Path::new(file), &text, nix_dir)?;
    }
    let path = programs.map(|dir| format!("{}:{SYSTEM_PATH}", dir.to_string_lossy()));
    Ok(room
        .env_clear()
        .env("PATH", path.unwrap_or_else(|| SYSTEM_PATH.to_owned()))
        .env("NIX_CONF_DIR", "/nix/etc/nix")
        .env("USER", "rehearsal")
        .env("LOGNAME", "rehearsal")
        .env(
            "TERM",
            std::env::var_os("TERM").unwrap_or_else(|| "dumb".into()),
        )
        .home(PROJECT)
        .current_dir("/"))
}

/// A room in which the commands in this directory are Nix.
pub(super) fn with_nix(room: Room, bin: &str) -> Room {
    room.env("PATH", format!("{bin}:{SYSTEM_PATH}"))
}

/// A sealed room that also sees these store paths, and the programs that run in it.
pub(super) fn with_paths(
    nix: &Nix,
    nix_dir: &Path,
    store: &StoreDir,
    paths: &[PathInfo],
) -> Result<Room> {
    let mut bound: Vec<_> = paths.iter().map(|info| store.join(&info.path)).collect();
    let own = closure_of_programs(nix)?;
    let own = own.iter().map(|info| store.join(&info.path));
    let own: Vec<_> = own.filter(|path| !bound.contains(path)).collect();
    bound.extend(own);
    Ok(sealed(nix_dir)?.store_paths(store.as_path(), bound))
}

/// The real path of nix-shell.
fn nix_program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path)
        .map(|dir| dir.join("nix-shell"))
        .find(|file| file.is_file())?;
    std::fs::canonicalize(found).ok()
}

/// The closure of Nix and of shellpack with its libraries, as far as they are in the store: on NixOS,
/// and wherever Nix does not come from the distribution. Without it, the room could not run them.
pub(super) fn closure_of_programs(nix: &Nix) -> Result<Vec<PathInfo>> {
    let files = nix_program().into_iter().chain(mapped_files());
    let in_store = |file: PathBuf| Some(nix.store.containing(file.to_str()?)?.0);
    let roots: BTreeSet<_> = files.filter_map(in_store).collect();
    if roots.is_empty() {
        return Ok(Vec::new());
    }
    let infos = nix.connect()?.closure(roots, || Ok(()))?;
    Ok(infos.into_values().collect())
}

/// Registers paths that are visible in the room in its database.
pub(super) fn register(room: &Room, store: &StoreDir, infos: &[PathInfo]) -> Result<()> {
    let command = room.command(Path::new("nix-store"), &["--load-db".into()])?;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input
            .write_all(&registration::text(store, infos))
            .map_err(|source| Error::cannot_run("nix-store", source))?;
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(Error::NixFailed {
            program: "nix-store",
            status: output.status,
            words: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}
