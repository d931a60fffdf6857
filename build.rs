//! Embeds the migrations, the policies and the indexes, so that the program runs from anywhere.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

fn main() {
    embed("migrations", &["sql"]);
    embed("policies", &["sql", "toml"]);
    embed("indexes", &["sql"]);
    // A test that wants several versions of PostgreSQL's programs is known to be left out where nobody names them.
    println!("cargo::rustc-check-cfg=cfg(has_programs)");
    println!("cargo::rerun-if-env-changed=TOYSOLDIERS_TEST_PG_BINS");
    if env::var_os("TOYSOLDIERS_TEST_PG_BINS").is_some() {
        println!("cargo::rustc-cfg=has_programs");
    }
}

/// The files of a folder below `database` with these endings.
fn embed(noun: &str, endings: &[&str]) {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let folder = Path::new(&root).join("database").join(noun);
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("the files are there")
        .map(|entry| {
            entry
                .expect("can be read")
                .file_name()
                .into_string()
                .expect("is UTF-8")
        })
        .filter(|name| {
            Path::new(name)
                .extension()
                .is_some_and(|found| endings.iter().any(|ending| found == *ending))
        })
        .collect();
    names.sort();
    let mut code = String::from("&[\n");
    for name in names {
        let path = folder.join(&name).display().to_string();
        writeln!(code, "    ({name:?}, include_bytes!({path:?})),")
            .expect("strings take everything");
    }
    code.push_str("]\n");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join(format!("{noun}.rs")), code)
        .expect("the output folder takes files");
}
