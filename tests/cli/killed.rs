//! A run of `package` that is killed at any moment leaves no half package under its name.

use std::fs;
use std::process::Stdio;

use super::bad_packages::finished;
use super::demo::Demo;
use super::place::Place;
use crate::support::killing::kill_at_any_moment;

#[test]
fn there_is_the_whole_package_or_none() {
    let place = Place::new();
    finished(&place);
    let package = place.path(Demo::shared().package().file_name().unwrap().to_str().unwrap());
    let start = || place.command(&["package"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let look = |_: bool| {
        let is_done = package.exists();
        if is_done {
            place.run(&["verify", package.to_str().unwrap()]).ended(0);
            fs::remove_file(&package).unwrap();
        }
        is_done
    };
    kill_at_any_moment(start, look);
}
