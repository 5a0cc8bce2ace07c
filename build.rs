//! Files that are compiled in as whole folders: a file added to one of them is a reason to build again,
//! which the macros that include them cannot notice by themselves.
#![allow(clippy::print_stdout, reason = "how a build script speaks to cargo")]

fn main() {
    for folder in
        ["src/catalog", "report-templates", "evidence-schemas/aws", "examples/demo-account/attestations"]
    {
        println!("cargo:rerun-if-changed={folder}");
    }
}
