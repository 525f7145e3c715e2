//! The operations of operators. The log of the servers does not mark what is finished: the states of events follow
//! from the positions of the consumers and from the dead letters.

use std::time::{Duration, SystemTime};

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::stream::{DeleteMessageError, DeleteMessageErrorKind};
use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use lark_events_inbox::{
    Admin, Count, Filter, GroupLimits, Grouping, Listed, Looked, Operation, Order, Page, Shown,
    State, StoreError, StoreErrorKind,
};

use crate::failure::failed;
use crate::log::Row;
use crate::store::NatsStore;
use crate::subject::Name;

/// The dead letters that one look reads, each with a request, unless it is to look through all.
const MAX_LETTERS: u64 = 500;
/// The requests for dead letters at a time.
const AT_ONCE: usize = 32;

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

    /// The first dead letters that match, with the numbers of their messages.
    async fn letters(
        &self,
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<(Name, Row, u64)>, StoreError> {
        Ok(self.some_letters(filter, limit, u64::MAX).await?.0)
    }

    /// The same, and the number of the last one that was looked at, if there may be more.
    async fn some_letters(
        &self,
        filter: &Filter,
        limit: usize,
        at_most: u64,
    ) -> Result<(Vec<(Name, Row, u64)>, Option<u64>), StoreError> {
        let mut names = self.dead_names(filter).await?;
        let all = names.len();
        names.truncate(usize::try_from(at_most).unwrap_or(usize::MAX));
        let link = &self.link;
        let rows = names.into_iter().map(|name| async move {
            let row = link.dead_row(name).await?;
            Ok::<_, StoreError>((name, row))
        });
        let mut rows = stream::iter(rows).buffered(limit.clamp(1, AT_ONCE));
        let first = filter.from_seq.max(filter.seq).unwrap_or_default();
        let (mut letters, mut looked, mut last) = (Vec::new(), 0_usize, first.saturating_sub(1));
        while letters.len() < limit
            && let Some((name, found)) = rows.try_next().await?
        {
            let found = found.filter(|(row, _)| filter.matches(&row.listed));
            letters.extend(found.map(|(row, number)| (name, row, number)));
            (looked, last) = (looked.saturating_add(1), name.seq);
        }
        Ok((letters, (looked < all).then_some(last)))
    }

    /// The dead letters in the range of a filter.
    async fn dead_names(&self, filter: &Filter) -> Result<Vec<Name>, StoreError> {
        let dead = self.link.dead().await?;
        let first = filter.from_seq.max(filter.seq).unwrap_or_default();
        let last = [filter.to_seq, filter.seq].into_iter().flatten().min();
        let names = dead.range(Name::first(first)..);
        let names = names.take_while(|name| last.is_none_or(|last| name.seq <= last));
        Ok(names.copied().collect())
    }
}

#[async_trait]
impl Admin for NatsStore {
    /// All but two are supported, with the differences that [`NatsStore`] lists: the servers read a stream forwards, and
    /// the time of a retry cannot be changed.
    fn supports(&self, operation: Operation) -> bool {
        !matches!(
            operation,
            Operation::ListNewestFirst | Operation::RetryWaiting
        )
    }

    async fn last(&self) -> Result<Option<u64>, StoreError> {
        let last = self.link.state().await?.last_sequence;
        Ok((last > 0).then_some(last))
    }

    async fn list(&self, filter: &Filter, page: Page) -> Result<Vec<Listed>, StoreError> {
        Ok(self.look_through(filter, page, u64::MAX).await?.listed)
    }

    async fn look_through(
        &self,
        filter: &Filter,
        page: Page,
        at_most: u64,
    ) -> Result<Looked, StoreError> {
        if page.order != Order::OldestFirst {
            return Err(StoreError::new(StoreErrorKind::Unsupported));
        }
        let filter = &filter.on_page(page);
        if filter.states == [State::Dead] {
            let at_most = match at_most {
                u64::MAX => at_most,
                some => some.min(MAX_LETTERS),
            };
            let (letters, next) = self.some_letters(filter, page.limit, at_most).await?;
            let listed = letters.into_iter().map(|(_, row, _)| row.listed);
            return Ok(Looked::new(listed.collect(), next));
        }
        let mut places = self.link.places().await?;
        let after = match takes(filter, State::Done) || takes(filter, State::Dead) {
            true => None,
            // The log is mostly finished events.
            false => Some(places.finished()),
        };
        let mut log = self.link.log(filter, after).await?;
        let (mut listed, mut left, mut last) = (Vec::new(), at_most, None);
        while let Some(found) = log.next(&self.link).await? {
            if listed.len() >= page.limit || left == 0 {
                return Ok(Looked::new(listed, last));
            }
            (left, last) = (left.saturating_sub(1), Some(found.seq));
            let row = self.link.row(&found, &mut places).await?;
            let matching = row.filter(|row| filter.matches(&row.listed));
            listed.extend(matching.map(|row| row.listed));
        }
        Ok(Looked::new(listed, None))
    }

    async fn count(&self, filter: &Filter, at_most: u64) -> Result<Count, StoreError> {
        let mut dead = Filter::default();
        dead.states = vec![State::Dead];
        (dead.seq, dead.from_seq, dead.to_seq) = (filter.seq, filter.from_seq, filter.to_seq);
        if *filter == dead {
            // Their names are enough.
            let names = self.dead_names(filter).await?;
            return Ok(Count::up_to(at_most, names.len() as u64));
        }
        let limits = GroupLimits {
            groups: 0,
            events: at_most,
        };
        let groups = self.groups(filter, Grouping::EventType, limits).await?;
        Ok(groups.count)
    }

    async fn show(&self, seq: u64) -> Result<Option<Shown>, StoreError> {
        let Some(found) = self.link.found(seq).await? else {
            // A dead letter stays when the log has reached its maximum age.
            let mut filter = Filter::default();
            filter.seq = Some(seq);
            let letter = self.letters(&filter, 1).await?.pop();
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
        for (name, row, number) in self.letters(filter, limit).await? {
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
            for (_, _, number) in self.letters(filter, limit).await? {
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
