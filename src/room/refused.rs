//! Finds out why namespaces are refused: from the kernel's answer, and from the file that explains it.

use std::fs;
use std::path::Path;

use rustix::io::Errno;

use crate::error::Refusal;

/// The files that tell, below one directory.
struct Files<'a>(&'a Path);

/// The limits on namespaces of the kinds that a room needs.
const LIMITS: [&str; 2] = ["user.max_user_namespaces", "user.max_mnt_namespaces"];

/// The reason for which namespaces could not be made, or not be used once they were `made`.
pub(super) fn why(made: bool, errno: i32) -> Refusal {
    Files(Path::new("/")).why(made, Errno::from_raw_os_error(errno))
}

impl Files<'_> {
    fn why(&self, made: bool, errno: Errno) -> Refusal {
        match errno {
            Errno::NOSPC | Errno::USERS if !made => self.limit(),
            Errno::INVAL | Errno::NOSYS if !made && !self.0.join("proc/self/ns/user").exists() => {
                Refusal::Kernel
            }
            _ if !made && self.setting("kernel.unprivileged_userns_clone") == Some(0) => {
                Refusal::Switch
            }
            // Security modules answer this, or let namespaces be made that have no rights.
            _ if made || errno == Errno::ACCESS => self.security_module(),
            Errno::PERM | Errno::INVAL if self.is_chroot() => Refusal::Chroot,
            _ => self.filter(),
        }
    }

    fn security_module(&self) -> Refusal {
        match self.profile() {
            Some(profile) => Refusal::Profile(profile),
            None if self.restricted_by_apparmor() => Refusal::AppArmor,
            None if self.number("sys/fs/selinux/enforce") == Some(1) => Refusal::SeLinux,
            None => self.filter(),
        }
    }

    fn filter(&self) -> Refusal {
        if self.is_filtered() {
            Refusal::Filter
        } else {
            Refusal::Unknown
        }
    }

    /// The limit that is 0, else the one that is reached first.
    fn limit(&self) -> Refusal {
        let values = LIMITS.map(|setting| Some((setting, self.setting(setting)?)));
        let least = values.into_iter().flatten().min_by_key(|limit| limit.1);
        least.map_or(Refusal::Unknown, |(setting, value)| Refusal::Limit {
            setting,
            value,
        })
    }

    fn restricted_by_apparmor(&self) -> bool {
        self.setting("kernel.apparmor_restrict_unprivileged_userns")
            .is_some_and(|value| value > 0)
    }

    /// The profile of `AppArmor` that confines this process.
    fn profile(&self) -> Option<String> {
        let file = self.0.join("proc/self/attr/apparmor/current");
        let text = fs::read_to_string(file).ok()?;
        let name = text.trim_end().strip_suffix(" (enforce)")?;
        Some(name.to_owned())
    }

    /// In a chroot, the mount that holds the root is above it, and cannot be seen. (Where the root is a
    /// mount by accident, this stays unknown.)
    fn is_chroot(&self) -> bool {
        let mounts = fs::read_to_string(self.0.join("proc/self/mountinfo")).unwrap_or_default();
        let is_root = |line: &str| line.split(' ').nth(4) == Some("/");
        !mounts.is_empty() && !mounts.lines().any(is_root)
    }

    fn is_filtered(&self) -> bool {
        let status = fs::read_to_string(self.0.join("proc/self/status")).unwrap_or_default();
        let mode = status
            .lines()
            .find_map(|line| line.strip_prefix("Seccomp:"));
        mode.is_some_and(|mode| mode.trim() != "0")
    }

    fn setting(&self, name: &str) -> Option<u64> {
        self.number(&format!("proc/sys/{}", name.replace('.', "/")))
    }

    fn number(&self, file: &str) -> Option<u64> {
        let text = fs::read_to_string(self.0.join(file)).ok()?;
        text.trim().parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERM: Errno = Errno::PERM;

    /// A machine with these files.
    fn why(made: bool, errno: Errno, files: &[(&str, &str)]) -> Refusal {
        let dir = tempfile::tempdir().unwrap();
        let usual = [
            (
                "proc/self/mountinfo",
                "27 1 254:0 / / rw - ext4 /dev/vda rw\n",
            ),
            ("proc/self/ns/user", ""),
            ("proc/self/status", "Name:\tx\nSeccomp:\t0\n"),
            ("proc/sys/user/max_user_namespaces", "1000\n"),
            ("proc/sys/user/max_mnt_namespaces", "2000\n"),
        ];
        for (name, content) in usual.iter().chain(files) {
            let file = dir.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        Files(dir.path()).why(made, errno)
    }

    #[test]
    fn the_file_that_explains_the_answer_is_named() {
        let limit = |setting, value| Refusal::Limit { setting, value };
        let none = [("proc/sys/user/max_user_namespaces", "0\n")];
        let all = limit("user.max_user_namespaces", 0);
        assert_eq!(why(false, Errno::NOSPC, &none), all);
        let none = [("proc/sys/user/max_mnt_namespaces", "0\n")];
        let all = limit("user.max_mnt_namespaces", 0);
        assert_eq!(why(false, Errno::NOSPC, &none), all);
        let all = limit("user.max_user_namespaces", 1000);
        assert_eq!(why(false, Errno::USERS, &[]), all);

        let switch = [("proc/sys/kernel/unprivileged_userns_clone", "0\n")];
        assert_eq!(why(false, PERM, &switch), Refusal::Switch);

        let apparmor = "proc/sys/kernel/apparmor_restrict_unprivileged_userns";
        for (made, errno) in [(true, PERM), (true, Errno::ACCESS), (false, Errno::ACCESS)] {
            assert_eq!(why(made, errno, &[(apparmor, "1\n")]), Refusal::AppArmor);
            assert_eq!(why(made, errno, &[(apparmor, "0\n")]), Refusal::Unknown);
            let profile = [
                (apparmor, "1\n"),
                (
                    "proc/self/attr/apparmor/current",
                    "docker-default (enforce)\n",
                ),
            ];
            let confined = Refusal::Profile("docker-default".to_owned());
            assert_eq!(why(made, errno, &profile), confined);
        }
        // A container's filter on such a host: its namespaces would not even be made.
        assert_eq!(why(false, PERM, &[(apparmor, "1\n")]), Refusal::Unknown);

        let chroot = [("proc/self/mountinfo", "30 27 0:1 / /proc rw - proc p rw\n")];
        for errno in [PERM, Errno::INVAL] {
            assert_eq!(why(false, errno, &chroot), Refusal::Chroot);
        }

        let filter = [("proc/self/status", "Name:\tx\nSeccomp:\t2\n")];
        assert_eq!(why(false, PERM, &filter), Refusal::Filter);
        assert_eq!(why(true, PERM, &filter), Refusal::Filter);
        assert_eq!(why(false, Errno::NOSYS, &filter), Refusal::Filter);

        let selinux = [("sys/fs/selinux/enforce", "1")];
        assert_eq!(why(false, Errno::ACCESS, &selinux), Refusal::SeLinux);
        assert_eq!(why(false, PERM, &selinux), Refusal::Unknown);
        assert_eq!(why(false, PERM, &[]), Refusal::Unknown);
    }

    #[test]
    fn a_kernel_without_user_namespaces_is_recognised() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Files(dir.path()).why(false, Errno::INVAL), Refusal::Kernel);
    }
}
