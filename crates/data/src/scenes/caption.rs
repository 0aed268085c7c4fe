//! The captions' grammar.
//!
//! ```text
//! caption  = object | object relation object | object relation object "and" relation object
//! object   = "a" size color shape
//! size     = "small" | "large"
//! color    = "red" | "green" | "blue" | "yellow" | "purple" | "white"
//! shape    = "circle" | "square" | "triangle" | "cross"
//! relation = "left of" | "right of" | "above" | "below"
//! ```
//!
//! A caption is about the object whose colour comes first in this list and names the others in the same
//! order, each with where the first is, seen from it: `a large red cross above a small blue circle and
//! left of a small white square`. So a picture has one caption, and whether a model's is right can be
//! told by comparing the words.

use super::scene::{Color, Object, Relation, Scene, Shape, Size};

/// All words of captions, in a fixed order.
pub fn vocabulary() -> Vec<&'static str> {
    let sizes = [Size::Small, Size::Large].map(Size::word);
    let colors = Color::ALL.map(Color::word);
    let shapes = Shape::ALL.map(Shape::word);
    let mut words = vec!["a", "and", "left", "right", "of", "above", "below"];
    words.extend(sizes.iter().chain(&colors).chain(&shapes));
    words
}

impl Scene {
    /// The caption by the grammar of [`crate::scenes::caption`].
    pub fn caption(&self) -> String {
        let Some((first, others)) = self.objects.split_first() else { return String::new() };
        let mut caption = first.phrase();
        for (index, other) in others.iter().enumerate() {
            if index > 0 {
                caption += " and";
            }
            if let Some(relation) = first.relation(other) {
                caption += &format!(" {} {}", relation.words(), other.phrase());
            }
        }
        caption
    }
}

impl Object {
    /// `a small red circle`.
    pub fn phrase(&self) -> String {
        let Self { size, color, shape, .. } = self;
        format!("a {} {} {}", size.word(), color.word(), shape.word())
    }
}

impl Size {
    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
        }
    }
}

impl Color {
    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Red => "red",
            Self::Green => "green",
            Self::Blue => "blue",
            Self::Yellow => "yellow",
            Self::Purple => "purple",
            Self::White => "white",
        }
    }
}

impl Shape {
    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Circle => "circle",
            Self::Square => "square",
            Self::Triangle => "triangle",
            Self::Cross => "cross",
        }
    }
}

impl Relation {
    /// How it is said: one word or two.
    pub fn words(self) -> &'static str {
        match self {
            Self::LeftOf => "left of",
            Self::RightOf => "right of",
            Self::Above => "above",
            Self::Below => "below",
        }
    }
}
