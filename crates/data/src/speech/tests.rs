use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::*;
use crate::error::DataError;
use crate::parallel::Split;

#[derive(Deserialize)]
struct Case {
    config: Config,
    samples: Vec<f32>,
    frames: Vec<f32>,
}

#[derive(Deserialize)]
struct Config {
    rate: u32,
    window: usize,
    hop: usize,
    bands: usize,
    lowest: f64,
    highest: f64,
}

#[test]
fn log_mel_frames_are_those_of_librosa() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("fixtures/mel.json")).unwrap();
    for Case { config, samples, frames } in cases {
        let Config { rate, window, hop, bands, lowest, highest } = config;
        let config = MelConfig { rate, window, hop, bands, lowest, highest, floor: 1e-10 };
        let ours = LogMel::new(config).unwrap().frames(&samples);
        assert_eq!((ours.values.len(), ours.len()), (frames.len(), frames.len() / bands));
        for (place, (ours, theirs)) in ours.values.iter().zip(&frames).enumerate() {
            let (frame, band) = (place / bands, place % bands);
            assert!((ours - theirs).abs() < 1e-3, "frame {frame}, band {band}: {ours} {theirs}");
        }
    }
}

#[test]
fn normalized_bands_have_mean_0_and_deviation_1() {
    let samples: Vec<f32> = (0..4000).map(|it| ((it * it % 997) as f32 / 997.0) - 0.5).collect();
    let mut frames = LogMel::new(MelConfig::default()).unwrap().frames(&samples);
    frames.normalize();
    for band in 0..frames.bands {
        let values: Vec<f32> =
            frames.values.iter().skip(band).step_by(frames.bands).copied().collect();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let square = values.iter().map(|value| value * value).sum::<f32>() / values.len() as f32;
        assert!(mean.abs() < 1e-4 && (square - 1.0).abs() < 1e-3, "{mean} {square}");
    }
    let mut silence = LogMel::new(MelConfig::default()).unwrap().frames(&[0.0; 800]);
    silence.normalize();
    assert!(silence.values.iter().all(|&value| value == 0.0));
    assert!(LogMel::new(MelConfig::default()).unwrap().frames(&[]).is_empty());
}

#[test]
fn settings_outside_their_range_are_named() {
    let config = MelConfig::default();
    for wrong in [
        MelConfig { window: 0, ..config },
        MelConfig { hop: 0, ..config },
        MelConfig { bands: 0, ..config },
        MelConfig { bands: 150, ..config },
        MelConfig { highest: 4001.0, ..config },
        MelConfig { lowest: f64::NAN, ..config },
        MelConfig { floor: 0.0, ..config },
    ] {
        assert!(matches!(LogMel::new(wrong), Err(DataError::Setting { .. })), "{wrong:?}");
    }
}

fn write_wav(path: &Path, spec: hound::WavSpec, samples: &[i32]) {
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for &sample in samples {
        match spec.sample_format {
            hound::SampleFormat::Int => writer.write_sample(sample).unwrap(),
            hound::SampleFormat::Float => writer.write_sample(sample as f32 / 128.0).unwrap(),
        }
    }
    writer.finalize().unwrap();
}

fn spec(channels: u16, bits_per_sample: u16, sample_format: hound::SampleFormat) -> hound::WavSpec {
    hound::WavSpec { channels, sample_rate: 8000, bits_per_sample, sample_format }
}

#[test]
fn every_kind_of_sample_is_read_on_one_scale() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    for bits in [8, 16, 24, 32] {
        let scale = 1_i32 << (bits - 8);
        let samples: Vec<i32> = [-128, -64, 0, 32, 127].map(|it| it * scale).into();
        write_wav(&path, spec(1, bits, hound::SampleFormat::Int), &samples);
        let read = read_wav(&path, 8000).unwrap();
        assert_eq!(read, [-1.0, -0.5, 0.0, 0.25, 127.0 / 128.0], "{bits} bits");
    }
    write_wav(&path, spec(1, 32, hound::SampleFormat::Float), &[-128, 32]);
    assert_eq!(read_wav(&path, 8000).unwrap(), [-1.0, 0.25]);
    write_wav(&path, spec(2, 8, hound::SampleFormat::Int), &[-64, 0, 32, 96]);
    assert_eq!(read_wav(&path, 8000).unwrap(), [-0.25, 0.5]);
}

#[test]
fn a_broken_file_and_another_rate_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let message = |path: &Path| read_wav(path, 8000).unwrap_err().to_string();
    write_wav(&path, spec(1, 16, hound::SampleFormat::Int), &[1, 2, 3, 4, 5]);
    let whole = fs::read(&path).unwrap();
    // Cut off anywhere, in the header or in the samples.
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let error = message(&path);
        assert!(error.contains("a.wav: ") && error.contains("WAV"), "{length}: {error}");
    }
    fs::write(&path, "no sound at all, but text\n").unwrap();
    assert!(message(&path).contains("a.wav: "), "{}", message(&path));
    write_wav(&path, spec(1, 16, hound::SampleFormat::Int), &[]);
    assert!(message(&path).contains("no samples"), "{}", message(&path));
    let mut writer =
        hound::WavWriter::create(&path, spec(1, 32, hound::SampleFormat::Float)).unwrap();
    writer.write_sample(f32::NAN).unwrap();
    writer.finalize().unwrap();
    assert!(message(&path).contains("sample 0 is no number"), "{}", message(&path));
    let other = hound::WavSpec { sample_rate: 44_100, ..spec(1, 16, hound::SampleFormat::Int) };
    write_wav(&path, other, &[1, 2]);
    let error = message(&path);
    assert!(error.contains("44100") && error.contains("8000") && error.contains("sox"), "{error}");
    assert!(matches!(read_wav("nowhere.wav", 8000), Err(DataError::Missing { .. })));
    assert!(matches!(read_wav(folder.path(), 8000), Err(DataError::Directory { .. })));
}

#[test]
fn fsdd_is_divided_by_index_and_strings_are_put_together_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let recordings = folder.path().join("recordings");
    fs::create_dir(&recordings).unwrap();
    for (number, speaker) in ["ann", "bob_c"].into_iter().enumerate() {
        for digit in 0..10 {
            for index in [0, 4, 5, 9, 10, 49] {
                let name = format!("{digit}_{speaker}_{index}.wav");
                // Each recording says what it is.
                let mark = 1000 * number as i32 + 100 * digit + index + 1;
                let spec = spec(1, 16, hound::SampleFormat::Int);
                write_wav(&recordings.join(name), spec, &[mark; 3]);
            }
        }
    }
    fs::write(recordings.join("README.md"), "no recording").unwrap();
    fs::write(recordings.join("11_ann_1.wav"), "no digit").unwrap();
    let read = |split| Fsdd::read(folder.path(), split).unwrap();
    let indices = |split| {
        let mut indices: Vec<u32> = read(split).recordings.iter().map(|it| it.index).collect();
        indices.sort_unstable();
        indices.dedup();
        indices
    };
    assert_eq!(indices(Split::Test), [0, 4]);
    assert_eq!(indices(Split::Valid), [5, 9]);
    assert_eq!(indices(Split::Train), [10, 49]);
    assert_eq!(read(Split::Train).recordings.len(), 40);

    let config = StringConfig { seed: 3, shortest: 2, longest: 4, pause: 5 };
    let strings = DigitStrings::new(read(Split::Train), config).unwrap();
    let again = DigitStrings::new(read(Split::Train), config).unwrap();
    let mut lengths = [0; 5];
    for number in (0..100).rev() {
        let utterance = strings.utterance(number);
        assert_eq!(again.utterance(99 - number), strings.utterance(99 - number));
        lengths[utterance.digits.len()] += 1;
        // What was said can be read off the samples: one speaker, the digits in order.
        let marks: Vec<i32> =
            utterance.samples.iter().map(|sample| (sample * 32768.0) as i32).collect();
        let said: Vec<i32> = marks
            .chunk_by(|one, other| one == other)
            .filter(|run| run[0] != 0)
            .flat_map(|run| std::iter::repeat_n((run[0] - 1) / 100, run.len() / 3))
            .collect();
        assert!(said.iter().all(|mark| mark / 10 == said[0] / 10), "two speakers");
        let digits: Vec<i32> = utterance.digits.iter().map(|&digit| i32::from(digit)).collect();
        assert_eq!(said.iter().map(|mark| mark % 10).collect::<Vec<_>>(), digits);
        let words = utterance.transcript();
        assert_eq!(words.split(' ').count(), digits.len());
    }
    assert!(lengths[2] > 15 && lengths[3] > 15 && lengths[4] > 15, "{lengths:?}");
    let other = DigitStrings::new(read(Split::Train), StringConfig { seed: 4, ..config }).unwrap();
    assert_ne!(other.utterance(0), strings.utterance(0));
}

#[test]
fn what_cannot_make_strings_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let error = Fsdd::read(empty.path(), Split::Test).unwrap_err().to_string();
    assert!(error.contains("no recordings of the test part"), "{error}");
    assert!(matches!(Fsdd::read("nowhere", Split::Test), Err(DataError::Missing { .. })));
    let one = Recording { digit: 1, speaker: "ann".into(), index: 10, samples: vec![0.0] };
    let new = |config| DigitStrings::new(Fsdd { recordings: vec![one.clone()] }, config);
    assert!(new(StringConfig::default()).unwrap_err().to_string().contains("ann"));
    let none = StringConfig { shortest: 0, ..StringConfig::default() };
    assert!(new(none).unwrap_err().to_string().contains("digits = 0 to 7"));
}
