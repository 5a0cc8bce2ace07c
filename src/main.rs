//! Parse, run, exit code: nothing else.

use std::process::ExitCode;

/// Assessing makes and drops millions of small values, in several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    proofpack::cli::main()
}
