//! What was perhaps meant: the name that is most like one that does not exist.

/// The one of `names` that is most like `name`, if it is like enough to be what was meant.
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = name.chars().count().div_ceil(3).max(2);
    // Names beyond any that there are are not worth the time.
    if name.len() > 200 {
        return None;
    }
    names
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many characters must be inserted, removed or replaced to make one text of the other (Levenshtein).
pub fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, character) in left.chars().enumerate() {
        let mut diagonal = index;
        row[0] = index + 1;
        for (column, other) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(character != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_if_it_is_near() {
        let names = ["s3-bucket-versioning", "s3-bucket-tls-only", "iam-user-mfa"];
        assert_eq!(nearest("s3-bucket-versionning", names), Some("s3-bucket-versioning"));
        assert_eq!(nearest("something-else", names), None);
        assert_eq!(nearest(&"x".repeat(1000), names), None);
    }
}
