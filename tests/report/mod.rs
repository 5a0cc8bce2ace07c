//! The report, from a made-up assessment to a PDF that other programs read.

mod synthetic;

use std::path::PathBuf;

use proofpack::report::{ReportOptions, render};
use synthetic::Synthetic;

const MANIFEST: &[u8] = b"{\"version\":1}\n";

fn options() -> ReportOptions {
    ReportOptions { organization: "Example Health, Inc.".into(), demonstration: true }
}

/// Where a test leaves its PDF, to be looked at.
fn output(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("report-{name}.pdf"))
}

#[test]
fn equal_inputs_give_equal_bytes() {
    let first = render(&Synthetic::default().assessment(), MANIFEST, &options()).unwrap();
    std::fs::write(output("synthetic"), &first).unwrap();
    let second = render(&Synthetic::default().assessment(), MANIFEST, &options()).unwrap();
    assert!(first == second, "two renderings differ");
    assert!(first.starts_with(b"%PDF-1.7"));
}
