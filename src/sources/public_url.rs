//! The public URL in the form that the vendor signs. It comes from the settings, never from `Host`.

use std::borrow::Cow;

use serde::Deserialize;
use url::Url;

/// Which percent-encodings of `{url}` are decoded before signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum UrlDecoding {
    /// None: the URL as requested.
    None,
    /// The encodings that HubSpot's page on validating requests lists.
    Hubspot,
}

/// The encodings that HubSpot's page on validating requests decodes before signing; `%3F` stays, or the query would
/// begin there.
const HUBSPOT: [(&str, char); 11] = [
    ("%3A", ':'),
    ("%2F", '/'),
    ("%40", '@'),
    ("%21", '!'),
    ("%24", '$'),
    ("%27", '\''),
    ("%28", '('),
    ("%29", ')'),
    ("%2A", '*'),
    ("%2C", ','),
    ("%3B", ';'),
];

/// Our URL with the query of the request.
pub(super) fn signed<'u>(url: &'u Url, query: Option<&str>, decoding: UrlDecoding) -> Cow<'u, str> {
    let whole = query.map_or(Cow::Borrowed(url.as_str()), |query| Cow::Owned(format!("{url}?{query}")));
    match decoding {
        UrlDecoding::None => whole,
        UrlDecoding::Hubspot => Cow::Owned(decode(&whole)),
    }
}

fn decode(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        decoded.push_str(before);
        let listed = behind.split_at_checked(2).and_then(|(code, behind)| {
            let plain =
                HUBSPOT.iter().find(|(known, _)| known.get(1..).is_some_and(|known| known.eq_ignore_ascii_case(code)));
            plain.map(|(_, plain)| (*plain, behind))
        });
        let (plain, behind) = listed.unwrap_or(('%', behind));
        decoded.push(plain);
        rest = behind;
    }
    decoded.push_str(rest);
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_encodings_are_decoded() {
        let url: Url = "https://hooks.example.com/in/hubspot".parse().unwrap();
        let query = Some("to=ann%40example.com&q=%3f%2f%2F%20%zz%4");
        assert_eq!(
            signed(&url, query, UrlDecoding::Hubspot),
            "https://hooks.example.com/in/hubspot?to=ann@example.com&q=%3f//%20%zz%4"
        );
        assert_eq!(
            signed(&url, query, UrlDecoding::None),
            "https://hooks.example.com/in/hubspot?to=ann%40example.com&q=%3f%2f%2F%20%zz%4"
        );
    }
}
