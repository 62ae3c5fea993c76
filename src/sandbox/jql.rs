//! The part of JQL that the removal of a participant needs: conditions joined by `AND`. Anything else is rejected rather
//! than misread.

/// One condition on a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// `"Request participants" = "accountId"`
    Participant(String),
    /// `reporter = "accountId"`
    Reporter(String),
    /// `statusCategory != Done`
    NotDone,
}

/// Reads a query; the error is the part that cannot be read.
pub(super) fn parse(jql: &str) -> Result<Vec<Condition>, String> {
    let words = words(jql).ok_or_else(|| jql.to_owned())?;
    let ordering = words.iter().position(|word| word.is("order"));
    let conditions = words.get(..ordering.unwrap_or(words.len())).unwrap_or_default();
    conditions.split(|word| word.is("and")).map(condition).collect()
}

fn condition(words: &[Word]) -> Result<Condition, String> {
    let unread = || words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
    let [field, operator, value] = words else { return Err(unread()) };
    match (field.text.to_lowercase().as_str(), operator.text.as_str()) {
        ("request participants", "=") => Ok(Condition::Participant(value.text.clone())),
        ("reporter", "=") => Ok(Condition::Reporter(value.text.clone())),
        ("statuscategory", "!=") if value.text.eq_ignore_ascii_case("done") => Ok(Condition::NotDone),
        _ => Err(unread()),
    }
}

#[derive(Debug)]
struct Word {
    text: String,
    quoted: bool,
}

impl Word {
    fn is(&self, keyword: &str) -> bool {
        !self.quoted && self.text.eq_ignore_ascii_case(keyword)
    }
}

/// Words, quoted strings and operators; nothing if a quote is never closed.
fn words(jql: &str) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    let mut rest = jql.chars().peekable();
    while let Some(&first) = rest.peek() {
        let mut text = String::new();
        let mut quoted = false;
        match first {
            ' ' | '\t' | '\n' | '\r' => {
                rest.next();
                continue;
            }
            '"' | '\'' => {
                quoted = true;
                rest.next();
                loop {
                    match rest.next()? {
                        '\\' => text.push(rest.next()?),
                        end if end == first => break,
                        other => text.push(other),
                    }
                }
            }
            '=' | '!' => {
                while let Some(sign) = rest.next_if(|sign| matches!(sign, '=' | '!')) {
                    text.push(sign);
                }
            }
            _ => {
                while let Some(letter) =
                    rest.next_if(|letter| !matches!(letter, ' ' | '\t' | '\n' | '\r' | '=' | '!' | '"' | '\''))
                {
                    text.push(letter);
                }
            }
        }
        words.push(Word { text, quoted });
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_query_is_read() {
        let read = parse(r#""Request participants" = "qm:1:a and b" AND statusCategory != Done"#).unwrap();
        assert_eq!(read, [Condition::Participant("qm:1:a and b".to_owned()), Condition::NotDone]);
        let read = parse("statusCategory!=Done and reporter='qm:1' ORDER BY key ASC").unwrap();
        assert_eq!(read, [Condition::NotDone, Condition::Reporter("qm:1".to_owned())]);
    }

    #[test]
    fn anything_else_is_refused() {
        for jql in
            ["", "assignee = x", "\"Request participants\" = \"qm:1", "reporter = a OR reporter = b", "reporter != a"]
        {
            assert!(parse(jql).is_err(), "{jql}");
        }
    }
}
