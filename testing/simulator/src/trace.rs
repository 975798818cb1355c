//! What happened, for a seed that is looked at.

/// Prints what happens, where wanted.
#[derive(Debug)]
pub struct Trace {
    is_wanted: bool,
}

impl Trace {
    /// Prints nothing unless wanted.
    pub fn new(is_wanted: bool) -> Self {
        Self { is_wanted }
    }

    /// Prints a line.
    pub fn say(&self, line: impl FnOnce() -> String) {
        if self.is_wanted {
            println!("{}", line());
        }
    }
}
