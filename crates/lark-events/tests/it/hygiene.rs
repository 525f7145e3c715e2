//! The macros, where every name of the prelude means something else.

#[expect(dead_code, reason = "these names are only in the way")]
mod shadowed {
    struct Result;
    struct Option;
    struct String;
    struct From;
    struct Ok;
    struct Some;
    struct None;

    #[derive(Debug, Clone, Copy, PartialEq)]
    pub(super) enum Switch {
        Off,
        On,
        Unknown(i64),
    }

    lark_events::open_integer_enum!(Switch { Off = 0, On = 1 });

    #[derive(Debug, PartialEq)]
    pub(super) enum Kind {
        Green,
        Unknown(std::string::String),
    }

    lark_events::open_string_enum!(Kind { Green = "green" });

    #[derive(Debug, PartialEq, serde::Deserialize)]
    pub(super) struct Room {
        pub(super) size: i64,
    }

    lark_events::lenient_object!(Room);
}

use lark_events::lenient::Lenient;

use self::shadowed::{Kind, Room, Switch};

fn read<T: Lenient>(json: &str) -> Option<T> {
    T::deserialize_lenient(&mut serde_json::Deserializer::from_str(json)).unwrap()
}

#[test]
fn the_macros_need_no_name_of_the_prelude() {
    assert_eq!(read("1"), Some(Switch::On));
    assert_eq!(read("2"), Some(Switch::Unknown(2)));
    assert_eq!(serde_json::to_string(&Switch::Off).unwrap(), "0");
    assert_eq!(read("\"green\""), Some(Kind::Green));
    assert_eq!(serde_json::to_string(&Kind::Green).unwrap(), "\"green\"");
    assert_eq!(read(r#"{"size": 7}"#), Some(Room { size: 7 }));
}
