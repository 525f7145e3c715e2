//! The result of a case of a check: a verdict, the observation, and advice.

use std::borrow::Cow;
use std::io;

use serde::Serialize;
use serde_json::json;

use crate::output::{BAD, FAINT, GOOD, Output, STRONG};
use crate::text::Text;

/// The longest name of a case.
pub(crate) const NAME_WIDTH: usize = 16;

/// From best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    Skip,
    Pass,
    Warn,
    Fail,
}

impl Verdict {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Finding {
    pub(crate) verdict: Verdict,
    pub(crate) seen: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<Cow<'static, str>>,
}

impl Finding {
    pub(crate) fn pass(seen: impl Into<String>) -> Self {
        Self::new(Verdict::Pass, seen, None)
    }

    pub(crate) fn warn(seen: impl Into<String>, advice: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::Warn, seen, Some(advice.into()))
    }

    pub(crate) fn fail(seen: impl Into<String>, advice: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Verdict::Fail, seen, Some(advice.into()))
    }

    pub(crate) fn skip(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Skip, reason, None)
    }

    fn new(verdict: Verdict, seen: impl Into<String>, advice: Option<Cow<'static, str>>) -> Self {
        let seen = seen.into();
        Self {
            verdict,
            seen,
            advice,
        }
    }

    /// Names the request, in a case that sends several.
    pub(crate) fn of(mut self, what: &str) -> Self {
        self.seen = format!("{what}: {}", self.seen);
        self
    }

    /// Turns a failure into a warning.
    pub(crate) fn at_most_warn(mut self) -> Self {
        self.verdict = self.verdict.min(Verdict::Warn);
        self
    }

    /// The first of the worst findings; if all pass, `all` and the first.
    pub(crate) fn worst(all: &str, findings: Vec<Self>) -> Self {
        let worst = findings.into_iter().reduce(|worst, next| {
            if next.verdict > worst.verdict {
                next
            } else {
                worst
            }
        });
        match worst {
            Some(passed) if passed.verdict == Verdict::Pass => {
                Self::pass(format!("{all} ({})", passed.seen))
            }
            worst => worst.unwrap_or_else(|| Self::skip("nothing was sent")),
        }
    }

    /// Prints the finding of a case.
    pub(crate) fn show(&self, case: &str, output: Output) -> io::Result<()> {
        if output.json {
            #[derive(Serialize)]
            struct Row<'a> {
                case: &'a str,
                #[serde(flatten)]
                finding: &'a Finding,
            }
            let finding = self;
            return output.print_json(&Row { case, finding });
        }
        let style = match self.verdict {
            Verdict::Pass => GOOD,
            Verdict::Warn => STRONG,
            Verdict::Fail => BAD,
            Verdict::Skip => FAINT,
        };
        let seen = format!("  {case:<NAME_WIDTH$}  {}", self.seen);
        output.print(Text::painted(style, self.verdict.name()).then(seen))?;
        if let Some(advice) = &self.advice {
            let indent = format!("{:NAME_WIDTH$}        ", "");
            output.print(Text::line(indent).then(Text::painted(FAINT, &**advice)))?;
        }
        Ok(())
    }
}

/// The number of cases by verdict.
#[derive(Default, Serialize)]
pub(crate) struct Counts {
    passed: usize,
    warned: usize,
    pub(crate) failed: usize,
    skipped: usize,
}

impl Counts {
    pub(crate) fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Pass => &mut self.passed,
            Verdict::Warn => &mut self.warned,
            Verdict::Fail => &mut self.failed,
            Verdict::Skip => &mut self.skipped,
        } += 1;
    }

    pub(crate) fn show(&self, output: Output) -> io::Result<()> {
        if output.json {
            return output.print_json(&json!({ "summary": self }));
        }
        let Self {
            passed,
            warned,
            failed,
            skipped,
        } = self;
        let text = format!("{passed} passed, {warned} warned, {failed} failed, {skipped} skipped");
        output.print(Text::painted(STRONG, text))
    }
}
