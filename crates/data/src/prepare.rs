//! A text file to a token file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::error::{DataError, Result};
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

/// Encodes `input` into `folder/NAME.tokens`, NAME being the text file's without its extension, and
/// saves the tokenizer in the folder beside it. Bounded memory; both appear when they are complete,
/// and of a text that is refused nothing stays, the folder included. `progress` is told the bytes read and the bytes in all.
///
/// A folder that already holds another tokenizer is refused: its token files would no longer fit.
///
/// # Errors
/// [`DataError::VocabularyMismatch`] as said, those of [`text::open`], [`Tokenizer::encode_text`] and
/// [`TokenFileWriter`].
pub fn prepare_corpus(
    input: impl AsRef<Path>,
    tokenizer: &Tokenizer,
    folder: impl AsRef<Path>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Prepared> {
    let (input, folder) = (input.as_ref(), folder.as_ref());
    let file = text::open(input)?;
    let has_tokenizer = folder.join(KIND_FILE).exists();
    if has_tokenizer {
        let there = Tokenizer::load(folder)?;
        let name = folder.display().to_string();
        tokenizer.vocabulary().expect_same(there.vocabulary(), &name)?;
    }
    let new: Vec<&Path> = folder.ancestors().take_while(|folder| !folder.exists()).collect();
    let made = encode(input, file, tokenizer, folder, progress).and_then(|made| {
        if !has_tokenizer {
            tokenizer.save(folder)?;
        }
        Ok(made)
    });
    if made.is_err() {
        for folder in new {
            // Only an empty folder goes: what somebody else has put there stays.
            let _ = fs::remove_dir(folder);
        }
    }
    made
}

fn encode(
    input: &Path,
    file: File,
    tokenizer: &Tokenizer,
    folder: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Prepared> {
    let total = file.metadata().map_or(0, |metadata| metadata.len());
    let path = folder.join(format!("{}.tokens", stem(input)));
    let mut writer = TokenFileWriter::create(&path, tokenizer.vocabulary())?;
    let mut report = |bytes| progress(bytes, total);
    let mut reader = Hashing::new(file, &mut report);
    let name = input.display().to_string();
    let counts = tokenizer.encode_text(&mut reader, &name, &mut |ids| writer.append(ids))?;
    let source = reader.digest();
    writer.finish(counts, source)?;
    Ok(Prepared { path, counts, source_hash: hex(&source) })
}

/// Whether `folder` holds a token file of exactly this text and tokenizer; its path if so.
///
/// # Errors
/// Those of reading `input`. A token file that is missing, damaged or of other parts is just none.
pub fn prepared(
    input: impl AsRef<Path>,
    tokenizer: &Tokenizer,
    folder: impl AsRef<Path>,
) -> Result<Option<PathBuf>> {
    let input = input.as_ref();
    let path = folder.as_ref().join(format!("{}.tokens", stem(input)));
    if !fs::exists(&path).map_err(|error| DataError::open(&path, error))? {
        return Ok(None);
    }
    let source = crate::hash::sha256_file(input)?;
    let file = crate::tokens::TokenFile::open_for(&path, tokenizer.vocabulary());
    Ok(file.is_ok_and(|file| file.source_hash() == source).then_some(path))
}

fn stem(input: &Path) -> String {
    input.file_stem().map_or("text".into(), |stem| stem.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
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

        let found = || prepared(&text, &tokenizer, &out).unwrap();
        assert_eq!(found(), Some(made.path.clone()));
        fs::write(&text, "the cat\nthe dog sat\nand\n").unwrap();
        assert_eq!(found(), None);
        let other = Tokenizer::train_file(&TokenizerKind::Characters, &text, &limits).unwrap();
        let error = prepare_corpus(&text, &other, &out, &mut |_, _| {}).unwrap_err();
        assert!(matches!(error, DataError::VocabularyMismatch { .. }), "{error}");
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
        assert!(prepare_corpus(&text, &Tokenizer::bytes(), folder.path(), &mut |_, _| {}).is_ok());
        let missing = prepare_corpus(folder.path().join("no"), &tokenizer, &out, &mut |_, _| {});
        assert!(matches!(missing, Err(DataError::Missing { .. })));
    }
}
