//! Checking a body against its documented rules, for tools and for bodies that an app creates. Received
//! bodies are never checked, because the platform breaks its own rules.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Bound, RangeBounds};

use crate::json::Pointer;

/// A type with documented rules for its values. Generated crates implement it:
///
/// ```
/// use lark_events::event::Violations;
/// use lark_events::Validate;
///
/// #[derive(Default)]
/// struct Opening {
///     days: Option<i64>,
///     start_time: Option<String>,
///     end_time: Option<String>,
///     rooms: Option<Vec<String>>,
///     then: Option<Vec<Opening>>,
/// }
///
/// impl Validate for Opening {
///     fn check(&self, found: &mut Violations) {
///         found.range("days", &self.days, 1.0..=730.0);
///         found.range("end_time", &self.end_time, ..=86400.0);
///         found.length("rooms", &self.rooms, 1..=20);
///         found.nested("then", &self.then);
///         let both = self.start_time.is_some() == self.end_time.is_some();
///         found.rule("end_time", both, "given with start_time");
///     }
/// }
///
/// let mut opening = Opening::default();
/// assert!(opening.validate().is_empty(), "a value that is not given breaks nothing");
/// opening.days = Some(731);
/// let week = Opening { then: Some(vec![opening]), ..Opening::default() };
/// let found = week.validate();
/// assert_eq!(found[0].path, "/then/0/days");
/// assert_eq!(found[0].to_string(), "/then/0/days: a number of at least 1 and at most 730");
/// ```
pub trait Validate {
    /// Adds the violations of this value to `found`.
    fn check(&self, found: &mut Violations);

    /// The violations of this value.
    fn validate(&self) -> Vec<Violation> {
        let mut found = Violations::default();
        self.check(&mut found);
        found.list
    }
}

impl<T: Validate> Validate for Vec<T> {
    fn check(&self, found: &mut Violations) {
        for (index, element) in self.iter().enumerate() {
            found.check_at(&index.to_string(), element);
        }
    }
}

impl<T: Validate> Validate for BTreeMap<String, T> {
    fn check(&self, found: &mut Violations) {
        for (name, value) in self {
            found.check_at(name, value);
        }
    }
}

/// A broken rule. It names the place and the rule, never the value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The place of the value, as a JSON pointer (RFC 6901) into the validated value.
    pub path: String,
    /// What the value should be.
    pub rule: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.rule)
    }
}

/// The violations found so far, and the place being checked.
#[derive(Debug, Default)]
pub struct Violations {
    at: Pointer,
    list: Vec<Violation>,
}

impl Violations {
    /// Checks that a number, or a numeric string, is within a range. A string that is not a number is a
    /// violation.
    pub fn range(&mut self, name: &str, value: &Option<impl Number>, range: impl RangeBounds<f64>) {
        let Some(value) = value else { return };
        if !value.number().is_some_and(|number| range.contains(&number)) {
            self.add(
                name,
                rule("a number", range.start_bound(), range.end_bound()),
            );
        }
    }

    /// Checks that the number of characters of a string, or of elements of a list, is within a range.
    pub fn length(
        &mut self,
        name: &str,
        value: &Option<impl Length>,
        range: impl RangeBounds<usize>,
    ) {
        let Some(value) = value else { return };
        if !range.contains(&value.length()) {
            self.add(
                name,
                rule("a length", range.start_bound(), range.end_bound()),
            );
        }
    }

    /// Checks a nested value: an object, a list of objects, or a map of objects.
    pub fn nested(&mut self, name: &str, value: &Option<impl Validate>) {
        if let Some(value) = value {
            self.check_at(name, value);
        }
    }

    /// Checks any other rule for a member. `rule` says what the member should be.
    pub fn rule(&mut self, name: &str, holds: bool, rule: &str) {
        if !holds {
            self.add(name, rule.to_owned());
        }
    }

    fn check_at(&mut self, name: &str, value: &dyn Validate) {
        let length = self.at.step(name);
        value.check(self);
        self.at.go_back(length);
    }

    fn add(&mut self, name: &str, rule: String) {
        let length = self.at.step(name);
        let path = self.at.as_str().to_owned();
        self.at.go_back(length);
        self.list.push(Violation { path, rule });
    }
}

/// `what` and the bounds of its range, in words.
fn rule<T: fmt::Display>(what: &str, start: Bound<&T>, end: Bound<&T>) -> String {
    let start = match start {
        Bound::Included(start) => Some(format!("at least {start}")),
        Bound::Excluded(start) => Some(format!("more than {start}")),
        Bound::Unbounded => None,
    };
    let end = match end {
        Bound::Included(end) => Some(format!("at most {end}")),
        Bound::Excluded(end) => Some(format!("less than {end}")),
        Bound::Unbounded => None,
    };
    let ends: Vec<_> = start.into_iter().chain(end).collect();
    if ends.is_empty() {
        return what.to_owned();
    }
    format!("{what} of {}", ends.join(" and "))
}

/// A type that [`Violations::range`] can check.
pub trait Number {
    /// The number; `None` for a string that is not a number.
    fn number(&self) -> Option<f64>;
}

impl Number for i64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the ends of documented ranges are exact as floats"
    )]
    fn number(&self) -> Option<f64> {
        Some(*self as f64)
    }
}

impl Number for u64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the ends of documented ranges are exact as floats"
    )]
    fn number(&self) -> Option<f64> {
        Some(*self as f64)
    }
}

impl Number for i32 {
    fn number(&self) -> Option<f64> {
        Some((*self).into())
    }
}

impl Number for u32 {
    fn number(&self) -> Option<f64> {
        Some((*self).into())
    }
}

impl Number for f64 {
    fn number(&self) -> Option<f64> {
        Some(*self)
    }
}

impl Number for String {
    fn number(&self) -> Option<f64> {
        self.parse().ok().filter(|number: &f64| number.is_finite())
    }
}

/// A type that [`Violations::length`] can check.
pub trait Length {
    /// The number of characters of a string, or of elements of a list.
    fn length(&self) -> usize;
}

impl Length for String {
    fn length(&self) -> usize {
        self.chars().count()
    }
}

impl<T> Length for Vec<T> {
    fn length(&self) -> usize {
        self.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The violations that `check` finds, as text.
    fn found(check: impl Fn(&mut Violations)) -> Vec<String> {
        let mut found = Violations::default();
        check(&mut found);
        found.list.iter().map(ToString::to_string).collect()
    }

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn both_ends_of_a_range_are_in_it() {
        let days = |days: i64| found(|found| found.range("days", &Some(days), 1.0..=730.0));
        for inside in [1, 2, 730] {
            assert!(days(inside).is_empty(), "{inside}");
        }
        for outside in [i64::MIN, 0, 731, i64::MAX] {
            let expected = ["/days: a number of at least 1 and at most 730"];
            assert_eq!(days(outside), expected, "{outside}");
        }
    }

    #[test]
    fn a_number_may_be_an_integer_of_any_kind() {
        let of = |number: Option<f64>| assert_eq!(number, Some(7.0));
        of(7_u64.number());
        of(7_u32.number());
        of(7_i32.number());
    }

    #[test]
    fn an_end_may_be_open_or_out_of_the_range() {
        let hours = |hours: f64| {
            found(|found| {
                found.range("a", &Some(hours), 0.5..);
                found.range("b", &Some(hours), ..2.0);
                found.range("c", &Some(hours), ..);
            })
        };
        assert!(hours(0.5).is_empty());
        assert_eq!(hours(0.4), ["/a: a number of at least 0.5"]);
        assert_eq!(hours(2.0), ["/b: a number of less than 2"]);
        assert_eq!(hours(f64::NAN).len(), 2);
        let after = (Bound::Excluded(1.0), Bound::Unbounded);
        let at_end = found(|found| found.range("d", &Some(1), after));
        assert_eq!(at_end, ["/d: a number of more than 1"]);
    }

    #[test]
    fn a_text_is_in_a_range_as_the_number_it_is() {
        let time = |time: &str| found(|found| found.range("t", &text(time), ..=86400.0));
        for inside in ["0", "86400", "-1", "1.5"] {
            assert!(time(inside).is_empty(), "{inside}");
        }
        for outside in ["86401", "", "noon", " 1", "NaN", "-inf"] {
            assert_eq!(
                time(outside),
                ["/t: a number of at most 86400"],
                "{outside}"
            );
        }
        let any = found(|found| found.range("t", &text("noon"), ..));
        assert_eq!(any, ["/t: a number"]);
    }

    #[test]
    fn a_length_is_counted_in_characters_and_elements() {
        let name = |name: &str| found(|found| found.length("name", &text(name), 1..=3));
        assert!(name("会议室").is_empty());
        assert_eq!(
            name("会议室1"),
            ["/name: a length of at least 1 and at most 3"]
        );
        assert_eq!(name("").len(), 1);
        let list = |list: Vec<i64>| found(|found| found.length("list", &Some(list.clone()), ..=1));
        assert!(list(vec![7]).is_empty());
        assert_eq!(list(vec![7, 7]), ["/list: a length of at most 1"]);
    }

    #[test]
    fn what_is_not_given_breaks_no_rule() {
        let nothing = found(|found| {
            found.range("a", &None::<i64>, 1.0..);
            found.length("b", &None::<String>, 1..);
            found.nested("c", &None::<Vec<Room>>);
        });
        assert!(nothing.is_empty());
    }

    struct Room(i64);

    impl Validate for Room {
        fn check(&self, found: &mut Violations) {
            found.rule("odd/name", self.0 > 0, "more than nothing");
        }
    }

    #[test]
    fn the_path_leads_through_objects_lists_and_maps() {
        let found = found(|found| {
            found.nested("room", &Some(Room(0)));
            found.nested("rooms", &Some(vec![Room(1), Room(0)]));
            let named = BTreeMap::from([("~".to_owned(), vec![Room(0)])]);
            found.nested("named", &Some(named));
            found.rule("last", false, "reached");
        });
        assert_eq!(
            found,
            [
                "/room/odd~1name: more than nothing",
                "/rooms/1/odd~1name: more than nothing",
                "/named/~0/0/odd~1name: more than nothing",
                "/last: reached",
            ]
        );
        assert_eq!(vec![Room(0)].validate()[0].path, "/0/odd~1name");
    }
}
