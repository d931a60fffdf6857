//! One test binary: one link, one throw-away PostgreSQL server, a database a test.
//!
//! A module a noun. Tests read like transcripts: they run the real program and look at stdout, stderr and the
//! exit code.

#![allow(clippy::unwrap_used)]

mod support;

mod address;
mod audit;
mod backup;
mod backup_list;
mod backup_restore;
mod backup_store;
mod before;
mod connect;
mod creator;
mod dashboard;
mod demo;
mod deploy;
mod env;
mod env_check;
mod env_pin;
mod guard;
mod hardening;
mod hostile;
mod index;
mod index_adopt;
mod index_advise;
mod index_apply;
mod index_race;
mod index_rebuild;
mod init;
mod layers;
mod leftovers;
mod local;
mod manual;
mod migrate;
mod migrate_baseline;
mod migrate_cases;
mod migrate_check;
mod migrate_detach;
mod migrate_down;
mod migrate_drift;
mod migrate_dump;
mod migrate_history;
mod migrate_import;
mod migrate_lock;
mod migrate_lost;
mod migrate_memory;
mod migrate_race;
mod migrate_refusal;
mod migrate_repair;
mod migrate_steps;
mod migrate_up;
mod migrate_verify;
mod output;
mod page;
mod password;
mod policy;
mod policy_adopt;
mod policy_apply;
mod policy_audit;
mod policy_audit_checks;
mod policy_detach;
mod policy_list;
mod policy_platform;
mod policy_test;
mod pooler;
mod psql;
mod queries;
mod quiet;
mod readme;
mod remote;
mod replica;
mod schema;
mod script;
mod secret;
mod servers;
mod settings;
mod status;
mod tls;
mod tls_files;
mod umask;
mod user;
mod width;
mod withheld;
