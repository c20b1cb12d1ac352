//! How names, SKUs and barcodes become search terms, and queries too.
//!
//! The index and the query go through the same function, and the index's own
//! tokenizer only splits at blanks. So whatever a person types, a term is one
//! word without punctuation: it cannot become an operator or a phrase, and
//! cannot cause a syntax error.
//!
//! Invariant: a term holds letters and digits only, in lower case, without the
//! accents of Latin letters.

/// Terms of a query beyond this number are ignored; a till's field is short.
const MAX_QUERY_TERMS: usize = 8;
/// Characters of a query that are looked at.
const MAX_QUERY_CHARS: usize = 200;

/// Latin letters with accents, and what people type instead.
const FOLDED: &[(&str, &str)] = &[
    ("àáâãäåāăąǎ", "a"),
    ("æ", "ae"),
    ("çćĉċč", "c"),
    ("ďđð", "d"),
    ("èéêëēĕėęě", "e"),
    ("ĝğġģ", "g"),
    ("ĥħ", "h"),
    ("ìíîïĩīĭįı", "i"),
    ("ĵ", "j"),
    ("ķ", "k"),
    ("ĺļľŀł", "l"),
    ("ñńņňŉ", "n"),
    ("òóôõöøōŏő", "o"),
    ("œ", "oe"),
    ("ŕŗř", "r"),
    ("śŝşšș", "s"),
    ("ß", "ss"),
    ("ţťŧț", "t"),
    ("þ", "th"),
    ("ùúûüũūŭůűų", "u"),
    ("ŵ", "w"),
    ("ýÿŷ", "y"),
    ("źżž", "z"),
];

/// The words of a text, normalised, in their order.
pub(super) fn terms(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut term = String::new();
    for character in text.chars().flat_map(char::to_lowercase) {
        if ('\u{300}'..='\u{36f}').contains(&character) {
            continue; // A combining accent belongs to the letter before it.
        }
        if character.is_alphanumeric() {
            push_folded(&mut term, character);
        } else if !term.is_empty() {
            found.push(std::mem::take(&mut term));
        }
    }
    if !term.is_empty() {
        found.push(term);
    }
    found
}

/// The words of what a person typed, each once, within the limits of a query.
pub(super) fn query_terms(query: &str) -> Vec<String> {
    let head: String = query.chars().take(MAX_QUERY_CHARS).collect();
    let mut kept: Vec<String> = Vec::new();
    for term in terms(&head) {
        if kept.len() < MAX_QUERY_TERMS && !kept.contains(&term) {
            kept.push(term);
        }
    }
    kept
}

fn push_folded(term: &mut String, character: char) {
    if !character.is_ascii()
        && let Some((_, plain)) = FOLDED.iter().find(|(set, _)| set.contains(character))
    {
        term.push_str(plain);
    } else {
        term.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lose_case_accents_and_punctuation() {
        assert_eq!(
            terms("Crème-brûlée 500ML \"GRÖSSE\" (ß)"),
            ["creme", "brulee", "500ml", "grosse", "ss"]
        );
        assert_eq!(terms("cafe\u{301} \u{24b6}"), ["cafe", "\u{24d0}"]);
        assert_eq!(terms(" -*\"'() "), Vec::<String>::new());
        assert_eq!(terms("हिन्दी चाय").len(), terms("हिन्दी चाय").len());
    }

    #[test]
    fn a_query_is_bounded_and_names_each_word_once() {
        let long = "a ".repeat(500) + "b";
        assert_eq!(query_terms(&long), ["a"]);
        let many: Vec<String> = (0..50).map(|n| format!("w{n}")).collect();
        assert_eq!(query_terms(&many.join(" ")).len(), MAX_QUERY_TERMS);
    }
}
