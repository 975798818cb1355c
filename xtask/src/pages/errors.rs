//! docs/errors.md, from the catalogue of errors.

use std::fmt::Write as _;

use driftless_protocol::{CloseCode, Code};

/// The page.
pub fn text() -> String {
    let mut page = String::from(
        "# Errors and close codes\n\n\
         Made by `cargo xtask pages` from the catalogue in \
         `crates/driftless-protocol/src/codes.rs`; \
         change that.\nAnchors are stable: `#too_large`, `#close-4300`.\n\n\
         What the client's fault is can never be accepted as it is: an edit is set aside for a \
         person. Everything\nelse is tried again.\n\n\
         ## Errors\n\n",
    );
    for code in Code::ALL {
        entry(
            &mut page,
            code.as_str(),
            &format!("`{code}`: {}", code.title()),
            code.cause(),
            &[
                ("Whose fault", code.blame().word()),
                ("What to do", code.hint()),
            ],
        );
    }
    page.push_str("## Close codes\n\n");
    for code in CloseCode::ALL {
        entry(
            &mut page,
            code.anchor(),
            &format!("{}: {}", code.number(), code.title()),
            code.cause(),
            &[
                ("What the client does", code.next().word()),
                ("What to do", code.hint()),
            ],
        );
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

fn entry(page: &mut String, anchor: &str, title: &str, cause: &str, facts: &[(&str, &str)]) {
    write!(page, "### <a id=\"{anchor}\"></a>{title}\n\n{cause}\n\n")
        .expect("a string takes everything");
    for (name, value) in facts {
        writeln!(page, "- {name}: {value}").expect("a string takes everything");
    }
    page.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_anchor() {
        let page = text();
        let codes = Code::ALL.iter().map(|code| code.as_str());
        for anchor in codes.chain(CloseCode::ALL.iter().map(|code| code.anchor())) {
            assert!(
                page.contains(&format!("<a id=\"{anchor}\"></a>")),
                "{anchor}"
            );
        }
    }
}
