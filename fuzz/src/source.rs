//! Bytes as a source of decisions: what is read of an empty one is zero, so that every input is a
//! script.

/// What is left of the input.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    rest: &'a [u8],
}

impl<'a> Source<'a> {
    /// All of an input.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether nothing is left: only zeros come.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((byte, rest)) = self.rest.split_first() else {
            return 0;
        };
        self.rest = rest;
        *byte
    }

    /// A number below a bound of at most 256.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound.max(1)
    }

    /// One time in so many.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == times - 1
    }

    /// One of several.
    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    /// Something, or nothing.
    pub fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.once_in(2).then(|| make(self))
    }

    /// At most so many.
    pub fn list<T>(&mut self, most: usize, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.below(most + 1);
        (0..count).map(|_| make(self)).collect()
    }

    /// Any number, small and extreme ones more often.
    pub fn wide(&mut self) -> u64 {
        match self.below(8) {
            0..=4 => self.below(16) as u64,
            5 => u64::MAX - self.below(4) as u64,
            6 => (1 << 63) - self.below(4) as u64,
            _ => u64::from_le_bytes(std::array::from_fn(|_| self.byte())),
        }
    }

    /// Any 32 bits, small and extreme ones more often.
    pub fn narrow(&mut self) -> u32 {
        u32::try_from(self.wide()).unwrap_or(u32::MAX)
    }

    /// Short text, at times of any characters.
    pub fn text(&mut self) -> String {
        if self.once_in(2) {
            let length = self.below(24).min(self.rest.len());
            let (text, rest) = self.rest.split_at(length);
            self.rest = rest;
            return String::from_utf8_lossy(text).into_owned();
        }
        self.pick(&["", "a", "CPU", "Zoë 🦊", "\u{0}", "\"\\\n"])
            .to_owned()
    }
}
