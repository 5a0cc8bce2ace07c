//! Two quarters in an archive, whole and with one of them taken away.

use std::fs;
use std::sync::OnceLock;

use serde_json::Value;

use super::bucket;
use crate::cli::demo::Demo;
use crate::cli::place::{Place, copy};
use crate::support::quarters::next_quarter;
use crate::support::world::World;

const FIRST: &str = "proofpack-123456789012-2026-07-01-2026-09-30.zip";
const SECOND: &str = "proofpack-123456789012-2026-10-01-2026-12-31.zip";

/// The demonstration's next quarter, signed and packaged; the folder of the demonstration's archive is not touched.
fn second() -> &'static Place {
    static SECOND_QUARTER: OnceLock<Place> = OnceLock::new();
    SECOND_QUARTER.get_or_init(|| {
        let (place, demo) = (Place::new(), Demo::shared());
        next_quarter(&demo.path("bundle"), place.root());
        let signing = place.keygen();
        let configuration = fs::read_to_string(demo.path("proofpack.toml")).unwrap();
        place.write("proofpack.toml", format!("{configuration}\n{signing}"));
        fs::copy(demo.path("exceptions.toml"), place.path("exceptions.toml")).unwrap();
        for step in ["assess", "report", "sign", "package"] {
            place.run(&[step]).ended(0);
        }
        place
    })
}

/// A folder with both packages in its archive.
fn both() -> Place {
    let place = Place::new();
    copy(second().root(), place.root());
    fs::create_dir(place.path("before")).unwrap();
    fs::copy(Demo::shared().package(), place.path("before").join(FIRST)).unwrap();
    place.run(&["archive", "--package", &format!("before/{FIRST}")]).ended(0);
    place.run(&["archive"]).ended(0);
    place
}

#[test]
fn a_whole_chain_is_told_and_one_that_was_taken_away_is_missed() {
    let place = both();
    let told = place.run(&["verify", "--chain", "archive"]).ended(0).stdout;
    assert!(told.contains(&format!("2026-10-01 to 2027-01-01  {SECOND}  follows {FIRST}")), "{told}");
    assert!(told.contains("CHAIN WHOLE: 2 packages"), "{told}");
    let told = place.run(&["archive", "verify"]).ended(0).stdout;
    assert!(told.contains("CHAIN WHOLE: 2 packages"), "{told}");
    let list = place.run(&["archive", "list"]).ended(0).stdout;
    assert!(list.find(FIRST) < list.find(SECOND) && list.contains("names none before it"), "{list}");
    // The receipt is signed, and what was altered in it is not believed.
    let receipt = format!("{SECOND}.receipt.json");
    place.run(&["archive", "verify", SECOND, "--receipt", &receipt]).ended(0);
    let text = fs::read_to_string(place.path(&receipt)).unwrap();
    fs::write(place.path(&receipt), text.replace("\"version\":1", "\"version\": 1")).unwrap();
    let answer = place.run(&["archive", "verify", SECOND, "--receipt", &receipt]);
    answer.failed(3, &["the signature beside it does not hold"]);

    fs::remove_file(place.path("archive").join(FIRST)).unwrap();
    let told = place.run(&["verify", "--chain", "archive"]).ended(1).stdout;
    assert!(told.contains("the bundle before it") && told.contains("CHAIN BROKEN: 1 problem"), "{told}");
    let told = place.run(&["archive", "verify", "--json"]).ended(1).stdout;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["chain"]["problems"][0]["fault"], "missing", "{told:#}");
    // Its index object is still there.
    assert!(told["packages"][0]["problems"][0].as_str().unwrap().contains("there is no"), "{told:#}");
}

#[test]
fn a_package_that_is_there_twice_does_not_stand_for_the_one_before_it() {
    let place = both();
    fs::remove_file(place.path("archive").join(FIRST)).unwrap();
    fs::write(place.path("archive").join("a.zip"), fs::read(second().path(SECOND)).unwrap()).unwrap();
    let told = place.run(&["verify", "--chain", "archive"]).ended(1).stdout;
    assert!(told.contains("holds the same bundle") && told.contains("CHAIN BROKEN: 3 problem"), "{told}");
}

#[test]
fn the_chain_of_an_archive_in_s3_is_verified_as_well() {
    let world = World::start();
    bucket(&world, "evidence");
    let place = Place::new();
    copy(second().root(), place.root());
    let configuration = fs::read_to_string(place.path("proofpack.toml")).unwrap();
    let on_world = format!("{configuration}\n[aws]\nendpoint-url = \"{}\"\n", world.endpoint());
    place.write("proofpack.toml", on_world);
    for package in [Demo::shared().package(), place.path(SECOND)] {
        let copied = place.path("outgoing");
        fs::create_dir_all(&copied).unwrap();
        let name = package.file_name().unwrap();
        fs::copy(&package, copied.join(name)).unwrap();
        let path = copied.join(name);
        place.run(&["archive", "s3://evidence/hipaa", "--package", path.to_str().unwrap()]).ended(0);
    }
    let told = place.run(&["archive", "verify", "--archive", "s3://evidence/hipaa"]).ended(0).stdout;
    assert!(told.contains("CHAIN WHOLE: 2 packages"), "{told}");
}
