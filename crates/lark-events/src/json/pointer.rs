//! A place in a JSON text, written as a JSON pointer (RFC 6901): `/time_config/end_time`, `/list/3`.

/// The current place of a walk over a JSON text.
#[derive(Debug, Default)]
pub(crate) struct Pointer(String);

impl Pointer {
    /// Steps down to a member or an element. Returns the argument for [`go_back`](Self::go_back).
    #[must_use]
    pub(crate) fn step(&mut self, name: &str) -> usize {
        let length = self.0.len();
        self.0.push('/');
        for character in name.chars() {
            match character {
                '~' => self.0.push_str("~0"),
                '/' => self.0.push_str("~1"),
                other => self.0.push(other),
            }
        }
        length
    }

    /// Goes back to the place at which the pointer was `length` bytes long.
    pub(crate) fn go_back(&mut self, length: usize) {
        self.0.truncate(length);
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_escaped_and_a_step_can_be_taken_back() {
        let mut pointer = Pointer::default();
        assert_eq!(pointer.as_str(), "");
        assert_eq!(pointer.step("a/b~"), 0);
        let length = pointer.step("");
        assert_eq!(pointer.as_str(), "/a~1b~0/");
        pointer.go_back(length);
        assert_eq!(pointer.as_str(), "/a~1b~0");
    }
}
