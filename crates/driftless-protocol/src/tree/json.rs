//! Writes a tree as JSON, letter by letter as `serde_json` does, in a fraction of the code: a page
//! writes its edits with this.

use std::fmt::Write as _;

use super::Tree;

pub(super) fn write(tree: &Tree<'_>, json: &mut String) {
    match tree {
        Tree::Bool(truth) => json.push_str(if *truth { "true" } else { "false" }),
        Tree::Unsigned(number) => say(number, json),
        Tree::Negative(number) => say(number, json),
        Tree::Float(number) if number.is_finite() => {
            json.push_str(zmij::Buffer::new().format_finite(*number));
        }
        Tree::Nothing | Tree::Float(_) => json.push_str("null"),
        Tree::Text(text) => write_text(text, json),
        Tree::Bytes(bytes) => write_all(*b"[]", bytes.iter(), json, |byte, json| say(byte, json)),
        Tree::Seq(list) => write_all(*b"[]", list.iter(), json, write),
        Tree::Map(entries) => write_all(*b"{}", entries.iter(), json, |(name, value), json| {
            write_text(name, json);
            json.push(':');
            write(value, json);
        }),
    }
}

fn say(number: &dyn std::fmt::Display, json: &mut String) {
    let Ok(()) = write!(json, "{number}") else {
        unreachable!("memory takes whatever is written")
    };
}

fn write_all<T>(
    [open, close]: [u8; 2],
    items: impl Iterator<Item = T>,
    json: &mut String,
    write: impl Fn(T, &mut String),
) {
    json.push(char::from(open));
    for (place, item) in items.enumerate() {
        if place > 0 {
            json.push(',');
        }
        write(item, json);
    }
    json.push(char::from(close));
}

fn write_text(text: &str, json: &mut String) {
    json.push('"');
    for letter in text.chars() {
        let short = match letter {
            '"' | '\\' => letter,
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            '\u{8}' => 'b',
            '\u{c}' => 'f',
            '\0'..' ' => {
                let digits = b"0123456789abcdef";
                let code = letter as usize;
                json.push_str("\\u00");
                json.push(char::from(digits[code / 16]));
                json.push(char::from(digits[code % 16]));
                continue;
            }
            _ => {
                json.push(letter);
                continue;
            }
        };
        json.push('\\');
        json.push(short);
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = Cow<'static, str>> {
        let control = proptest::collection::vec(0_u8..0x80, 0..12);
        let control = control.prop_map(|bytes| String::from_utf8(bytes).expect("is ASCII"));
        prop_oneof![any::<String>(), control].prop_map(Cow::Owned)
    }

    fn tree() -> impl Strategy<Value = Tree<'static>> {
        let bytes = any::<Vec<u8>>().prop_map(|bytes| Tree::Bytes(Cow::Owned(bytes)));
        let leaf = prop_oneof![
            Just(Tree::Nothing),
            any::<bool>().prop_map(Tree::Bool),
            any::<u64>().prop_map(Tree::Unsigned),
            any::<i64>().prop_map(Tree::whole),
            any::<f64>().prop_map(Tree::Float),
            Just(Tree::Float(f64::NAN)),
            text().prop_map(Tree::Text),
            bytes,
        ];
        leaf.prop_recursive(4, 32, 5, |tree| {
            prop_oneof![
                proptest::collection::vec(tree.clone(), 0..5).prop_map(Tree::Seq),
                proptest::collection::vec((text(), tree), 0..5).prop_map(Tree::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_what_serde_json_writes(tree in tree()) {
            let mut json = String::new();
            write(&tree, &mut json);
            prop_assert_eq!(json, serde_json::to_string(&tree).expect("writes"));
        }
    }
}
