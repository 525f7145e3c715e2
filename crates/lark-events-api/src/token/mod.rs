//! Access tokens: per app and tenant, requested once for all callers, renewed before they expire.

mod slot;
mod ticket;
mod tokens;

pub use self::ticket::{AppTicket, AppTicketEvent, MemoryTickets, TicketStore};
pub(crate) use self::tokens::{Kind, Tokens};
