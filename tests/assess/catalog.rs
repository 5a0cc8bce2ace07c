//! The embedded catalog's checks: they compile, and every case comes out as it says.

use proofpack::assess::run_cases;
use proofpack::catalog::Catalog;

#[test]
fn every_case_of_every_check_comes_out_as_it_says() {
    let catalog = Catalog::embedded().unwrap();
    let results = run_cases(&catalog);
    let wrong: Vec<String> =
        results.iter().filter(|result| !result.is_as_stated()).map(ToString::to_string).collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), results.len(), wrong.join("\n"));
    assert!(results.len() >= 2 * catalog.checks.len());
}
