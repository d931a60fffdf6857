//! People: users, and the creators among them.
//!
//! Every change is one statement that also writes its row of the audit log, so there is no change without a
//! trace and no trace without a change. A password's hash goes in and never comes out.

pub mod creator;
pub mod email;
pub mod password;
pub mod user;
pub mod verification;
pub mod who;
