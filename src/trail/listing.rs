//! Listing the log files that are asked for, and no others: by the prefixes of their keys where a trail delivered them, by
//! all names where somebody put them elsewhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use aws_sdk_s3::types::Object;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::digest::Place;
use super::file::Unreadable;
use super::objects::{Listed, bounded, is_log_name, refused};
use super::scope::Scope;

/// Lists that are asked for at once.
const AT_ONCE: usize = 32;

/// The folder under which CloudTrail delivers everything.
const ROOT: &str = "AWSLogs/";

/// The organization's folders in a list, `o-.../`.
const ORGANIZATION: &str = "o-";

/// The keys of a bucket's log files under `prefix` that are asked for, in no order.
pub(super) async fn bucket(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    prefix: &str,
    scope: &Scope<'_>,
) -> Result<Vec<Listed>, Unreadable> {
    let place = Place::of(bucket, prefix);
    let root = format!("{}{ROOT}", place.prefix);
    let names_root = prefix.starts_with(&root) || format!("{prefix}/") == root;
    if !names_root && first_key(s3, bucket, &root).await?.is_none() {
        return keys(s3, bucket, prefix).await;
    }
    let prefix = if prefix.starts_with(&root) { prefix } else { &root };
    let mut above = vec![root.clone()];
    // Where the prefix says whose trail it is, nobody else's is asked for.
    let below = &prefix[root.len()..];
    if ORGANIZATION.starts_with(below) || below.starts_with(ORGANIZATION) && !below.contains('/') {
        above.extend(folders(s3, bucket, &format!("{root}{ORGANIZATION}")).await?);
    } else if let Some((organization, _)) = below.split_once('/').filter(|_| below.starts_with(ORGANIZATION))
    {
        above = vec![format!("{root}{organization}/")];
    }
    let mut wanted = Vec::new();
    for above in above {
        let account = format!("{above}{}/CloudTrail/", scope.account);
        if overlap(&account, prefix).is_none() {
            continue;
        }
        let regions = match scope.regions.is_empty() {
            true => folders(s3, bucket, &account).await?,
            false => scope.regions.iter().map(|region| format!("{account}{region}/")).collect(),
        };
        for region in regions {
            let days = scope.spans().into_iter().map(|span| format!("{region}{span}"));
            wanted.extend(days.filter_map(|day| overlap(&day, prefix)));
        }
    }
    let mut lists =
        stream::iter(wanted).map(async |prefix| keys(s3, bucket, &prefix).await).buffered(AT_ONCE);
    let mut found = Vec::new();
    while let Some(mut list) = lists.try_next().await? {
        found.append(&mut list);
        bounded(&found)?;
    }
    Ok(found)
}

/// The longer one of two prefixes, where something can have both.
fn overlap(one: &str, other: &str) -> Option<String> {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    long.starts_with(short).then(|| long.to_owned())
}

async fn first_key(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    prefix: &str,
) -> Result<Option<String>, Unreadable> {
    let page = s3.list_objects_v2().bucket(bucket).prefix(prefix).max_keys(1).send().await;
    let page = page.map_err(|error| refused(&error))?;
    Ok(page.contents().first().and_then(|object| object.key()).map(str::to_owned))
}

/// The folders whose names begin with `prefix`, each with the slash at its end.
async fn folders(s3: &aws_sdk_s3::Client, bucket: &str, prefix: &str) -> Result<Vec<String>, Unreadable> {
    let asked = s3.list_objects_v2().bucket(bucket).prefix(prefix).delimiter("/");
    let mut pages = asked.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| refused(&error))?;
        found.extend(page.common_prefixes().iter().filter_map(|found| found.prefix()).map(str::to_owned));
        bounded(&found)?;
    }
    Ok(found)
}

/// The keys of log files under a prefix.
async fn keys(s3: &aws_sdk_s3::Client, bucket: &str, prefix: &str) -> Result<Vec<Listed>, Unreadable> {
    let mut keys = Vec::new();
    let mut pages = s3.list_objects_v2().bucket(bucket).prefix(prefix).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| refused(&error))?;
        let listed = |object: &Object| {
            let location = object.key().filter(|key| is_log_name(key))?.to_owned();
            let (tag, length) = (object.e_tag().unwrap_or_default(), object.size().unwrap_or_default());
            let bytes = u64::try_from(length).unwrap_or_default();
            Some(Listed { location, state: format!("{tag} {length}"), bytes })
        };
        keys.extend(page.contents().iter().filter_map(listed));
        bounded(&keys)?;
    }
    Ok(keys)
}

/// The log files under a directory that are asked for, as paths relative to it, in no order.
pub(super) fn directory(root: &Path, scope: &Scope<'_>) -> Result<Vec<Listed>, Unreadable> {
    let Some(delivery) = delivery(root) else { return below(root, "") };
    let mut above = vec![ROOT.to_owned()];
    for organization in entries(&delivery.above.join("AWSLogs"))? {
        if organization.starts_with(ORGANIZATION) {
            above.push(format!("{ROOT}{organization}/"));
        }
    }
    let mut found = Vec::new();
    for above in above {
        let account = format!("{above}{}/CloudTrail/", scope.account);
        if overlap(&account, &delivery.prefix).is_none() {
            continue;
        }
        let regions: Vec<String> = match scope.regions.is_empty() {
            true => entries(&delivery.above.join(&account))?,
            false => scope.regions.iter().cloned().collect(),
        };
        let spans = scope.spans();
        let days = regions.iter().flat_map(|region| spans.iter().map(move |span| format!("{region}/{span}")));
        for day in days.filter_map(|day| overlap(&format!("{account}{day}"), &delivery.prefix)) {
            found.extend(below(root, day.strip_prefix(&delivery.prefix).unwrap_or_default())?);
            bounded(&found)?;
        }
    }
    Ok(found)
}

/// Where in a delivery a directory is.
struct Delivery {
    /// The folder that `AWSLogs` lies in.
    above: PathBuf,
    /// The directory as the prefix of a key: empty, or from `AWSLogs/` on.
    prefix: String,
}

fn delivery(root: &Path) -> Option<Delivery> {
    if root.join("AWSLogs").is_dir() {
        return Some(Delivery { above: root.to_path_buf(), prefix: String::new() });
    }
    let delivered =
        root.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "AWSLogs"))?;
    let inside = root.strip_prefix(delivered).ok()?;
    let mut prefix = ROOT.to_owned();
    for part in inside.components() {
        prefix.push_str(part.as_os_str().to_str()?);
        prefix.push('/');
    }
    Some(Delivery { above: delivered.parent()?.to_path_buf(), prefix })
}

/// The names in a folder; none where there is no such folder.
fn entries(folder: &Path) -> Result<Vec<String>, Unreadable> {
    let unreadable =
        |error: std::io::Error| Unreadable::new("Unreadable", format!("{}: {error}", folder.display()));
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.map_err(unreadable)?.file_name().into_string().ok());
        bounded(&names)?;
    }
    Ok(names)
}

/// The log files in a folder below `root`, as paths relative to `root`; none where there is no such folder.
fn below(root: &Path, folder: &str) -> Result<Vec<Listed>, Unreadable> {
    let mut files = Vec::new();
    let mut start = root.to_path_buf();
    for part in folder.split('/').filter(|part| !part.is_empty()) {
        start.push(part);
        match fs::symlink_metadata(&start) {
            Ok(metadata) if metadata.is_dir() => {}
            // Links are listed, so that they are refused by name rather than passed over.
            Ok(metadata) if metadata.is_symlink() => {
                let name = start.strip_prefix(root).ok().map(|path| path.to_string_lossy().into_owned());
                files.extend(name.map(|location| Listed { location, state: String::new(), bytes: 0 }));
                return Ok(files);
            }
            _ => return Ok(files),
        }
    }
    let mut folders = vec![start];
    while let Some(folder) = folders.pop() {
        let unreadable =
            |error: std::io::Error| Unreadable::new("Unreadable", format!("{}: {error}", folder.display()));
        for entry in fs::read_dir(&folder).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            let kind = entry.file_type().map_err(unreadable)?;
            let path = entry.path();
            let Ok(relative) = path.strip_prefix(root) else { continue };
            let name = relative.to_string_lossy().into_owned();
            if kind.is_dir() {
                folders.push(path);
            } else if is_log_name(&name) || kind.is_symlink() && path.is_dir() {
                let metadata = entry.metadata().ok();
                let state = metadata.as_ref().and_then(state_of).unwrap_or_default();
                let bytes = metadata.map_or(0, |metadata| metadata.len());
                files.push(Listed { location: name, state, bytes });
            }
        }
        bounded(&files)?;
    }
    Ok(files)
}

/// What changes when a file is exchanged.
fn state_of(metadata: &fs::Metadata) -> Option<String> {
    let written = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some(format!("{} {}", metadata.len(), written.as_nanos()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::Period;

    #[test]
    fn of_a_directory_only_the_days_regions_and_account_that_are_asked_for_are_gone_through() {
        let copy = tempfile::tempdir().unwrap();
        let put = |key: &str| {
            let path = copy.path().join(key);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"").unwrap();
        };
        let file = |account: &str, region: &str, day: &str| {
            format!("AWSLogs/{account}/CloudTrail/{region}/{day}/x.json.gz")
        };
        let (ours, other) = ("123456789012", "o-a1/123456789012");
        let wanted = [file(ours, "us-east-1", "2026/07/31"), file(other, "us-east-1", "2026/07/01")];
        wanted.iter().for_each(|key| put(key));
        for key in [
            file(ours, "us-east-1", "2026/06/30"),
            file(ours, "eu-west-1", "2026/07/31"),
            file("111122223333", "us-east-1", "2026/07/31"),
            file("o-a1/111122223333", "us-east-1", "2026/07/31"),
            "AWSLogs/123456789012/CloudTrail-Digest/us-east-1/2026/07/31/x.json.gz".to_owned(),
            "elsewhere/x.json.gz".to_owned(),
        ] {
            put(&key);
        }
        let instant = |text: &str| text.parse().unwrap();
        let period = Period { start: instant("2026-07-01T00:00:00Z"), end: instant("2026-08-01T00:00:00Z") };
        let list = |below: &str, regions: &BTreeSet<String>| {
            let scope = Scope { account: ours, regions, period };
            let found = directory(&copy.path().join(below), &scope).unwrap();
            let mut found: Vec<String> = found.into_iter().map(|listed| listed.location).collect();
            found.sort();
            found
        };
        let one = BTreeSet::from(["us-east-1".to_owned()]);
        assert_eq!(list("", &one), wanted);
        assert_eq!(list("AWSLogs/o-a1", &one), ["123456789012/CloudTrail/us-east-1/2026/07/01/x.json.gz"]);
        assert_eq!(list("AWSLogs/123456789012/CloudTrail/us-east-1/2026/07/31", &one), ["x.json.gz"]);
        assert_eq!(list("AWSLogs/111122223333", &one), [""; 0]);
        assert_eq!(list("", &BTreeSet::new()).len(), 3, "all regions");
        assert_eq!(list("elsewhere", &one), ["x.json.gz"]);
    }
}
