//! Patterns of policies: `*` is any text, `?` any one character. (Those of shells and paths know more, and so would
//! read the brackets of a resource's name.)

/// Whether everything that `other` matches, `pattern` matches too.
pub(super) fn covers(pattern: &str, other: &str) -> bool {
    // A `*` of `other` is a character that nothing but a `*` matches.
    let step = |p, o, next: &Next| match (p, o) {
        ('*', _) => next.without_pattern || next.without_other,
        (_, '*') => false,
        (p, o) => (p == '?' || p == o) && next.without_both,
    };
    compare(pattern, other, str::is_empty, step)
}

/// Whether there is a resource that both match. In an ARN that is whole the parts before the last are compared each
/// for itself: no star reaches over their colons.
pub(super) fn overlap(pattern: &str, resource: &str) -> bool {
    let of_pattern: Vec<&str> = pattern.splitn(PARTS, ':').collect();
    let of_resource: Vec<&str> = resource.splitn(PARTS, ':').collect();
    if of_pattern.len() == PARTS && of_resource.len() == PARTS {
        return of_pattern.iter().zip(of_resource).all(|(pattern, resource)| overlap_as_text(pattern, resource));
    }
    overlap_as_text(pattern, resource)
}

/// arn, partition, service, region, account, and the rest.
const PARTS: usize = 6;

fn overlap_as_text(pattern: &str, other: &str) -> bool {
    let step = |p, o, next: &Next| match (p, o) {
        ('*', _) | (_, '*') => next.without_pattern || next.without_other,
        (p, o) => (p == '?' || p == o) && next.without_both,
    };
    compare(pattern, other, only_stars, step)
}

fn only_stars(rest: &str) -> bool {
    rest.bytes().all(|byte| byte == b'*')
}

/// What is known of two rests that are one character shorter.
struct Next {
    without_pattern: bool,
    without_other: bool,
    without_both: bool,
}

/// Compares from the ends to the starts, so that each pair of rests is looked at once. `nothing` says which rests of
/// `other` go with an empty pattern.
fn compare(
    pattern: &str,
    other: &str,
    nothing: impl Fn(&str) -> bool,
    step: impl Fn(char, char, &Next) -> bool,
) -> bool {
    let rests = |at: usize| nothing(&other[at..]);
    let letters: Vec<char> = other.chars().collect();
    let mut below: Vec<bool> = other.char_indices().map(|(at, _)| rests(at)).chain([nothing("")]).collect();
    for (at, p) in pattern.char_indices().rev() {
        let mut row = vec![false; letters.len() + 1];
        row[letters.len()] = only_stars(&pattern[at..]);
        for (column, o) in letters.iter().enumerate().rev() {
            let next = Next {
                without_pattern: below[column],
                without_other: row[column + 1],
                without_both: below[column + 1],
            };
            row[column] = step(p, *o, &next);
        }
        below = row;
    }
    below[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_covers_what() {
        for (pattern, other, covered, overlapping) in [
            ("*", "ecs:createservice", true, true),
            ("ecs:*", "ecs:createservice", true, true),
            ("ecs:create*", "ecs:createservice", true, true),
            ("ecs:*service", "ecs:createservice", true, true),
            ("ecs:createservic?", "ecs:createservice", true, true),
            ("ecs:createservice?", "ecs:createservice", false, false),
            ("ecs:update*", "ecs:createservice", false, false),
            ("", "", true, true),
            ("", "*", false, true),
            ("**", "", true, true),
            ("a*", "*", false, true),
            ("*a*", "a*", true, true),
            ("?", "*", false, true),
            ("?", "a", true, true),
            ("[a]", "a", false, false),
            ("é?", "éé", true, true),
            ("arn:aws:iam::*:*", "arn:aws:iam::*:role/*", true, true),
            ("arn:aws:iam::*:*", "arn:aws:iam::*:role/", true, true),
            ("arn:aws:iam::1:role/x", "arn:aws:iam::*:role/*", false, true),
            ("arn:aws:iam::1:role/x", "arn:aws:iam::*:role/", false, false),
            ("arn:aws:ecs:*:*:cluster/a", "arn:aws:ecs:*:*:service/*", false, false),
            ("arn:*:service/*", "arn:aws:ecs:*:*:service/*", true, true),
            ("arn:aws:ecs:*:*:service/a/*", "arn:aws:ecs:*:*:service/*", false, true),
            ("arn:aws:ecs:*:1:*", "arn:aws:ecs:*:*:task-definition/*:*", false, true),
            ("arn:aws:ecs:*:1:task-definition/a", "arn:aws:ecs:*:*:task-definition/*:*", false, false),
            ("arn:aws:ecs:*:1:task-definition/a:*", "arn:aws:ecs:*:*:task-definition/*:*", false, true),
            ("arn:aws:ecs:*:1:task-definition/a:*", "arn:aws:ecs:*:*:*", false, true),
            ("arn:aws:logs:*:*:log-group:/a:*", "arn:aws:logs:*:*:log-group:*:log-stream:*", false, true),
        ] {
            assert_eq!((covers(pattern, other), overlap(pattern, other)), (covered, overlapping), "{pattern} {other}");
        }
    }

    #[test]
    fn stars_cost_no_more_than_their_number() {
        let many = "*a".repeat(500);
        assert!(!covers(&many, &"b".repeat(2000)));
    }

    /// Whether a text as a whole matches, said as plainly as can be.
    fn matches(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some(b'*'), _) => matches(&pattern[1..], text) || (!text.is_empty() && matches(pattern, &text[1..])),
            (Some(p), Some(t)) => (*p == b'?' || p == t) && matches(&pattern[1..], &text[1..]),
            _ => false,
        }
    }

    /// Every text of at most six letters `a` and `b`.
    fn texts() -> impl Iterator<Item = String> {
        let of_length = |length: u32| (0..1_u32 << length).map(move |bits| (bits, length));
        let letter = |bit: bool| if bit { 'a' } else { 'b' };
        (0..=6)
            .flat_map(of_length)
            .map(move |(bits, length)| (0..length).map(|at| letter(bits & (1 << at) != 0)).collect())
    }

    proptest::proptest! {
        #[test]
        fn patterns_are_what_they_match(pattern in "[ab*?]{0,4}", other in "[ab*]{0,4}") {
            let both: Vec<(bool, bool)> = texts()
                .map(|text| (matches(pattern.as_bytes(), text.as_bytes()), matches(other.as_bytes(), text.as_bytes())))
                .collect();
            assert_eq!(overlap(&pattern, &other), both.contains(&(true, true)), "{pattern} {other}");
            if covers(&pattern, &other) {
                assert!(!both.contains(&(false, true)), "{pattern} covers {other}");
            }
            if !other.contains('*') {
                assert_eq!(covers(&pattern, &other), matches(pattern.as_bytes(), other.as_bytes()), "{pattern} {other}");
            }
        }
    }
}
