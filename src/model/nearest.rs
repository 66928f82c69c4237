//! What somebody may have meant by a name that is not there.

/// The longest name that is compared; longer ones have no neighbour, so that hostile input costs nothing.
const LONGEST: usize = 64;

/// The candidate that is spelled most like `name`; None where none is near (more than a third of the letters differ).
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let most = name.chars().count().div_ceil(3);
    let distances = candidates.into_iter().map(|candidate| (strsim::osa_distance(name, candidate), candidate));
    distances.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_hand_has_a_neighbour_and_another_word_has_none() {
        let keys = ["allow", "services", "rules"];
        assert_eq!(nearest("alow", keys), Some("allow"));
        assert_eq!(nearest("sevrices", keys), Some("services"));
        assert_eq!(nearest("ports", keys), None);
        assert_eq!(nearest(&"a".repeat(65), [&*"a".repeat(65)]), None);
    }
}
