/**
 * The function that takes and leaves a lock at a PostgreSQL server, in one round trip and without
 * conflicts. It is `machines/places.ts` in PL/pgSQL, for two of its calls.
 *
 * The machine stays the law, as for the script at Redis (redis-places.ts): replies, documents and
 * rings are those of the machine, and tests/cluster/places-postgres.test.ts runs both on random
 * histories. The function knows Lock, RLock and the lock of a Condition, while all sessions live,
 * no offer has run out and no holder died inside. It leaves other documents to the machine: it
 * changes nothing and returns the document.
 *
 * Turns at one object queue for an advisory lock of the transaction, so that each reads the
 * document that the one before has written. A commit of the machine takes no such lock. The
 * function writes only over the version that it has read, and reads again where that is gone.
 *
 * The function cuts and joins the text of the document. The separators contain a quotation mark
 * after a comma or a bracket, which no string of JSON contains: it escapes its quotation marks. A
 * string that ends like a separator is left to the machine.
 */

/** The first of the two numbers of the advisory locks that order turns. */
const TURNS = 731_083_923;

/** The kinds that the function knows. */
export const TURNED: ReadonlySet<string> = new Set(['Lock', 'RLock', 'Condition']);

/**
 * Replies of the function `turn`:
 *
 *   2|version|now|reply             done; on a line of its own the document, if it was wanted
 *   0|version|now|dead,dead|body    left to the machine
 *   -1, -2                          the session is dead, the epoch is over
 *
 * `_op` is take, try (take without waiting) or leave. `_since` is the version of the offer on which
 * the call has gone in already, or 0.
 */
export function placesFunction(fences: number, mostRung: number): string {
  return `
CREATE OR REPLACE FUNCTION lockstep.turn(
  _op text, _session text, _epoch int, _namespace text, _name text, _kind text, _call text,
  _claim int, _lazy boolean, _full boolean, _since bigint)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  _fenced int;
  _found bigint;
  _body text;
  _named text[];
  _dead boolean;
  _at timestamptz;
  _now bigint;
  _version bigint;
  _frame text := '{"kind":"' || _kind || '","state":{"state":{"of":1,"free":0,"holders":[';
  _foot text := '},"hurt":0},"made":[]}}';
  _cut int;
  _rest text;
  _holder text;
  _offer text;
  _queue text;
  _waits text;
  _holds text;
  _offered text;
  _until float8;
  _first text;
  _next text;
  _token text;
  _after text;
  _reply text;
  _to text[];
  _ring text;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'the transaction is % and not read committed', current_setting('transaction_isolation')
      USING HINT = 'set default_transaction_isolation of these connections';
  END IF;
  PERFORM pg_advisory_xact_lock_shared(${fences}, hashtext(_session)),
    pg_advisory_xact_lock(${TURNS}, hashtext(_namespace || ' ' || _name));
  LOOP
    _at := clock_timestamp();
    SELECT e.epoch, o.version, CASE WHEN o.until IS NULL OR o.until > _at THEN o.body END, o.sessions,
        EXISTS (SELECT FROM unnest(o.sessions) s WHERE s <> _session AND NOT EXISTS (
          SELECT FROM lockstep.session d WHERE d.id = s AND d.expires > _at))
      INTO _fenced, _found, _body, _named, _dead
      FROM lockstep.session e LEFT JOIN lockstep.object o ON o.namespace = _namespace AND o.name = _name
      WHERE e.id = _session AND e.expires > _at;
    IF NOT FOUND OR _epoch < _fenced THEN
      RETURN CASE WHEN _epoch < _fenced THEN '-2' ELSE '-1' END;
    END IF;
    _now := floor(date_part('epoch', _at) * 1000);
    _version := greatest(_found + 1, (date_part('epoch', _at) * 1000000)::bigint);
    _reply := NULL;
    _to := NULL;
    _after := NULL;

    IF _body IS NULL THEN
      IF _op = 'leave' THEN
        RETURN concat('2|', coalesce(_found, 0), '|', _now, '|{"is":"done","count":0}');
      END IF;
      _after := _frame || '["' || _call || '",1,0,0]],"offers":[],"queue":[],"waits":{' || _foot;
      _named := ARRAY[_session];
      _reply := '{"is":"held","token":0,"recovered":false}';
    ELSIF NOT _dead AND starts_with(_body, _frame) AND right(_body, length(_foot)) = _foot THEN
      _rest := substr(_body, length(_frame) + 1, length(_body) - length(_frame) - length(_foot));
      _cut := strpos(_rest, '],"offers":[');
      _holder := left(_rest, _cut - 1);
      _rest := substr(_rest, _cut + 12);
      _cut := strpos(_rest, '],"queue":[');
      _offer := left(_rest, _cut - 1);
      _rest := substr(_rest, _cut + 11);
      _cut := strpos(_rest, '],"waits":{');
      _queue := left(_rest, _cut - 1);
      _waits := substr(_rest, _cut + 11);
      _holds := split_part(_holder, '"', 2);
      _offered := split_part(_offer, '"', 2);
      _until := nullif(split_part(split_part(_offer, '"', 3), ',', 3), '')::float8;

      IF strpos(_waits, '"' || _call || '"') > 0 OR (_holder = '') = (_offer = '')
          OR strpos(_holder || _offer, '],["') > 0 OR strpos(_queue, '],["]') > 0
          OR _until <= _now AND (_op = 'leave' OR _offered <> _call) THEN
        -- Left to the machine.
      ELSIF _op = 'leave' THEN
        IF _holds = _call AND _queue = '' AND _waits = '' THEN
          _named := '{}';
          _reply := '{"is":"done","count":1}';
        ELSIF _holds = _call AND _queue <> '' THEN
          _cut := strpos(_queue, '],["');
          _first := CASE WHEN _cut > 0 THEN left(_queue, _cut) ELSE _queue END;
          _queue := CASE WHEN _cut > 0 THEN substr(_queue, _cut + 2) ELSE '' END;
          _next := split_part(_queue, '"', 2);
          _to := ARRAY[split_part(_first, '"', 2)];
          IF _next <> '' THEN _to := _to || _next; END IF;
          _cut := length(_to[1]) + 6;
          _after := _frame || '],"offers":[' || left(_first, _cut) || (_now + _claim) || ','
            || substr(_first, _cut + 1) || '],"queue":[' || _queue || '],"waits":{' || _waits || _foot;
          IF strpos(_after, '"' || _session || '/') = 0 THEN
            _named := array_remove(_named, _session);
          END IF;
          _reply := '{"is":"done","count":1}';
        END IF;
      ELSIF _holds = _call THEN
        _rest := split_part(_holder, '"', 3);
        _token := split_part(_rest, ',', 3);
        RETURN concat('2|', _found, '|', _now, '|{"is":"held","token":',
          CASE WHEN _token = '0' THEN _found::text ELSE _token END, ',"recovered":',
          CASE WHEN split_part(_rest, ',', 4) = '1]' THEN 'true' ELSE 'false' END, '}',
          CASE WHEN _full THEN E'\\n' || _body END);
      ELSIF _offered = _call THEN
        _after := _frame || '["' || _call || '",1,' || _since || ',0]],"offers":[],"queue":[' || _queue
          || '],"waits":{' || _waits || _foot;
        _reply := '{"is":"held","token":' || _since || ',"recovered":false}';
      ELSE
        _reply := concat('{"is":"waiting","look":',
          CASE WHEN _offer = '' THEN 0 ELSE least(_claim, greatest(1, _until - _now)) END, '}');
        IF _op = 'try' THEN _reply := '{"is":"busy"}'; END IF;
        IF strpos(_queue, '["' || _call || '"') > 0 THEN
          IF _op = 'try' THEN _reply := NULL; END IF;
        END IF;
        IF _reply IS NOT NULL AND (_op = 'try' OR strpos(_queue, '["' || _call || '"') > 0) THEN
          RETURN concat('2|', _found, '|', _now, '|', _reply, CASE WHEN _full THEN E'\\n' || _body END);
        END IF;
        _after := _frame || CASE WHEN split_part(_holder, ',', 3) = '0'
            THEN '["' || _holds || '",1,' || _found || ',' || split_part(_holder, ',', 4) ELSE _holder END
          || '],"offers":[' || _offer || '],"queue":[' || _queue || CASE WHEN _queue = '' THEN '' ELSE ',' END
          || '["' || _call || '",1,""]],"waits":{' || _waits || _foot;
        IF NOT _session = ANY(_named) THEN _named := _named || _session; END IF;
      END IF;
    END IF;

    IF _reply IS NULL THEN
      RETURN (SELECT concat_ws('|', '0', s.version, s.now, array_to_string(s.dead, ','), coalesce(s.body, ''))
        FROM lockstep.snapshot(_namespace, _name) s);
    END IF;
    IF _found IS NULL THEN
      _version := (date_part('epoch', _at) * 1000000)::bigint;
      INSERT INTO lockstep.object AS o VALUES (_namespace, _name, _version, _named, _after, NULL)
        ON CONFLICT DO NOTHING;
    ELSE
      UPDATE lockstep.object o SET version = _version, sessions = _named, body = _after,
          until = CASE WHEN _after IS NULL THEN _at + interval '1 hour' END
        WHERE o.namespace = _namespace AND o.name = _name AND o.version = _found;
    END IF;
    EXIT WHEN FOUND;
  END LOOP;

  IF _to IS NOT NULL THEN
    _ring := '|' || _name || CASE WHEN octet_length(_after) < ${mostRung}
      THEN concat(E'\\n', _version, '|', _now, '|', _after) ELSE '' END;
    PERFORM pg_notify('lockstep_' || split_part(_to[1], '/', 1), '0' || _ring);
    IF _next <> '' THEN PERFORM pg_notify('lockstep_' || split_part(_next, '/', 1), _claim || _ring); END IF;
  END IF;
  -- An offer waits for the disk, because its waiter may go in before its claim.
  IF _lazy AND _to IS NULL AND NOT starts_with(_reply, '{"is":"held"') THEN
    PERFORM set_config('synchronous_commit', 'off', true);
  END IF;
  RETURN concat('2|', _version, '|', _now, '|', _reply, CASE WHEN _full THEN E'\\n' || _after END);
END
$$;
`;
}
