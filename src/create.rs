//! The online flow: from a shell file to a bundle that is known to open.

use std::path::PathBuf;

use crate::bundle::manifest::Proof;
use crate::error::{Error, Result};
use crate::nix::command::Selection;
use crate::rehearse::{self, Task};
use crate::report::Report;
use crate::room::Room;

mod closure;
mod pack;
mod pins;
pub mod plan;
mod project;
mod shell;
pub mod summary;
pub mod write;

use closure::Closure;
use plan::Plan;
use shell::Shell;
use summary::Summary;
use write::Output;

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The shell file, or the directory that it is in.
    pub file: PathBuf,
    /// Attribute and arguments.
    pub selection: Selection,
    /// `-I` options.
    pub include: Vec<String>,
    /// Files to carry although evaluation does not read them.
    pub extra_files: Vec<PathBuf>,
    /// The bundle's name, if not the directory's.
    pub name: Option<String>,
    /// Where the bundle goes, if not to `NAME.shellpack`.
    pub output: Option<Output>,
    /// Whether an existing output is replaced.
    pub force: bool,
    /// zstd's compression level.
    pub level: i32,
    /// How many segments are compressed at a time.
    pub jobs: usize,
    /// Whether to rehearse.
    pub rehearsal: bool,
    /// Whether to stop before writing.
    pub dry_run: bool,
}

/// Packs a shell. When this returns, the bundle is on the disk, complete and proved.
pub fn create(options: &Options, report: &Report) -> Result<Summary> {
    ensure_rehearsal_possible(options)?;
    let shell = shell::evaluate(options, report)?;
    let output = output(options, &shell)?;
    let closure = closure::collect(&shell, report)?;
    let proof = rehearse(options, &shell, &closure, report)?;
    let plan = Plan::new(&shell, &closure, proof)?;
    if options.dry_run {
        return Ok(Summary::of_plan(plan, &output));
    }
    let settings = pack::Settings {
        level: options.level,
        jobs: options.jobs,
    };
    let unnamed = write::write(&plan, &output, &settings, report)?;
    unnamed.read_back(options.jobs, report)?;
    let written = unnamed.publish(report)?;
    Ok(Summary::of_bundle(plan, written))
}

/// Before minutes of building, not after.
fn ensure_rehearsal_possible(options: &Options) -> Result<()> {
    if options.rehearsal {
        Room::ensure_possible()
    } else {
        Ok(())
    }
}

/// The output, refused where writing it would do harm.
fn output(options: &Options, shell: &Shell) -> Result<Output> {
    let default = || Output::File {
        path: PathBuf::from(format!("{}.shellpack", shell.name)),
        force: options.force,
    };
    let output = options.output.clone().unwrap_or_else(default);
    if let Output::File { path, force } = &output {
        if !force && path.symlink_metadata().is_ok() {
            return Err(Error::OutputExists { path: path.clone() });
        }
        let dir = std::fs::canonicalize(write::parent(path))
            .map_err(Error::io("write to", write::parent(path)))?;
        if let Some(tree) = shell
            .project
            .copied
            .iter()
            .find(|tree| dir.starts_with(tree))
        {
            return Err(Error::OutputInSource {
                path: path.clone(),
                tree: tree.clone(),
            });
        }
    }
    Ok(output)
}

fn rehearse(options: &Options, shell: &Shell, closure: &Closure, report: &Report) -> Result<Proof> {
    if !options.rehearsal {
        return Ok(Proof::unproved());
    }
    let is_copy = |source: &&_| {
        closure.paths.iter().any(|info| {
            info.path == **source
                && info
                    .ca
                    .as_deref()
                    .is_some_and(|ca| ca.starts_with("fixed:"))
        })
    };
    let task = Task {
        store: shell.nix.store.clone(),
        paths: closure.paths.clone(),
        copied_sources: shell
            .derivation
            .input_sources
            .iter()
            .filter(is_copy)
            .cloned()
            .collect(),
        shell: plan::manifest_shell(shell, closure)?,
        project: PathBuf::new(),
    };
    rehearse::carried(
        &shell.nix,
        task,
        &shell.project.entries,
        &shell.project.root,
        report,
    )
}
