//! The network of a room: none, one of its own, or the host's.

use std::fs;

use crate::support::rooms::{in_both, room, said};

/// `ip` is in a directory that an ordinary user may not have on the search path.
const IP: &str = "PATH=$PATH:/sbin:/usr/sbin ip";

#[test]
fn a_sealed_room_has_only_a_loopback_that_is_down() {
    in_both(|| {
        let sealed = room().sealed();
        let devices = said(&sealed, "tail -n +3 /proc/net/dev; cat /proc/net/route");
        let names = devices.lines().filter_map(|line| line.split_once(':'));
        let names: Vec<_> = names.map(|(name, _)| name.trim()).collect();
        assert_eq!(names, ["lo"]);
        let shown = said(&sealed, &format!("{IP} link show lo"));
        assert!(shown.contains("state DOWN"), "{shown}");
    });
}

#[test]
fn a_room_with_its_own_network_has_a_loopback_that_works() {
    in_both(|| {
        let shown = said(&room().own_network(), &format!("{IP} -o addr show"));
        assert!(shown.contains("127.0.0.1/8"), "{shown}");
        assert!(shown.lines().all(|line| line.contains(" lo ")), "{shown}");
    });
}

#[test]
fn an_open_room_has_the_hosts_network() {
    in_both(|| {
        let here = fs::read_link("/proc/self/ns/net").unwrap();
        let there = said(&room(), "readlink /proc/self/ns/net");
        assert_eq!(there.trim(), here.to_str().unwrap());
    });
}
