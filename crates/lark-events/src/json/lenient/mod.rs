//! Decoding in which an unexpected value leaves only its own field empty. Good input takes one pass; a
//! second pass runs only if the first one fails.
//!
//! The documentation, the SDKs and the wire format disagree on many fields: a number arrives as a
//! string, a string as a number, a list as null. Body types put [`field`] on each of their fields, all
//! of them `Option`; a value of another type then counts as missing. [`Event::raw`](crate::Event::raw)
//! keeps the received text, and [`Event::unread`](crate::Event::unread) lists the values that did not
//! fit.
//!
//! Some JSON texts cannot be decoded as a whole: a repeated member, half of a surrogate pair, a number
//! or a nesting without bounds. If the first pass over a body fails, a second pass reads a copy of the
//! text in which these values are null, or a string with the text of the number, so that only their own
//! fields are lost.
//!
//! A float that is too large to be exact, or too small to be written in digits, never becomes a lenient
//! `String` or `Value`: such a body gets one more pass, in which all numbers of that kind are strings
//! of their own text. Between these limits, a number may have more digits than a float can hold. The
//! extra digits are lost, and `unread()` lists the number.
//!
//! The list elements, map entries and `Value` nodes of one body take at most [`MAX_NODE_BYTES`]. A
//! field beyond that counts as missing.
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
//! // Allows `Room` as the type of a field.
//! lark_events::lenient_object!(Room);
//!
//! let room: Room = serde_json::from_str(r#"{"name": 7, "capacity": "12", "parts": [{"name": {}}, null]}"#)?;
//! assert_eq!(room.name.as_deref(), Some("7"));
//! assert_eq!(room.capacity, Some(12));
//! assert_eq!(room.parts.unwrap(), [Room::default()]);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod budget;
mod containers;
mod held;
#[cfg(feature = "derive")]
mod member;
mod repair;
mod takers;
#[cfg(test)]
mod twins;

pub use self::budget::MAX_NODE_BYTES;
pub(crate) use self::budget::bounded;
pub use self::containers::object;
pub(crate) use self::held::Held;
use self::held::is_exact;
#[cfg(feature = "derive")]
#[doc(hidden)]
pub use self::member::{Member, member};
pub(crate) use self::repair::{MAX_DEPTH, repair};

/// For `#[serde(default, deserialize_with = "lenient::field")]` on an `Option` field.
///
/// # Errors
///
/// When the text is not JSON, or the deserializer or the field cannot represent a value of it. A body
/// is then decoded again without such values.
pub fn field<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Lenient,
    D: Deserializer<'de>,
{
    T::deserialize_lenient(deserializer)
}

/// A type of a lenient field.
pub trait Lenient: Sized {
    /// Decodes a value; consumes it and returns `None` if it is of another type.
    ///
    /// # Errors
    ///
    /// The errors of [`field`].
    fn deserialize_lenient<'de, D>(deserializer: D) -> Result<Option<Self>, D::Error>
    where
        D: Deserializer<'de>;
}

/// Implements [`Lenient`](crate::lenient::Lenient) for types that decode from a JSON object.
#[macro_export]
macro_rules! lenient_object {
    ($($object:ty),+ $(,)?) => {$(
        impl $crate::lenient::Lenient for $object {
            fn deserialize_lenient<'de, D>(
                deserializer: D,
            ) -> ::core::result::Result<::core::option::Option<Self>, D::Error>
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
        impl ::core::convert::From<i64> for $name {
            fn from(key: i64) -> Self {
                match key {
                    $($key => Self::$variant,)+
                    other => Self::Unknown(other),
                }
            }
        }

        impl ::core::convert::From<$name> for i64 {
            fn from(value: $name) -> Self {
                match value {
                    $($name::$variant => $key,)+
                    $name::Unknown(other) => other,
                }
            }
        }

        impl $crate::lenient::Serialize for $name {
            fn serialize<S>(&self, serializer: S) -> ::core::result::Result<S::Ok, S::Error>
            where
                S: $crate::lenient::Serializer,
            {
                serializer.serialize_i64(<i64 as ::core::convert::From<Self>>::from(*self))
            }
        }

        impl<'de> $crate::lenient::Deserialize<'de> for $name {
            fn deserialize<D>(deserializer: D) -> ::core::result::Result<Self, D::Error>
            where
                D: $crate::lenient::Deserializer<'de>,
            {
                let key: i64 = $crate::lenient::Deserialize::deserialize(deserializer)?;
                ::core::result::Result::Ok(::core::convert::Into::into(key))
            }
        }

        impl $crate::lenient::Lenient for $name {
            fn deserialize_lenient<'de, D>(
                deserializer: D,
            ) -> ::core::result::Result<::core::option::Option<Self>, D::Error>
            where
                D: $crate::lenient::Deserializer<'de>,
            {
                let key = $crate::lenient::field::<i64, D>(deserializer)?;
                ::core::result::Result::Ok(key.map(::core::convert::Into::into))
            }
        }
    };
}

/// Implements the conversions of an open string enum: one whose unknown values are kept.
///
/// ```
/// #[derive(Debug, Clone, PartialEq, Eq)]
/// pub enum Kind {
///     Green,
///     Black,
///     Unknown(String),
/// }
///
/// lark_events::open_string_enum!(Kind { Green = "green", Black = "black" });
///
/// assert_eq!(Kind::from("black".to_owned()), Kind::Black);
/// assert_eq!(Kind::Unknown("red".to_owned()).as_str(), "red");
/// assert_eq!(serde_json::to_string(&Kind::Green)?, "\"green\"");
/// assert_eq!(serde_json::from_str::<Kind>("\"red\"")?.as_str(), "red");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[macro_export]
macro_rules! open_string_enum {
    ($name:ident { $($variant:ident = $key:literal),+ $(,)? }) => {
        impl $name {
            /// The key as sent.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $key,)+
                    Self::Unknown(other) => other,
                }
            }
        }

        impl ::core::convert::From<::std::string::String> for $name {
            fn from(key: ::std::string::String) -> Self {
                match key.as_str() {
                    $($key => Self::$variant,)+
                    _ => Self::Unknown(key),
                }
            }
        }

        impl $crate::lenient::Serialize for $name {
            fn serialize<S>(&self, serializer: S) -> ::core::result::Result<S::Ok, S::Error>
            where
                S: $crate::lenient::Serializer,
            {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> $crate::lenient::Deserialize<'de> for $name {
            fn deserialize<D>(deserializer: D) -> ::core::result::Result<Self, D::Error>
            where
                D: $crate::lenient::Deserializer<'de>,
            {
                let key: ::std::string::String =
                    $crate::lenient::Deserialize::deserialize(deserializer)?;
                ::core::result::Result::Ok(::core::convert::Into::into(key))
            }
        }

        impl $crate::lenient::Lenient for $name {
            fn deserialize_lenient<'de, D>(
                deserializer: D,
            ) -> ::core::result::Result<::core::option::Option<Self>, D::Error>
            where
                D: $crate::lenient::Deserializer<'de>,
            {
                let key = $crate::lenient::field::<::std::string::String, D>(deserializer)?;
                ::core::result::Result::Ok(key.map(::core::convert::Into::into))
            }
        }
    };
}

/// Implements [`Lenient`](trait@Lenient) and `Deserialize` for a struct: an unexpected value leaves
/// only its own field empty. [`EventType`](derive@crate::EventType) does the same for the body of an
/// event.
///
/// A field is an `Option` of a lenient type, or a lenient type with a `Default`, which is used for an
/// unexpected value. Field attributes of serde, such as `rename`, have their usual effect.
#[cfg(feature = "derive")]
pub use lark_events_macros::Lenient;

/// The type of a field that can hold any value, for generated code in apps.
#[doc(hidden)]
pub use serde_json::Value;

#[doc(hidden)]
pub use serde::{Deserialize, Deserializer, Serialize, Serializer};
