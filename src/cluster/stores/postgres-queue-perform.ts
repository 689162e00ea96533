/**
 * The part of the queue's function at a PostgreSQL server (postgres-queue.ts) that makes the calls:
 * a branch for each operation of the machine.
 */

export const PERFORM: string = `
  IF _dead IS NOT NULL OR _due <= _now THEN
    WITH back AS (
        DELETE FROM lockstep.lent WHERE ctid = ANY (ARRAY(
          SELECT l.ctid FROM lockstep.lent l
          WHERE l.queue = _queue AND (l.until <= _now OR split_part(l.call, '/', 1) = ANY (_dead))
          FOR UPDATE SKIP LOCKED)) RETURNING *),
      again AS (INSERT INTO lockstep.item SELECT queue, place, tries, put, text FROM back RETURNING place)
    SELECT count(*), min(place) INTO _some, _added FROM again;
    _size := _size + _some;
    _lent := _lent - _some;
    _low := least(_low, _added);
    _changed := _changed OR _some > 0;
  END IF;
  IF _due <= _now THEN
    UPDATE lockstep.member SET due = (
        SELECT min(l.until) FROM lockstep.lent l
        WHERE l.queue = _queue AND l.call >= session || '/' AND l.call < session || '0')
      WHERE ctid = ANY (ARRAY(SELECT m.ctid FROM lockstep.member m
        WHERE m.queue = _queue AND m.due <= _now FOR UPDATE SKIP LOCKED));
  END IF;
  IF _dead IS NOT NULL THEN
    DELETE FROM lockstep.waiter WHERE ctid = ANY (ARRAY(
      SELECT w.ctid FROM lockstep.waiter w
      WHERE w.queue = _queue AND split_part(w.call, '/', 1) = ANY (_dead) FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS _some = ROW_COUNT;
    _waiting := _waiting - _some;
    _changed := _changed OR _some > 0;
    WITH gone AS (
      DELETE FROM lockstep.member WHERE ctid = ANY (ARRAY(
        SELECT m.ctid FROM lockstep.member m
        WHERE m.queue = _queue AND m.session = ANY (_dead)
          AND NOT EXISTS (SELECT FROM lockstep.lent l
            WHERE l.queue = _queue AND l.call >= m.session || '/' AND l.call < m.session || '0')
          AND NOT EXISTS (SELECT FROM lockstep.waiter w
            WHERE w.queue = _queue AND w.call >= m.session || '/' AND w.call < m.session || '0')
        FOR UPDATE SKIP LOCKED)) RETURNING *)
    INSERT INTO lockstep.member AS m
      SELECT _queue, '', 0, NULL, sum(size), sum(lent), sum(waiting), sum(unfinished), min(low)
      FROM gone HAVING count(*) > 0
      ON CONFLICT (queue, session) DO UPDATE SET size = m.size + EXCLUDED.size, lent = m.lent + EXCLUDED.lent,
        waiting = m.waiting + EXCLUDED.waiting, unfinished = m.unfinished + EXCLUDED.unfinished,
        low = least(m.low, EXCLUDED.low);
  END IF;

  FOR _i IN _from + 1 .. cardinality(_ops) LOOP
    _op := _calls[4 * _i - 3];
    _id := _calls[4 * _i - 2];
    _about := _calls[4 * _i - 1];
    EXIT WHEN _alone AND _i > _from + 1 AND NOT lockstep.lacks(_queue, _op, _id, _about);
    _reply := NULL;
    _what := NULL;
    _forgets := false;
    _finishes := false;

    IF _op = 'put' THEN
      IF starts_with(_about, '0') OR _size < split_part(_about, ' ', 1)::bigint THEN
        INSERT INTO lockstep.item (queue, tries, put, text) VALUES (_queue, 0, _id, _calls[4 * _i])
          RETURNING place INTO _place;
        _size := _size + 1;
        _added := least(_added, _place);
        _low := least(_low, _place);
        IF _counts THEN _left := _left + 1; END IF;
        _forgets := true;
        _reply := 'p' || _place;
      ELSIF right(_about, 1) = '0' THEN _reply := 'b';
      ELSE _what := 'p';
      END IF;

    ELSIF _op IN ('get', 'receive') THEN
      IF _lent > 0 THEN
        SELECT concat('i', l.place, ' ', l.tries, ' ', l.put, ' ', l.text) INTO _reply
          FROM lockstep.lent l WHERE l.queue = _queue AND l.call = _id;
      END IF;
      IF _reply IS NULL THEN
        _place := NULL;
        IF _size > 0 THEN
          DELETE FROM lockstep.item WHERE ctid = (
              SELECT i.ctid FROM lockstep.item i WHERE i.queue = _queue AND i.place >= _low
              ORDER BY i.place LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING place, tries + 1, put, text INTO _place, _tries, _put, _text;
        END IF;
        IF _place IS NOT NULL THEN
          _low := _place;
          IF _op = 'receive' THEN
            _some := _now + split_part(_about, ' ', 2)::bigint;
            _until := least(_until, _some);
            _lent := _lent + 1;
            INSERT INTO lockstep.lent VALUES (_queue, _id, _some, _place, _tries, _put, _text);
          END IF;
          _size := _size - 1;
          _forgets := true;
          _reply := concat('i', _place, ' ', _tries, ' ', _put, ' ', _text);
        ELSIF starts_with(_about, '0') THEN _reply := 'b';
        ELSE _what := 't';
        END IF;
      END IF;

    ELSIF _op = 'ack' THEN
      DELETE FROM lockstep.lent WHERE queue = _queue AND call = _about;
      _finishes := FOUND;
      _reply := 'g';
      IF FOUND THEN
        _lent := _lent - 1;
        _reply := 'd';
      END IF;

    ELSIF _op = 'nack' THEN
      WITH back AS (DELETE FROM lockstep.lent WHERE queue = _queue AND call = _about RETURNING *)
        INSERT INTO lockstep.item SELECT queue, place, tries, put, text FROM back RETURNING place INTO _place;
      _reply := 'g';
      IF FOUND THEN
        _size := _size + 1;
        _lent := _lent - 1;
        _added := least(_added, _place);
        _low := least(_low, _place);
        _durable := true;
        _reply := 'd';
      END IF;

    ELSIF _op = 'unput' THEN
      DELETE FROM lockstep.item WHERE queue = _queue AND place = split_part(_about, ' ', 1)::bigint
        AND put = split_part(_about, ' ', 2);
      _finishes := FOUND;
      _reply := 'g';
      IF FOUND THEN
        _size := _size - 1;
        _reply := 'd';
      END IF;

    ELSIF _op = 'back' THEN
      _place := split_part(_about, ' ', 1)::bigint;
      INSERT INTO lockstep.item VALUES (_queue, _place, split_part(_about, ' ', 2)::int,
        split_part(_about, ' ', 3), _calls[4 * _i]) ON CONFLICT DO NOTHING;
      IF FOUND THEN _size := _size + 1; END IF;
      _added := least(_added, _place);
      _low := least(_low, _place);
      _durable := true;
      _reply := 'd';

    ELSIF _op = 'leave' THEN
      DELETE FROM lockstep.waiter WHERE queue = _queue AND call = _id;
      GET DIAGNOSTICS _some = ROW_COUNT;
      _waiting := _waiting - _some;
      _durable := _durable OR _some > 0;
      _reply := 'd';

    ELSIF _op = 'done' THEN
      _finishes := _left > 0;
      _reply := CASE WHEN _finishes THEN 'd' ELSE 't' END;

    ELSIF _op = 'join' THEN
      IF _left > 0 AND (_about = '1' OR EXISTS (SELECT FROM lockstep.waiter w
          WHERE w.queue = _queue AND w.call = _id AND w.what = 'j')) THEN _what := 'j';
      ELSE _reply := 'd';
      END IF;

    ELSE
      _reply := concat('v', _size, ' ', _lent, ' ', _left, ' ', _waiting);
    END IF;

    IF _what IS NOT NULL THEN
      IF NOT EXISTS (SELECT FROM lockstep.waiter w
          WHERE w.queue = _queue AND w.call = _id AND w.what = _what) THEN
        EXIT WHEN NOT _alone;
        INSERT INTO lockstep.waiter (queue, call, what, most) VALUES (_queue, _id, _what,
          CASE WHEN _what = 'p' THEN split_part(_about, ' ', 1)::bigint ELSE 0 END);
        _waiting := _waiting + 1;
        _changed := true;
        -- A join that was forgotten would return.
        _durable := _durable OR _what = 'j';
      END IF;
      _reply := 'w0';
      IF _what <> 'j' AND _lent > 0 THEN
        SELECT 'w' || coalesce(greatest(1, min(l.until) - _now), 0) INTO _reply
          FROM lockstep.lent l WHERE l.queue = _queue;
      END IF;
    END IF;
    IF _forgets AND _waiting > 0 THEN
      DELETE FROM lockstep.waiter WHERE queue = _queue AND call = _id;
      GET DIAGNOSTICS _some = ROW_COUNT;
      _waiting := _waiting - _some;
    END IF;
    IF _finishes AND _counts THEN
      _left := greatest(0, _left - 1);
      IF _left = 0 AND _waiting > 0 THEN
        WITH gone AS (DELETE FROM lockstep.waiter WHERE queue = _queue AND what = 'j' RETURNING turn, call)
          SELECT _freed || coalesce(array_agg(call ORDER BY turn), '{}'), _waiting - count(*)
            INTO _freed, _waiting FROM gone;
      END IF;
    END IF;
    _durable := _durable OR _forgets OR _finishes;
    _changed := _changed OR _durable;
    _replies := _replies || _reply;
  END LOOP;
`;
