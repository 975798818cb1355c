//! Marks of tokens: what is kept of one in its place, so that it can be told from another.

/// The offset and the prime of FNV-1a with 64 bits.
const FNV: (u64, u64) = (0xcbf2_9ce4_8422_2325, 0x0100_0000_01b3);

/// What comes before the name of the holder in the claims of a JWT, spaces left out.
const SUBJECT: &[u8] = b"\"sub\":\"";

/// Equal for equal tokens, and most likely for no others. It stays on the device: told among the
/// tabs of an origin, which have the tokens themselves.
///
/// ```
/// use driftless_sync::replica::token_mark;
///
/// assert_eq!(token_mark("Ann"), token_mark("Ann"));
/// assert_ne!(token_mark("Ann"), token_mark("Bob"));
/// ```
pub fn token_mark(token: &str) -> u64 {
    token.bytes().fold(FNV.0, mixed)
}

/// The same of whose a token says to be: a JWT names its holder, so that a renewed one has the mark
/// of the one before. Of a token that says nothing it is the token's own.
pub(super) fn holder_mark(token: &str) -> u64 {
    let mut holder = Holder {
        mark: FNV.0,
        matched: 0,
        is_named: false,
        is_escaped: false,
    };
    let (mut bits, mut count, mut dots) = (0_u32, 0, 0);
    for byte in token.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'.' => {
                dots += 1;
                continue;
            }
            _ => 63,
        };
        // The claims are between the first dot and the second.
        if dots == 1 {
            bits = bits << 6 | u32::from(digit);
            count += 6;
        }
        if count >= 8 {
            count -= 8;
            let [.., byte] = (bits >> count).to_be_bytes();
            holder.read(byte);
        }
    }
    if holder.is_named {
        holder.mark
    } else {
        token_mark(token)
    }
}

/// Looks for a name in claims. Who acts for somebody is named in the same way, within theirs: both
/// count.
struct Holder {
    mark: u64,
    /// How much of [`SUBJECT`] was just read: where it is all of it, a name is being read.
    matched: usize,
    is_named: bool,
    /// Whether the byte before takes its meaning from the next one.
    is_escaped: bool,
}

impl Holder {
    fn read(&mut self, byte: u8) {
        match SUBJECT.get(self.matched) {
            Some(_) if byte == b' ' => {}
            Some(next) if byte == *next => self.matched += 1,
            Some(_) => self.matched = usize::from(byte == b'"'),
            None => {
                self.mark = mixed(self.mark, byte);
                self.is_named = true;
                if byte == b'"' && !self.is_escaped {
                    self.matched = 0;
                }
                self.is_escaped = byte == b'\\' && !self.is_escaped;
            }
        }
    }
}

fn mixed(mark: u64, byte: u8) -> u64 {
    (mark ^ u64::from(byte)).wrapping_mul(FNV.1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    /// `{"sub":"Ann","exp":1}`, `{"sub": "Ann", "exp": 22}`, `{"exp":3,"sub":"Bob"}`, and Ann and
    /// Bob for whom `"svc"` acts.
    const ANN: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJBbm4iLCJleHAiOjF9.c2ln";
    const ANN_LATER: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiAiQW5uIiwgImV4cCI6IDIyfQ.bmV3";
    const BOB: &str = "eyJhbGciOiJFUzI1NiJ9.eyJleHAiOjMsInN1YiI6IkJvYiJ9.c2ln";
    const FOR_ANN: &str = "e30.eyJhY3QiOnsic3ViIjoic3ZjIn0sInN1YiI6IkFubiJ9.c2ln";
    const FOR_BOB: &str = "e30.eyJhY3QiOnsic3ViIjoic3ZjIn0sInN1YiI6IkJvYiJ9.c2ln";

    #[test]
    fn a_renewed_token_is_the_same_persons() {
        assert_eq!(holder_mark(ANN), holder_mark(ANN_LATER));
        assert_ne!(token_mark(ANN), token_mark(ANN_LATER));
        assert_ne!(holder_mark(ANN), holder_mark(BOB));
        assert_ne!(holder_mark(FOR_ANN), holder_mark(FOR_BOB));
        assert_ne!(holder_mark(FOR_ANN), holder_mark(ANN));
    }

    #[test]
    fn no_two_names_have_one_mark() {
        let named = |claims: &str| {
            let claims = URL_SAFE_NO_PAD.encode(claims);
            holder_mark(&format!("e30.{claims}.c2ln"))
        };
        let claims = [
            r#"{"sub":"Ann Lee"}"#,
            r#"{"sub":"AnnLee"}"#,
            r#"{"sub":"Ann\""}"#,
            r#"{"sub":"Ann\\"}"#,
            r#"{"sub":"Ann\"a"}"#,
            r#"{"act":{"sub":"svc"},"sub":"Ann"}"#,
            r#"{"act":{"sub":"sv"},"sub":"cAnn"}"#,
        ];
        let marks: BTreeSet<u64> = claims.map(named).into();
        assert_eq!(marks.len(), claims.len());
        assert_eq!(
            named(r#"{"aud": "x", "sub": "Ann Lee", "exp": 1}"#),
            named(claims[0])
        );
    }

    #[test]
    fn a_token_that_names_nobody_has_its_own_mark() {
        for token in [
            "Ann",
            "",
            "a.b.c",
            "Ann.Lee",
            "e30.e30.e30",
            "a.é.b",
            "a.eyJzdWIiOjF9.b",
        ] {
            assert_eq!(holder_mark(token), token_mark(token), "{token}");
        }
    }
}
