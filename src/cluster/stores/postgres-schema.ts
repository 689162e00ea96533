/**
 * The cluster's part of a PostgreSQL database: a schema of its own with four tables and a function
 * that commits. Places and queues have functions of their own (postgres-places.ts,
 * postgres-queue.ts), and queues four more tables.
 *
 * A document that is deleted leaves its row, with no body: the next version must be larger than the
 * last one, and the row remembers it. Rows that have been empty for an hour go when a session
 * opens; by then the server's clock alone makes larger versions.
 *
 * All locks end with one short transaction, and nothing is kept in the connection: it works through
 * a pooler that gives each transaction another connection.
 *
 * A lazy commit does not wait until it is on the disk. A crash can undo it, but only together with
 * all that was committed later: no commit that waited for the disk can depend on it. The process
 * that made the commit repeats it. The table `run` shows that there was a crash: it has no log, so
 * PostgreSQL empties it when it recovers.
 */

import { placesFunction } from './postgres-places.ts';
import { queueFunction } from './postgres-queue.ts';
import { SWEEP_QUEUES } from './postgres-queue-tables.ts';

/** Raised with each change that an older version would misread. */
const REVISION = 4;
/** Bytes of a document that goes with a ring: a notification has at most 8,000. */
const MOST_RUNG = 6_000;
/** The first of the two numbers of the advisory locks that order commits and fences. */
const FENCES = 731_083_922;

/** The function that takes and leaves locks. */
export const PLACES: string = placesFunction(FENCES, MOST_RUNG);

/** The tables and functions of queues. */
export const QUEUES: string = queueFunction(FENCES);

/**
 * Makes the missing parts; harmless if all exist. Two connections that run it at once take turns.
 * Replies of the function `commit`:
 *
 *   1|version|now                  done
 *   0|version|now|dead,dead|body   another version was there
 *   -1, -2                         the session is dead, the epoch is over
 */
export const SCHEMA: string = `
SELECT pg_advisory_xact_lock(7310839221);
CREATE SCHEMA IF NOT EXISTS lockstep;
CREATE TABLE IF NOT EXISTS lockstep.revision (number int PRIMARY KEY);
INSERT INTO lockstep.revision VALUES (${REVISION}) ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS lockstep.session (
  id text PRIMARY KEY,
  namespace text NOT NULL,
  expires timestamptz NOT NULL,
  epoch int NOT NULL DEFAULT 0
);
-- Empty after a crash, and on a replica that is promoted.
CREATE UNLOGGED TABLE IF NOT EXISTS lockstep.run (one boolean PRIMARY KEY CHECK (one), id text NOT NULL);
CREATE TABLE IF NOT EXISTS lockstep.object (
  namespace text NOT NULL,
  name text NOT NULL,
  version bigint NOT NULL,
  sessions text[] NOT NULL,
  body text,
  until timestamptz,
  PRIMARY KEY (namespace, name)
) WITH (fillfactor = 70);
CREATE OR REPLACE FUNCTION lockstep.snapshot(_namespace text, _name text)
RETURNS TABLE (version bigint, body text, dead text[], now float8) LANGUAGE sql AS $$
  SELECT coalesce(o.version, 0),
         CASE WHEN o.until IS NULL OR o.until > clock_timestamp() THEN o.body END,
         ARRAY(SELECT s FROM unnest(o.sessions) s WHERE NOT EXISTS (
           SELECT FROM lockstep.session e WHERE e.id = s AND e.expires > clock_timestamp())),
         date_part('epoch', clock_timestamp()) * 1000
  FROM (SELECT) one LEFT JOIN lockstep.object o ON o.namespace = _namespace AND o.name = _name
$$;
CREATE OR REPLACE FUNCTION lockstep.commit(
  _session text, _epoch int, _namespace text, _name text, _expect bigint, _sessions text[], _body text,
  _keep int, _channels text[], _hints text[], _lazy boolean)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  _fenced int;
  _version bigint;
  _now float8;
  _until timestamptz;
BEGIN
  -- Otherwise the whole transaction would see what was there before it waited for a lock.
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'the transaction is % and not read committed', current_setting('transaction_isolation')
      USING HINT = 'set default_transaction_isolation of these connections';
  END IF;
  IF _lazy THEN PERFORM set_config('synchronous_commit', 'off', true); END IF;
  -- Until the end of the transaction a fence waits for this commit, or this commit sees the fence.
  PERFORM pg_advisory_xact_lock_shared(${FENCES}, hashtext(_session));
  SELECT e.epoch INTO _fenced FROM lockstep.session e
    WHERE e.id = _session AND e.expires > clock_timestamp();
  IF NOT FOUND OR _epoch < _fenced THEN
    RETURN CASE WHEN _epoch < _fenced THEN '-2' ELSE '-1' END;
  END IF;
  IF _body IS NULL THEN _until := clock_timestamp() + interval '1 hour';
  ELSIF _keep > 0 THEN _until := clock_timestamp() + _keep * interval '1 ms';
  END IF;
  UPDATE lockstep.object o
    SET version = greatest(o.version + 1, (date_part('epoch', clock_timestamp()) * 1000000)::bigint),
        sessions = _sessions, body = _body, until = _until
    WHERE o.namespace = _namespace AND o.name = _name
      AND (o.version = _expect AND (o.until IS NULL OR o.until > clock_timestamp())
        OR _expect = 0 AND (o.body IS NULL OR o.until <= clock_timestamp()))
    RETURNING o.version INTO _version;
  IF NOT FOUND AND _expect = 0 THEN
    INSERT INTO lockstep.object AS o
      VALUES (_namespace, _name, (date_part('epoch', clock_timestamp()) * 1000000)::bigint, _sessions, _body, _until)
      ON CONFLICT DO NOTHING RETURNING o.version INTO _version;
  END IF;
  IF NOT FOUND THEN
    RETURN (SELECT concat_ws('|', '0', s.version, s.now, array_to_string(s.dead, ','), coalesce(s.body, ''))
      FROM lockstep.snapshot(_namespace, _name) s);
  END IF;
  _now := date_part('epoch', clock_timestamp()) * 1000;
  IF _channels <> '{}' THEN
    PERFORM pg_notify(c, CASE WHEN octet_length(_body) < ${MOST_RUNG}
        THEN concat(h, E'\\n', _version, '|', _now, '|', _body) ELSE h END)
      FROM unnest(_channels, _hints) AS r (c, h);
  END IF;
  RETURN concat('1|', _version, '|', _now);
END
$$;
${PLACES}${QUEUES}`;

/** Removes sessions that ended long ago, and names that were deleted. */
export const SWEEP: string = `
DELETE FROM lockstep.session WHERE expires < clock_timestamp() - interval '1 hour';
DELETE FROM lockstep.object WHERE until < clock_timestamp();
${SWEEP_QUEUES}`;

/** The number of the schema that is there, if there is one. */
export const FIND_REVISION = `SELECT max(number) AS number FROM lockstep.revision`;

/** Waits for the commits of the session that are under way; later ones see the new epoch. */
export const FENCE: string = `
WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock(${FENCES}, hashtext($1)))
UPDATE lockstep.session SET epoch = greatest(epoch, $2) FROM held
 WHERE id = $1 AND expires > clock_timestamp() RETURNING id`;

/**
 * Prolongs a lease; also returns the run of the server: `null` in the first renewal after a crash.
 */
export const RENEW = `
UPDATE lockstep.session SET expires = clock_timestamp() + $2 * interval '1 ms'
 WHERE id = $1 AND expires > clock_timestamp() RETURNING (SELECT r.id FROM lockstep.run r) AS run`;

/** Names the run of the server, unless it has a name. */
export const NAME_RUN = `INSERT INTO lockstep.run VALUES (true, $1) ON CONFLICT DO NOTHING`;
export const FIND_RUN = `SELECT id FROM lockstep.run`;

export { REVISION };
