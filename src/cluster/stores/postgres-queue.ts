/**
 * The function that makes calls on a queue at a PostgreSQL server, without conflicts and without
 * writing the other items. Calls of several processes wait for the disk at the same time.
 *
 *   lockstep.item     an item that waits: a row, from `put` until it is taken
 *   lockstep.lent     a delivery: the item until `ack`, under the call that received it
 *   lockstep.waiter   a call that waits: `t` for an item, `p` for room, `j` in join
 *   lockstep.member   what a session has added to the queue's counts, and its last replies: see
 *                     postgres-queue-tables.ts
 *   lockstep.object   the queue's name and kind, while it has any of these
 *
 * The machine stays the law: one call after another does what `machines/queue.ts` does, and
 * tests/cluster/queue-postgres.test.ts runs both on random histories. Calls at the same time work
 * side by side under the queue's advisory lock in shared mode, which ends with the transaction:
 *
 *   put                inserts a row. Its place comes from a sequence, so an item is behind all
 *                      those whose put has ended before this one began.
 *   get, receive       take the oldest row that no other call is taking (SKIP LOCKED)
 *   put with a bound   one after another under a second lock. The size is the sum over the
 *                      members. A take under way is not in it yet, so the bound holds.
 *   reporting done     one after another under a third lock, so that one sees the count reach 0
 *
 * A call that has to wait registers in exclusive mode, while no other call is under way. The named
 * race: (A1) a consumer finds no item, (B1) a producer finds no waiter, (B2) its put ends, (A2) the
 * consumer waits. Exclusive mode begins after B2 or ends before B1. In it the consumer looks once
 * more: it sees the item, or every later put sees its registration. A consumer that finds an item
 * then leaves exclusive mode, so that takes wait for the disk side by side. A call in shared mode
 * never asks for exclusive mode; the function returns, and the store calls it again.
 *
 * If a session dies: each of its deliveries and waiters has a member row beside it, written in the
 * same transaction. A call that finds the session of a member row dead takes the deliveries back,
 * and removes the waiters. It removes the row last, when nothing is left, and adds its counts to
 * the row without a session. If its own process dies in the middle, the server undoes all of it.
 *
 * Lost replies: as at Redis (redis-queue.ts), batches have serial numbers, and the member row keeps
 * the last replies. A batch may be made in several parts; the replies to all parts are kept, and
 * the next part begins behind them. A batch that has changed nothing may be made again, so its
 * replies are not kept.
 *
 * Crashes of the server: a registration may be forgotten (`synchronous_commit` is off for it). Its
 * caller looks again when the connection is back. All else waits for the disk.
 */

import { PERFORM } from './postgres-queue-perform.ts';
import { TABLES } from './postgres-queue-tables.ts';

/** The first of the two numbers of the advisory locks of a queue, of its bound, of its count. */
const QUEUES = 731_083_924;
const BOUNDS = 731_083_925;
const COUNTS = 731_083_926;
/** Places between the first item and a `low`, after which it is raised. */
const FAR_BEHIND = 1000;

/**
 * The tables and functions of queues. Replies of the function `serve`:
 *
 *   1|now|[replies]   those to the first calls (queue-calls.ts); the store calls again for the rest
 *   0|kind            an object of another kind has the name
 *   -1, -2            the session is dead, the epoch is over
 *
 * `_calls` are four texts for each call. `_made`: replies that the store has. `_forced`: the next
 * call is made in exclusive mode, as the last try in shared mode came to nothing.
 */
export function queueFunction(fences: number): string {
  return `${TABLES}
CREATE OR REPLACE FUNCTION lockstep.serve(
  _session text, _epoch int, _namespace text, _name text, _kind text, _counts boolean, _claim int,
  _serial bigint, _made int, _forced boolean, _calls text[])
RETURNS text LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  _queue text := _namespace || '/' || _name;
  _lock int := hashtext(_queue);
  _mine text := '{"kind":"' || _kind || '","state":{"state":null,"made":[]}}';
  _alone boolean := _forced;
  _ops text[] := ARRAY(SELECT _calls[i] FROM generate_series(1, array_length(_calls, 1), 4) i);
  _bounded boolean := false;
  _from int := 0;
  _at timestamptz;
  _now bigint;
  _fenced int;
  _body text;
  _version bigint;
  _size bigint;
  _lent bigint;
  _waiting bigint;
  _left bigint;
  _was bigint[];
  _low bigint;
  _lowest bigint;
  _due bigint;
  _added bigint;
  _until bigint;
  _last bigint;
  _dead text[];
  _replies text[] := '{}';
  _changed boolean := false;
  _created boolean := false;
  _durable boolean := false;
  _op text;
  _id text;
  _about text;
  _text text;
  _reply text;
  _what "char";
  _forgets boolean;
  _finishes boolean;
  _place bigint;
  _tries int;
  _put text;
  _some bigint;
  _turn bigint;
  _freed text[] := '{}';
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'the transaction is % and not read committed', current_setting('transaction_isolation')
      USING HINT = 'set default_transaction_isolation of these connections';
  END IF;
  PERFORM pg_advisory_xact_lock_shared(${fences}, hashtext(_session));
  _some := 4 * _made;
  IF NOT _alone AND _ops[_made + 1] IN ('get', 'receive', 'put', 'join') THEN
    _alone := lockstep.lacks(_queue, _calls[_some + 1], _calls[_some + 2], _calls[_some + 3]);
  END IF;
  IF _alone THEN
    BEGIN
      PERFORM pg_advisory_xact_lock(${QUEUES}, _lock);
      IF NOT _forced AND NOT lockstep.lacks(_queue, _calls[_some + 1], _calls[_some + 2], _calls[_some + 3]) THEN
        RAISE SQLSTATE 'LKSTP';
      END IF;
    EXCEPTION WHEN SQLSTATE 'LKSTP' THEN _alone := false;
    END;
  END IF;
  IF NOT _alone THEN
    PERFORM pg_advisory_xact_lock_shared(${QUEUES}, _lock);
    FOR _i IN 1 .. array_length(_ops, 1) LOOP
      _bounded := _bounded OR _ops[_i] = 'put' AND NOT starts_with(_calls[4 * _i - 1], '0');
    END LOOP;
    IF _bounded THEN PERFORM pg_advisory_xact_lock(${BOUNDS}, _lock); END IF;
    IF _counts AND _ops && '{ack,unput,done}' THEN PERFORM pg_advisory_xact_lock(${COUNTS}, _lock); END IF;
  END IF;

  _at := clock_timestamp();
  _now := floor(date_part('epoch', _at) * 1000);
  SELECT e.epoch, CASE WHEN o.until IS NULL OR o.until > _at THEN o.body END, o.version,
      q.size, q.lent, q.waiting, q.unfinished, q.low, q.due, q.last, q.dead
    INTO _fenced, _body, _version, _size, _lent, _waiting, _left, _low, _due, _last, _dead
    FROM lockstep.session e
    LEFT JOIN lockstep.object o ON o.namespace = _namespace AND o.name = _name
    CROSS JOIN (
      SELECT coalesce(sum(m.size), 0) AS size, coalesce(sum(m.lent), 0) AS lent,
        coalesce(sum(m.waiting), 0) AS waiting, coalesce(sum(m.unfinished), 0) AS unfinished,
        min(m.low) AS low, min(m.due) AS due, max(m.serial) FILTER (WHERE m.session = _session) AS last,
        array_agg(m.session) FILTER (WHERE m.session <> '' AND NOT EXISTS (
          SELECT FROM lockstep.session d WHERE d.id = m.session AND d.expires > _at)) AS dead
      FROM lockstep.member m WHERE m.queue = _queue) q
    WHERE e.id = _session AND e.expires > _at;
  IF NOT FOUND OR _epoch < _fenced OR _last > _serial THEN
    RETURN CASE WHEN _epoch < _fenced OR _last > _serial THEN '-2' ELSE '-1' END;
  END IF;
  IF _last = _serial THEN
    SELECT m.replies INTO _replies FROM lockstep.member m WHERE m.queue = _queue AND m.session = _session;
    _from := coalesce(array_length(_replies, 1), 0);
  END IF;
  IF _from = array_length(_ops, 1) THEN RETURN concat('1|', _now, '|', array_to_json(_replies)); END IF;

  IF _body <> _mine THEN
    IF NOT starts_with(_body, '{"kind":"' || _kind || '",') THEN
      RETURN '0|' || split_part(_body, '"', 4);
    END IF;
    IF _alone THEN
      UPDATE lockstep.object o SET version = o.version + 1, sessions = '{}', body = _mine, until = NULL
        WHERE o.namespace = _namespace AND o.name = _name AND o.version = _version;
      IF FOUND AND _body::jsonb->'state'->'state' <> 'null' THEN
        PERFORM lockstep.move(_queue, _body::jsonb->'state'->'state');
      END IF;
    END IF;
    RETURN concat('1|', _now, '|', array_to_json(_replies));
  END IF;
  IF _body IS NULL AND (_alone OR _ops && '{put,back}') THEN
    _created := true;
    UPDATE lockstep.object o
      SET version = greatest(o.version + 1, (date_part('epoch', _at) * 1000000)::bigint), sessions = '{}',
        body = _mine, until = NULL
      WHERE o.namespace = _namespace AND o.name = _name AND (o.body IS NULL OR o.until <= _at);
    IF NOT FOUND THEN
      INSERT INTO lockstep.object AS o
        VALUES (_namespace, _name, (date_part('epoch', _at) * 1000000)::bigint, '{}', _mine, NULL)
        ON CONFLICT DO NOTHING;
    END IF;
    -- Another call has made it meanwhile, or another object.
    IF NOT FOUND AND NOT EXISTS (SELECT FROM lockstep.object o
        WHERE o.namespace = _namespace AND o.name = _name AND o.body = _mine AND o.until IS NULL) THEN
      RETURN concat('1|', _now, '|', array_to_json(_replies));
    END IF;
  END IF;
  _was := ARRAY[_size, _lent, _waiting, _left];
  _lowest := _low;
  -- Somebody may have deleted rows by hand. No other call is under way, so they can be counted.
  IF _alone AND _size > 0 AND _ops[_from + 1] <> 'join' THEN
    SELECT count(*) INTO _some FROM lockstep.item i WHERE i.queue = _queue;
    _changed := _some <> _size;
    _size := _some;
  END IF;
${PERFORM}
  IF _changed THEN
    FOREACH _id IN ARRAY _freed LOOP
      PERFORM pg_notify('lockstep_' || split_part(_id, '/', 1), '0|' || _name);
    END LOOP;
  END IF;
  IF _changed AND _waiting > 0 THEN
    -- Ring the waiters that can go on now and, a claim time later, the next.
    FOREACH _what IN ARRAY '{t,p}'::"char"[] LOOP
      _turn := NULL;
      _some := _size;
      IF _what = 'p' THEN
        SELECT count(*) INTO _some FROM (
          SELECT w.most, row_number() OVER (ORDER BY w.turn) - 1 AS ahead
          FROM lockstep.waiter w WHERE w.queue = _queue AND w.what = 'p') p
          WHERE p.most = 0 OR _size + p.ahead < p.most;
      END IF;
      FOR _turn, _id IN SELECT w.turn, w.call FROM lockstep.waiter w
          WHERE w.queue = _queue AND w.what = _what ORDER BY w.turn LIMIT greatest(_some, 0) FOR UPDATE SKIP LOCKED LOOP
        PERFORM pg_notify('lockstep_' || split_part(_id, '/', 1), '0|' || _name);
      END LOOP;
      PERFORM pg_notify('lockstep_' || split_part(b.call, '/', 1), _claim || '|' || _name) FROM (
        SELECT w.call FROM lockstep.waiter w WHERE w.queue = _queue AND w.what = _what AND w.turn > _turn
        ORDER BY w.turn LIMIT 1) b;
    END LOOP;
  END IF;
  IF _changed OR cardinality(_replies) < cardinality(_ops) AND cardinality(_replies) > _from OR _from > 0 THEN
    INSERT INTO lockstep.member AS m
      VALUES (_queue, _session, _serial, _replies, _size - _was[1], _lent - _was[2], _waiting - _was[3],
        _left - _was[4], _added, _until)
      ON CONFLICT (queue, session) DO UPDATE SET serial = EXCLUDED.serial, replies = EXCLUDED.replies,
        size = m.size + EXCLUDED.size, lent = m.lent + EXCLUDED.lent, waiting = m.waiting + EXCLUDED.waiting,
        unfinished = m.unfinished + EXCLUDED.unfinished, low = least(m.low, EXCLUDED.low),
        due = least(m.due, EXCLUDED.due);
  END IF;
  IF _low > _lowest + ${FAR_BEHIND} THEN
    UPDATE lockstep.member SET low = (
        SELECT i.place FROM lockstep.item i WHERE i.queue = _queue AND i.place >= low ORDER BY i.place LIMIT 1)
      WHERE ctid = ANY (ARRAY(SELECT m.ctid FROM lockstep.member m
        WHERE m.queue = _queue AND m.low < _low FOR UPDATE SKIP LOCKED));
  END IF;
  IF (_changed OR _created) AND _size = 0 AND _lent = 0 AND _waiting = 0 AND _left = 0
      AND (_alone OR pg_try_advisory_xact_lock(${QUEUES}, _lock)) THEN
    -- No other call is under way. An empty queue leaves nothing but the version.
    UPDATE lockstep.object o
      SET version = greatest(o.version + 1, (date_part('epoch', _at) * 1000000)::bigint), body = NULL,
        until = _at + interval '1 hour'
      WHERE o.namespace = _namespace AND o.name = _name AND o.body = _mine
        AND NOT EXISTS (SELECT FROM lockstep.member m WHERE m.queue = _queue
          HAVING sum(m.size) <> 0 OR sum(m.lent) <> 0 OR sum(m.waiting) <> 0 OR sum(m.unfinished) <> 0);
  END IF;
  IF NOT _durable THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;
  RETURN concat('1|', _now, '|', array_to_json(_replies));
END
$$;
`;
}
