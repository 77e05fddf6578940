//! Places outside of the project, as a bundle names them: they differ between machines.

use std::path::{Component, Path};

use shellpack_format::bundle::manifest::{HOME_PLACE, PROJECT_PLACE};

/// The names of a place: in the home directory or from the root, and from the project if it is
/// near. A shell may come to it by any of these ways.
pub(super) fn of(path: &Path, project: &Path) -> Vec<String> {
    let home = std::env::var_os("HOME").unwrap_or_default();
    names(path, project, Path::new(&home))
}

fn names(path: &Path, project: &Path, home: &Path) -> Vec<String> {
    let Some(text) = path.to_str() else {
        return Vec::new();
    };
    let in_home = path.strip_prefix(home).ok().and_then(Path::to_str);
    let first = match in_home.filter(|_| home.parent().is_some()) {
        Some("") => format!("{HOME_PLACE}/."),
        Some(rest) => format!("{HOME_PLACE}/{rest}"),
        None => text.to_owned(),
    };
    let near = from_project(path, project).map(|rest| format!("{PROJECT_PLACE}/{rest}"));
    [first].into_iter().chain(near).collect()
}

/// The relative path from the project, if the two have a directory in common besides the root.
fn from_project(path: &Path, project: &Path) -> Option<String> {
    let common = project.ancestors().find(|dir| path.starts_with(dir))?;
    common.parent()?;
    let up = project.strip_prefix(common).ok()?.components();
    let down = path.strip_prefix(common).ok()?.components();
    let mut parts: Vec<_> = up.map(|_| "..").collect();
    for part in down {
        let Component::Normal(part) = part else {
            return None;
        };
        parts.push(part.to_str()?);
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_named_by_every_way_to_them() {
        for (path, expected) in [
            ("/etc/x", vec!["/etc/x"]),
            ("/home/a/.x", vec!["@home@/.x", "@project@/../../.x"]),
            ("/home/a", vec!["@home@/.", "@project@/../.."]),
            ("/home/b/x", vec!["/home/b/x", "@project@/../../../b/x"]),
        ] {
            let names = names(
                Path::new(path),
                Path::new("/home/a/w/p"),
                Path::new("/home/a"),
            );
            assert_eq!(names, expected);
        }
    }
}
