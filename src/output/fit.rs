//! Whether a bundle fits into a place, decided from the properties of its medium.

use std::path::Path;

use super::cutter::Cut;
use super::{OutputFiles, Replaces, SingleFile};
use crate::error::{BadOutput, Result};
use crate::media::Medium;
use crate::media::volumes::{VolumeSize, parent};
use crate::parity::Geometry;
use crate::report::human;

impl OutputFiles {
    /// The reason why the place has no room for a bundle of at least this many bytes, and an
    /// existing parity file of `parity` bytes.
    pub(super) fn refusal(&self, medium: &Medium, least: u64, parity: u64) -> Option<BadOutput> {
        // Without cuts, it is one file.
        let largest = match (self.volume_size, self.replaces) {
            (Some(size), _) => size.bytes(),
            (None, Replaces::Joined) => least,
            (None, _) => 0,
        };
        if let Some(most) = medium.largest_file().filter(|most| largest > *most) {
            return Some(BadOutput::TooLarge {
                path: self.path.clone(),
                size: human(largest),
                file_system: medium.name(),
                most: human(most),
            });
        }
        let share = self.parity.filter(|_| least > 0);
        let parity = share.map_or(parity, |share| {
            Geometry::of_bundle(least, share).parity_size()
        });
        let refusal = refusal_of_parity(&self.path, medium, parity);
        refusal.or_else(|| no_room(&self.path, medium, least.saturating_add(parity)))
    }

    /// Refuses an executable bundle in volumes of which the first does not hold its first `least`
    /// bytes: header, program and manifest. `size` is that of the volumes, if there are any. The header
    /// can read nothing but its own file.
    pub(crate) fn ensure_first_holds(&self, size: Option<VolumeSize>, least: u64) -> Result<()> {
        match size.filter(|size| size.bytes() < least) {
            Some(size) => Err(BadOutput::TooSmallToOpenItself {
                path: self.path.clone(),
                size: size.to_string(),
                least: human(least),
            }
            .into()),
            None => Ok(()),
        }
    }

    /// Refuses parity of this many bytes if there is no room for it beside the finished bundle.
    pub(super) fn ensure_takes_parity(&self, size: u64) -> Result<()> {
        ensure_takes_parity(&self.path, size)
    }

    /// The places of cuts for this medium.
    pub(super) fn cut(&self, medium: &Medium) -> Cut {
        match (self.volume_size, self.replaces) {
            (Some(size), _) => Cut::Always(size),
            (None, Replaces::Joined) => Cut::Never,
            (None, _) => Cut::IfTooLarge(medium.largest_file()),
        }
    }
}

impl SingleFile {
    /// Refuses a parity file of this many bytes if there is no room for it.
    pub(crate) fn ensure_takes_parity(&self, size: u64) -> Result<()> {
        ensure_takes_parity(&self.path, size)
    }
}

/// The error for the bundle or the parity file of this name.
fn ensure_takes_parity(path: &Path, size: u64) -> Result<()> {
    let medium = Medium::writable(parent(path))?;
    let refusal = refusal_of_parity(path, &medium, size);
    let refusal = refusal.or_else(|| no_room(path, &medium, size));
    refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
}

/// The error for a file that is too large.
fn refusal_of_parity(path: &Path, medium: &Medium, size: u64) -> Option<BadOutput> {
    let most = medium.largest_file().filter(|most| size > *most)?;
    Some(BadOutput::TooMuchParity {
        path: path.to_owned(),
        size: human(size),
        file_system: medium.name(),
        most: human(most),
    })
}

fn no_room(path: &Path, medium: &Medium, needed: u64) -> Option<BadOutput> {
    let free = medium.too_small_for(needed)?;
    Some(BadOutput::NoRoom {
        path: path.to_owned(),
        needed: human(needed),
        free: human(free),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::FileSystem;
    use crate::output::ReadBack;

    const GIB: u64 = 1 << 30;

    fn medium(file_system: FileSystem) -> Medium {
        Medium {
            file_system: Some(file_system),
            free: Some(16 * GIB),
            is_read_only: false,
            is_removable: Some(true),
        }
    }

    fn output(volume_size: Option<&str>, replaces: Replaces) -> OutputFiles {
        OutputFiles {
            path: "x".into(),
            force: false,
            volume_size: volume_size.map(|size| size.parse().unwrap()),
            checksum: false,
            parity: None,
            keeps_parts: false,
            read_back: ReadBack::Never,
            replaces,
        }
    }

    fn said(output: &OutputFiles, file_system: FileSystem, least: u64) -> Option<String> {
        let refusal = output.refusal(&medium(file_system), least, 0);
        refusal.map(|refusal| refusal.to_string())
    }

    #[test]
    fn a_stick_takes_a_large_bundle_in_volumes() {
        let (plain, joined) = (Replaces::All, Replaces::Joined);
        for (volume_size, replaces, refusal) in [
            (None, plain, None),
            (Some("fat32"), plain, None),
            (
                Some("dvd"),
                plain,
                Some("could not write x in files of 4.38 GiB: vfat allows files of up to 4.00 GiB"),
            ),
            (
                None,
                joined,
                Some("could not write x in files of 5.00 GiB: vfat allows files of up to 4.00 GiB"),
            ),
        ] {
            let output = output(volume_size, replaces);
            let vfat = said(&output, FileSystem::Vfat, 5 * GIB);
            assert_eq!(vfat.as_deref(), refusal);
            assert_eq!(said(&output, FileSystem::Exfat, 5 * GIB), None);
        }
    }

    #[test]
    fn what_has_no_room_is_refused_with_numbers() {
        let output = output(None, Replaces::All);
        assert_eq!(
            said(&output, FileSystem::Ext, 17 * GIB).unwrap(),
            "could not write x: it needs at least 17.00 GiB, and its file system has 16.00 GiB free"
        );
    }

    #[test]
    fn parity_takes_its_room_too() {
        let share = "100%".parse().ok();
        let output = OutputFiles {
            parity: share,
            ..output(Some("fat32"), Replaces::All)
        };
        let refused = |size| said(&output, FileSystem::Vfat, size).unwrap();
        assert!(refused(5 * GIB).starts_with("could not write so much parity for x"));
        assert_eq!(said(&output, FileSystem::Vfat, 3 * GIB), None);
        let exfat = said(&output, FileSystem::Exfat, 8 * GIB).unwrap();
        assert!(
            exfat.starts_with("could not write x: it needs at least 16."),
            "{exfat}"
        );
    }

    #[test]
    fn only_where_a_limit_is_known_is_it_cut_before_it_is_met() {
        let cut = |output: &OutputFiles, file_system| output.cut(&medium(file_system));
        let all = output(None, Replaces::All);
        let most = u64::from(u32::MAX);
        assert_eq!(cut(&all, FileSystem::Vfat), Cut::IfTooLarge(Some(most)));
        assert_eq!(cut(&all, FileSystem::Fuse), Cut::IfTooLarge(None));
        let joined = output(None, Replaces::Joined);
        assert_eq!(cut(&joined, FileSystem::Vfat), Cut::Never);
    }
}
