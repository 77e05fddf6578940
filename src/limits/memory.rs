//! Memory.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};

/// The C library reserves so much address space for the small allocations of each thread, its stack
/// included.
const THREAD: u64 = 68 << 20;

/// The memory, in bytes, that this process may still take before the system refuses it (`ulimit -v`,
/// `ulimit -d`); `None` if there is no such limit.
pub(crate) fn promised() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let taken = |field| kilobytes(&status, field).unwrap_or(0);
    let left = |limit, field| {
        let limit = getrlimit(limit).current?;
        Some(limit.saturating_sub(taken(field)))
    };
    let limits = [
        left(Resource::As, "VmSize:"),
        left(Resource::Data, "VmData:"),
    ];
    limits.into_iter().flatten().min()
}

/// The memory, in bytes, that is free for this process: on the machine, in its container, and by its
/// own limits. `None` if nothing is known of it.
fn free() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let machine = kilobytes(&machine, "MemAvailable:");
    [machine, free_in_container(), promised()]
        .into_iter()
        .flatten()
        .min()
}

/// How many jobs that take so much memory each can run at once: as many as asked, but at least one.
pub(crate) fn jobs(asked: usize, each: u64) -> usize {
    let machine = free().unwrap_or(u64::MAX) / each.max(1);
    // The first job runs on a thread that is there already, but progress has one, too.
    let own = promised().unwrap_or(u64::MAX) / each.saturating_add(THREAD);
    let most = usize::try_from(machine.min(own)).unwrap_or(usize::MAX);
    asked.min(most).max(1)
}

/// The value of a field in kilobytes, as `/proc` writes it, in bytes.
fn kilobytes(text: &str, field: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let number = line.trim().strip_suffix("kB")?.trim();
    number.parse::<u64>().ok()?.checked_mul(1024)
}

/// The memory that is left in the process's control group and in those around it (cgroup v2).
fn free_in_container() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let root = Path::new("/sys/fs/cgroup");
    let dir: PathBuf = root.join(path);
    let around = dir.ancestors().take_while(|dir| dir.starts_with(root));
    around.filter_map(free_in_group).min()
}

/// A group's limit without what it holds. Files that are only cached give way.
fn free_in_group(dir: &Path) -> Option<u64> {
    let read = |file| fs::read_to_string(dir.join(file)).ok();
    let number = |file| read(file)?.trim().parse::<u64>().ok();
    let limit = number("memory.max")?;
    let statistics = read("memory.stat").unwrap_or_default();
    let of = |field: &str| {
        let mut lines = statistics.lines().map(|line| line.split_once(' '));
        let found = lines.find_map(|line| line.filter(|(name, _)| *name == field));
        found.and_then(|(_, value)| value.parse::<u64>().ok())
    };
    let cached = of("file")
        .unwrap_or(0)
        .saturating_sub(of("shmem").unwrap_or(0));
    let held = number("memory.current").unwrap_or(0).saturating_sub(cached);
    Some(limit.saturating_sub(held))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_proc_are_read() {
        let text = "VmPeak:\t  9 kB\nVmSize:\t  12 kB\nThreads:\t1\n";
        assert_eq!(kilobytes(text, "VmSize:"), Some(12 << 10));
        assert_eq!(kilobytes(text, "Threads:"), None);
        assert_eq!(kilobytes(text, "VmData:"), None);
    }

    #[test]
    fn a_group_has_what_its_limit_leaves() {
        let dir = tempfile::tempdir().unwrap();
        let write = |file, text| fs::write(dir.path().join(file), text).unwrap();
        write("memory.max", "max\n");
        assert_eq!(free_in_group(dir.path()), None);
        write("memory.max", "1000\n");
        write("memory.current", "700\n");
        assert_eq!(free_in_group(dir.path()), Some(300));
        write("memory.stat", "anon 1\nfile 250\nfile_mapped 9\nshmem 50\n");
        assert_eq!(free_in_group(dir.path()), Some(500));
    }

    #[test]
    fn there_is_always_one_job() {
        assert_eq!(jobs(4, u64::MAX), 1);
        assert_eq!(jobs(4, 1 << 10), 4);
        assert_eq!(jobs(1, 0), 1);
    }
}
