use std::collections::{HashMap, HashSet};

use super::*;

fn pictures(objects: usize, side: usize) -> Pictures {
    Pictures::new(SceneConfig { seed: 11, side, objects, noise: 0.02 }).unwrap()
}

/// What can be seen of one colour in the pixels alone.
struct Seen {
    color: &'static str,
    x: f32,
    y: f32,
    width: f32,
    /// Share of the square around it.
    fill: f32,
    /// How much of it is in its lower half.
    low: f32,
}

/// The objects in a picture, by the palette's colour nearest to each pixel.
fn look(pixels: &[f32], side: usize) -> Vec<Seen> {
    let mut masks: HashMap<&'static str, Vec<(usize, usize)>> = HashMap::new();
    let plane = side * side;
    for place in 0..plane {
        let pixel = [pixels[place], pixels[plane + place], pixels[2 * plane + place]];
        let distance = |rgb: [f32; 3]| {
            rgb.iter().zip(pixel).map(|(one, other)| (one - other).powi(2)).sum::<f32>()
        };
        let nearest = Color::ALL
            .into_iter()
            .map(|color| (distance(color.rgb()), color.word()))
            .min_by(|one, other| one.0.total_cmp(&other.0))
            .unwrap();
        if nearest.0 < 0.05 {
            masks.entry(nearest.1).or_default().push((place % side, place / side));
        }
    }
    // Edges mix a colour with the ground, and a few of the mixtures look like another colour.
    masks.retain(|_, places| places.len() as f32 > 0.003 * plane as f32);
    let seen = masks.into_iter().map(|(color, places)| {
        let xs = places.iter().map(|it| it.0);
        let ys = places.iter().map(|it| it.1);
        let (left, right) = (xs.clone().min().unwrap(), xs.max().unwrap());
        let (top, bottom) = (ys.clone().min().unwrap(), ys.max().unwrap());
        let (width, height) = ((right - left + 1) as f32, (bottom - top + 1) as f32);
        let middle = (top + bottom) as f32 / 2.0;
        let low = places.iter().filter(|it| it.1 as f32 > middle).count();
        Seen {
            color,
            x: (left + right) as f32 / 2.0,
            y: middle,
            width: width.max(height) / side as f32,
            fill: places.len() as f32 / (width * height),
            low: low as f32 / places.len() as f32,
        }
    });
    seen.collect()
}

/// Checks that the caption is by the grammar and true of the pixels, with no look at the scene.
fn check(caption: &str, pixels: &[f32], side: usize) {
    let seen = look(pixels, side);
    let words: Vec<&str> = caption.split(' ').collect();
    let mut named: Vec<&Seen> = Vec::new();
    let mut rest = &words[..];
    while !rest.is_empty() {
        let mut relation = None;
        if !named.is_empty() {
            if named.len() == 2 {
                assert_eq!(rest[0], "and", "{caption}");
                rest = &rest[1..];
            }
            let length = if rest[1] == "of" { 2 } else { 1 };
            relation = Some(rest[0]);
            rest = &rest[length..];
        }
        let [article, size, color, shape] = rest[..4] else { panic!("{caption}") };
        rest = &rest[4..];
        assert_eq!(article, "a", "{caption}");
        let object = seen.iter().find(|it| it.color == color);
        let object = object.unwrap_or_else(|| panic!("{caption}: no {color}"));
        assert_eq!(object.width > 0.25, size == "large", "{caption}: {} wide", object.width);
        let looks = match (object.fill, object.low) {
            (fill, _) if fill > 0.88 => "square",
            (_, low) if low > 0.6 => "triangle",
            (fill, _) if fill > 0.65 => "circle",
            _ => "cross",
        };
        assert_eq!(looks, shape, "{caption}: fill {}, low {}", object.fill, object.low);
        if let Some(relation) = relation {
            let (right, down) = (named[0].x - object.x, named[0].y - object.y);
            let is_true = match relation {
                "left" => right < -down.abs(),
                "right" => right > down.abs(),
                "above" => down < -right.abs(),
                "below" => down > right.abs(),
                _ => panic!("{caption}"),
            };
            assert!(is_true, "{caption}: {right} {down}");
        }
        named.push(object);
    }
    assert_eq!(named.len(), seen.len(), "{caption}: something is not named");
}

#[test]
fn captions_are_true_of_the_pixels() {
    for (objects, side) in [(1, 96), (2, 96), (3, 128)] {
        // Without noise: at an edge a pixel more or less would change how full a square is.
        let config = SceneConfig { noise: 0.0, ..*pictures(objects, side).config() };
        let pictures = Pictures::new(config).unwrap();
        for number in 0..300 {
            let picture = pictures.picture(number);
            check(&picture.caption, &picture.pixels, side);
        }
    }
}

#[test]
#[should_panic(expected = "something is not named")]
fn the_check_sees_what_a_caption_leaves_out() {
    let picture =
        (0..).map(|it| pictures(2, 48).picture(it)).find(|it| it.scene.objects.len() == 2);
    let picture = picture.unwrap();
    check(&picture.scene.objects[0].phrase(), &picture.pixels, 48);
}

#[test]
fn a_number_gives_the_same_picture_and_another_another() {
    let all = pictures(3, 32);
    let backwards: Vec<Picture> = (0..50).rev().map(|number| all.picture(number)).collect();
    for (number, picture) in backwards.iter().rev().enumerate() {
        assert_eq!(&all.picture(number as u64), picture);
    }
    let other = Pictures::new(SceneConfig { seed: 12, ..*all.config() }).unwrap();
    assert_ne!(other.picture(0), all.picture(0));
    // The very bytes, on every machine.
    let sum = |number| {
        let pixels = all.picture(number).pixels;
        pixels.iter().fold(0_u32, |sum, pixel| sum.rotate_left(5) ^ pixel.to_bits())
    };
    assert_eq!([sum(0), sum(1)], [859_101_270, 495_850_101]);
}

#[test]
fn every_word_and_number_of_shapes_occurs_and_no_other_word() {
    let pictures = pictures(3, 24);
    let vocabulary: HashSet<&str> = vocabulary().into_iter().collect();
    assert_eq!(vocabulary.len(), 19);
    let (mut words, mut counts) = (HashSet::new(), [0; 3]);
    let mut captions = HashSet::new();
    for number in 0..3000 {
        let picture = pictures.picture(number);
        assert!(picture.pixels.iter().all(|pixel| (0.0..=1.0).contains(pixel)));
        counts[picture.scene.objects.len() - 1] += 1;
        words.extend(picture.caption.split(' ').map(str::to_owned));
        captions.insert(picture.caption);
    }
    assert_eq!(words.iter().map(String::as_str).collect::<HashSet<_>>(), vocabulary);
    assert!(counts.iter().all(|&count| (850..1150).contains(&count)), "{counts:?}");
    assert!(captions.len() > 1800, "{}", captions.len());
}

#[test]
fn settings_outside_their_range_are_named() {
    for config in [
        SceneConfig { side: 8, ..SceneConfig::default() },
        SceneConfig { objects: 0, ..SceneConfig::default() },
        SceneConfig { objects: 4, ..SceneConfig::default() },
        SceneConfig { noise: f32::NAN, ..SceneConfig::default() },
    ] {
        assert!(matches!(Pictures::new(config), Err(DataError::Setting { .. })));
    }
}
