//! Blocks of SQL: a server runs them, where PostgreSQL is installed.

#[cfg(unix)]
pub(super) fn check(place: &str, text: &str) {
    use std::sync::OnceLock;

    use lark_events_test_servers::Postgres;

    static SERVER: OnceLock<Option<Postgres>> = OnceLock::new();
    let server = SERVER.get_or_init(|| Postgres::start_or_skip("SQL in the documents"));
    if let Some(server) = server {
        let ran = server.try_psql_at(&server.url(), text);
        ran.unwrap_or_else(|error| panic!("{place}: {error}"));
    }
}

#[cfg(not(unix))]
pub(super) fn check(place: &str, _: &str) {
    println!("skipped: {place}");
}
