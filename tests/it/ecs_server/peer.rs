//! The process at the other end of a connection of this machine, and signals for it.

use std::fs;
use std::net::SocketAddr;

use rustix::process::{Pid, Signal, kill_process};

/// The id of the process whose socket that is.
pub fn process_of(peer: SocketAddr, server: SocketAddr) -> Option<Pid> {
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let inode = table.lines().skip(1).find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let port = |address: &str| u16::from_str_radix(address.rsplit(':').next()?, 16).ok();
        let same = port(words.get(1)?)? == peer.port() && port(words.get(2)?)? == server.port();
        same.then(|| words.get(9).map(ToString::to_string))?
    })?;
    let wanted = format!("socket:[{inode}]");
    let holds = |process: &fs::DirEntry| {
        let open = fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten();
        open.filter_map(|file| fs::read_link(file.path()).ok()).any(|link| link.as_os_str() == wanted.as_str())
    };
    let mut processes = fs::read_dir("/proc").ok()?.flatten();
    let found =
        processes.find(|process| process.file_name().to_string_lossy().parse::<i32>().is_ok() && holds(process));
    Pid::from_raw(found?.file_name().to_str()?.parse().ok()?)
}

/// Sends a signal there, and lets it arrive.
pub fn send(peer: SocketAddr, server: SocketAddr, signal: Signal) {
    let process = process_of(peer, server).unwrap_or_else(|| panic!("nobody holds the other end, {peer}"));
    assert_ne!(Some(process), Pid::from_raw(i32::try_from(std::process::id()).unwrap()), "the test itself");
    kill_process(process, signal).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(30));
}
