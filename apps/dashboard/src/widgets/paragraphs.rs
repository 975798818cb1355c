//! A note's text as paragraphs and lines. Only that: everything else in it is shown as written.

/// The paragraphs, each with its lines. An empty line ends a paragraph.
pub fn paragraphs(text: &str) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = vec![Vec::new()];
    for line in text.lines() {
        if line.trim().is_empty() {
            found.push(Vec::new());
        } else if let Some(paragraph) = found.last_mut() {
            paragraph.push(line.to_owned());
        }
    }
    found.retain(|paragraph| !paragraph.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_line_ends_a_paragraph_and_markup_is_text() {
        let found = paragraphs("one\ntwo\n\n \n<b>three</b>\n");
        assert_eq!(found, [vec!["one", "two"], vec!["<b>three</b>"]]);
        assert!(paragraphs(" \n\n").is_empty());
    }
}
