//! Lenient fields that contain other values: objects, lists, maps and any value.

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, SeqAccess};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::Lenient;
use super::budget::{self, Left};
use super::takers::{LenientVisitor, Taker, exact, lenient_by, skip_elements, skip_members};

/// The error of a repeated key, like the one of an object's field: the second pass keeps neither value.
const TWICE: &str = "a duplicate key";

lenient_by!(<T: Lenient> Vec<T> => ListTaker(PhantomData));
lenient_by!(<T: Lenient> BTreeMap<String, T> => MapTaker(PhantomData));

/// Decodes an object of type `T`; anything else is `None`.
///
/// # Errors
///
/// The errors of `T`, whose fields are lenient themselves.
pub fn object<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(LenientVisitor(ObjectTaker(PhantomData)))
}

/// An object.
struct ObjectTaker<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Taker<'de> for ObjectTaker<T> {
    type Value = T;
    const EXPECTING: &'static str = "an object";

    fn take_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }
}

/// A list. An element of another type is left out, and nothing takes its place.
struct ListTaker<T>(PhantomData<T>);

impl<'de, T: Lenient> Taker<'de> for ListTaker<T> {
    type Value = Vec<T>;
    const EXPECTING: &'static str = "a list";

    fn take_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Option<Vec<T>>, A::Error> {
        let left = Left::now();
        let mut list = Vec::new();
        while let Some(Element(element)) = seq.next_element()? {
            let Some(element) = element else {
                continue;
            };
            if !budget::grow_list(&mut list) {
                skip_elements(seq)?;
                return Ok(None);
            }
            list.push(element);
        }
        left.keep();
        Ok(Some(list))
    }
}

/// An object with any keys. A value of another type is left out. A repeated key is an error.
struct MapTaker<T>(PhantomData<T>);

impl<'de, T: Lenient> Taker<'de> for MapTaker<T> {
    type Value = BTreeMap<String, T>;
    const EXPECTING: &'static str = "an object";

    fn take_map<A: MapAccess<'de>>(
        self,
        mut map: A,
    ) -> Result<Option<BTreeMap<String, T>>, A::Error> {
        let left = Left::now();
        let mut entries = BTreeMap::new();
        let mut odd = BTreeSet::new();
        while let Some((key, Element(value))) = map.next_entry::<String, _>()? {
            if !budget::grow_map::<T>(entries.len().saturating_add(odd.len())) {
                skip_members(map)?;
                return Ok(None);
            }
            if entries.contains_key(&key) || odd.contains(&key) {
                return Err(A::Error::custom(TWICE));
            }
            match value {
                Some(value) => {
                    entries.insert(key, value);
                }
                None => {
                    odd.insert(key);
                }
            }
        }
        left.keep();
        Ok(Some(entries))
    }
}

/// Any value except null, within the memory limit.
impl Lenient for Value {
    fn deserialize_lenient<'de, D>(deserializer: D) -> Result<Option<Self>, D::Error>
    where
        D: Deserializer<'de>,
    {
        let left = Left::now();
        let Node(value) = Node::deserialize(deserializer)?;
        if value.is_some() {
            left.keep();
        }
        Ok(value)
    }
}

/// A value, or one inside another. `None` if it is null or exceeds the memory limit; then the budget is
/// empty, and the enclosing value is `None` too.
struct Node(Option<Value>);

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = deserializer.deserialize_any(LenientVisitor(ValueTaker));
        value.map(Self)
    }
}

/// Any value except null; nested nulls are kept.
struct ValueTaker;

impl<'de> Taker<'de> for ValueTaker {
    type Value = Value;
    const EXPECTING: &'static str = "a value";

    fn take_str(self, text: &str) -> Option<Value> {
        Some(text.into())
    }

    fn take_bool(self, value: bool) -> Option<Value> {
        Some(value.into())
    }

    fn take_u64(self, number: u64) -> Option<Value> {
        Some(number.into())
    }

    fn take_i64(self, number: i64) -> Option<Value> {
        Some(number.into())
    }

    fn take_f64<E: Error>(self, number: f64) -> Result<Option<Value>, E> {
        exact(number).map(|number| Some(number.into()))
    }

    fn take_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Option<Value>, A::Error> {
        let mut list = Vec::new();
        while let Some(Node(element)) = seq.next_element()? {
            if budget::is_exhausted() || !budget::grow_list(&mut list) {
                budget::exhaust();
                skip_elements(seq)?;
                return Ok(None);
            }
            list.push(element.unwrap_or(Value::Null));
        }
        Ok(Some(Value::Array(list)))
    }

    fn take_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<Value>, A::Error> {
        let mut members = Map::new();
        while let Some((key, Node(value))) = map.next_entry()? {
            if budget::is_exhausted() || !budget::grow_map::<Value>(members.len()) {
                budget::exhaust();
                skip_members(map)?;
                return Ok(None);
            }
            if members.insert(key, value.unwrap_or(Value::Null)).is_some() {
                return Err(A::Error::custom(TWICE));
            }
        }
        Ok(Some(Value::Object(members)))
    }
}

/// One lenient value inside a list or a map.
pub(super) struct Element<T>(pub(super) Option<T>);

impl<'de, T: Lenient> Deserialize<'de> for Element<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize_lenient(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read<T: Lenient>(json: &str) -> Option<T> {
        let Element(value) = serde_json::from_str(json).unwrap();
        value
    }

    #[test]
    fn a_list_leaves_odd_elements_out() {
        assert_eq!(
            read::<Vec<String>>(r#"["a", null, 3, {}]"#).unwrap(),
            ["a", "3"]
        );
        assert_eq!(read::<Vec<i64>>("{}"), None);
        assert_eq!(read::<Vec<i64>>("null"), None);
        assert_eq!(read::<Vec<i64>>("[]"), Some(Vec::new()));
    }

    #[test]
    fn a_map_leaves_odd_values_out() {
        let map = read::<BTreeMap<String, i64>>(r#"{"a": 1, "b": "2", "c": null, "d": {}}"#);
        let expected = [("a".to_owned(), 1), ("b".to_owned(), 2)];
        assert_eq!(map, Some(BTreeMap::from(expected)));
        assert_eq!(read::<BTreeMap<String, i64>>("[1]"), None);
    }

    #[test]
    fn any_value_is_kept_but_null() {
        assert_eq!(read("[1]"), Some(serde_json::json!([1])));
        assert_eq!(read::<Value>("null"), None);
        let all = r#"{"a": [null, true, -1, 1.5, "b", 18446744073709551615], "c": null, "d": {}}"#;
        assert_eq!(read(all), Some(serde_json::from_str::<Value>(all).unwrap()));
    }

    /// The maximum number of bytes for nodes in these tests.
    const MOST: usize = 64 * 1024;

    /// A list that repeats an element.
    fn list(count: usize, element: &str) -> String {
        format!("[{}{element}]", format!("{element},").repeat(count - 1))
    }

    #[test]
    fn what_takes_too_much_is_as_good_as_missing_and_the_rest_is_not() {
        type Fields = BTreeMap<String, Vec<Value>>;
        let fits = MOST / size_of::<Value>() / 4;
        let body = format!(
            r#"{{"a":[1],"b":[{0},{0},2,{0}],"c":[{1},3],"d":[{{"e":{0}}},4,{2}],"f":[5]}}"#,
            list(fits * 4 + 1, "0"),
            list(fits, "0"),
            list(MOST / 500, r#"{"":0}"#),
        );
        let fields: Fields = budget::bounded_by(MOST, || read(&body)).unwrap();
        let expected = json!({
            "a": [1],
            "b": [2],
            "c": [vec![0; fits], 3],
            "d": [4],
            "f": [5],
        });
        assert_eq!(fields, serde_json::from_value(expected).unwrap());
        // Decoding outside a body has no limit.
        let all: Fields = read(&body).unwrap();
        assert_eq!(all["b"].len(), 4);
        assert_eq!(all["d"].len(), 3);
    }

    #[test]
    fn lists_and_maps_of_a_type_are_bounded_by_what_it_takes() {
        let elements = |count| budget::bounded_by(MOST, || read::<Vec<i64>>(&list(count, "0")));
        // The capacity doubles each time, and both allocations exist during the move.
        let most = MOST / 2 / size_of::<i64>();
        assert_eq!(elements(most).unwrap().len(), most);
        assert_eq!(elements(most + 1), None);

        let entries = |count: usize| {
            let entries: Vec<_> = (0..count).map(|key| format!("\"{key}\":0")).collect();
            let map = format!("{{{}}}", entries.join(","));
            budget::bounded_by(MOST, || read::<BTreeMap<String, i64>>(&map))
        };
        let most = MOST / (14 * size_of::<(String, i64)>()) * 5;
        assert_eq!(entries(most).unwrap().len(), most);
        assert_eq!(entries(most + 1), None);
    }

    #[test]
    fn what_would_lose_a_copy_or_digits_is_left_to_the_second_pass() {
        fn fails<T: Lenient>(json: &str) -> bool {
            serde_json::from_str::<Element<T>>(json).is_err()
        }
        for twice in [
            r#"{"a": 1, "a": 1}"#,
            r#"{"a": 1, "b": 2, "\u0061": null}"#,
            r#"{"a": null, "a": 1}"#,
            r#"{"a": [], "a": {}}"#,
        ] {
            assert!(fails::<BTreeMap<String, i64>>(twice), "{twice}");
            assert!(fails::<Value>(twice), "{twice}");
            assert!(fails::<Value>(&format!("[{twice}]")), "{twice}");
        }
        assert!(fails::<Value>("[1e300]"));
    }
}
