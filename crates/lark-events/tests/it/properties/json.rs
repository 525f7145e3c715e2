//! A JSON parser of its own for the reference: it keeps members in order, doubles included, every
//! value's text, and names and texts that are no Unicode. It is slow and recursive.

/// One value with the text that it is.
#[derive(Debug)]
pub(super) struct Json<'a> {
    pub(super) text: &'a str,
    pub(super) value: Value<'a>,
}

#[derive(Debug)]
pub(super) enum Value<'a> {
    Null,
    Bool,
    Number,
    Text(Option<String>),
    List,
    /// A name that is no Unicode is `None`.
    Object(Vec<(Option<String>, Json<'a>)>),
}

/// Reads one value with nothing but white space around it.
pub(super) fn parse(text: &str) -> Option<Json<'_>> {
    let mut parser = Parser { text, at: 0 };
    let json = parser.value()?;
    parser.space();
    (parser.at == text.len()).then_some(json)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn takes_all(&mut self, word: &str) -> Option<()> {
        self.text.get(self.at..)?.starts_with(word).then_some(())?;
        self.at += word.len();
        Some(())
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| b" \t\r\n".contains(&byte)) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Option<Json<'a>> {
        self.space();
        let start = self.at;
        let value = match self.peek()? {
            b'n' => self.takes_all("null").map(|()| Value::Null)?,
            b't' => self.takes_all("true").map(|()| Value::Bool)?,
            b'f' => self.takes_all("false").map(|()| Value::Bool)?,
            b'"' => Value::Text(self.string()?),
            b'[' => self.list()?,
            b'{' => self.object()?,
            _ => self.number()?,
        };
        let text = &self.text[start..self.at];
        Some(Json { text, value })
    }

    fn list(&mut self) -> Option<Value<'a>> {
        self.at += 1;
        self.space();
        if self.takes(b']') {
            return Some(Value::List);
        }
        loop {
            self.value()?;
            self.space();
            if self.takes(b']') {
                return Some(Value::List);
            }
            self.takes(b',').then_some(())?;
        }
    }

    fn object(&mut self) -> Option<Value<'a>> {
        self.at += 1;
        let mut members = Vec::new();
        self.space();
        if self.takes(b'}') {
            return Some(Value::Object(members));
        }
        loop {
            self.space();
            (self.peek()? == b'"').then_some(())?;
            let name = self.string()?;
            self.space();
            self.takes(b':').then_some(())?;
            members.push((name, self.value()?));
            self.space();
            if self.takes(b'}') {
                return Some(Value::Object(members));
            }
            self.takes(b',').then_some(())?;
        }
    }

    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    fn number(&mut self) -> Option<Value<'a>> {
        self.takes(b'-');
        if !self.takes(b'0') {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _ = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        Some(Value::Number)
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    /// A string: of UTF-16, as its escapes are, which may be no Unicode.
    fn string(&mut self) -> Option<Option<String>> {
        self.at += 1;
        let mut units = Vec::new();
        loop {
            let character = self.text.get(self.at..)?.chars().next()?;
            self.at += character.len_utf8();
            match character {
                '"' => return Some(String::from_utf16(&units).ok()),
                '\\' => units.push(self.escaped()?),
                '\0'..='\x1f' => return None,
                other => units.extend_from_slice(other.encode_utf16(&mut [0; 2])),
            }
        }
    }

    fn escaped(&mut self) -> Option<u16> {
        let escape = self.peek()?;
        self.at += 1;
        Some(match escape {
            b'"' | b'\\' | b'/' => escape.into(),
            b'b' => 8,
            b't' => 9,
            b'n' => 10,
            b'f' => 12,
            b'r' => 13,
            b'u' => {
                let hex = self.text.get(self.at..self.at + 4)?;
                let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
                self.at += 4;
                is_hex.then(|| u16::from_str_radix(hex, 16).ok())??
            }
            _ => return None,
        })
    }
}
