//! Patterns with `*` (any characters, none included) and `?` (exactly one): what they match, and how two of them relate.

/// Whether `text` matches `pattern`. Takes time in proportion to the product of both lengths at most.
pub(crate) fn matches_wildcards(pattern: &str, text: &str) -> bool {
    matches_glob(pattern, text, true)
}

/// As [`matches_wildcards`], with `?` as a plain character unless `one_character` is set.
pub(crate) fn matches_glob(pattern: &str, text: &str, one_character: bool) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    fits(&pattern, &text, |wanted, found| wanted == found || (one_character && wanted == '?'))
}

/// Whether everything that `inner` matches is matched by `outer` too. True is certain; false may also mean that
/// only several wildcards side by side, written differently, hide it.
pub(crate) fn covers(outer: &str, inner: &str) -> bool {
    if outer == "*" {
        return true;
    }
    if begin_apart(outer, inner) {
        return false;
    }
    let outer: Vec<char> = outer.chars().collect();
    let inner: Vec<char> = inner.chars().collect();
    // Of what `inner` leaves open, a `*` can only be taken by a `*`, and a `?` by either wildcard.
    fits(&outer, &inner, |wanted, found| found != '*' && (wanted == found || wanted == '?'))
}

/// Whether there is a text that both patterns match.
pub(crate) fn overlaps(left: &str, right: &str) -> bool {
    if left == "*" || right == "*" {
        return true;
    }
    if begin_apart(left, right) {
        return false;
    }
    let right: Vec<char> = right.chars().collect();
    // `row[n]`: whether what was read of `left` and the first n characters of `right` have a text in common.
    let mut row = vec![true];
    row.extend(right.iter().scan(true, |so_far, c| {
        *so_far = *so_far && *c == '*';
        Some(*so_far)
    }));
    for one in left.chars() {
        let mut next = vec![row.first().is_some_and(|nothing| *nothing) && one == '*'];
        for (index, other) in right.iter().enumerate() {
            let (diagonal, above) = (row[index], row[index + 1]);
            let before = next[index];
            next.push(match (one, *other) {
                // The star takes nothing, or what stands on the other side.
                ('*', _) | (_, '*') => above || before,
                ('?', _) | (_, '?') => diagonal,
                (one, other) => diagonal && one == other,
            });
        }
        row = next;
    }
    row.last().is_some_and(|whole| *whole)
}

/// Whether the first characters alone tell that nothing matches both: most patterns that are compared are of
/// different services.
fn begin_apart(left: &str, right: &str) -> bool {
    for (one, other) in left.bytes().zip(right.bytes()) {
        if [one, other].iter().any(|byte| [b'*', b'?'].contains(byte)) {
            return false;
        }
        if one != other {
            return true;
        }
    }
    false
}

/// Greedy matching of `text` by `pattern`, whose `*` takes anything; all else is compared by `same`.
fn fits(pattern: &[char], text: &[char], same: impl Fn(char, char) -> bool) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while at_text < text.len() {
        match pattern.get(at_pattern) {
            Some('*') => {
                last_star = Some((at_pattern, at_text));
                at_pattern += 1;
            }
            Some(&c) if same(c, text[at_text]) => {
                at_pattern += 1;
                at_text += 1;
            }
            // What follows the last star does not match here: let the star take one character more.
            _ => match last_star {
                Some((star, taken)) => {
                    last_star = Some((star, taken + 1));
                    at_pattern = star + 1;
                    at_text = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[at_pattern..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pattern_covers_what_is_narrower() {
        for (outer, inner) in [
            ("*", "s3:*"),
            ("s3:*", "s3:Get*"),
            ("s3:G?t*", "s3:Get*"),
            ("a*c", "abc"),
            ("a*", "a*b*"),
            ("?", "?"),
        ] {
            assert!(covers(outer, inner), "{outer} {inner}");
        }
        for (outer, inner) in
            [("s3:Get*", "s3:*"), ("a??", "a*"), ("?", "*"), ("a", "?"), ("arn:aws:s3:::b/*", "*")]
        {
            assert!(!covers(outer, inner), "{outer} {inner}");
        }
    }

    #[test]
    fn patterns_overlap_where_a_text_matches_both() {
        for (left, right) in [("s3:*", "*:GetObject"), ("a*c", "ab*"), ("", "*"), ("?b", "a?"), ("**", "")] {
            assert!(overlaps(left, right) && overlaps(right, left), "{left} {right}");
        }
        for (left, right) in [("s3:*", "kms:*"), ("", "?"), ("a*", "b*"), ("ab", "a"), ("?", "ab")] {
            assert!(!overlaps(left, right) && !overlaps(right, left), "{left} {right}");
        }
    }

    /// Wildcard matching as one would define it, in exponential time.
    fn matches_by_definition(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => {
                matches_by_definition(rest, text)
                    || text.split_first().is_some_and(|(_, tail)| matches_by_definition(pattern, tail))
            }
            (Some(('?', rest)), Some((_, tail))) => matches_by_definition(rest, tail),
            (Some((one, rest)), Some((other, tail))) => one == other && matches_by_definition(rest, tail),
            _ => false,
        }
    }

    /// All texts of a and b up to this length.
    fn texts(longest: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        for length in 0..longest {
            let longer: Vec<String> = all
                .iter()
                .filter(|text| text.len() == length)
                .flat_map(|text| ["a", "b"].map(|letter| format!("{text}{letter}")))
                .collect();
            all.extend(longer);
        }
        all
    }

    proptest! {
        #[test]
        fn wildcards_match_as_defined(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
            let (p, t): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(matches_wildcards(&pattern, &text), matches_by_definition(&p, &t));
        }

        #[test]
        fn how_patterns_relate_shows_in_the_texts(left in "[ab*?]{0,4}", right in "[ab*?]{0,4}") {
            let matched = |pattern: &str| -> Vec<String> {
                texts(6).into_iter().filter(|text| matches_wildcards(pattern, text)).collect()
            };
            let (of_left, of_right) = (matched(&left), matched(&right));
            // Two such patterns that have a text in common have one of at most six letters.
            prop_assert_eq!(overlaps(&left, &right), of_left.iter().any(|text| of_right.contains(text)));
            prop_assert!(!covers(&left, &right) || of_right.iter().all(|text| of_left.contains(text)));
        }
    }
}
