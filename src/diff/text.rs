//! Differences in words.

use super::names::Names;
use super::pins::{PinLine, Pins};
use super::side::Summary;
use super::{Diff, Package, Part};
use crate::report::{Labelled, count, human};

impl Diff {
    /// As text: a line for each package.
    pub(crate) fn text(&self) -> String {
        let mut text = Labelled::default();
        text.line("old", &side(&self.old));
        text.line("new", &side(&self.new));
        if self.old.store != self.new.store {
            let (old, new) = (&self.old.store, &self.new.store);
            text.line("store", &format!("{old} → {new}"));
        }
        for (label, packages) in [
            ("changed", &self.changed),
            ("rebuilt", &self.rebuilt),
            ("added", &self.added),
            ("removed", &self.removed),
        ] {
            if !packages.is_empty() {
                text.list(label, packages.iter().map(Package::line), "");
            }
        }
        for (label, names) in [("files", &self.files), ("shells", &self.shells)] {
            let lines = names.as_ref().map(Names::lines).unwrap_or_default();
            if !lines.is_empty() {
                text.list(label, lines.into_iter(), "");
            }
        }
        let pins = self.pins.as_ref().filter(|pins| !pins.is_empty());
        if let Some(pins) = pins {
            text.list("pins", pins.lines(), "");
        }
        let lists = [&self.changed, &self.rebuilt, &self.added, &self.removed];
        if lists.iter().all(|packages| packages.is_empty()) {
            text.line("same", "all store paths");
        } else {
            text.line("net", &net(self.old.nar_bytes, self.new.nar_bytes));
        }
        text.finish()
    }
}

fn side(summary: &Summary) -> String {
    let (paths, bytes) = (count(summary.paths, "path"), human(summary.nar_bytes));
    format!("{}: {paths}, {bytes}", summary.argument)
}

/// More or fewer bytes.
fn net(old: u64, new: u64) -> String {
    let sign = if new < old { "-" } else { "+" };
    format!("{sign}{}", human(new.abs_diff(old)))
}

impl Package {
    fn line(&self) -> String {
        let (old, new) = (&self.old, &self.new);
        let arrow = |one: String, other: String| {
            if one == other || other.is_empty() {
                one
            } else if one.is_empty() {
                other
            } else {
                format!("{one} → {other}")
            }
        };
        let versions = arrow(old.versions(), new.versions());
        let bytes = arrow(old.bytes(), new.bytes());
        let space = if versions.is_empty() { "" } else { " " };
        let (name, outputs) = (&self.name, outputs(old, new));
        format!("{name}{space}{versions}{outputs}: {bytes}")
    }
}

impl Part {
    fn versions(&self) -> String {
        let are_some = self.versions.iter().any(|version| !version.is_empty());
        let shown = |version: &String| match version.as_str() {
            "" => "no version".to_owned(),
            version => version.to_owned(),
        };
        let all = self.versions.iter().filter(|_| are_some).map(shown);
        all.collect::<Vec<_>>().join(", ")
    }

    fn bytes(&self) -> String {
        match self.paths.len() {
            0 => String::new(),
            _ => human(self.nar_bytes),
        }
    }
}

/// The outputs, unless it is only the usual one. Of a package that is on both sides, those that come or go
/// are told.
fn outputs(old: &Part, new: &Part) -> String {
    let is_on_both = !old.outputs.is_empty() && !new.outputs.is_empty();
    let words = |outputs: Vec<&String>, what: &str| -> Vec<_> {
        let names = outputs.into_iter().map(|output| match output.as_str() {
            "" => "out",
            output => output,
        });
        names.map(|name| format!("{name}{what}")).collect()
    };
    let words = if is_on_both {
        let (old, new) = (&old.outputs, &new.outputs);
        [
            words(old.intersection(new).collect(), ""),
            words(new.difference(old).collect(), " added"),
            words(old.difference(new).collect(), " removed"),
        ]
        .concat()
    } else {
        words(old.outputs.union(&new.outputs).collect(), "")
    };
    match &words[..] {
        [only] if only == "out" => String::new(),
        several => format!(" ({})", several.join(", ")),
    }
}

impl Pins {
    fn lines(&self) -> impl Iterator<Item = String> {
        let changed = self.changed.iter();
        let changed = changed.map(|[old, new]| format!("{} {} → {}", old.place(), old.at, new.at));
        let line =
            |what: &'static str| move |pin: &PinLine| format!("{what} {} {}", pin.place(), pin.at);
        changed
            .chain(self.added.iter().map(line("added")))
            .chain(self.removed.iter().map(line("removed")))
    }
}
