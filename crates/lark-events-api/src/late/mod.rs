//! The answer to a card callback, and work that goes on after it: updates of the card that cannot come before
//! the answer.

mod answer;
mod handler;
mod updates;
mod work;

pub use self::answer::CardAnswer;
pub use self::updates::CardUpdates;
pub(crate) use self::work::Work;
