//! Decoding that a field of another type cannot spoil, in one pass.
//!
//! The documentation, the SDKs and the wire disagree on many fields: a number comes as a string, a
//! string as a number, a list as null. Body types put [`field`] on each of their fields, all of them
//! `Option`; a value of another type than the field's is then as good as a missing one. What was
//! really sent stays in [`Event::raw`](crate::Event::raw).
//!
//! ```
//! use lark_events::lenient::{self, Lenient};
//! use serde::{Deserialize, Deserializer};
//!
//! #[derive(Debug, Default, PartialEq, Deserialize)]
//! #[serde(default)]
//! struct Room {
//!     #[serde(deserialize_with = "lenient::field")]
//!     name: Option<String>,
//!     #[serde(deserialize_with = "lenient::field")]
//!     capacity: Option<i64>,
//!     #[serde(deserialize_with = "lenient::field")]
//!     parts: Option<Vec<Room>>,
//! }
//!
//! // An object type becomes the type of a field like this.
//! lark_events::lenient_object!(Room);
//!
//! let room: Room = serde_json::from_str(r#"{"name": 7, "capacity": "12", "parts": [{"name": {}}, null]}"#)?;
//! assert_eq!(room.name.as_deref(), Some("7"));
//! assert_eq!(room.capacity, Some(12));
//! assert_eq!(room.parts.unwrap(), [Room::default()]);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod takers;

use std::marker::PhantomData;

use self::takers::{LenientVisitor, ObjectTaker};

/// For `#[serde(default, deserialize_with = "lenient::field")]` on an `Option` field.
///
/// # Errors
///
/// Only when the text is not JSON, or the deserializer cannot represent a value in it.
pub fn field<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Lenient,
    D: Deserializer<'de>,
{
    T::deserialize_lenient(deserializer)
}

/// A type that can be the type of a lenient field.
pub trait Lenient: Sized {
    /// Decodes a value, or consumes it and gives `None` where it is of another type.
    ///
    /// # Errors
    ///
    /// Only when the text is not JSON, or the deserializer cannot represent a value in it.
    fn deserialize_lenient<'de, D>(deserializer: D) -> Result<Option<Self>, D::Error>
    where
        D: Deserializer<'de>;
}

/// Implements [`Lenient`](crate::lenient::Lenient) for types that decode from a JSON object.
#[macro_export]
macro_rules! lenient_object {
    ($($object:ty),+ $(,)?) => {$(
        impl $crate::lenient::Lenient for $object {
            fn deserialize_lenient<'de, D>(deserializer: D) -> Result<Option<Self>, D::Error>
            where
                D: $crate::lenient::Deserializer<'de>,
            {
                $crate::lenient::object(deserializer)
            }
        }
    )+};
}

/// Implements the conversions of an open integer enum: one whose unknown values are kept.
///
/// ```
/// #[derive(Debug, Clone, Copy, PartialEq, Eq)]
/// pub enum Switch {
///     Off,
///     On,
///     Unknown(i64),
/// }
///
/// lark_events::open_integer_enum!(Switch { Off = 0, On = 1 });
///
/// assert_eq!(Switch::from(1), Switch::On);
/// assert_eq!(i64::from(Switch::Unknown(7)), 7);
/// assert_eq!(serde_json::to_string(&Switch::Off)?, "0");
/// assert_eq!(serde_json::from_str::<Switch>("7")?, Switch::Unknown(7));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[macro_export]
macro_rules! open_integer_enum {
    ($name:ident { $($variant:ident = $key:literal),+ $(,)? }) => {
        impl From<i64> for $name {
            fn from(key: i64) -> Self {
                match key {
                    $($key => Self::$variant,)+
                    other => Self::Unknown(other),
                }
            }
        }

        impl From<$name> for i64 {
            fn from(value: $name) -> Self {
                match value {
                    $($name::$variant => $key,)+
                    $name::Unknown(other) => other,
                }
            }
        }

        impl $crate::lenient::Serialize for $name {
            fn serialize<S>(&self, serializer: S) -> Result<S::Ok, S::Error>
            where
                S: $crate::lenient::Serializer,
            {
                serializer.serialize_i64(i64::from(*self))
            }
        }

        impl<'de> $crate::lenient::Deserialize<'de> for $name {
            fn deserialize<D>(deserializer: D) -> Result<Self, D::Error>
            where
                D: $crate::lenient::Deserializer<'de>,
            {
                <i64 as $crate::lenient::Deserialize>::deserialize(deserializer).map(Self::from)
            }
        }

        impl $crate::lenient::Lenient for $name {
            fn deserialize_lenient<'de, D>(deserializer: D) -> Result<Option<Self>, D::Error>
            where
                D: $crate::lenient::Deserializer<'de>,
            {
                let key = $crate::lenient::field::<i64, D>(deserializer)?;
                Ok(key.map(Self::from))
            }
        }
    };
}

#[doc(hidden)]
pub use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Decodes an object of type `T`; anything else is `None`.
///
/// # Errors
///
/// Those of `T`, whose fields are lenient themselves.
pub fn object<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(LenientVisitor(ObjectTaker(PhantomData)))
}
