//! The fields of structs with the derives, which need not be an `Option`.

use serde::Deserializer;

use super::Lenient;

/// The type of a field in a struct with `#[derive(EventType)]` or `#[derive(Lenient)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a field of an event",
    note = "use an `Option` of a lenient type, or a lenient type that implements `Default`; derive `Lenient` for your own structs"
)]
pub trait Member: Sized {
    /// Decodes a value, or returns the empty value if it is of another type.
    ///
    /// # Errors
    ///
    /// The errors of [`field`](super::field).
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

/// The function that the derives put on each field.
///
/// # Errors
///
/// The errors of [`field`](super::field).
pub fn member<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Member,
    D: Deserializer<'de>,
{
    T::take(deserializer)
}
