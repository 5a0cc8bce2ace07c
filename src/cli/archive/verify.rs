//! Reading an archive back: every package, or those that are named, whole; and the chain.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{PlaceArgument, failure};
use crate::archive::{Archive, IndexEntry, Parcel, Receipt, Stored};
use crate::catalog::Catalog;
use crate::cli::config::CatalogArgument;
use crate::cli::exit::{CommandError, Exit};
use crate::cli::verify::{TrustArguments, chain_in_words, other_catalog};
use crate::cli::{CommandResult, evidence, runtime};
use crate::clock::Clock;
use crate::model::harmless;
use crate::verify::chain::{Chain, Link, chain};
use crate::verify::cms;
use crate::verify::trust::{Anchors, Trust};
use crate::verify::{self, Options, Verdict};

#[derive(Debug, clap::Args)]
pub(super) struct VerifyArguments {
    /// Names of packages; all of them, and the chain, where none is given.
    names: Vec<String>,
    #[command(flatten)]
    place: PlaceArgument,
    /// Receipts (JSON) that the archive is held against: version, checksum, lock, and that the retention is not shorter than it was.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    receipt: Vec<PathBuf>,
    #[command(flatten)]
    trust: TrustArguments,
    #[command(flatten)]
    catalog: CatalogArgument,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// A package of the archive, and what is wrong with it.
struct Read {
    name: String,
    verdict: Option<Verdict>,
    link: Option<Link>,
    /// What the index should say of it, where it could be read.
    entry: Option<IndexEntry>,
    /// What contradicts index, receipts or lock.
    problems: Vec<String>,
    /// What else there is to tell.
    notes: Vec<String>,
}

pub(super) fn run(arguments: &VerifyArguments) -> CommandResult {
    let options = arguments.trust.options()?;
    let catalog = arguments.catalog.read()?;
    let receipts = arguments.receipt.iter().map(|path| receipt(path, &options));
    let receipts = receipts.collect::<Result<Vec<_>, _>>()?;
    runtime()?.block_on(async {
        let archive = arguments.place.open().await?;
        let (entries, others) = archive.list().await.map_err(failure)?;
        let all = entries.iter().map(|entry| entry.package.clone()).chain(others);
        let names: Vec<String> =
            if arguments.names.is_empty() { all.collect() } else { arguments.names.clone() };
        let now = Clock::System.now();
        let mut read = Vec::new();
        for name in names {
            let entry = entries.iter().find(|entry| entry.package == name);
            let receipts: Vec<&Receipt> = receipts.iter().filter(|receipt| receipt.package == name).collect();
            let stored = archive.stat(&name).await.map_err(failure)?;
            let mut one = read_back(&archive, &name, stored.as_ref(), &catalog, &options).await?;
            let told = Told { entry, receipts: &receipts, stored: stored.as_ref() };
            one.problems.extend(told.against(&archive, one.entry.as_ref(), now));
            one.notes.extend(told.of_other_places());
            if !arguments.json {
                print!("{}", in_words(&one));
            }
            read.push(one);
        }
        let is_read = |package: &String| read.iter().any(|one| one.name == *package);
        let gone: Vec<String> = receipts
            .iter()
            .map(|receipt| receipt.package.clone())
            .filter(|package| !is_read(package))
            .collect();
        for name in gone {
            let problems = vec!["there is a receipt of it, and it is not in the archive".to_owned()];
            let one = Read { name, verdict: None, link: None, entry: None, problems, notes: Vec::new() };
            if !arguments.json {
                print!("{}", in_words(&one));
            }
            read.push(one);
        }
        if read.is_empty() {
            let place = archive.location();
            return Err(CommandError::input(format!("there is no package in {place}: nothing was verified")));
        }
        let links = read.iter().filter_map(|one| one.link.clone()).collect();
        let chain = arguments.names.is_empty().then(|| chain(links));
        tell(arguments.json, &read, chain.as_ref())?;
        let sound = read.iter().all(Read::is_sound) && chain.is_none_or(|chain| chain.problems.is_empty());
        Ok(if sound { Exit::Success } else { Exit::ProblemsFound })
    })
}

impl Read {
    fn is_sound(&self) -> bool {
        self.problems.is_empty() && self.verdict.as_ref().is_some_and(Verdict::is_sound)
    }
}

/// Copies a package out of the archive and verifies it whole.
async fn read_back(
    archive: &Archive,
    name: &str,
    stored: Option<&Stored>,
    catalog: &Catalog,
    options: &Options,
) -> Result<Read, CommandError> {
    let folder = tempfile::tempdir().map_err(CommandError::output)?;
    let copy = folder.path().join("package.zip");
    let problems = Vec::new();
    let mut read =
        Read { name: name.to_owned(), verdict: None, link: None, entry: None, problems, notes: Vec::new() };
    let sha256 = match archive.fetch(name, &copy).await {
        Ok(sha256) => sha256,
        Err(error) => {
            read.problems.push(error.to_string());
            return Ok(read);
        }
    };
    if let Some(stored) = stored
        && !archive.is_checksum_of(stored, &copy).map_err(failure)?
    {
        read.problems.push("the checksum that the archive tells is not that of the package".to_owned());
    }
    let verdict = verify::verify(&copy, catalog, options);
    read.verdict = Some(Verdict { path: name.to_owned(), ..verdict });
    if let Ok((manifest, digest)) = evidence::manifest(&copy) {
        read.link = Some(Link::new(name, &manifest, digest));
        let bytes = copy.metadata().map_err(CommandError::input)?.len();
        let parcel = Parcel { name, file: &copy, sha256, bytes };
        read.entry = Some(IndexEntry::new(&parcel, &manifest, digest));
    }
    Ok(read)
}

/// What is told of a package.
struct Told<'a> {
    entry: Option<&'a IndexEntry>,
    receipts: &'a [&'a Receipt],
    stored: Option<&'a Stored>,
}

impl Told<'_> {
    /// What speaks against it: the archive against its index object and the receipts, all of them against what was read.
    fn against(&self, archive: &Archive, read: Option<&IndexEntry>, now: DateTime<Utc>) -> Vec<String> {
        let mut problems = Vec::new();
        let Some(stored) = self.stored else { return problems };
        match (self.entry, read) {
            (None, _) => problems.push("there is no index object of it that can be read".to_owned()),
            (Some(entry), Some(read)) if entry != read => problems.push(format!(
                "the index object says otherwise than the package that was read: it is of one with the SHA-256 {}, of {} bytes, with the manifest {}; read were {}, {}, {}",
                entry.sha256, entry.bytes, entry.manifest_sha256, read.sha256, read.bytes, read.manifest_sha256
            )),
            _ => {}
        }
        if let Archive::S3(_) = archive
            && stored.retain_until.is_none_or(|until| until <= now)
            && !stored.legal_hold
        {
            let since = stored
                .retain_until
                .map_or("never locked".to_owned(), |until| format!("locked until {until}"));
            problems.push(format!("nothing locks it: it was {since}"));
        }
        for receipt in self.receipts {
            contradictions(stored, read, receipt, &mut problems);
        }
        problems
    }

    /// Receipts of another place say nothing of version and lock here.
    fn of_other_places(&self) -> impl Iterator<Item = String> {
        let others = self
            .receipts
            .iter()
            .filter(|one| self.stored.is_none_or(|stored| stored.location != one.location));
        others.map(|one| format!("the receipt of {} was held against the digests alone", one.location))
    }
}

/// What the archive has, and what was read, against a receipt.
fn contradictions(stored: &Stored, read: Option<&IndexEntry>, receipt: &Receipt, problems: &mut Vec<String>) {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
    let mut differs = |what: &str, told: String, promised: String| {
        if told != promised {
            problems.push(format!("its {what} is {told}, the receipt says {promised}"));
        }
    };
    differs("length", stored.bytes.to_string(), receipt.bytes.to_string());
    if let Some(read) = read {
        differs("SHA-256", read.sha256.to_string(), receipt.sha256.to_string());
        differs("manifest's SHA-256", read.manifest_sha256.to_string(), receipt.manifest_sha256.to_string());
    }
    if stored.location != receipt.location {
        return;
    }
    differs("version", text(&stored.version_id), text(&receipt.version_id));
    differs("checksum", text(&stored.checksum), text(&receipt.checksum));
    differs("lock", text(&stored.lock_mode), text(&receipt.lock_mode));
    differs("key", text(&stored.kms_key), text(&receipt.kms_key));
    if receipt.legal_hold && !stored.legal_hold {
        problems.push("the receipt says that a legal hold is on it: it was lifted".to_owned());
    }
    if stored.retain_until < receipt.retain_until {
        let shown =
            |until: Option<DateTime<Utc>>| until.map_or("never".to_owned(), |until| until.to_rfc3339());
        problems.push(format!(
            "it is locked until {}, the receipt says {}: its retention was shortened",
            shown(stored.retain_until),
            shown(receipt.retain_until)
        ));
    }
}

/// A receipt. A signature beside it must hold; where certificates are trusted there must be one, by one of theirs.
fn receipt(path: &Path, options: &Options) -> Result<Receipt, CommandError> {
    let wrong = |what: String| CommandError::input(format!("{}: {what}", path.display()));
    let text = fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let receipt: Receipt =
        serde_json::from_slice(&text).map_err(|error| wrong(format!("it is no receipt: {error}")))?;
    let Ok(signature) = fs::read(super::put::signature_path(path)) else {
        return match options.anchors.is_empty() {
            true => Ok(receipt),
            false => {
                Err(wrong("there is no signature beside it, so nobody that you trust gave it".to_owned()))
            }
        };
    };
    let anchors = Anchors { signers: &options.anchors, ..Anchors::default() };
    let checked = cms::verify(&signature, &[&text], Some(receipt.stored_at), anchors);
    if let Some(problem) = checked.problems.first() {
        return Err(wrong(format!("the signature beside it does not hold: {problem}")));
    }
    if let Trust::Untrusted(reasons) = checked.trust {
        let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        return Err(wrong(format!("it is not signed by anybody that you trust: {}", reasons.join("; "))));
    }
    Ok(receipt)
}

fn in_words(read: &Read) -> String {
    let mut text = format!("{}\n", harmless(&read.name, 200));
    if let Some(verdict) = &read.verdict {
        text.push_str(&verdict.facts.as_ref().map(other_catalog).unwrap_or_default());
        for problem in &verdict.problems {
            text.push_str(&format!("  PROBLEM {problem}\n"));
        }
        text.push_str(&format!("  {}\n", verdict.line()));
    }
    for problem in &read.problems {
        text.push_str(&format!("  PROBLEM {}\n", harmless(problem, 600)));
    }
    for note in &read.notes {
        text.push_str(&format!("  {}\n", harmless(note, 600)));
    }
    text
}

fn tell(as_json: bool, read: &[Read], chain: Option<&Chain>) -> Result<(), CommandError> {
    if as_json {
        let packages: Vec<_> = read
            .iter()
            .map(|one| json!({ "package": one.name, "verdict": one.verdict, "problems": one.problems, "notes": one.notes }))
            .collect();
        let told = serde_json::to_string_pretty(&json!({ "packages": packages, "chain": chain }));
        println!("{}", told.map_err(CommandError::internal)?);
    } else if let Some(chain) = chain {
        print!("{}", chain_in_words(chain));
    }
    Ok(())
}
