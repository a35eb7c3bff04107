//! [`Yaml`]: a YAML file event by event, with limits, so that its size does not matter.

use std::cell::Cell;
use std::io::BufRead;
use std::rc::Rc;

use granit_parser::{ErrorKind, Event, FallibleBufferedInput, Parser, ScalarStyle};
use serde_json::{Map, Value};

use super::Stop;

/// The most that is held of one value, in bytes of text.
const VALUE_MAX: usize = 64 << 20;
const DEPTH_MAX: usize = 32;

/// A YAML file, event by event.
pub(super) struct Yaml<R: BufRead> {
    parser: Parser<'static, FallibleBufferedInput<Chars<R>>>,
    /// The line of the last event.
    pub(super) line: usize,
    /// How much more may be read before the next event.
    room: Rc<Cell<usize>>,
}

impl<R: BufRead> Yaml<R> {
    pub(super) fn new(reader: R) -> Self {
        let room = Rc::new(Cell::new(VALUE_MAX));
        let chars = Chars { reader, ended: false, room: room.clone() };
        Self { parser: Parser::new_from_fallible_iter(chars), line: 1, room }
    }

    /// The next event that means something.
    pub(super) fn next(&mut self) -> Result<Event<'static>, Stop> {
        self.room.set(VALUE_MAX);
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                self.line = span.start.line();
                match event {
                    Event::Comment(..) | Event::StreamStart => self.next(),
                    event => Ok(event),
                }
            }
            Some(Err(error)) => {
                let line = error.marker().line();
                match error.kind() {
                    ErrorKind::InputIo { error } if error.io_error().is_some() => Err(error
                        .io_error()
                        .map_or(Stop::Torn(line), |error| Stop::io(line, error))),
                    _ => Err(Stop::mistake(line, format!("not YAML: {error}"))),
                }
            }
            None => Ok(Event::StreamEnd),
        }
    }

    /// The value that begins with this event.
    pub(super) fn value(&mut self, first: Event<'static>) -> Result<Value, Stop> {
        let mut room = VALUE_MAX;
        self.bounded(first, DEPTH_MAX, &mut room)
    }

    fn bounded(
        &mut self,
        first: Event<'static>,
        depth: usize,
        room: &mut usize,
    ) -> Result<Value, Stop> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(Stop::mistake(self.line, "nested too deep"));
        };
        match first {
            Event::Scalar(text, style, ..) => {
                self.take(text.len() + 16, room)?;
                Ok(scalar(&text, style == ScalarStyle::Plain))
            }
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => return Ok(Value::Array(items)),
                        event => items.push(self.bounded(event, depth, room)?),
                    }
                    self.take(32, room)?;
                }
            }
            Event::MappingStart(..) => {
                let mut map = Map::new();
                loop {
                    let key = match self.next()? {
                        Event::MappingEnd => return Ok(Value::Object(map)),
                        event => self.bounded(event, depth, room)?,
                    };
                    let event = self.next()?;
                    let value = self.bounded(event, depth, room)?;
                    self.take(64, room)?;
                    map.insert(text(key), value);
                }
            }
            other => Err(Stop::mistake(
                self.line,
                format!("a value is expected, found {}", named(&other)),
            )),
        }
    }

    fn take(&self, size: usize, room: &mut usize) -> Result<(), Stop> {
        *room = room.checked_sub(size).ok_or_else(|| {
            Stop::mistake(self.line, format!("a value of more than {VALUE_MAX} bytes"))
        })?;
        Ok(())
    }
}

/// What an event is, in messages.
pub(super) fn named(event: &Event<'_>) -> &'static str {
    match event {
        Event::Scalar(..) => "a text",
        Event::SequenceStart(..) => "a list",
        Event::MappingStart(..) => "a map",
        Event::Alias(..) => "an alias, which no file of results has",
        _ => "the end",
    }
}

/// A value as a text: as it is, or as JSON.
pub(super) fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// What an unquoted text stands for, as YAML 1.1 and 1.2 agree on.
fn scalar(text: &str, plain: bool) -> Value {
    if !plain {
        return text.into();
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ => number(text).unwrap_or_else(|| text.into()),
    }
}

fn number(text: &str) -> Option<Value> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit())
        || (digits.starts_with('0') && digits.len() > 1 && !digits.starts_with("0."))
    {
        return None;
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.into());
    }
    if let Ok(number) = text.parse::<u64>() {
        return Some(number.into());
    }
    let is_float = text.contains('.')
        && text
            .bytes()
            .all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'e' | b'E' | b'+' | b'-'));
    text.parse::<f64>().ok().filter(|number| is_float && number.is_finite()).map(Value::from)
}

/// The characters of what is read; what is no UTF-8 becomes U+FFFD.
struct Chars<R> {
    reader: R,
    ended: bool,
    room: Rc<Cell<usize>>,
}

impl<R: BufRead> Chars<R> {
    fn byte(&mut self) -> Result<Option<u8>, ErrorKind> {
        loop {
            match self.reader.fill_buf() {
                Ok([]) => return Ok(None),
                Ok([first, ..]) => {
                    let first = *first;
                    let Some(room) = self.room.get().checked_sub(1) else {
                        let limit = VALUE_MAX;
                        return Err(ErrorKind::InputByteLimitExceeded { limit });
                    };
                    self.room.set(room);
                    self.reader.consume(1);
                    return Ok(Some(first));
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ErrorKind::InputIo { error: error.into() }),
            }
        }
    }
}

impl<R: BufRead> Iterator for Chars<R> {
    type Item = Result<char, ErrorKind>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let read = self.byte().and_then(|first| {
            let Some(first) = first else { return Ok(None) };
            let length = match first {
                0..0x80 => return Ok(Some(char::from(first))),
                0xc0..0xe0 => 2,
                0xe0..0xf0 => 3,
                0xf0..0xf8 => 4,
                _ => 1,
            };
            let mut bytes = [first, 0, 0, 0];
            for byte in &mut bytes[1..length] {
                *byte = self.byte()?.unwrap_or_default();
            }
            let decoded =
                std::str::from_utf8(&bytes[..length]).ok().and_then(|text| text.chars().next());
            Ok(Some(decoded.unwrap_or('\u{fffd}')))
        });
        self.ended = !matches!(read, Ok(Some(_)));
        read.transpose()
    }
}
