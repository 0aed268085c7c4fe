//! Text files to token files.

use std::cell::Cell;
use std::fs::File;
use std::ops::ControlFlow::{self, Continue};
use std::path::{Path, PathBuf};

use crate::error::{DataError, Result};
use crate::files::remove_empty_folder;
use crate::hash::{Hashing, hex};
use crate::text;
use crate::tokenizer::{KIND_FILE, TextCounts, Tokenizer};
use crate::tokens::TokenFileWriter;

/// What [`prepare_corpus`] has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// The token file.
    pub path: PathBuf,
    /// What the text held.
    pub counts: TextCounts,
    /// SHA-256 of the text file, as 64 hex digits.
    pub source_hash: String,
}

/// Encodes one text, as [`prepare_corpora`] does several.
///
/// # Errors
/// As there.
pub fn prepare_corpus(
    input: impl AsRef<Path>,
    tokenizer: &Tokenizer,
    folder: impl AsRef<Path>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Prepared> {
    let mut watch = |_: &Path, done, total| {
        progress(done, total);
        Continue(())
    };
    let made = prepare_corpora(&[input.as_ref()], tokenizer, folder, &mut watch)?;
    Ok(made.into_iter().next().expect("one text, one token file"))
}

/// Encodes each of `inputs` into `folder/NAME.tokens`, NAME being the text file's without its
/// extension, and saves the tokenizer in the folder beside them. Bounded memory; all appear when the
/// last is complete, and when one text is refused nothing stays, the folder included. `progress` is
/// told the text, the bytes read of it and its bytes in all, and may end the work: nothing stays then
/// either.
///
/// A folder that already holds another tokenizer is refused: its token files would no longer fit.
///
/// # Errors
/// [`DataError::VocabularyMismatch`] as said, [`DataError::Stopped`] when `progress` breaks off, those
/// of [`text::open`], [`Tokenizer::encode_text`] and [`TokenFileWriter`].
pub fn prepare_corpora<P: AsRef<Path>>(
    inputs: &[P],
    tokenizer: &Tokenizer,
    folder: impl AsRef<Path>,
    progress: &mut dyn FnMut(&Path, u64, u64) -> ControlFlow<()>,
) -> Result<Vec<Prepared>> {
    let folder = folder.as_ref();
    let files: Vec<File> = inputs.iter().map(text::open).collect::<Result<_>>()?;
    let has_tokenizer = folder.join(KIND_FILE).exists();
    if has_tokenizer {
        let there = Tokenizer::load(folder)?;
        let name = folder.display().to_string();
        tokenizer.vocabulary().expect_same(there.vocabulary(), &name)?;
    }
    let new: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    let make = || -> Result<Vec<Prepared>> {
        let mut encoded = Vec::new();
        for (input, file) in inputs.iter().zip(files) {
            encoded.push(encode(input.as_ref(), file, tokenizer, folder, progress)?);
        }
        if !has_tokenizer {
            tokenizer.save(folder)?;
        }
        encoded.into_iter().map(Encoded::finish).collect()
    };
    let made = make();
    if made.is_err() {
        for folder in new {
            // Only an empty folder goes: what somebody else has put there stays.
            let _ = remove_empty_folder(folder);
        }
    }
    made
}

/// A token file that is complete but has not appeared yet.
struct Encoded {
    writer: TokenFileWriter,
    source: [u8; 32],
    prepared: Prepared,
}

impl Encoded {
    fn finish(self) -> Result<Prepared> {
        self.writer.finish(self.prepared.counts, self.source)?;
        Ok(self.prepared)
    }
}

fn encode(
    input: &Path,
    file: File,
    tokenizer: &Tokenizer,
    folder: &Path,
    progress: &mut dyn FnMut(&Path, u64, u64) -> ControlFlow<()>,
) -> Result<Encoded> {
    let total = file.metadata().map_or(0, |metadata| metadata.len());
    let path = folder.join(format!("{}.tokens", stem(input)));
    let mut writer = TokenFileWriter::create(&path, tokenizer.vocabulary())?;
    let told = Cell::new(Continue(()));
    let mut report = |bytes| told.set(progress(input, bytes, total));
    let mut reader = Hashing::new(file, &mut report);
    let name = input.display().to_string();
    let counts = tokenizer.encode_text(&mut reader, &name, &mut |ids| {
        if told.get().is_break() {
            return Err(DataError::Stopped { name: name.clone() });
        }
        writer.append(ids)
    })?;
    if counts.tokens == 0 {
        return Err(DataError::Empty { name });
    }
    let source = reader.digest();
    let prepared = Prepared { path, counts, source_hash: hex(&source) };
    Ok(Encoded { writer, source, prepared })
}

fn stem(input: &Path) -> String {
    input.file_stem().map_or("text".into(), |stem| stem.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{TokenFile, TokenizerKind, Tokens, VocabularyLimits};

    #[test]
    fn a_token_file_holds_what_memory_would() {
        let folder = tempfile::tempdir().unwrap();
        let (text, out) = (folder.path().join("a.b.txt"), folder.path().join("out/deep"));
        fs::write(&text, "the cat\nthe dog sat\n").unwrap();
        let limits = VocabularyLimits { min_count: 2, max_size: None };
        let tokenizer = Tokenizer::train_file(&TokenizerKind::Words, &text, &limits).unwrap();
        let mut seen = Vec::new();
        let made = prepare_corpus(&text, &tokenizer, &out, &mut |done, total| {
            seen.push((done, total));
        });
        let made = made.unwrap();
        assert_eq!(made.path, out.join("a.b.tokens"));
        assert_eq!(seen.last(), Some(&(20, 20)));
        assert_eq!(made.source_hash, crate::hash::sha256_file(&text).unwrap());
        let file = TokenFile::open_for(&made.path, tokenizer.vocabulary()).unwrap();
        assert_eq!(file.counts(), made.counts);
        assert_eq!((made.counts.tokens, made.counts.unknown, made.counts.lines), (7, 3, 2));
        let (memory, counts) = Tokens::from_text_file(&tokenizer, &text).unwrap();
        assert_eq!(counts, made.counts);
        assert!(Tokens::Mapped(file).iter().eq(memory.iter()));

        let other = Tokenizer::train_file(&TokenizerKind::Characters, &text, &limits).unwrap();
        let error = prepare_corpus(&text, &other, &out, &mut |_, _| {}).unwrap_err();
        assert!(matches!(error, DataError::VocabularyMismatch { .. }), "{error}");
    }

    #[test]
    fn work_that_is_broken_off_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (text, out) = (folder.path().join("long.txt"), folder.path().join("out"));
        fs::write(&text, "the cat sat\n".repeat(100_000)).unwrap();
        let mut told = 0;
        let made = prepare_corpora(&[&text], &Tokenizer::bytes(), &out, &mut |_, done, total| {
            told += 1;
            assert!(done < total, "it goes on to the end");
            ControlFlow::Break(())
        });
        assert!(matches!(made, Err(DataError::Stopped { .. })) && told > 0);
        assert!(!out.exists());
    }

    #[test]
    fn a_bad_text_leaves_no_token_file() {
        let folder = tempfile::tempdir().unwrap();
        let (text, out) = (folder.path().join("bad.txt"), folder.path().join("out"));
        fs::write(&text, b"fine\n\xFF\n").unwrap();
        let tokenizer = Tokenizer::words(crate::SyntheticLanguage::default().vocabulary().clone());
        let error = prepare_corpus(&text, &tokenizer, &out, &mut |_, _| {}).unwrap_err();
        assert!(matches!(error, DataError::InvalidUtf8 { line: 2, .. }), "{error}");
        assert!(!out.exists(), "a folder that was made for it goes too");
        // Nor does a good one that comes before it.
        let good = folder.path().join("good.txt");
        fs::write(&good, "fine\n").unwrap();
        for there_before in [false, true] {
            if there_before {
                fs::create_dir(&out).unwrap();
            }
            let both =
                prepare_corpora(&[&good, &text], &tokenizer, &out, &mut |_, _, _| Continue(()));
            assert!(matches!(both, Err(DataError::InvalidUtf8 { line: 2, .. })));
            assert_eq!(out.exists(), there_before);
        }
        assert_eq!(fs::read_dir(&out).unwrap().count(), 0, "no token file, no tokenizer");
        let both =
            prepare_corpora(
                &[&good, &text],
                &Tokenizer::bytes(),
                &out,
                &mut |_, _, _| Continue(()),
            );
        assert_eq!(both.unwrap().len(), 2);
        assert!(prepare_corpus(&text, &Tokenizer::bytes(), folder.path(), &mut |_, _| {}).is_ok());
        let missing = prepare_corpus(folder.path().join("no"), &tokenizer, &out, &mut |_, _| {});
        assert!(matches!(missing, Err(DataError::Missing { .. })));
    }
}
