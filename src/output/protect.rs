//! Adds parity to freshly written files, while the system still has them in memory.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use super::cutter::Single;
use super::part::PartPlace;
use super::{BUFFER, FinishedFiles, OutputFiles};
use crate::error::{Error, Result};
use crate::media::volumes::parent;
use crate::parity::{self, Geometry, Identity, ParityFile, Remains, parity_name};
use crate::report::{Event, Phase, Report};
use crate::text::shown;
use shellpack_format::store::hash::Digest;

impl OutputFiles {
    /// Adds parity, if wanted.
    pub(crate) fn protect(
        &self,
        mut finished: FinishedFiles,
        manifest: Digest,
        report: &Report,
    ) -> Result<FinishedFiles> {
        let Some(share) = self.parity else {
            return Ok(finished);
        };
        report.emit(Event::Phase(Phase::Protect));
        let geometry = Geometry::of_bundle(finished.size, share);
        self.ensure_takes_parity(geometry.parity_size())?;
        let mut file = self.begin_parity()?;
        let volume = finished.cut_at.unwrap_or(u64::MAX);
        parity::write(
            &Remains::of_parts(&finished.paths(), volume, finished.size),
            &geometry,
            Identity {
                bundle: finished.digest,
                manifest,
            },
            &mut file,
            [&self.path, &parity_name(&self.path)],
            report,
        )?;
        let name = parity_name(&self.path);
        finished.parity = Some(file.complete().map_err(Error::io("write", name))?);
        Ok(finished)
    }

    /// Adds a copy of the original bundle's parity file.
    pub(crate) fn carry(
        &self,
        mut finished: FinishedFiles,
        parity: &Path,
        report: &Report,
    ) -> Result<FinishedFiles> {
        let found = ParityFile::open(parity, report).and_then(|found| found.read(report));
        let is_good =
            |found: &ParityFile| found.is_whole() && found.identity.bundle == finished.digest;
        if !found.is_ok_and(|found| is_good(&found)) {
            report.emit(Event::Warning(&format!(
                "{} is damaged, or belongs to another bundle, and is not copied; make it again with shellpack protect",
                shown(parity)
            )));
            return Ok(finished);
        }
        let mut file = self.begin_parity()?;
        let name = parity_name(&self.path);
        let mut from = File::open(parity).map_err(Error::io("read", parity))?;
        let mut buffer = vec![0; BUFFER];
        loop {
            report.ensure_not_interrupted()?;
            let n = from.read(&mut buffer).map_err(Error::io("read", parity))?;
            if n == 0 {
                break;
            }
            file.write_all(&buffer[..n])
                .map_err(Error::io("write", &name))?;
        }
        finished.parity = Some(file.complete().map_err(Error::io("write", name))?);
        Ok(finished)
    }

    fn begin_parity(&self) -> Result<Single> {
        let dir = parent(&self.path);
        Single::begin(&PartPlace::new(dir, None)).map_err(Error::io("create a file in", dir))
    }
}
