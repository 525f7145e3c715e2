//! The model: a stub that writes a word in a while.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

const WORDS: u32 = 60;
const WORD: Duration = Duration::from_millis(500);

/// Asks the model; the answer comes in pieces. Yours calls a real one.
pub(crate) fn ask(question: String) -> mpsc::Receiver<String> {
    let (sender, answer) = mpsc::channel(16);
    tokio::spawn(async move {
        let begin = format!("**You asked:** {question}\n\n");
        let words = (1..=WORDS).map(|word| format!("word {word}, "));
        for piece in std::iter::once(begin).chain(words) {
            sleep(WORD).await;
            if sender.send(piece).await.is_err() {
                return; // nobody wants the rest
            }
        }
    });
    answer
}
