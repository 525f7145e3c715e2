//! Tickets, each for opening one connection once.

use std::collections::VecDeque;

use crate::random::Random;

/// The most unused tickets; the oldest become invalid.
const MAX_TICKETS: usize = 1024;

#[derive(Default)]
pub(crate) struct Tickets(VecDeque<Ticket>);

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) device_id: String,
    pub(crate) access_key: String,
    pub(crate) ticket: String,
}

impl Tickets {
    pub(crate) fn issue(&mut self, random: &Random) -> Ticket {
        let ticket = Ticket {
            device_id: random
                .with(|rng| rng.u64(7_000_000_000_000_000_000..8_000_000_000_000_000_000))
                .to_string(),
            access_key: random.hex(16),
            ticket: random.uuid(),
        };
        self.0.push_back(ticket.clone());
        if self.0.len() > MAX_TICKETS {
            self.0.pop_front();
        }
        ticket
    }

    /// Uses up a ticket, if it is valid.
    pub(crate) fn redeem(&mut self, presented: &Ticket) -> bool {
        let place = self.0.iter().position(|ticket| ticket == presented);
        place.and_then(|place| self.0.remove(place)).is_some()
    }
}
