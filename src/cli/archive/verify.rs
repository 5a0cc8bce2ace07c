//! Reading an archive back: every package, or those that are named, whole; and the chain.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::json;

use super::{PlaceArgument, failure};
use crate::archive::{Archive, IndexEntry, Receipt, Stored};
use crate::catalog::Catalog;
use crate::cli::config::CatalogArgument;
use crate::cli::exit::{CommandError, Exit};
use crate::cli::verify::{TrustArguments, chain_in_words};
use crate::cli::{CommandResult, evidence, runtime};
use crate::clock::Clock;
use crate::model::harmless;
use crate::verify::chain::{Chain, Link, chain};
use crate::verify::cms;
use crate::verify::trust::Anchors;
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
    /// What contradicts index, receipts or lock.
    problems: Vec<String>,
}

pub(super) fn run(arguments: &VerifyArguments) -> CommandResult {
    let options = arguments.trust.options()?;
    let catalog = arguments.catalog.read()?;
    let receipts = arguments.receipt.iter().map(|path| receipt(path)).collect::<Result<Vec<_>, _>>()?;
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
            let mut one = read_back(&archive, &name, &catalog, &options).await?;
            let stored = archive.stat(&name).await.map_err(failure)?;
            one.problems.extend(against(&archive, entry, &receipts, stored.as_ref(), now));
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
            let one = Read { name, verdict: None, link: None, problems };
            if !arguments.json {
                print!("{}", in_words(&one));
            }
            read.push(one);
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
    catalog: &Catalog,
    options: &Options,
) -> Result<Read, CommandError> {
    let folder = tempfile::tempdir().map_err(CommandError::output)?;
    let copy = folder.path().join("package.zip");
    let mut read = Read { name: name.to_owned(), verdict: None, link: None, problems: Vec::new() };
    match archive.fetch(name, &copy).await {
        Ok(_) => {}
        Err(error) => {
            read.problems.push(error.to_string());
            return Ok(read);
        }
    }
    if let Some(stored) = archive.stat(name).await.map_err(failure)?
        && !archive.is_checksum_of(&stored, &copy).map_err(failure)?
    {
        read.problems.push("the checksum that the archive tells is not that of the package".to_owned());
    }
    let verdict = verify::verify(&copy, catalog, options);
    read.verdict = Some(Verdict { path: name.to_owned(), ..verdict });
    if let Ok((manifest, digest)) = evidence::manifest(&copy) {
        read.link = Some(Link::new(name, &manifest, digest));
    }
    Ok(read)
}

/// What the archive tells of a package, against its index object and the receipts.
fn against(
    archive: &Archive,
    entry: Option<&IndexEntry>,
    receipts: &[&Receipt],
    stored: Option<&Stored>,
    now: DateTime<Utc>,
) -> Vec<String> {
    let mut problems = Vec::new();
    let Some(stored) = stored else { return problems };
    match entry {
        None => problems.push("there is no index object of it".to_owned()),
        Some(entry) if entry.bytes != stored.bytes => {
            problems.push(format!("it has {} bytes, the index says {}", stored.bytes, entry.bytes));
        }
        Some(_) => {}
    }
    if let Archive::S3(_) = archive
        && stored.retain_until.is_none_or(|until| until <= now)
        && !stored.legal_hold
    {
        let since =
            stored.retain_until.map_or("never locked".to_owned(), |until| format!("locked until {until}"));
        problems.push(format!("nothing locks it: it was {since}"));
    }
    for receipt in receipts {
        let mut differs = |what: &str, told: &Option<String>, promised: &Option<String>| {
            if told != promised {
                let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
                problems.push(format!("its {what} is {}, the receipt says {}", shown(told), shown(promised)));
            }
        };
        differs("version", &stored.version_id, &receipt.version_id);
        differs("checksum", &stored.checksum, &receipt.checksum);
        if stored.retain_until < receipt.retain_until {
            let shown =
                |until: Option<DateTime<Utc>>| until.map_or("never".to_owned(), |until| until.to_rfc3339());
            problems.push(format!(
                "it is locked until {}, the receipt says {}: its retention was shortened",
                shown(stored.retain_until),
                shown(receipt.retain_until)
            ));
        }
        if entry.is_some_and(|entry| entry.sha256 != receipt.sha256) {
            problems.push("the SHA-256 in the index is not that of the receipt".to_owned());
        }
    }
    problems
}

/// A receipt; where there is a signature beside it, that must hold.
fn receipt(path: &Path) -> Result<Receipt, CommandError> {
    let wrong = |what: String| CommandError::input(format!("{}: {what}", path.display()));
    let text = fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let receipt =
        serde_json::from_slice(&text).map_err(|error| wrong(format!("it is no receipt: {error}")))?;
    let signature = super::put::signature_path(path);
    if let Ok(signature) = fs::read(&signature) {
        let checked = cms::verify(&signature, &[&text], None, Anchors::default());
        if let Some(problem) = checked.problems.first() {
            return Err(wrong(format!("the signature beside it does not hold: {problem}")));
        }
    }
    Ok(receipt)
}

fn in_words(read: &Read) -> String {
    let mut text = format!("{}\n", harmless(&read.name, 200));
    if let Some(verdict) = &read.verdict {
        for problem in &verdict.problems {
            text.push_str(&format!("  PROBLEM {problem}\n"));
        }
        text.push_str(&format!("  {}\n", verdict.line()));
    }
    for problem in &read.problems {
        text.push_str(&format!("  PROBLEM {}\n", harmless(problem, 600)));
    }
    text
}

fn tell(as_json: bool, read: &[Read], chain: Option<&Chain>) -> Result<(), CommandError> {
    if as_json {
        let packages: Vec<_> = read
            .iter()
            .map(|one| json!({ "package": one.name, "verdict": one.verdict, "problems": one.problems }))
            .collect();
        let told = serde_json::to_string_pretty(&json!({ "packages": packages, "chain": chain }));
        println!("{}", told.map_err(CommandError::internal)?);
    } else if let Some(chain) = chain {
        print!("{}", chain_in_words(chain));
    }
    Ok(())
}
