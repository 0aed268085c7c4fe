//! The part of TensorBoard's `Event` message that a run needs, in protobuf's wire format.
//!
//! Fields are written in the order of their numbers and defaults are left out, as protobuf's own
//! libraries do: the bytes are theirs.

/// One moment of a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    /// Seconds since 1970.
    pub(super) wall_time: f64,
    /// Optimiser steps taken.
    pub(super) step: u64,
    pub(super) what: What,
}

/// What an event tells.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// The first event of a file: which format follows.
    Version,
    /// A session of the program starts: what a reader knows of later steps is void.
    SessionStart,
    /// Figures by their tags.
    Scalars(Vec<(&'static str, f64)>),
    /// A text (Markdown) under a tag.
    Text { tag: String, text: String },
}

/// The format in which a session's start voids later steps.
const VERSION: &str = "brain.Event:2";

impl Event {
    /// The message's bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut event = Message::default();
        event.double(1, self.wall_time);
        event.integer(2, self.step);
        match &self.what {
            What::Version => event.bytes(3, VERSION.as_bytes()),
            What::SessionStart => {
                let mut session = Message::default();
                session.integer(1, 1); // SessionLog.START
                event.message(7, &session);
            }
            What::Scalars(scalars) => {
                let mut summary = Message::default();
                for (tag, value) in scalars {
                    let mut scalar = Message::default();
                    scalar.bytes(1, tag.as_bytes());
                    scalar.float(2, *value as f32);
                    summary.message(1, &scalar);
                }
                event.message(5, &summary);
            }
            What::Text { tag, text } => {
                let mut summary = Message::default();
                summary.message(1, &text_value(tag, text));
                event.message(5, &summary);
            }
        }
        event.bytes
    }
}

/// A `Summary.Value` for the text plugin: a string tensor of shape `[1]`.
fn text_value(tag: &str, text: &str) -> Message {
    let (mut dimension, mut shape) = (Message::default(), Message::default());
    dimension.integer(1, 1);
    shape.message(2, &dimension);
    let mut tensor = Message::default();
    tensor.integer(1, 7); // DT_STRING
    tensor.message(2, &shape);
    tensor.bytes(8, text.as_bytes());
    let (mut plugin, mut metadata) = (Message::default(), Message::default());
    plugin.bytes(1, b"text");
    metadata.message(1, &plugin);
    let mut value = Message::default();
    value.bytes(1, tag.as_bytes());
    value.message(8, &tensor);
    value.message(9, &metadata);
    value
}

/// A protobuf message under way.
#[derive(Default)]
struct Message {
    bytes: Vec<u8>,
}

/// How a field's value is written.
#[derive(Clone, Copy)]
enum Wire {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

impl Message {
    fn key(&mut self, field: u64, wire: Wire) {
        self.varint(field << 3 | wire as u64);
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn integer(&mut self, field: u64, value: u64) {
        if value != 0 {
            self.key(field, Wire::Varint);
            self.varint(value);
        }
    }

    fn double(&mut self, field: u64, value: f64) {
        if value.to_bits() != 0 {
            self.key(field, Wire::Fixed64);
            self.bytes.extend(value.to_le_bytes());
        }
    }

    /// A member of a `oneof`: written although it may be zero.
    fn float(&mut self, field: u64, value: f32) {
        self.key(field, Wire::Fixed32);
        self.bytes.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.key(field, Wire::Bytes);
        self.varint(value.len() as u64);
        self.bytes.extend(value);
    }

    fn message(&mut self, field: u64, value: &Self) {
        self.bytes(field, &value.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensorboard::record::framed;

    /// What TensorBoard's own writer makes of the same events: `fixtures/write.py`.
    #[test]
    fn the_bytes_are_those_of_tensorboards_own_writer() {
        let event = |wall_time, step, what| Event { wall_time, step, what };
        let text = |tag: &str, text: &str| What::Text { tag: tag.into(), text: text.into() };
        let events = [
            event(1_700_000_000.0, 0, What::Version),
            event(1_700_000_000.0, 0, What::SessionStart),
            event(1_700_000_001.5, 20, What::Scalars(vec![("loss/train", 5.25)])),
            event(
                1_700_000_002.125,
                300,
                What::Scalars(vec![("perplexity/valid", 181.7), ("learning_rate", 0.0)]),
            ),
            event(1_700_000_003.0, 70_000, text("sample/1", "    the lamp burns — a flame")),
            event(1_700_000_004.0, 1 << 40, text("sample/2", "")),
        ];
        let ours: Vec<u8> = events.iter().flat_map(|event| framed(&event.encode())).collect();
        assert_eq!(ours, include_bytes!("fixtures/events.out.tfevents.fixture"));
    }
}
