//! Loading a catalog out of its files.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::crosswalk::{LeftOutFile, SchemesFile, TargetsFile};
use super::read::{Read, read};
use super::validate::{self, Known};
use super::{
    AccessRules, Check, Collector, Crosswalk, Defect, ExcerptRule, Framework, GapReasons, Place, Redactions,
    ResourceRule, Sources,
};
use crate::canonical;
use crate::model::{CatalogFiles, Sha256Digest};

/// Everything the catalog holds, validated.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// Services, by name.
    pub collectors: BTreeMap<String, Collector>,
    /// Checks, by id.
    pub checks: BTreeMap<String, Check>,
    /// Frameworks, by id.
    pub frameworks: BTreeMap<String, Framework>,
    /// Excerpt rules, by id.
    pub excerpts: BTreeMap<String, ExcerptRule>,
    /// What is taken out of answers before they are written.
    pub redactions: Redactions,
    /// What the access review looks for.
    pub access: AccessRules,
    /// What others call it, and what must be provable.
    pub crosswalk: Crosswalk,
    /// SHA-256 over the canonical list of file names and their SHA-256 digests.
    pub digest: Sha256Digest,
    /// The files that it is made of.
    pub sources: Sources,
}

/// What is wrong with the catalog: every problem found, each with its file.
#[derive(Debug, thiserror::Error)]
#[error(
    "the catalog has {} problem(s) (`proofpack catalog validate` shows each where it stands):\n{}",
    defects.len(),
    defects.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
)]
pub struct CatalogError {
    /// Every one, in the order of the files.
    pub defects: Vec<Defect>,
}

impl Catalog {
    /// The catalog that is compiled into the program.
    ///
    /// # Errors
    /// Lists every file that does not parse and every reference that does not resolve.
    pub fn embedded() -> Result<Self, CatalogError> {
        Self::load(&Sources::embedded())
    }

    /// The catalog out of its files.
    ///
    /// # Errors
    /// Lists every file that does not parse and every reference that does not resolve.
    pub fn load(sources: &Sources) -> Result<Self, CatalogError> {
        let (catalog, defects) = Self::read(sources, validate::sound);
        if defects.is_empty() { Ok(catalog) } else { Err(CatalogError { defects }) }
    }

    /// What can be read of a catalog, and everything that is wrong with its files: what stands in the way of loading
    /// it, and what a catalog that people rely on should have beyond that. Expressions in CEL are not looked at here.
    pub fn examine(sources: &Sources) -> (Self, Vec<Defect>) {
        Self::read(sources, |catalog, known, defects| {
            validate::sound(catalog, known, defects);
            validate::complete(catalog, known, defects);
        })
    }

    fn read(
        sources: &Sources,
        validate: impl FnOnce(&Self, &Known, &mut Vec<Defect>),
    ) -> (Self, Vec<Defect>) {
        let mut defects = Vec::new();
        let mut known = Known::default();
        if let Err(problem) = text(sources, "gap-reasons.toml").and_then(|text| GapReasons::parse(&text)) {
            defects.push(Defect::new("gap-reasons.toml", Place::file(), problem, "correct it"));
        }
        let digest = CatalogFiles::digest_of(sources.files()).unwrap_or_else(|error| {
            defects.push(Defect::new("catalog", Place::file(), error.to_string(), "report this as a defect"));
            canonical::sha256(b"")
        });
        let catalog = Self {
            collectors: folder(sources, "collectors", &mut known, &mut defects),
            checks: folder(sources, "checks", &mut known, &mut defects),
            frameworks: folder(sources, "frameworks", &mut known, &mut defects),
            excerpts: folder(sources, "excerpts", &mut known, &mut defects),
            redactions: file(sources, "redactions.toml", &mut defects),
            access: file(sources, "access.toml", &mut defects),
            crosswalk: Crosswalk {
                schemes: file::<SchemesFile>(sources, "equivalents.toml", &mut defects).schemes,
                left_out: file::<LeftOutFile>(sources, "left-out.toml", &mut defects).rules,
                targets: file::<TargetsFile>(sources, "targets.toml", &mut defects).rows,
            },
            digest,
            sources: sources.clone(),
        };
        validate(&catalog, &known, &mut defects);
        defects.sort_by(|one, other| one.file.cmp(&other.file)); // stable: within a file in the order found
        (catalog, defects)
    }

    /// The rule that makes resources of `kind`, with its collector.
    pub fn resource_rule(&self, kind: &str) -> Option<(&Collector, &ResourceRule)> {
        self.collectors
            .values()
            .flat_map(|collector| collector.resources.iter().map(move |rule| (collector, rule)))
            .find(|(_, rule)| rule.kind == kind)
    }

    /// Every kind of resource.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.collectors.values().flat_map(|collector| &collector.resources).map(|rule| rule.kind.as_str())
    }
}

/// What has an id that must be its file's stem.
trait Identified {
    /// The member that holds it.
    const MEMBER: &'static str = "id";

    fn id(&self) -> &str;
}

impl Identified for Collector {
    const MEMBER: &'static str = "service";

    fn id(&self) -> &str {
        &self.service
    }
}

impl Identified for Check {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Identified for Framework {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Identified for ExcerptRule {
    fn id(&self) -> &str {
        &self.id
    }
}

/// The files of one folder, by stem. What has mistakes in itself is left out, and `known` told of it, so that
/// nothing else is blamed for naming it.
fn folder<T: DeserializeOwned + Identified>(
    sources: &Sources,
    folder: &str,
    known: &mut Known,
    defects: &mut Vec<Defect>,
) -> BTreeMap<String, T> {
    let mut items = BTreeMap::new();
    for (stem, bytes) in sources.of_folder(folder) {
        let path = format!("{folder}/{stem}.toml");
        let item = match utf8(&path, bytes, defects) {
            None => Read::Unreadable,
            Some(text) => read::<T>(&path, text, defects),
        };
        let (Read::Whole(item) | Read::Mistaken(item)) = item else {
            known.unreadable.insert(path);
            continue;
        };
        if item.id() != stem {
            let what = format!("its id is {}, which is not its file's name", item.id());
            let help = format!("write {stem}, or name the file {}.toml", item.id());
            defects.push(Defect::new(&path, Place::file().member(T::MEMBER), what, help));
            known.unreadable.insert(path);
            known.unreadable.insert(format!("{folder}/{}.toml", item.id()));
            continue;
        }
        items.insert(stem.to_owned(), item);
    }
    items
}

/// One of the files beside the folders.
fn file<T: DeserializeOwned + Default>(sources: &Sources, name: &str, defects: &mut Vec<Defect>) -> T {
    let Some(bytes) = sources.file(name) else {
        defects.push(Defect::new(name, Place::file(), "the file is missing", "put it back"));
        return T::default();
    };
    match utf8(name, bytes, defects).map(|text| read::<T>(name, text, defects)) {
        Some(Read::Whole(item) | Read::Mistaken(item)) => item,
        Some(Read::Unreadable) | None => T::default(),
    }
}

fn utf8<'a>(path: &str, bytes: &'a [u8], defects: &mut Vec<Defect>) -> Option<&'a str> {
    let text = std::str::from_utf8(bytes);
    if let Err(error) = &text {
        let what = format!("not UTF-8 from byte {}", error.valid_up_to());
        defects.push(Defect::new(path, Place::file(), what, "save it as UTF-8"));
    }
    text.ok()
}

fn text(sources: &Sources, name: &str) -> Result<String, String> {
    let bytes = sources.file(name).ok_or("the file is missing")?;
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_catalog_is_sound() {
        if let Err(error) = Catalog::embedded() {
            panic!("{error}");
        }
    }
}
