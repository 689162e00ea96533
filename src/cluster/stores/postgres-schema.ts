/**
 * The cluster's part of a PostgreSQL database: a schema of its own with three tables and a
 * function that commits.
 *
 * A document that is deleted leaves its row, with no body: the next version must be larger than the
 * last one, and the row remembers it. Rows that have been empty for an hour go when a session
 * opens;
 * by then the server's clock alone makes larger versions.
 *
 * There is no lock but that of the row, for one short transaction, and no state of the connection:
 * it works through a pooler that gives each transaction another connection.
 */

/** Raised with each change that an older one would misread. */
const REVISION = 1;

/** Makes what is missing; harmless where all is there. Two that come at once take turns. */
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
         extract(epoch FROM clock_timestamp()) * 1000
  FROM (SELECT) one LEFT JOIN lockstep.object o ON o.namespace = _namespace AND o.name = _name
$$;
CREATE OR REPLACE FUNCTION lockstep.commit(
  _session text, _epoch int, _namespace text, _name text, _expect bigint, _sessions text[], _body text,
  _keep int, _channels text[], _hints text[])
RETURNS TABLE (done int, version bigint, body text, dead text[], now float8) LANGUAGE plpgsql AS $$
DECLARE
  _row lockstep.object;
  _now timestamptz;
  _version bigint;
  _fenced int;
BEGIN
  -- Locked, so that a fence waits for this commit, or this commit sees the fence.
  SELECT e.epoch INTO _fenced FROM lockstep.session e
    WHERE e.id = _session AND e.expires > clock_timestamp() FOR SHARE;
  IF NOT FOUND OR _epoch < _fenced THEN
    RETURN QUERY SELECT CASE WHEN _epoch < _fenced THEN -2 ELSE -1 END, 0::bigint, NULL::text, NULL::text[], 0::float8;
    RETURN;
  END IF;
  SELECT * INTO _row FROM lockstep.object o
    WHERE o.namespace = _namespace AND o.name = _name FOR UPDATE;
  IF NOT FOUND AND _expect = 0 THEN
    INSERT INTO lockstep.object VALUES (_namespace, _name, 0, '{}', NULL, NULL) ON CONFLICT DO NOTHING;
    SELECT * INTO _row FROM lockstep.object o
      WHERE o.namespace = _namespace AND o.name = _name FOR UPDATE;
  END IF;
  _now := clock_timestamp();
  IF _row.until IS NOT NULL AND _row.until <= _now THEN _row.body := NULL; END IF;
  IF _row.version IS DISTINCT FROM _expect AND NOT (_expect = 0 AND _row.body IS NULL) THEN
    RETURN QUERY SELECT 0, s.* FROM lockstep.snapshot(_namespace, _name) s;
    RETURN;
  END IF;
  _version := greatest(coalesce(_row.version, 0) + 1, (extract(epoch FROM _now) * 1000000)::bigint);
  UPDATE lockstep.object o
    SET version = _version, sessions = _sessions, body = _body,
        until = CASE WHEN _body IS NULL THEN _now + interval '1 hour'
                     WHEN _keep > 0 THEN _now + _keep * interval '1 ms' END
    WHERE o.namespace = _namespace AND o.name = _name;
  IF _channels <> '{}' THEN
    PERFORM pg_notify(c, h) FROM unnest(_channels, _hints) AS r (c, h);
  END IF;
  RETURN QUERY SELECT 1, _version, NULL::text, NULL::text[], extract(epoch FROM _now)::float8 * 1000;
END
$$;
`;

/** Removes sessions that ended long ago, and names that were deleted. */
export const SWEEP = `
DELETE FROM lockstep.session WHERE expires < clock_timestamp() - interval '1 hour';
DELETE FROM lockstep.object WHERE until < clock_timestamp();
`;

/** The number of the schema that is there, if there is one. */
export const FIND_REVISION = `SELECT max(number) AS number FROM lockstep.revision`;
export { REVISION };
