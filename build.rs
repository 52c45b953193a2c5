//! Migrations are embedded when the crate is compiled: a new file under `sql/` must lead to a new compilation.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=sql");
}
