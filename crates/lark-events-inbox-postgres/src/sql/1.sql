-- `event` is the log and the memory of keys, and only grows until it is pruned. `task` is what is left to
-- do: narrow and short-lived. Only the functions below write, so that no foreign key has to be checked.
CREATE TABLE lark_inbox.event (
    seq bigint PRIMARY KEY,
    dedup_key text COLLATE "C" UNIQUE,
    app_id text,
    event_type text NOT NULL,
    event_id text COLLATE "C",
    tenant_key text,
    lane text COLLATE "C",
    transport text NOT NULL,
    received_at timestamptz NOT NULL,
    keep_until timestamptz NOT NULL,
    trace text,
    document bytea NOT NULL,
    redelivered integer NOT NULL DEFAULT 0
);
CREATE SEQUENCE lark_inbox.event_seq OWNED BY lark_inbox.event.seq;
CREATE INDEX event_by_id ON lark_inbox.event (event_id);
CREATE INDEX event_by_time ON lark_inbox.event (received_at);
CREATE INDEX event_by_lane ON lark_inbox.event (lane, seq) WHERE lane IS NOT NULL;

-- A head flag, and not "no earlier row of this lane", chooses what can be claimed: with the latter a claim
-- reads all events of a busy lane. Only a transaction with the lock of the lane sets the flag. `is_early` marks
-- what comes before the other tasks of its lane: what an operator has put back.
--
-- While a long transaction anywhere in the database holds a snapshot, no dead row can be removed, and a look for
-- the first row of an index passes all those before it. So the looks below begin where the last one ended.
CREATE TABLE lark_inbox.task (
    seq bigint PRIMARY KEY,
    lane text COLLATE "C",
    is_head boolean NOT NULL,
    is_early boolean NOT NULL DEFAULT false,
    visible_at timestamptz NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    fence bigint,
    last_error text
) WITH (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX task_heads ON lark_inbox.task (visible_at, seq) WHERE is_head AND lane IS NOT NULL;
CREATE INDEX task_free ON lark_inbox.task (visible_at, seq) WHERE lane IS NULL;
CREATE INDEX task_lane ON lark_inbox.task (lane, seq) WHERE lane IS NOT NULL;
CREATE INDEX task_early ON lark_inbox.task (lane, seq) WHERE is_early AND lane IS NOT NULL;
CREATE UNIQUE INDEX task_head ON lark_inbox.task (lane) WHERE is_head AND lane IS NOT NULL;

CREATE TABLE lark_inbox.dead (
    seq bigint PRIMARY KEY,
    attempts integer NOT NULL,
    error text,
    died_at timestamptz NOT NULL
);

-- The history. `took` is missing while the handler has completed the event and its worker has not settled it yet.
CREATE TABLE lark_inbox.attempt (
    seq bigint NOT NULL,
    fence bigint NOT NULL,
    number integer NOT NULL,
    ended_at timestamptz NOT NULL,
    took bigint,
    outcome text NOT NULL,
    error text,
    PRIMARY KEY (seq, fence)
);

CREATE TABLE lark_inbox.worker (id bigint PRIMARY KEY, is_running boolean NOT NULL, seen_at timestamptz NOT NULL);

CREATE TABLE lark_inbox.claim (
    key text COLLATE "C" PRIMARY KEY,
    owner bigint,
    outcome text,
    until timestamptz NOT NULL
);
CREATE INDEX claim_by_time ON lark_inbox.claim (until);

CREATE FUNCTION lark_inbox.micros(span bigint) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT span * interval '1 microsecond' $$;

-- The commit of an acknowledgement waits for the disk, whatever the default of the role is. A commit whose
-- wait for the standby is cancelled says so in a warning, which must reach the program.
CREATE FUNCTION lark_inbox.commit_durably() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    IF current_setting('client_min_messages') IN ('error', 'fatal', 'panic') THEN
        PERFORM set_config('client_min_messages', 'warning', true);
    END IF;
END $$;

-- Locks lanes until the end of the transaction, in one order everywhere, so that no two transactions wait
-- for each other. Choosing the head of a lane without its lock leaves lanes without a head: an append and a
-- settlement at the same time do not see each other's rows.
CREATE FUNCTION lark_inbox.lock_lanes(lanes text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the inbox needs the isolation level "read committed", got "%"',
            current_setting('transaction_isolation') USING ERRCODE = 'feature_not_supported';
    END IF;
    PERFORM pg_advisory_xact_lock(1818325611, ordered.lock) FROM (
        SELECT DISTINCT hashtext(given.lane) AS lock FROM unnest(lanes) AS given (lane)
        WHERE given.lane IS NOT NULL ORDER BY lock
    ) AS ordered;
END $$;

-- Makes the next task of each lane its head, visible now: behind the heads that wait already. The caller has the
-- locks of the lanes, and has removed their heads, whose numbers are `removed`.
--
-- Here and below, ranges and an order by lanes leave the index of lanes as the only plan. With "lane = ..." the
-- server may look for a lane in the order of the numbers instead, and reads all tasks of a deep one before it.
CREATE FUNCTION lark_inbox.promote(lanes text[], removed bigint[]) RETURNS void LANGUAGE sql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
    UPDATE lark_inbox.task SET is_head = true, visible_at = clock_timestamp() WHERE seq = ANY (ARRAY(
        SELECT coalesce(early.seq, next.seq) FROM unnest(lanes, removed) AS given (lane, seq)
        LEFT JOIN LATERAL (
            SELECT t.seq FROM lark_inbox.task t
            WHERE t.lane BETWEEN given.lane AND given.lane AND t.is_early ORDER BY t.lane, t.seq LIMIT 1
        ) AS early ON true
        LEFT JOIN LATERAL (
            SELECT t.seq FROM lark_inbox.task t
            WHERE (t.lane, t.seq) > (given.lane, given.seq) AND t.lane <= given.lane
            ORDER BY t.lane, t.seq LIMIT 1
        ) AS next ON true
    ))
$$;

-- The lanes that have a task: that of their last event, or one that an operator has put back. The caller has the
-- locks of the lanes. A look for any task of the lane would pass all its dead rows.
CREATE FUNCTION lark_inbox.busy(lanes text[]) RETURNS text[] LANGUAGE sql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
    SELECT ARRAY(
        SELECT given.lane FROM unnest(lanes) AS given (lane)
        LEFT JOIN LATERAL (
            SELECT e.seq FROM lark_inbox.event e WHERE e.lane BETWEEN given.lane AND given.lane
            ORDER BY e.lane DESC, e.seq DESC LIMIT 1
        ) AS last ON true
        LEFT JOIN lark_inbox.task t ON t.seq = last.seq AND t.lane = given.lane
        LEFT JOIN LATERAL (
            SELECT t.seq FROM lark_inbox.task t
            WHERE t.lane BETWEEN given.lane AND given.lane AND t.is_early ORDER BY t.lane, t.seq LIMIT 1
        ) AS early ON true
        WHERE t.seq IS NOT NULL OR early.seq IS NOT NULL
    )
$$;

-- Puts events into the queue; those that are there already stay. The caller has the locks of the lanes.
CREATE FUNCTION lark_inbox.enqueue(seqs bigint[]) RETURNS bigint LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    busy text[] := lark_inbox.busy(ARRAY(
        SELECT DISTINCT e.lane FROM lark_inbox.event e WHERE e.seq = ANY (seqs) AND e.lane IS NOT NULL
    ));
    queued bigint;
BEGIN
    INSERT INTO lark_inbox.task (seq, lane, is_head, is_early, visible_at)
    SELECT e.seq, e.lane,
        e.lane IS NULL
            OR e.lane <> ALL (busy) AND row_number() OVER (PARTITION BY e.lane ORDER BY e.seq) = 1,
        true, clock_timestamp()
    FROM lark_inbox.event e WHERE e.seq = ANY (seqs)
        AND NOT EXISTS (SELECT FROM lark_inbox.task t WHERE t.seq = e.seq)
        AND NOT EXISTS (SELECT FROM lark_inbox.dead d WHERE d.seq = e.seq)
    -- Without a lane nothing keeps another operator from doing the same.
    ON CONFLICT (seq) DO NOTHING;
    GET DIAGNOSTICS queued = ROW_COUNT;
    RETURN queued;
END $$;

-- Appends a batch, and returns for each event whether it is new. A batch of nothing but duplicates is a
-- commit too: the first writer may not be on disk yet.
CREATE FUNCTION lark_inbox.append(
    keys text[], app_ids text[], event_types text[], event_ids text[], tenant_keys text[], lanes text[],
    transports text[], kept bigint[], traces text[], documents bytea[]
) RETURNS boolean[] LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    results boolean[];
    stored_seqs bigint[];
    named text[] := array_remove(lanes, NULL);
    busy text[];
    appended_at timestamptz;
BEGIN
    PERFORM lark_inbox.commit_durably();
    PERFORM lark_inbox.lock_lanes(named);
    IF named <> '{}' THEN
        busy := lark_inbox.busy(ARRAY(SELECT DISTINCT given.lane FROM unnest(named) AS given (lane)));
    END IF;
    -- Not when the transaction began: it may have waited for a lane.
    appended_at := clock_timestamp();
    -- Events without a lane in the order of their keys: two batches never wait for each other.
    WITH input AS MATERIALIZED (
        SELECT nextval('lark_inbox.event_seq') AS seq, given.* FROM unnest(
            keys, app_ids, event_types, event_ids, tenant_keys, lanes, transports, kept, traces, documents
        ) WITH ORDINALITY AS given (
            dedup_key, app_id, event_type, event_id, tenant_key, lane, transport, kept, trace, document, place
        )
    ), stored AS (
        INSERT INTO lark_inbox.event (seq, dedup_key, app_id, event_type, event_id, tenant_key, lane, transport,
            received_at, keep_until, trace, document)
        SELECT i.seq, i.dedup_key, i.app_id, i.event_type, i.event_id, i.tenant_key, i.lane, i.transport,
            appended_at, appended_at + lark_inbox.micros(i.kept), i.trace, i.document
        FROM input i
        ORDER BY i.lane IS NOT NULL, CASE WHEN i.lane IS NULL THEN i.dedup_key END, i.seq
        ON CONFLICT (dedup_key) DO NOTHING
        RETURNING seq
    )
    SELECT array_agg(s.seq IS NOT NULL ORDER BY i.place), array_agg(s.seq) INTO results, stored_seqs
    FROM input i LEFT JOIN stored s ON s.seq = i.seq;
    IF named = '{}' THEN
        INSERT INTO lark_inbox.task (seq, is_head, visible_at)
        SELECT s.seq, true, appended_at FROM unnest(stored_seqs) AS s (seq) WHERE s.seq IS NOT NULL;
    ELSE
        INSERT INTO lark_inbox.task (seq, lane, is_head, visible_at)
        SELECT e.seq, e.lane,
            e.lane IS NULL
                OR busy_one.lane IS NULL AND row_number() OVER (PARTITION BY e.lane ORDER BY e.seq) = 1,
            appended_at
        FROM lark_inbox.event e LEFT JOIN unnest(busy) AS busy_one (lane) ON busy_one.lane = e.lane
        WHERE e.seq = ANY (stored_seqs);
    END IF;
    IF false = ANY (results) THEN
        UPDATE lark_inbox.event SET redelivered = redelivered + 1 WHERE seq = ANY (ARRAY(
            SELECT e.seq FROM unnest(keys, results) AS given (dedup_key, is_new)
            JOIN lark_inbox.event e ON e.dedup_key = given.dedup_key
            WHERE NOT given.is_new ORDER BY e.seq FOR UPDATE OF e
        ));
    END IF;
    RETURN results;
END $$;

-- Claims up to `max` events for `lease` microseconds. Lanes and events without one share each claim. A lost
-- claim does no harm, so its commit waits for no disk. It looks at what became visible at `since` or later, and
-- returns in a row without a number where the next look may begin, in `received_at`.
CREATE FUNCTION lark_inbox.claim(
    max integer, lane_is_first boolean, lease bigint, fences bigint[], since timestamptz
) RETURNS TABLE (
    seq bigint, fence bigint, attempt integer, document bytea, transport text, received_at timestamptz,
    dedup_key text, lane text, trace text
) LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE
    half integer := (max + lane_is_first::integer) / 2;
    first_head timestamptz;
    first_free timestamptz;
    heads bigint[] := '{}';
    free bigint[] := '{}';
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    -- Of all that wait, also what this claim has no place for and what others have locked.
    first_head := (
        SELECT t.visible_at FROM lark_inbox.task t
        WHERE t.is_head AND t.lane IS NOT NULL AND t.visible_at >= since ORDER BY t.visible_at, t.seq LIMIT 1
    );
    first_free := (
        SELECT t.visible_at FROM lark_inbox.task t
        WHERE t.lane IS NULL AND t.visible_at >= since ORDER BY t.visible_at, t.seq LIMIT 1
    );
    -- What was appended a moment before becomes visible to others a moment later.
    received_at := least(first_head, first_free, now()) - interval '250 ms';
    RETURN NEXT;
    IF first_head <= now() THEN
        heads := ARRAY(
            SELECT t.seq FROM lark_inbox.task t
            WHERE t.is_head AND t.lane IS NOT NULL AND t.visible_at BETWEEN first_head AND now()
            ORDER BY t.visible_at, t.seq LIMIT half FOR UPDATE SKIP LOCKED
        );
    END IF;
    IF first_free <= now() THEN
        free := ARRAY(
            SELECT t.seq FROM lark_inbox.task t
            WHERE t.lane IS NULL AND t.visible_at BETWEEN first_free AND now()
            ORDER BY t.visible_at, t.seq LIMIT max - cardinality(heads) FOR UPDATE SKIP LOCKED
        );
    END IF;
    IF first_head <= now() AND cardinality(heads) = half AND half + cardinality(free) < max THEN
        heads := heads || ARRAY(
            SELECT t.seq FROM lark_inbox.task t
            WHERE t.is_head AND t.lane IS NOT NULL AND t.visible_at BETWEEN first_head AND now()
                AND t.seq <> ALL (heads)
            ORDER BY t.visible_at, t.seq LIMIT max - half - cardinality(free) FOR UPDATE SKIP LOCKED
        );
    END IF;
    IF cardinality(heads) + cardinality(free) > 0 THEN
        RETURN QUERY
            UPDATE lark_inbox.task t
            SET visible_at = now() + lark_inbox.micros(lease), attempt = t.attempt + 1, fence = taken.fence
            FROM unnest(heads || free, fences) AS taken (seq, fence), lark_inbox.event e
            WHERE t.seq = taken.seq AND e.seq = taken.seq
            RETURNING t.seq, t.fence, t.attempt, e.document, e.transport, e.received_at, e.dedup_key, t.lane,
                e.trace;
    END IF;
END $$;

-- The numbers of the claims that are held, locked in one order.
CREATE FUNCTION lark_inbox.held(seqs bigint[], fences bigint[]) RETURNS bigint[] LANGUAGE sql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
    SELECT ARRAY(
        SELECT t.seq FROM unnest(seqs, fences) AS given (seq, fence)
        JOIN lark_inbox.task t ON t.seq = given.seq AND t.fence = given.fence
        ORDER BY t.seq FOR UPDATE OF t
    )
$$;

-- Extends leases to end `lease` microseconds from now, and returns for each claim whether it is held. A locked task
-- is being settled, completed or claimed. Nothing can claim it before that commit, which may wait for a standby, and
-- claims on the same connection must go on. A lost extension does no harm, so its commit waits for no disk.
CREATE FUNCTION lark_inbox.extend(seqs bigint[], fences bigint[], lease bigint) RETURNS boolean[]
LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    held bigint[];
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    held := ARRAY(
        SELECT t.seq FROM unnest(seqs, fences) AS given (seq, fence)
        JOIN lark_inbox.task t ON t.seq = given.seq AND t.fence = given.fence
        FOR UPDATE OF t SKIP LOCKED
    );
    UPDATE lark_inbox.task t SET visible_at = now() + lark_inbox.micros(lease) WHERE t.seq = ANY (held);
    RETURN ARRAY(
        SELECT coalesce(t.fence = given.fence, false)
        FROM unnest(seqs, fences) WITH ORDINALITY AS given (seq, fence, place)
        LEFT JOIN lark_inbox.task t ON t.seq = given.seq ORDER BY given.place
    );
END $$;

-- Ends claims, and returns for each whether it was held, or whether its handler has completed the event.
CREATE FUNCTION lark_inbox.settle(
    seqs bigint[], fences bigint[], settled text[], delays bigint[], outcomes text[], errors text[],
    spans bigint[]
) RETURNS boolean[] LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    lanes text[];
    leaving bigint[];
    held bigint[];
    answers boolean[];
BEGIN
    -- Only these take a task from its lane. Nothing else changes the lane of a claimed task.
    SELECT array_agg(t.lane), array_agg(t.seq) INTO lanes, leaving
    FROM unnest(seqs, fences, settled) AS given (seq, fence, settled)
    JOIN lark_inbox.task t ON t.seq = given.seq AND t.fence = given.fence
    WHERE given.settled IN ('done', 'dead', 'set_aside') AND t.lane IS NOT NULL;
    PERFORM lark_inbox.lock_lanes(lanes);
    held := lark_inbox.held(seqs, fences);
    answers := ARRAY(
        SELECT coalesce(t.fence = given.fence, false)
        FROM unnest(seqs, fences) WITH ORDINALITY AS given (seq, fence, place)
        LEFT JOIN lark_inbox.task t ON t.seq = given.seq ORDER BY given.place
    );
    INSERT INTO lark_inbox.attempt (seq, fence, number, ended_at, took, outcome, error)
    SELECT t.seq, t.fence, t.attempt, now(), given.took, given.outcome, given.error
    FROM unnest(seqs, fences, outcomes, errors, spans) AS given (seq, fence, outcome, error, took)
    JOIN lark_inbox.task t ON t.seq = given.seq AND t.fence = given.fence
    WHERE t.seq = ANY (held);
    IF settled <> array_fill('done'::text, ARRAY[cardinality(settled)]) THEN
        INSERT INTO lark_inbox.dead (seq, attempts, error, died_at)
        SELECT t.seq, t.attempt, given.error, now()
        FROM unnest(seqs, fences, settled, errors) AS given (seq, fence, settled, error)
        JOIN lark_inbox.task t ON t.seq = given.seq AND t.fence = given.fence
        WHERE given.settled = 'dead' AND t.seq = ANY (held)
        ON CONFLICT (seq) DO UPDATE
        SET attempts = excluded.attempts, error = excluded.error, died_at = excluded.died_at;
        UPDATE lark_inbox.task t SET
            visible_at = now() + lark_inbox.micros(given.delay),
            attempt = t.attempt - (given.settled <> 'retry')::integer,
            lane = CASE WHEN given.settled <> 'set_aside' THEN t.lane END,
            fence = NULL,
            last_error = given.error
        FROM unnest(seqs, fences, settled, delays, errors) AS given (seq, fence, settled, delay, error)
        WHERE t.seq = given.seq AND t.fence = given.fence AND t.seq = ANY (held)
            AND given.settled IN ('retry', 'release', 'set_aside');
    END IF;
    DELETE FROM lark_inbox.task t USING unnest(seqs, fences, settled) AS given (seq, fence, settled)
    WHERE t.seq = given.seq AND t.fence = given.fence AND t.seq = ANY (held)
        AND given.settled IN ('done', 'dead');
    -- Not the lanes of claims that were lost meanwhile.
    SELECT array_agg(given.lane), array_agg(given.seq) INTO lanes, leaving
    FROM unnest(lanes, leaving) AS given (lane, seq) WHERE given.seq = ANY (held);
    PERFORM lark_inbox.promote(lanes, leaving);
    IF false = ANY (answers) THEN
        WITH completed AS (
            UPDATE lark_inbox.attempt a SET took = given.took
            FROM unnest(seqs, fences, spans) AS given (seq, fence, took)
            WHERE a.seq = given.seq AND a.fence = given.fence AND a.took IS NULL
            RETURNING a.seq, a.fence
        )
        SELECT array_agg(given.answer OR completed.seq IS NOT NULL ORDER BY given.place) INTO answers
        FROM unnest(seqs, fences, answers) WITH ORDINALITY AS given (seq, fence, answer, place)
        LEFT JOIN completed ON completed.seq = given.seq AND completed.fence = given.fence;
    END IF;
    RETURN answers;
END $$;

-- Finishes a claimed event in the transaction of its handler, so that what the handler writes and the
-- completion are one commit. Fails if the claim was lost. Call it last: it holds the lock of the lane until
-- the transaction ends.
CREATE FUNCTION lark_inbox.complete(seq bigint, fence bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    settled boolean[] := lark_inbox.settle(
        ARRAY[seq], ARRAY[fence], ARRAY['done'], ARRAY[0], ARRAY['handled'], ARRAY[NULL::text],
        ARRAY[NULL::bigint]
    );
BEGIN
    IF NOT settled[1] THEN
        RAISE EXCEPTION 'the claim of event % was lost: another worker handles it', seq
            USING ERRCODE = 'LK001';
    END IF;
END $$;

-- Makes dead letters and waiting events visible now. A dead letter starts with its first attempt again. An event that
-- was the other of the two when the operator saw it stays as it is, here and below.
CREATE FUNCTION lark_inbox.retry(letters bigint[], queued bigint[]) RETURNS bigint LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    dead bigint[];
    waiting bigint;
    retried_at timestamptz;
BEGIN
    PERFORM lark_inbox.lock_lanes(ARRAY(
        SELECT e.lane FROM lark_inbox.event e WHERE e.seq = ANY (letters || queued)
    ));
    WITH raised AS (DELETE FROM lark_inbox.dead d WHERE d.seq = ANY (letters) RETURNING d.seq)
    SELECT coalesce(array_agg(raised.seq), '{}') INTO dead FROM raised;
    -- Later than another operator's, who has just retried the same events.
    retried_at := clock_timestamp();
    UPDATE lark_inbox.task t SET visible_at = retried_at
    WHERE t.seq = ANY (ARRAY(
        SELECT t.seq FROM lark_inbox.task t
        WHERE t.seq = ANY (queued) AND t.is_head AND t.fence IS NULL AND t.visible_at > retried_at
        ORDER BY t.seq FOR UPDATE
    ));
    GET DIAGNOSTICS waiting = ROW_COUNT;
    RETURN waiting + lark_inbox.enqueue(dead);
END $$;

-- Removes dead letters and events that are not being handled from the queue.
CREATE FUNCTION lark_inbox.discard(letters bigint[], queued bigint[]) RETURNS bigint LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    lanes text[];
    heads bigint[];
    shortened text[];
    dead bigint;
    waiting bigint;
BEGIN
    PERFORM lark_inbox.lock_lanes(ARRAY(
        SELECT e.lane FROM lark_inbox.event e WHERE e.seq = ANY (letters || queued)
    ));
    DELETE FROM lark_inbox.dead d WHERE d.seq = ANY (letters);
    GET DIAGNOSTICS dead = ROW_COUNT;
    WITH removed AS (
        DELETE FROM lark_inbox.task t WHERE t.seq = ANY (ARRAY(
            SELECT t.seq FROM lark_inbox.task t
            WHERE t.seq = ANY (queued) AND (t.fence IS NULL OR t.visible_at <= now())
            ORDER BY t.seq FOR UPDATE
        )) RETURNING t.seq, t.lane, t.is_head
    )
    SELECT count(*), array_agg(removed.lane) FILTER (WHERE removed.is_head),
        array_agg(removed.seq) FILTER (WHERE removed.is_head),
        array_agg(DISTINCT removed.lane) FILTER (WHERE NOT removed.is_head)
    INTO waiting, lanes, heads, shortened FROM removed;
    -- The last event of such a lane may be gone, and the rest must show that the lane has tasks.
    UPDATE lark_inbox.task t SET is_early = true WHERE t.lane = ANY (shortened) AND NOT t.is_early;
    PERFORM lark_inbox.promote(lanes, heads);
    RETURN dead + waiting;
END $$;

-- Puts finished events into the queue again.
CREATE FUNCTION lark_inbox.replay(seqs bigint[]) RETURNS bigint LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    PERFORM lark_inbox.lock_lanes(ARRAY(SELECT e.lane FROM lark_inbox.event e WHERE e.seq = ANY (seqs)));
    RETURN lark_inbox.enqueue(ARRAY(
        SELECT e.seq FROM lark_inbox.event e WHERE e.seq = ANY (seqs) ORDER BY e.seq FOR UPDATE
    ));
END $$;

-- Gives up to 500 lanes without a head their first task as one, and returns how many. There should be none: for
-- operators.
CREATE FUNCTION lark_inbox.repair() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    lanes text[] := ARRAY(
        SELECT t.lane FROM lark_inbox.task t WHERE t.lane IS NOT NULL GROUP BY t.lane HAVING NOT bool_or(t.is_head)
        LIMIT 500
    );
    repaired bigint;
BEGIN
    PERFORM lark_inbox.lock_lanes(lanes);
    UPDATE lark_inbox.task SET is_head = true, visible_at = clock_timestamp() WHERE seq IN (
        SELECT min(t.seq) FROM lark_inbox.task t WHERE t.lane = ANY (lanes)
        GROUP BY t.lane HAVING NOT bool_or(t.is_head)
    );
    GET DIAGNOSTICS repaired = ROW_COUNT;
    RETURN repaired;
END $$;

-- Removes up to `max` finished events that are older than `age` microseconds, and what has expired elsewhere.
CREATE FUNCTION lark_inbox.prune(age bigint, max integer) RETURNS bigint LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
    old bigint[];
    pruned bigint;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    DELETE FROM lark_inbox.claim c WHERE c.key = ANY (ARRAY(
        SELECT c.key FROM lark_inbox.claim c WHERE c.until < now() LIMIT max FOR UPDATE SKIP LOCKED
    ));
    DELETE FROM lark_inbox.worker w WHERE w.id = ANY (ARRAY(
        SELECT w.id FROM lark_inbox.worker w WHERE w.seen_at < now() - interval '1 day'
        FOR UPDATE SKIP LOCKED
    ));
    old := ARRAY(
        SELECT e.seq FROM lark_inbox.event e
        WHERE e.received_at < now() - lark_inbox.micros(age) AND e.keep_until < now()
            AND NOT EXISTS (SELECT FROM lark_inbox.task t WHERE t.seq = e.seq)
            AND NOT EXISTS (SELECT FROM lark_inbox.dead d WHERE d.seq = e.seq)
        ORDER BY e.received_at LIMIT max FOR UPDATE OF e SKIP LOCKED
    );
    -- An event that was put into the queue meanwhile is there now.
    old := ARRAY(
        SELECT given.seq FROM unnest(old) AS given (seq)
        WHERE NOT EXISTS (SELECT FROM lark_inbox.task t WHERE t.seq = given.seq)
            AND NOT EXISTS (SELECT FROM lark_inbox.dead d WHERE d.seq = given.seq)
    );
    DELETE FROM lark_inbox.attempt a WHERE a.seq = ANY (old);
    DELETE FROM lark_inbox.event e WHERE e.seq = ANY (old);
    GET DIAGNOSTICS pruned = ROW_COUNT;
    RETURN pruned;
END $$;
