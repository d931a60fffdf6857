//! The umask: what the system takes from the mode of every file and folder we and our children make.
//!
//! Set once, before anything else, so that no place that writes a file has to think of it. What is secret is made
//! with mode 0600 besides, whatever the umask.

use std::sync::OnceLock;

use rustix::fs::Mode;
use rustix::process::umask;

/// As whoever started us had it.
static INHERITED: OnceLock<Mode> = OnceLock::new();

/// From here on nobody but its owner may write to what is made. What the umask took away before it still takes.
pub fn restrict() {
    let others_write = Mode::WGRP | Mode::WOTH;
    let inherited = umask(others_write);
    umask(inherited | others_write);
    let _ = INHERITED.set(inherited);
}

/// As it was found, for a program that takes our place and whose files are the person's own.
pub fn restore() {
    if let Some(inherited) = INHERITED.get() {
        umask(*inherited);
    }
}
