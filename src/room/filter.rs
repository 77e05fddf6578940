//! A filter of system calls, for what no namespace hides: sockets of the host's virtual machines
//! (vsock), keyrings, and the ways around a filter.
//!
//! It is made by hand, since it must hold for each kind of program that the kernel runs: a filter for
//! one only would end a 32-bit shell, or let it pass.

use std::io;

use seccompiler::{apply_filter, sock_filter};

use super::report::StageFailure;

/// Load a word of the call's description, compare it, return.
const LOAD: u16 = 0x20;
const EQUAL: u16 = 0x15;
const AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

/// Places in the description: the number, the kind of program, the low half of the first argument.
const NUMBER: u32 = 0;
const KIND: u32 = 4;
const FIRST: u32 = if cfg!(target_endian = "little") {
    16
} else {
    20
};

const ALLOW: u32 = 0x7fff_0000;
/// The call fails with this error.
const FAIL: u32 = 0x0005_0000;
const EPERM: u32 = 1;
const ENOSYS: u32 = 38;
const EAFNOSUPPORT: u32 = 97;

/// The family of sockets between a virtual machine and its host.
const VSOCK: u32 = 40;
/// The first number of calls of x32, programs of 64 bits with addresses of 32.
const X32: u32 = 0x4000_0000;

/// A kind of program, and the numbers of its system calls.
struct Abi {
    kind: u32,
    /// Calls whose first argument is a family of sockets.
    socket: &'static [u32],
    /// Keyrings (`add_key`, `request_key`, `keyctl`), `bpf` and `perf_event_open`.
    denied: &'static [u32],
    /// Calls that programs do without: `io_uring_setup` makes sockets that no filter sees, and so does
    /// `socketcall` of old 32-bit programs.
    absent: &'static [u32],
    has_x32: bool,
}

const ABIS: [Abi; 4] = [
    // x86_64
    Abi {
        kind: 0xc000_003e,
        socket: &[41, 53],
        denied: &[248, 249, 250, 298, 321],
        absent: &[425],
        has_x32: true,
    },
    // i386
    Abi {
        kind: 0x4000_0003,
        socket: &[359, 360],
        denied: &[286, 287, 288, 336, 357],
        absent: &[102, 425],
        has_x32: false,
    },
    // aarch64
    Abi {
        kind: 0xc000_00b7,
        socket: &[198, 199],
        denied: &[217, 218, 219, 241, 280],
        absent: &[425],
        has_x32: false,
    },
    // arm
    Abi {
        kind: 0x4000_0028,
        socket: &[281, 288],
        denied: &[309, 310, 311, 364, 386],
        absent: &[102, 425],
        has_x32: false,
    },
];

/// Applies the filter to this process and all that it starts. Setuid programs get no rights any more.
pub(super) fn apply() -> Result<(), StageFailure> {
    apply_filter(&program())
        .map_err(|error| io::Error::other(error.to_string()))
        .map_err(StageFailure::during("filtering system calls"))
}

fn program() -> Vec<sock_filter> {
    let mut program = Vec::new();
    for abi in &ABIS {
        let own = of_abi(abi);
        program.push(statement(LOAD, KIND));
        // It ends in a return, so the next kind begins behind it.
        program.push(jump(
            EQUAL,
            abi.kind,
            0,
            u8::try_from(own.len()).unwrap_or(u8::MAX),
        ));
        program.extend(own);
    }
    program.push(statement(RETURN, ALLOW));
    program
}

fn of_abi(abi: &Abi) -> Vec<sock_filter> {
    let mut program = vec![statement(LOAD, NUMBER)];
    let fails = |program: &mut Vec<sock_filter>, compare, number, error| {
        program.push(jump(compare, number, 0, 1));
        program.push(statement(RETURN, FAIL | error));
    };
    if abi.has_x32 {
        fails(&mut program, AT_LEAST, X32, ENOSYS);
    }
    for number in abi.denied {
        fails(&mut program, EQUAL, *number, EPERM);
    }
    for number in abi.absent {
        fails(&mut program, EQUAL, *number, ENOSYS);
    }
    for number in abi.socket {
        program.push(jump(EQUAL, *number, 0, 4));
        program.push(statement(LOAD, FIRST));
        fails(&mut program, EQUAL, VSOCK, EAFNOSUPPORT);
        program.push(statement(RETURN, ALLOW));
    }
    program.push(statement(RETURN, ALLOW));
    program
}

fn statement(code: u16, k: u32) -> sock_filter {
    sock_filter {
        code,
        jt: 0,
        jf: 0,
        k,
    }
}

fn jump(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code, jt, jf, k }
}
