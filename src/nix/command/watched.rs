//! A process of Nix that hears Ctrl-C. Nix looks for it only now and then, and never while an expression
//! computes.

use std::process::Child;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::Builder;
use std::time::Duration;

use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::interrupt;

/// How long Nix may take to end by itself.
const GRACE: Duration = Duration::from_millis(500);

/// Watches a process for as long as this value lives. After Ctrl-C, or another signal that ends this
/// program, the process gets the signal, too, and is killed if it does not end.
#[must_use]
#[derive(Debug)]
pub(super) struct Watch(#[expect(dead_code, reason = "its end is the message")] Option<Sender<()>>);

impl Watch {
    pub(super) fn over(child: &Child) -> Self {
        // Without it, from before Linux 5.3, or without a thread, the process ends when it does.
        let process = Pid::from_child(child);
        let Ok(process) = pidfd_open(process, PidfdFlags::empty()) else {
            return Self(None);
        };
        let (sender, ended) = mpsc::channel::<()>();
        let is_over =
            move |patience| !matches!(ended.recv_timeout(patience), Err(RecvTimeoutError::Timeout));
        let watching = Builder::new().spawn(move || watch(&process, &is_over));
        Self(watching.ok().map(|_| sender))
    }
}

fn watch(process: &OwnedFd, is_over: &dyn Fn(Duration) -> bool) {
    while interrupt::ensure_none().is_ok() {
        if is_over(interrupt::PATIENCE) {
            return;
        }
    }
    // It may have ended by now.
    let _ = pidfd_send_signal(process, Signal::INT);
    if !is_over(GRACE) {
        let _ = pidfd_send_signal(process, Signal::KILL);
    }
}
