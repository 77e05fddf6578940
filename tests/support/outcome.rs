//! The output of a script on a machine, and how it ended.

use std::collections::BTreeMap;
use std::process::Output;

use serde_json::Value;

/// The end of a script. Every claim that does not hold shows all of what was printed.
#[derive(Debug)]
pub(crate) struct Outcome {
    script: String,
    code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    pub(crate) fn new(script: &str, output: &Output) -> Self {
        Self {
            script: script.to_owned(),
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        self.exits_with(0)
    }

    #[track_caller]
    pub(crate) fn exits_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Standard output is exactly this line.
    #[track_caller]
    pub(crate) fn prints(self, line: &str) -> Self {
        assert_eq!(self.stdout.trim_end_matches('\n'), line, "{self}");
        self
    }

    /// These words are somewhere in standard error.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.stderr.contains(words), "not said: {words}\n{self}");
        self
    }

    /// These words are somewhere in standard output.
    #[track_caller]
    pub(crate) fn shows(self, words: &str) -> Self {
        assert!(self.stdout.contains(words), "not shown: {words}\n{self}");
        self
    }

    /// These words are nowhere.
    #[track_caller]
    pub(crate) fn never_says(self, words: &str) -> Self {
        let said = self.stderr.contains(words) || self.stdout.contains(words);
        assert!(!said, "said: {words}\n{self}");
        self
    }

    /// Standard output without the end of its last line.
    #[track_caller]
    pub(crate) fn text(self) -> String {
        self.stdout.trim_end_matches('\n').to_owned()
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            script,
            code,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "$ {script}\nexit code {code:?}\n--- stdout\n{stdout}--- stderr\n{stderr}---"
        )
    }
}

/// `nix path-info --json` by path, without what each store has of its own: when a path came,
/// and whether it was built here. It is a list up to Nix 2.18, and by path since.
pub(crate) fn path_infos(json: &str) -> BTreeMap<String, Value> {
    let mut infos: BTreeMap<String, Value> = match serde_json::from_str(json).unwrap() {
        Value::Array(infos) => infos.into_iter().map(with_path).collect(),
        Value::Object(infos) => infos.into_iter().collect(),
        other => panic!("neither a list nor a map: {other}"),
    };
    for info in infos.values_mut() {
        for own in ["registrationTime", "ultimate"] {
            info.as_object_mut().unwrap().remove(own);
        }
    }
    infos
}

fn with_path(info: Value) -> (String, Value) {
    (info["path"].as_str().unwrap().to_owned(), info)
}
