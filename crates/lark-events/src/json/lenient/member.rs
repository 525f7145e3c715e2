//! The fields of structs with the derives, which are not all an `Option`.

use serde::Deserializer;

use super::Lenient;

/// A type that a field can have in a struct with `#[derive(EventType)]` or `#[derive(Lenient)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of an event",
    note = "a field is an `Option` of a lenient type, or a lenient type with a `Default`: derive `Lenient` for a struct of your own"
)]
pub trait Member: Sized {
    /// Takes a value, or none where it is of another type.
    ///
    /// # Errors
    ///
    /// As [`field`](super::field)'s.
    fn take<'de, D>(deserializer: D) -> Result<Self, D::Error>
    where
        D: Deserializer<'de>;
}

impl<T: Lenient> Member for Option<T> {
    fn take<'de, D>(deserializer: D) -> Result<Self, D::Error>
    where
        D: Deserializer<'de>,
    {
        T::deserialize_lenient(deserializer)
    }
}

impl<T: Lenient + Default> Member for T {
    fn take<'de, D>(deserializer: D) -> Result<Self, D::Error>
    where
        D: Deserializer<'de>,
    {
        T::deserialize_lenient(deserializer).map(Option::unwrap_or_default)
    }
}

/// What the derives put on each field.
///
/// # Errors
///
/// As [`field`](super::field)'s.
pub fn member<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Member,
    D: Deserializer<'de>,
{
    T::take(deserializer)
}
