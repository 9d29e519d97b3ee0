-- The batch functions of 0002 with fewer statements: what only some holds or keys need is asked for only where one of them does.
-- Before, each reservation counted every hold of its key that was held, and those that no longer were and had not been vacuumed
-- away, whether or not the key had a limit of requests at once.

-- Settles (units given) and voids (units 0) holds. The accounts of these holds are locked already.
CREATE OR REPLACE FUNCTION resolve_holds(now_ms bigint, retention_ms bigint, hold_ids text[], unit_counts bigint[], responses text[])
RETURNS TABLE (ord bigint, outcome text, units bigint, already boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  op record;
  resolves boolean[] := array_fill(false, ARRAY[cardinality(hold_ids)]);
  any_resolved boolean := false;
  any_idempotent boolean := false;
  today text := to_char(to_timestamp(now_ms / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD');
BEGIN
  FOR op IN
    -- Of several operations on one hold, the first that can be done is.
    SELECT o.ord, o.units, h.units AS held, h.state, h.posted_units, h.idempotency_key IS NOT NULL AS is_idempotent,
      min(o.ord) FILTER (WHERE h.state = 'held' AND o.units <= h.units) OVER (PARTITION BY o.hold_id) AS winner
    FROM unnest(hold_ids, unit_counts) WITH ORDINALITY o (hold_id, units, ord) LEFT JOIN holds h ON h.id = o.hold_id
  LOOP
    ord := op.ord;
    already := true;
    IF op.state IS NULL THEN
      outcome := 'not_found';
      units := 0;
    ELSIF op.state <> 'held' THEN
      outcome := op.state;
      units := op.posted_units;
    ELSIF op.winner IS NULL OR op.ord < op.winner THEN
      outcome := 'units_exceed_hold';
      units := op.held;
    ELSE
      units := unit_counts[op.winner];
      outcome := CASE WHEN units = 0 THEN 'voided' ELSE 'posted' END;
      already := op.ord > op.winner;
      IF NOT already THEN
        resolves[op.ord] := true;
        any_resolved := true;
        any_idempotent := any_idempotent OR op.is_idempotent;
      END IF;
    END IF;
    RETURN NEXT;
  END LOOP;

  IF NOT any_resolved THEN
    RETURN;
  END IF;

  WITH resolved AS (
    UPDATE holds h
    SET state = CASE WHEN o.units = 0 THEN 'voided' ELSE 'posted' END, posted_units = o.units, resolved_at = now_ms
    FROM unnest(hold_ids, unit_counts) WITH ORDINALITY o (hold_id, units, ord)
    WHERE resolves[o.ord] AND h.id = o.hold_id
    RETURNING h.id, h.account_id, h.key_id, h.model, h.images, h.units, h.posted_units, h.state
  ), balances AS (
    UPDATE accounts a SET pending = a.pending - r.held, posted = a.posted + r.posted
    FROM (SELECT account_id, sum(units)::bigint AS held, sum(posted_units)::bigint AS posted
          FROM resolved GROUP BY account_id) r
    WHERE a.id = r.account_id
  ), entries AS (
    INSERT INTO journal (id, kind, debit, credit, units, at)
    SELECT id, 'post', account_id, 'system:consumed', posted_units, now_ms FROM resolved WHERE state = 'posted'
  )
  INSERT INTO usage_days AS u (day, account_id, key_id, model, requests, images, units)
  SELECT today, account_id, key_id, model, count(*), sum(images)::bigint, sum(posted_units)::bigint
  FROM resolved WHERE state = 'posted' GROUP BY account_id, key_id, model
  ON CONFLICT (day, account_id, key_id, model) DO UPDATE
  SET requests = u.requests + excluded.requests, images = u.images + excluded.images, units = u.units + excluded.units;

  IF any_idempotent THEN
    UPDATE idempotency i SET response = coalesce(o.response, ''), expires_at = now_ms + retention_ms
    FROM unnest(hold_ids, unit_counts, responses) WITH ORDINALITY o (hold_id, units, response, ord)
      JOIN holds h ON h.id = o.hold_id
    WHERE resolves[o.ord] AND o.units > 0 AND i.account_id = h.account_id AND i.key = h.idempotency_key;
    DELETE FROM idempotency i
    USING unnest(hold_ids, unit_counts) WITH ORDINALITY o (hold_id, units, ord) JOIN holds h ON h.id = o.hold_id
    WHERE resolves[o.ord] AND o.units = 0 AND i.account_id = h.account_id AND i.key = h.idempotency_key;
  END IF;
END $$;

-- Admits reservations one after another, in memory, over facts that were read for all of them; then writes all.
-- `accounts_of`, `keys_of` and the three `right_…` are without repetition; a reservation names its own by number.
-- The accounts are locked already. The same decisions, in the same order, as core/admission.ts and core/reserve.ts.
CREATE OR REPLACE FUNCTION reserve_holds(
  now_ms bigint, accounts_of text[], keys_of text[], right_accounts text[], right_keys text[], right_models text[],
  hold_ids text[], account_nos integer[], key_nos integer[], right_nos integer[], request_ids text[], image_counts bigint[],
  unit_counts bigint[], prices text[], deadlines bigint[], idempotency_nos integer[], idempotency_keys text[], fingerprints text[]
)
RETURNS TABLE (ord bigint, outcome text, units bigint, hold_id text, response text, limit_value bigint, wait_ms bigint,
  requests_limit bigint, requests_used bigint, images_limit bigint, images_used bigint, running_limit bigint, running bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  op record;
  total integer := cardinality(hold_ids);
  balances bigint[];
  rights integer[];
  request_limits bigint[];
  image_limits bigint[];
  running_limits bigint[];
  requests_in_window bigint[];
  images_in_window bigint[];
  leases bigint[];
  any_rate boolean;
  any_running boolean;
  -- What this batch adds.
  spent bigint[] := array_fill(0::bigint, ARRAY[greatest(cardinality(accounts_of), 1)]);
  new_requests bigint[] := array_fill(0::bigint, ARRAY[greatest(cardinality(keys_of), 1)]);
  new_images bigint[] := new_requests;
  new_leases bigint[] := new_requests;
  counts boolean[] := array_fill(false, ARRAY[greatest(cardinality(keys_of), 1)]);
  admitted boolean[] := array_fill(false, ARRAY[total]);
  any_admitted boolean := false;
  -- By idempotency key: the fingerprint that this batch started it with.
  started text[] := array_fill(NULL::text, ARRAY[total]);
  any_started boolean := false;
  any_limited boolean := false;
  key_no integer;
  busy_second bigint;
  is_held boolean;
BEGIN
  SELECT array_agg(coalesce(a.credits - a.posted - a.pending, 0) ORDER BY o.n) INTO balances
  FROM unnest(accounts_of) WITH ORDINALITY o (id, n) LEFT JOIN accounts a ON a.id = o.id;

  SELECT array_agg(CASE
      WHEN a.id IS NULL OR k.id IS NULL OR k.account_id <> o.account_id THEN 1
      WHEN k.revoked_at IS NOT NULL OR k.disabled_at IS NOT NULL OR k.expires_at <= now_ms THEN 1
      WHEN k.allowed_models IS NOT NULL AND NOT k.allowed_models::jsonb ? o.model THEN 2
      ELSE 0 END ORDER BY o.n),
    array_agg(k.requests_per_minute ORDER BY o.n), array_agg(k.images_per_minute ORDER BY o.n),
    array_agg(k.concurrent_requests ORDER BY o.n),
    bool_or(k.requests_per_minute IS NOT NULL OR k.images_per_minute IS NOT NULL), bool_or(k.concurrent_requests IS NOT NULL)
  INTO rights, request_limits, image_limits, running_limits, any_rate, any_running
  FROM unnest(right_accounts, right_keys, right_models) WITH ORDINALITY o (account_id, key_id, model, n)
    LEFT JOIN accounts a ON a.id = o.account_id LEFT JOIN keys k ON k.id = o.key_id;

  -- What a limit counts is counted only where a key has one: every hold of a key may be running.
  IF any_rate THEN
    SELECT array_agg(coalesce(w.requests, 0) ORDER BY o.n), array_agg(coalesce(w.images, 0) ORDER BY o.n)
    INTO requests_in_window, images_in_window
    FROM unnest(keys_of) WITH ORDINALITY o (id, n)
      CROSS JOIN LATERAL (
        SELECT sum(requests)::bigint AS requests, sum(images)::bigint AS images FROM rate_windows
        WHERE key_id = o.id AND second >= now_ms / 1000 - 60 AND last_at > now_ms - 60000
      ) w;
  END IF;
  IF any_running THEN
    SELECT array_agg(CASE WHEN k.concurrent_requests IS NULL THEN 0 ELSE (
      SELECT count(*) FROM holds WHERE key_id = k.id AND state = 'held' AND deadline > now_ms) END ORDER BY o.n)
    INTO leases
    FROM unnest(keys_of) WITH ORDINALITY o (id, n) LEFT JOIN keys k ON k.id = o.id;
  END IF;

  FOR op IN
    SELECT o.*, h.id IS NOT NULL AS exists_already,
      h.state = 'held' AND h.account_id = accounts_of[o.account_no] AND h.key_id = keys_of[o.key_no]
        AND h.units = o.units AND h.images = o.images AND h.model = right_models[o.right_no]
        AND h.idempotency_key IS NOT DISTINCT FROM o.idempotency_key AS is_same,
      i.key IS NOT NULL AS used_before, i.fingerprint AS used_fingerprint, i.hold_id AS used_hold, i.response AS used_response
    FROM unnest(hold_ids, account_nos, key_nos, right_nos, image_counts, unit_counts, idempotency_nos, idempotency_keys, fingerprints)
        WITH ORDINALITY o (hold_id, account_no, key_no, right_no, images, units, idempotency_no, idempotency_key, fingerprint, ord)
      LEFT JOIN holds h ON h.id = o.hold_id
      LEFT JOIN idempotency i ON i.account_id = accounts_of[o.account_no] AND i.key = o.idempotency_key
    ORDER BY o.ord
  LOOP
    key_no := op.key_no;
    ord := op.ord;
    hold_id := op.hold_id;
    response := NULL;
    limit_value := NULL;
    wait_ms := NULL;
    requests_limit := request_limits[op.right_no];
    images_limit := image_limits[op.right_no];
    running_limit := running_limits[op.right_no];
    requests_used := requests_in_window[key_no] + new_requests[key_no];
    images_used := images_in_window[key_no] + new_images[key_no];
    running := leases[key_no] + new_leases[key_no];
    units := balances[op.account_no] - spent[op.account_no];
    busy_second := CASE WHEN new_requests[key_no] > 0 THEN now_ms / 1000 END;
    is_held := false;

    IF op.exists_already THEN
      outcome := CASE WHEN op.is_same THEN 'held' ELSE 'hold_id_reused' END;
    ELSIF rights[op.right_no] = 1 THEN
      outcome := 'key_invalid';
    ELSIF rights[op.right_no] = 2 THEN
      outcome := 'model_not_allowed';
    ELSIF op.used_before AND op.used_fingerprint <> op.fingerprint THEN
      outcome := 'idempotency_key_reused';
    ELSIF op.used_before AND op.used_response IS NOT NULL THEN
      outcome := 'replay';
      hold_id := op.used_hold;
      response := op.used_response;
    ELSIF op.used_before THEN
      outcome := 'in_progress';
    ELSIF op.idempotency_no IS NOT NULL AND started[op.idempotency_no] IS NOT NULL THEN
      outcome := CASE WHEN started[op.idempotency_no] = op.fingerprint THEN 'in_progress' ELSE 'idempotency_key_reused' END;
    ELSIF op.units > units THEN
      outcome := 'insufficient_balance';
    ELSIF requests_used + 1 > requests_limit THEN
      outcome := 'requests';
      wait_ms := wait_for_room(now_ms, keys_of[key_no], false, 1, requests_limit, requests_used, busy_second);
    ELSIF images_used + op.images > images_limit THEN
      outcome := 'images';
      wait_ms := wait_for_room(now_ms, keys_of[key_no], true, op.images, images_limit, images_used, busy_second);
    ELSIF running >= running_limit THEN
      outcome := 'concurrency';
    ELSE
      is_held := true;
    END IF;

    IF is_held THEN
      outcome := 'held';
      admitted[op.ord] := true;
      any_admitted := true;
      spent[op.account_no] := spent[op.account_no] + op.units;
      IF requests_limit IS NOT NULL OR images_limit IS NOT NULL THEN
        counts[key_no] := true;
        any_limited := true;
      END IF;
      new_requests[key_no] := new_requests[key_no] + 1;
      new_images[key_no] := new_images[key_no] + op.images;
      new_leases[key_no] := new_leases[key_no] + 1;
      units := units - op.units;
      requests_used := requests_used + 1;
      images_used := images_used + op.images;
      running := running + 1;
      IF op.idempotency_no IS NOT NULL THEN
        started[op.idempotency_no] := op.fingerprint;
        any_started := true;
      END IF;
    END IF;
    RETURN NEXT;
  END LOOP;

  IF NOT any_admitted THEN
    RETURN;
  END IF;

  INSERT INTO holds (id, account_id, key_id, request_id, model, images, units, price, created_at, deadline,
    idempotency_key, state, posted_units)
  SELECT o.hold_id, accounts_of[o.account_no], keys_of[o.key_no], o.request_id, right_models[o.right_no], o.images, o.units,
    o.price, now_ms, o.deadline, o.idempotency_key, 'held', 0
  FROM unnest(hold_ids, account_nos, key_nos, right_nos, request_ids, image_counts, unit_counts, prices, deadlines, idempotency_keys)
    WITH ORDINALITY o (hold_id, account_no, key_no, right_no, request_id, images, units, price, deadline, idempotency_key, ord)
  WHERE admitted[o.ord];

  IF any_started THEN
    INSERT INTO idempotency (account_id, key, fingerprint, hold_id, created_at)
    SELECT accounts_of[o.account_no], o.idempotency_key, o.fingerprint, o.hold_id, now_ms
    FROM unnest(hold_ids, account_nos, idempotency_keys, fingerprints)
      WITH ORDINALITY o (hold_id, account_no, idempotency_key, fingerprint, ord)
    WHERE admitted[o.ord] AND o.idempotency_key IS NOT NULL;
  END IF;

  UPDATE accounts a SET pending = a.pending + o.spent
  FROM unnest(accounts_of, spent) o (id, spent) WHERE a.id = o.id AND o.spent > 0;

  IF any_limited THEN
    INSERT INTO rate_windows AS w (key_id, second, requests, images, last_at)
    SELECT o.id, now_ms / 1000, o.requests, o.images, now_ms
    FROM unnest(keys_of, new_requests, new_images, counts) o (id, requests, images, counts)
    WHERE o.counts
    ON CONFLICT (key_id, second) DO UPDATE SET requests = w.requests + excluded.requests,
      images = w.images + excluded.images, last_at = greatest(w.last_at, excluded.last_at);
  END IF;
END $$;
