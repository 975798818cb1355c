//! Rust source with comments, strings and character literals blanked out, so that a plain text
//! scan sees only code. Every byte keeps its place, and every line its number.

/// Blanked source text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked {
    bytes: Vec<u8>,
    /// Where each line starts.
    line_starts: Vec<usize>,
}

impl Masked {
    /// Blanks comments and literals.
    pub fn new(source: &str) -> Self {
        let mut bytes = source.as_bytes().to_vec();
        let mut at = 0;
        while at < bytes.len() {
            let end = literal_end(&bytes, at);
            blank(&mut bytes[at..end.unwrap_or(at)]);
            at = end.unwrap_or(at + 1);
        }
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let line_starts = std::iter::once(0)
            .chain(ends.map(|(end, _)| end + 1))
            .collect();
        Self { bytes, line_starts }
    }

    /// The same source without the items that are compiled for tests only.
    pub fn without_tests(mut self) -> Self {
        const MARK: &[u8] = b"#[cfg(test)]";
        let mut from = 0;
        while let Some(start) = self.find(MARK, from) {
            let end = self.item_end(start + MARK.len());
            blank(&mut self.bytes[start..end]);
            from = end;
        }
        self
    }

    /// The code as bytes; what was blanked is spaces.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The line of a byte, counted from 1.
    pub fn line(&self, at: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= at)
    }

    /// The starts of every occurrence of `word` that stands alone.
    pub fn words<'a>(&'a self, word: &'a str) -> impl Iterator<Item = usize> + 'a {
        let mut from = 0;
        std::iter::from_fn(move || {
            loop {
                let start = self.find(word.as_bytes(), from)?;
                from = start + word.len();
                let before = start.checked_sub(1).map(|index| self.bytes[index]);
                let after = self.bytes.get(from).copied();
                if !before.is_some_and(is_word) && !after.is_some_and(is_word) {
                    return Some(start);
                }
            }
        })
    }

    /// The first byte at or after `at` that is not white space.
    pub fn skip_space(&self, at: usize) -> usize {
        let rest = &self.bytes[at.min(self.bytes.len())..];
        at + rest
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count()
    }

    /// The identifier that starts at `at`, empty if none does.
    pub fn identifier(&self, at: usize) -> &str {
        let rest = &self.bytes[at.min(self.bytes.len())..];
        let length = rest.iter().take_while(|byte| is_word(**byte)).count();
        std::str::from_utf8(&rest[..length]).unwrap_or_default()
    }

    /// The index of the bracket that closes the one at `open`.
    pub fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for (index, byte) in self.bytes.iter().enumerate().skip(open) {
            match byte {
                b'{' | b'(' | b'[' => depth += 1,
                b'}' | b')' | b']' => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(index);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// The first `{` or `;` at or after `at` that is in no bracket opened since.
    pub fn body_or_end(&self, mut at: usize) -> Option<usize> {
        while at < self.bytes.len() {
            match self.bytes[at] {
                b'{' | b';' => return Some(at),
                b'(' | b'[' => at = self.closing(at)?,
                _ => {}
            }
            at += 1;
        }
        None
    }

    fn find(&self, needle: &[u8], from: usize) -> Option<usize> {
        let rest = self.bytes.get(from..)?;
        rest.windows(needle.len())
            .position(|window| window == needle)
            .map(|index| from + index)
    }

    fn item_end(&self, after_attribute: usize) -> usize {
        let end = self
            .body_or_end(after_attribute)
            .and_then(|stop| match self.bytes[stop] {
                b'{' => self.closing(stop),
                _ => Some(stop),
            });
        end.map_or(self.bytes.len(), |index| index + 1)
    }
}

/// Whether a byte can stand inside an identifier.
pub fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| **byte != b'\n') {
        *byte = b' ';
    }
}

/// Where the comment or literal that starts at `at` ends; `None` if none starts there.
fn literal_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes[at] {
        b'/' if bytes.get(at + 1) == Some(&b'/') => Some(line_end(bytes, at)),
        b'/' if bytes.get(at + 1) == Some(&b'*') => Some(block_comment_end(bytes, at)),
        b'"' => Some(string_end(bytes, at + 1)),
        b'r' if starts_raw(bytes, at) => raw_string_end(bytes, at + 1),
        b'\'' => character_end(bytes, at),
        _ => None,
    }
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes[at..].iter().position(|byte| *byte == b'\n');
    rest.map_or(bytes.len(), |index| at + index)
}

fn block_comment_end(bytes: &[u8], start: usize) -> usize {
    let (mut depth, mut at) = (0, start);
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => depth += 1,
            Some(b"*/") => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'"' => return at + 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// An `r` that is not the end of a longer word (`br` and `cr` open strings too).
fn starts_raw(bytes: &[u8], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|index| bytes[index]);
    match before(1) {
        Some(b'b' | b'c') => !before(2).is_some_and(is_word),
        byte => !byte.is_some_and(is_word),
    }
}

fn raw_string_end(bytes: &[u8], after_r: usize) -> Option<usize> {
    let hashes = bytes[after_r..]
        .iter()
        .take_while(|byte| **byte == b'#')
        .count();
    let quote = after_r + hashes;
    if bytes.get(quote) != Some(&b'"') {
        return None;
    }
    let mut close = vec![b'"'];
    close.resize(hashes + 1, b'#');
    let content = &bytes[quote + 1..];
    let length = content
        .windows(close.len())
        .position(|window| window == close);
    Some(length.map_or(bytes.len(), |length| quote + 1 + length + close.len()))
}

/// `'a'` and `'\n'` are literals; `'a` is a lifetime.
fn character_end(bytes: &[u8], at: usize) -> Option<usize> {
    let first = *bytes.get(at + 1)?;
    if first == b'\\' {
        let rest = bytes.get(at + 3..)?;
        return rest
            .iter()
            .position(|byte| *byte == b'\'')
            .map(|index| at + 3 + index + 1);
    }
    let length = match first {
        0x00..=0x7f => 1,
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        _ => 4,
    };
    (bytes.get(at + 1 + length) == Some(&b'\'')).then_some(at + length + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(source: &str) -> String {
        String::from_utf8(Masked::new(source).bytes).unwrap()
    }

    #[test]
    fn comments_and_strings_become_spaces_of_the_same_length() {
        assert_eq!(
            masked("a /* { /* } */ */ b"),
            format!("a{}b", " ".repeat(17))
        );
        assert_eq!(masked("a // {\nb"), "a     \nb");
        assert_eq!(masked(r#"a "\"{" b"#), "a       b");
    }

    #[test]
    fn raw_strings_end_at_their_own_hashes() {
        assert_eq!(masked("x r#\"\"{\"# y"), format!("x {} y", " ".repeat(7)));
        assert_eq!(masked("r#type = 1"), "r#type = 1");
    }

    #[test]
    fn a_lifetime_is_code_and_a_character_is_not() {
        assert_eq!(masked("fn f<'a>(x: &'a str)"), "fn f<'a>(x: &'a str)");
        assert_eq!(
            masked(r"['{', '\'', '…', b'}']"),
            "[   ,     ,      , b   ]"
        );
    }

    #[test]
    fn test_items_are_left_out() {
        let source =
            "fn a() {}\n#[cfg(test)]\nmod tests { fn b() {} }\nfn c() {}\n#[cfg(test)]\nmod t;";
        let code = String::from_utf8(Masked::new(source).without_tests().bytes).unwrap();
        assert!(code.contains("fn a") && code.contains("fn c"));
        assert!(!code.contains("fn b") && !code.contains("mod t"));
    }

    #[test]
    fn a_word_stands_alone() {
        let code = Masked::new("fn fnord fn_x fn");
        assert_eq!(code.words("fn").collect::<Vec<_>>(), [0, 14]);
    }

    #[test]
    fn lines_are_counted_from_one() {
        let code = Masked::new("a\n\"x\ny\"\nb");
        assert_eq!(code.line(0), 1);
        assert_eq!(code.line(code.bytes().len() - 1), 4);
    }
}
