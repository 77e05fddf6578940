//! Manifests that say what cannot be or must not be.

#[path = "../../../../tests/hostile/manifests/answers.rs"]
mod answers;
#[path = "../../../../tests/hostile/manifests/closure.rs"]
mod closure;
#[path = "../../../../tests/hostile/manifests/frame.rs"]
mod frame;
#[path = "../../../../tests/hostile/manifests/names.rs"]
mod names;
#[path = "../../../../tests/hostile/manifests/project.rs"]
mod project;
#[path = "../../../../tests/hostile/manifests/scripts.rs"]
mod scripts;
#[path = "../../../../tests/hostile/manifests/shells.rs"]
mod shells;
