//! `shellpack man`.

use std::fs;

use crate::cli::man::{self, Pages};
use crate::cli::stdout::{is_terminal, print};
use crate::error::{Error, Result};
use crate::report::{Event, Report};

pub(super) fn run(command: &Pages, report: &Report) -> Result<()> {
    let Some(dir) = &command.dir else {
        print(&command.page().text)?;
        if is_terminal() {
            report.emit(Event::Note("to read this page: shellpack man | man -l -"));
        }
        return Ok(());
    };
    fs::create_dir_all(dir).map_err(Error::io("make", dir))?;
    for page in man::all() {
        let path = dir.join(page.file);
        fs::write(&path, page.text).map_err(Error::io("write", &path))?;
    }
    Ok(())
}
