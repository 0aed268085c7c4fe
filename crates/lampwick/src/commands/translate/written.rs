//! What goes out: a line of text, n-best lines, or JSON.

use std::io::Write;

use lampwick::decoding::Hypothesis;
use lampwick::training::seq2seq::translator::TrainedTranslator;
use serde_json::json;

use super::Arguments;

/// One source's line, or its lines; `problem`: why it has none.
pub(super) fn write(
    arguments: &Arguments,
    trained: &TrainedTranslator,
    out: &mut impl Write,
    number: usize,
    hypotheses: &[Hypothesis],
    problem: Option<&str>,
) -> anyhow::Result<()> {
    let text = |hypothesis: &Hypothesis| {
        // A target of several lines would break the lines' count.
        trained.target.decode(&hypothesis.tokens).trim().replace(['\n', '\r'], " ")
    };
    if arguments.json {
        let targets = hypotheses.iter().map(|one| {
            let mut object = json!({
                "text": text(one),
                "tokens": one.tokens.iter().map(|&id| trained.target.vocabulary().word(id)).collect::<Vec<_>>(),
                "log_prob": one.log_prob,
                "score": one.score,
                "finished": one.finished,
            });
            if let Some(attention) = &one.attention {
                object["attention"] = attention.rows().map(|row| json!(row)).collect();
            }
            object
        });
        let mut object = json!({"line": number, "targets": targets.collect::<Vec<_>>()});
        if let Some(problem) = problem {
            object["error"] = problem.into();
        }
        writeln!(out, "{object}")?;
        return Ok(());
    }
    let aligned = |one: &Hypothesis| match &one.attention {
        Some(attention) if arguments.alignments => {
            // The end of the target has a place to look at, but is no token.
            let pairs = attention.alignment().into_iter().take(one.tokens.len()).enumerate();
            let pairs: Vec<String> = pairs.map(|(t, s)| format!("{t}-{s}")).collect();
            format!("\t{}", pairs.join(" "))
        }
        _ => String::new(),
    };
    if arguments.asked.n_best() == 1 {
        let best = hypotheses.first();
        let line = best.map_or(String::new(), |best| text(best) + &aligned(best));
        writeln!(out, "{line}")?;
        return Ok(());
    }
    if hypotheses.is_empty() {
        writeln!(out, "{number} |||  ||| 0")?;
    }
    for one in hypotheses {
        writeln!(out, "{number} ||| {} ||| {:.4}{}", text(one), one.score, aligned(one))?;
    }
    Ok(())
}
