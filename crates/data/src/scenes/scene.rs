//! What a picture shows.

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

/// An object's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A disc.
    Circle,
    /// With sides along the picture's.
    Square,
    /// With its base down.
    Triangle,
    /// Two bars.
    Cross,
}

/// An object's colour. No two objects of a scene share one, so that a caption can tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Color {
    /// (0.9, 0.15, 0.15)
    Red,
    /// (0.15, 0.8, 0.2)
    Green,
    /// (0.2, 0.3, 0.95)
    Blue,
    /// (0.95, 0.9, 0.2)
    Yellow,
    /// (0.7, 0.2, 0.85)
    Purple,
    /// (0.95, 0.95, 0.95)
    White,
}

/// How large an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Size {
    /// Half as wide as a large one.
    Small,
    /// A third of the picture.
    Large,
}

/// Where one object is, seen from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// Farther left, and more so than it is higher or lower.
    LeftOf,
    /// Farther right.
    RightOf,
    /// Higher, and more so than it is left or right.
    Above,
    /// Lower.
    Below,
}

/// One thing in a picture. Lengths are parts of the picture's side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Object {
    /// Its form.
    pub shape: Shape,
    /// Its colour.
    pub color: Color,
    /// How large it is said to be.
    pub size: Size,
    /// Half its width and height.
    pub radius: f32,
    /// Its middle, from the left.
    pub x: f32,
    /// Its middle, from the top.
    pub y: f32,
}

/// All that a picture shows, in the order of the colours; the first object is what the caption is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// One to three, each apart from the others.
    pub objects: Vec<Object>,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 4] = [Self::Circle, Self::Square, Self::Triangle, Self::Cross];
}

impl Color {
    /// Every colour.
    pub const ALL: [Self; 6] =
        [Self::Red, Self::Green, Self::Blue, Self::Yellow, Self::Purple, Self::White];

    /// Red, green and blue, 0 to 1.
    pub fn rgb(self) -> [f32; 3] {
        match self {
            Self::Red => [0.9, 0.15, 0.15],
            Self::Green => [0.15, 0.8, 0.2],
            Self::Blue => [0.2, 0.3, 0.95],
            Self::Yellow => [0.95, 0.9, 0.2],
            Self::Purple => [0.7, 0.2, 0.85],
            Self::White => [0.95, 0.95, 0.95],
        }
    }
}

impl Size {
    fn radius(self) -> f32 {
        match self {
            Self::Small => 0.085,
            Self::Large => 0.17,
        }
    }
}

/// Room between two objects, and between one and the picture's edge.
const ROOM: f32 = 0.02;
/// How much farther one object is from another in the direction that the caption names than across.
const CLEAR: f32 = 0.08;

impl Object {
    /// Where it is, seen from `other`; none where two directions are about as good.
    pub fn relation(&self, other: &Self) -> Option<Relation> {
        let (right, down) = (self.x - other.x, self.y - other.y);
        if (right.abs() - down.abs()).abs() < CLEAR {
            return None;
        }
        Some(match right.abs() > down.abs() {
            true if right < 0.0 => Relation::LeftOf,
            true => Relation::RightOf,
            false if down < 0.0 => Relation::Above,
            false => Relation::Below,
        })
    }

    /// Whether the squares around both, and some room, do not meet.
    fn is_apart(&self, other: &Self) -> bool {
        let reach = self.radius + other.radius + ROOM;
        (self.x - other.x).abs() > reach || (self.y - other.y).abs() > reach
    }
}

impl Scene {
    /// A scene of one to `most` objects, each number equally likely.
    pub(super) fn draw(rng: &mut impl Rng, most: usize) -> Self {
        let count = rng.random_range(1..=most);
        let mut colors = Color::ALL;
        colors.shuffle(rng);
        colors[..count].sort_unstable();
        loop {
            // Refused and drawn again: about every second scene of two, and four in five of three.
            let objects: Vec<Object> =
                colors[..count].iter().map(|&color| object(rng, color)).collect();
            let scene = Self { objects };
            if scene.is_clear() {
                return scene;
            }
        }
    }

    /// Whether nothing hides or touches anything, and the caption is plainly true.
    fn is_clear(&self) -> bool {
        let Some((first, others)) = self.objects.split_first() else { return false };
        let apart = |(index, object): (usize, &Object)| {
            self.objects[..index].iter().all(|other| object.is_apart(other))
        };
        self.objects.iter().enumerate().all(apart)
            && others.iter().all(|other| first.relation(other).is_some())
    }
}

fn object(rng: &mut impl Rng, color: Color) -> Object {
    let shape = Shape::ALL[rng.random_range(0..Shape::ALL.len())];
    let size = [Size::Small, Size::Large][rng.random_range(0..2)];
    // A little larger or smaller than the others of its size.
    let radius = size.radius() * rng.random_range(0.9..1.1_f32);
    let mut place = || rng.random_range(radius + ROOM..1.0 - radius - ROOM);
    Object { shape, color, size, radius, x: place(), y: place() }
}
