//! The operations of operators. The log of the servers does not mark what is finished: the states of events follow
//! from the positions of the consumers and from the dead letters.

use std::time::{Duration, SystemTime};

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::stream::{DeleteMessageError, DeleteMessageErrorKind};
use async_trait::async_trait;
use lark_events_inbox::{Admin, Filter, Listed, Operation, Page, Shown, State, StoreError};

use crate::failure::failed;
use crate::log::Row;
use crate::store::NatsStore;
use crate::subject::Name;

/// Whether an operation on these states is wanted.
fn takes(filter: &Filter, state: State) -> bool {
    filter.states.is_empty() || filter.states.contains(&state)
}

/// `false` if another operator has removed the message.
fn is_removed(removed: Result<bool, DeleteMessageError>) -> Result<bool, StoreError> {
    match removed {
        Ok(is_removed) => Ok(is_removed),
        Err(error) => match error.kind() {
            DeleteMessageErrorKind::JetStream(answer)
                if answer.error_code() == ErrorCode::SEQUENCE_NOT_FOUND
                    // The code is that of all failures to delete.
                    || answer.to_string().contains("no message found") =>
            {
                Ok(false)
            }
            _ => Err(failed(&error)),
        },
    }
}

impl NatsStore {
    /// Removes the dead letter of an event. `false` if another operator has.
    async fn remove_letter(&self, number: u64) -> Result<bool, StoreError> {
        is_removed(self.link.streams.dead.delete_message(number).await)
    }

    /// The dead letters that match, after a number, with the numbers of their messages.
    async fn letters(
        &self,
        filter: &Filter,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(Name, Row, u64)>, StoreError> {
        let dead = self.link.dead().await?;
        let after = after.map(|after| after.saturating_add(1));
        let first = [after, filter.from_seq, filter.seq];
        let first = first.into_iter().flatten().max().unwrap_or_default();
        let last = [filter.to_seq, filter.seq].into_iter().flatten().min();
        let mut letters = Vec::new();
        let among = dead.range(Name::first(first)..);
        for name in among.take_while(|name| last.is_none_or(|last| name.seq <= last)) {
            if letters.len() >= limit {
                break;
            }
            let found = self.link.dead_row(*name).await?;
            let found = found.filter(|(row, _)| filter.matches(&row.listed));
            letters.extend(found.map(|(row, number)| (*name, row, number)));
        }
        Ok(letters)
    }
}

#[async_trait]
impl Admin for NatsStore {
    /// All are supported, with the differences that [`NatsStore`] lists.
    fn supports(&self, _: Operation) -> bool {
        true
    }

    async fn last(&self) -> Result<Option<u64>, StoreError> {
        let last = self.link.state().await?.last_sequence;
        Ok((last > 0).then_some(last))
    }

    async fn list(&self, filter: &Filter, page: Page) -> Result<Vec<Listed>, StoreError> {
        if filter.states == [State::Dead] {
            let letters = self.letters(filter, page.after, page.limit).await?;
            return Ok(letters.into_iter().map(|(_, row, _)| row.listed).collect());
        }
        let mut places = self.link.places().await?;
        let after = match takes(filter, State::Done) || takes(filter, State::Dead) {
            true => page.after,
            // The log is mostly finished events.
            false => page.after.max(Some(places.finished())),
        };
        let mut log = self.link.log(filter, after).await?;
        let mut listed = Vec::new();
        while listed.len() < page.limit
            && let Some(found) = log.next(&self.link).await?
        {
            let row = self.link.row(&found, &mut places).await?;
            let matching = row.filter(|row| filter.matches(&row.listed));
            listed.extend(matching.map(|row| row.listed));
        }
        Ok(listed)
    }

    async fn show(&self, seq: u64) -> Result<Option<Shown>, StoreError> {
        let Some(found) = self.link.found(seq).await? else {
            // A dead letter stays when the log has reached its maximum age.
            let mut filter = Filter::default();
            filter.seq = Some(seq);
            let letter = self.letters(&filter, None, 1).await?.pop();
            return Ok(letter.map(|(_, row, _)| row.shown()));
        };
        let mut places = self.link.places().await?;
        let row = self.link.row(&found, &mut places).await?;
        Ok(row.map(Row::shown))
    }

    /// Puts copies of dead letters at the ends of their lanes. Other events keep the times of their retries.
    async fn retry(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError> {
        let mut retried = 0_u64;
        if !takes(filter, State::Dead) {
            return Ok(retried);
        }
        for (name, row, number) in self.letters(filter, None, limit).await? {
            // Twice, the stream takes the copy once.
            let id = format!("retry {name}");
            self.link.append_copy(&row.entry, Some(id)).await?;
            if self.remove_letter(number).await? {
                retried = retried.saturating_add(1);
            }
        }
        Ok(retried)
    }

    async fn discard(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError> {
        let mut discarded = 0_u64;
        let mut left = limit;
        if takes(filter, State::Dead) {
            for (_, _, number) in self.letters(filter, None, limit).await? {
                if self.remove_letter(number).await? {
                    discarded = discarded.saturating_add(1);
                }
                left = left.saturating_sub(1);
            }
        }
        if !takes(filter, State::Ready) && !takes(filter, State::Waiting) {
            return Ok(discarded);
        }
        let mut places = self.link.places().await?;
        let mut log = self.link.log(filter, Some(places.finished())).await?;
        while left > 0
            && let Some(found) = log.next(&self.link).await?
        {
            let Some(row) = self.link.row(&found, &mut places).await? else {
                continue;
            };
            let is_untouched = matches!(row.listed.state, State::Ready | State::Waiting);
            if is_untouched && filter.matches(&row.listed) {
                let removed = self.link.streams.events.delete_message(found.seq).await;
                discarded = discarded.saturating_add(u64::from(is_removed(removed)?));
                left = left.saturating_sub(1);
            }
        }
        Ok(discarded)
    }

    /// Puts copies of finished events at the ends of their lanes. Copies are not copied once more.
    async fn replay(&self, filter: &Filter, limit: usize) -> Result<u64, StoreError> {
        let mut replayed = 0_u64;
        let mut left = limit;
        let mut places = self.link.places().await?;
        let mut log = self.link.log(filter, None).await?;
        while left > 0
            && let Some(found) = log.next(&self.link).await?
        {
            if found.is_copy() {
                continue;
            }
            let Some(row) = self.link.row(&found, &mut places).await? else {
                continue;
            };
            if row.listed.state == State::Done && filter.matches(&row.listed) {
                self.link.append_copy(&row.entry, None).await?;
                replayed = replayed.saturating_add(1);
                left = left.saturating_sub(1);
            }
        }
        Ok(replayed)
    }

    /// Removes finished events up to the first one that is not, or that is younger than `age`; and none that is
    /// younger than the [shortest duplicate window](NatsStore::MIN_WINDOW). The servers remove events of the stream's
    /// `max_age` themselves.
    async fn prune(&self, age: Duration) -> Result<u64, StoreError> {
        let link = &self.link;
        let age = age.max(NatsStore::MIN_WINDOW);
        let state = link.state().await?;
        let mut keep = state.last_sequence.saturating_add(1);
        for (index, position) in link.positions().await? {
            if (position.unfinished > 0 || position.left > 0)
                && let Some(first) = link.next_of(index, position.done).await?
            {
                keep = keep.min(first.sequence);
            }
        }
        let mut young = Filter::default();
        young.since = SystemTime::now().checked_sub(age);
        if let Some(found) = link.log(&young, None).await?.next(link).await? {
            keep = keep.min(found.seq);
        }
        // Servers of 2.9 remove all messages if they are to keep those from 1 on.
        if keep <= state.first_sequence.max(1) {
            return Ok(0);
        }
        let purge = link.streams.events.purge().sequence(keep).await;
        Ok(purge.map_err(|error| failed(&error))?.purged)
    }
}
