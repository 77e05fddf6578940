//! Brings up the loopback interface, which every network namespace has, but down.
//!
//! One message to the kernel does it (`rtnetlink(7)`): `ip`, which could do it as well, is missing
//! from small machines.

use std::fs::File;
use std::io::{self, Read as _, Write as _};

use rustix::net::{AddressFamily, SocketType, socket};

use super::report::StageFailure;

/// The loopback is the first interface of every namespace.
const INDEX: u32 = 1;
/// The interface flag for "up".
const UP: u32 = 1;
/// The message's type, and the flags for a request with an answer.
const NEW_LINK: u16 = 16;
const REQUEST_ANSWERED: u16 = 1 | 4;
/// The type of the answer: an error number, or 0.
const ANSWER: u16 = 2;

pub(super) fn raise() -> Result<(), StageFailure> {
    exchange().map_err(StageFailure::during("bringing up the loopback interface"))
}

fn exchange() -> io::Result<()> {
    let socket = socket(AddressFamily::NETLINK, SocketType::RAW, None)?;
    let mut kernel = File::from(socket);
    kernel.write_all(&request())?;
    let mut answer = [0; 256];
    let length = kernel.read(&mut answer)?;
    errno(&answer[..length])
}

/// A header, and the interface with the flag to change.
fn request() -> [u8; 32] {
    let mut message = [0; 32];
    let length = u32::try_from(message.len()).unwrap_or_default();
    message[0..4].copy_from_slice(&length.to_ne_bytes());
    message[4..6].copy_from_slice(&NEW_LINK.to_ne_bytes());
    message[6..8].copy_from_slice(&REQUEST_ANSWERED.to_ne_bytes());
    message[20..24].copy_from_slice(&INDEX.to_ne_bytes());
    message[24..28].copy_from_slice(&UP.to_ne_bytes());
    message[28..32].copy_from_slice(&UP.to_ne_bytes());
    message
}

/// The error in an answer: behind a header of 16 bytes, negative.
fn errno(answer: &[u8]) -> io::Result<()> {
    let (Some(kind), Some(number)) = (answer.get(4..6), answer.get(16..20)) else {
        return Err(io::Error::other("the kernel's answer is cut short"));
    };
    if kind != ANSWER.to_ne_bytes() {
        return Err(io::Error::other("the kernel answers something else"));
    }
    match i32::from_ne_bytes(number.try_into().unwrap_or_default()) {
        0 => Ok(()),
        number => Err(io::Error::from_raw_os_error(-number)),
    }
}
