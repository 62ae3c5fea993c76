//! Suggests an existing name for an unknown name.

/// The name that differs least from `word`, if the difference is small enough for a typing error.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let enough = (word.chars().count() / 3).clamp(1, 3);
    let word = word.to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&word, &name.to_lowercase());
    names.into_iter().map(|name| (distance(name), name)).filter(|(d, _)| *d <= enough).min().map(|(_, name)| name)
}

/// The nearest name, or else one that is a prefix or an extension of `word`.
pub fn nearest_or_longer<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
    let lower = word.to_lowercase();
    nearest(word, names.iter().copied()).or_else(|| {
        let long_enough = |text: &str| text.chars().count() >= 3;
        names.iter().copied().find(|name| {
            long_enough(&lower) && name.starts_with(&lower) || long_enough(name) && lower.starts_with(name)
        })
    })
}

/// `` `acme`, `beta` ``, for a sentence.
pub fn listed<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> String {
    names.into_iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_error_gets_a_suggestion_and_another_word_does_not() {
        let names = ["local_grace", "timezone", "brake"];
        assert_eq!(nearest("local_grce", names), Some("local_grace"));
        assert_eq!(nearest("timeZone", names), Some("timezone"));
        assert_eq!(nearest("barke", names), Some("brake"));
        assert_eq!(nearest("color", names), None);
    }

    #[test]
    fn a_shortened_or_extended_name_is_recognized() {
        let names = ["bamboohr", "graph", "hubspot", "microsoft-graph"];
        for (word, name) in [("bamboo", "bamboohr"), ("microsoft", "microsoft-graph"), ("hubspot-crm", "hubspot")] {
            assert_eq!(nearest_or_longer(word, &names), Some(name));
        }
        assert_eq!(nearest_or_longer("workday", &names), None);
    }
}
