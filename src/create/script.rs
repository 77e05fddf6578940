//! Scripts that nix-shell is the interpreter of. Their `#! nix-shell` lines say which shell they run in.
//!
//! If that shell is a file, the script is one more file of its project. If it is only packages or an
//! expression, the project is a directory that has the expression in a file, and the script beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::hook_files::mentioned;
use super::project::repository;
use super::staged::copy_tree;
use super::subject::{EXPRESSIONS, Subject, has_relative_path, with_real_directory};
use crate::error::{Error, NoShell, Result};
use crate::nix::Nix;
use crate::nix::script::Lines;
use crate::redact;
use crate::rehearse::visit::{GIT, bounded};
use shellpack_format::bundle::manifest::selection::Selection;

/// A script to pack.
#[derive(Debug, Clone)]
pub(super) struct Script {
    /// The script: absolute, with the symlinks on the way to it resolved.
    pub(super) file: PathBuf,
    /// Its lines.
    pub(super) lines: Rc<Lines>,
    /// The shell that they name.
    shell: Subject,
}

/// A shell and its script, as files.
#[derive(Debug)]
pub(super) struct Located {
    /// The shell file.
    pub(super) shell: PathBuf,
    /// The script, in the same project.
    pub(super) script: PathBuf,
    /// The file that a link to the script leads to.
    pub(super) behind: Option<PathBuf>,
}

impl Script {
    /// The script that is named, if it is one: a file with `#! nix-shell` lines that is not called
    /// `.nix`.
    pub(super) fn of(subject: &Subject) -> Result<Option<Self>> {
        let Some(named) = subject.file().filter(|named| is_candidate(named)) else {
            return Ok(None);
        };
        // A binary file is no script.
        let text = fs::read(named).map_err(Error::io("read", named))?;
        let lines = Lines::of(&String::from_utf8_lossy(&text));
        if lines == Lines::default() {
            return Ok(None);
        }
        let file = with_real_directory(named)?;
        let shell = shell_of(&lines, &file);
        let lines = Rc::new(lines);
        Ok(Some(Self { file, lines, shell }))
    }

    /// Whether its shell is a file of its project.
    pub(super) fn is_in_project(&self) -> bool {
        self.shell.is_in_project()
    }

    /// The expression in its lines, if that has a path which starts from the script.
    fn relative_expression(&self) -> Option<String> {
        let texts = match &self.shell {
            Subject::Packages(packages) => &packages[..],
            Subject::Expression(text) => std::slice::from_ref(text),
            _ => &[],
        };
        let arguments = self.lines.selection.arguments.iter();
        let arguments = arguments.filter(|argument| !argument.string);
        let arguments = arguments.map(|argument| &argument.value);
        let mut all = texts.iter().chain(arguments);
        all.find(|text| has_relative_path(text)).cloned()
    }

    /// The shell file that its lines name.
    pub(super) fn locate(&self, nix: &Nix) -> Result<Located> {
        Ok(Located {
            shell: self.shell.locate(Path::new(""), nix)?,
            script: self.file.clone(),
            behind: fs::canonicalize(&self.file)
                .ok()
                .filter(|real| *real != self.file),
        })
    }

    /// The selections of `create`, in what the lines select.
    pub(super) fn selected(&self, selection: &Selection) -> Selection {
        let own = &self.lines.selection;
        let attribute = selection.attribute.clone();
        Selection {
            attribute: attribute.or_else(|| own.attribute.clone()),
            arguments: [&own.arguments[..], &selection.arguments].concat(),
            settings: selection.settings.clone(),
        }
    }
}

fn is_candidate(named: &Path) -> bool {
    let is_nix = named
        .extension()
        .is_some_and(|extension| extension == "nix");
    !is_nix && named.is_file()
}

/// The shell that the lines of a script name. Files are relative to the script.
fn shell_of(lines: &Lines, script: &Path) -> Subject {
    if let Some(packages) = &lines.packages {
        return Subject::Packages(packages.clone());
    }
    let directory = script.parent().unwrap_or(script);
    match &lines.named {
        Some(text) if lines.is_expression => Subject::Expression(text.clone()),
        Some(named) => match Subject::named(named.into()) {
            Subject::File(named) => Subject::File(directory.join(named)),
            other => other,
        },
        // nix-shell prefers shell.nix there, whatever its version.
        None => {
            let own = directory.join("shell.nix");
            let found = if own.is_file() { &own } else { directory };
            Subject::File(found.to_owned())
        }
    }
}

/// The settings of Nix in the lines of scripts. Those of one hold for all shells of a bundle.
pub(super) fn settings(subjects: &[Subject]) -> Result<Vec<(String, String)>> {
    let mut all = Vec::new();
    for subject in subjects {
        let script = Script::of(subject)?;
        all.extend(
            script
                .into_iter()
                .flat_map(|script| script.lines.settings.clone()),
        );
    }
    Ok(all)
}

/// The directory of a project that scripts are copied to, because their shells are in no file.
#[derive(Debug)]
pub(super) struct Stage {
    directory: PathBuf,
    /// The directory that has all scripts.
    base: PathBuf,
}

impl Stage {
    /// A stage in `scratch` for these scripts, at least one.
    pub(super) fn new(scripts: &[&Script], scratch: &Path) -> Result<Self> {
        let directories = scripts.iter().filter_map(|script| script.file.parent());
        let base = directories.fold(None, |base: Option<&Path>, directory| match base {
            None => Some(directory),
            Some(base) => base.ancestors().find(|base| directory.starts_with(base)),
        });
        let base = base.unwrap_or(Path::new("/"));
        // A file beside the script may import one from above.
        let base = repository(base).unwrap_or(base);
        let name = scripts[0].file.file_stem().unwrap_or_default();
        let directory = scratch.join(EXPRESSIONS).join(name);
        fs::create_dir_all(&directory).map_err(Error::io("create", &directory))?;
        let stage = Self {
            directory: fs::canonicalize(&directory).map_err(Error::io("find", &directory))?,
            base: base.to_owned(),
        };
        redact::copy_of(&stage.directory, &stage.base);
        stage.add_surroundings(scripts)?;
        stage.add_repository()?;
        Ok(stage)
    }

    /// Copies all that is beside the scripts, if that is not too large: a script may read it, and the
    /// expression in its lines may name it. The bundle will have what they read and mention.
    fn add_surroundings(&self, scripts: &[&Script]) -> Result<()> {
        let copied = bounded(&self.base, &self.directory);
        if copied.map_err(Error::io("copy", &self.base))? {
            return Ok(());
        }
        for script in scripts {
            if let Some(expression) = script.relative_expression() {
                let script = script.file.clone();
                return Err(NoShell::RelativeInScript { script, expression }.into());
            }
        }
        // A part of it would be carried by chance.
        let directory = &self.directory;
        fs::remove_dir_all(directory).map_err(Error::io("remove", directory))?;
        fs::create_dir(directory).map_err(Error::io("create", directory))?;
        for script in scripts {
            let own = script.file.parent().unwrap_or(&script.file);
            let text = fs::read(&script.file).map_err(Error::io("read", &script.file))?;
            let text = String::from_utf8_lossy(&text).into_owned();
            let mentioned = mentioned::files(&[text], own, &self.base);
            for file in mentioned.iter().filter(|file| file.is_file()) {
                self.copy(file)?;
            }
        }
        Ok(())
    }

    /// Lets git answer for the copies as for the originals: only files that it tracks are carried
    /// unasked.
    fn add_repository(&self) -> Result<()> {
        let git = self.base.join(GIT);
        let place = if git.is_dir() {
            git.clone()
        } else if let Ok(text) = fs::read_to_string(&git) {
            // A work tree or a submodule.
            self.base.join(text.trim_start_matches("gitdir:").trim())
        } else {
            return Ok(());
        };
        let link = self.directory.join(GIT);
        let text = format!("gitdir: {}\n", place.to_string_lossy());
        fs::write(&link, text).map_err(Error::io("write", &link))
    }

    /// Copies the script, and writes the expression of its shell beside it.
    pub(super) fn add(&self, script: &Script, nix: &Nix) -> Result<Located> {
        let copy = self.copy(&script.file)?;
        // Of a link, what it leads to: that may be elsewhere.
        if copy.is_symlink() {
            fs::remove_file(&copy).map_err(Error::io("replace", &copy))?;
            fs::copy(&script.file, &copy).map_err(Error::io("copy", &script.file))?;
        }
        let mut shell = copy.with_extension("nix");
        if shell.exists() {
            let stem = copy.file_stem().unwrap_or_default().to_string_lossy();
            shell.set_file_name(format!("{stem}-shell.nix"));
        }
        let text = script.shell.text(nix)?;
        fs::write(&shell, text + "\n").map_err(Error::io("write", &shell))?;
        Ok(Located {
            shell,
            script: copy,
            behind: None,
        })
    }

    /// Copies a file or a directory to the stage, and returns its copy.
    pub(super) fn copy(&self, file: &Path) -> Result<PathBuf> {
        let absolute = with_real_directory(file)?;
        let below = absolute.strip_prefix(&self.base);
        let below = below.map_err(|_| Error::OutsideProject {
            file: file.to_owned(),
            limit: self.base.clone(),
        })?;
        let copy = self.directory.join(below);
        if copy.symlink_metadata().is_ok() {
            return Ok(copy);
        }
        let parent = copy.parent().unwrap_or(&copy);
        fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        copy_tree(&absolute, &copy)?;
        Ok(copy)
    }
}
