//! A primary and its standby: what is on both, and what is lost with the primary.

use lark_events_test_servers::Postgres;

use crate::postgres::WHAT;

const COUNT: &str = "SELECT count(*) FROM t";
const INSERT: &str = "INSERT INTO t VALUES (1)";

#[test]
fn a_promoted_standby_has_each_commit_that_waited_for_it() {
    let Some(primary) = Postgres::start_or_skip(WHAT) else {
        return;
    };
    let standby = primary.start_standby("b");
    primary.synchronous_standby("b");
    primary.psql("CREATE TABLE t (i int)");
    primary.psql(INSERT);
    primary.kill();
    standby.promote();
    assert_eq!(standby.psql(COUNT), "1");
    // Commits do not wait for a standby that it does not have.
    standby.psql(INSERT);
    let next = standby.start_standby_at("c", primary.port());
    assert_eq!(next.port(), primary.port());
    standby.synchronous_standby("c");
    standby.psql(INSERT);
    drop(standby);
    next.promote();
    assert_eq!(next.psql(COUNT), "3");
}

#[test]
fn a_frozen_standby_lacks_what_came_later() {
    let Some(primary) = Postgres::start_or_skip(WHAT) else {
        return;
    };
    let standby = primary.start_standby("b");
    primary.synchronous_standby("b");
    primary.psql("CREATE TABLE t (i int)");
    standby.freeze();
    primary.no_synchronous_standby();
    primary.psql(INSERT);
    standby.thaw();
    primary.synchronous_standby("b");
    primary.psql(INSERT);
    standby.freeze();
    primary.no_synchronous_standby();
    primary.psql(INSERT);
    assert_eq!(primary.psql(COUNT), "3");
    primary.kill();
    standby.promote();
    assert_eq!(standby.psql(COUNT), "2");
}
