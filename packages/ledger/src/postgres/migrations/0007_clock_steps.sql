-- Stored times of the future: what a clock that was ahead wrote, before it stepped back or beside gateways whose clocks are right.

-- As `waitForRoom` in core/window.ts. `used` counts what `busy_second`, the second of the batch, has by now, too.
CREATE OR REPLACE FUNCTION wait_for_room(
  now_ms bigint, of_key text, of_images boolean, need bigint, max_count bigint, used bigint, busy_second bigint
) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
  rows bigint[];
  busy bigint;
  leaves bigint;
BEGIN
  -- Each use with the moment it leaves the window: [amount, leaves].
  rows := ARRAY(
    SELECT ARRAY[CASE WHEN of_images THEN w.images ELSE w.requests END, w.last_at + 60000] FROM rate_windows w
    WHERE w.key_id = of_key AND w.last_at > now_ms - 60000 AND w.second IS DISTINCT FROM busy_second);
  busy := used - (
    SELECT coalesce(sum(rows[n][1]), 0) FROM generate_subscripts(rows, 1) n WHERE rows[n][2] <= now_ms + 61000);
  IF busy > 0 THEN
    rows := rows || ARRAY[[busy, 60000 + greatest(now_ms, (
      SELECT w.last_at FROM rate_windows w WHERE w.key_id = of_key AND w.second = busy_second))]];
  END IF;
  FOR leaves IN SELECT DISTINCT rows[n][2] AS moment FROM generate_subscripts(rows, 1) n ORDER BY moment LOOP
    IF need + (
      SELECT coalesce(sum(rows[n][1]), 0) FROM generate_subscripts(rows, 1) n
      WHERE rows[n][2] > leaves AND rows[n][2] <= leaves + 61000
    ) <= max_count THEN
      RETURN greatest(1, leaves - now_ms);
    END IF;
  END LOOP;
  RETURN 60000;
END $$;

DROP FUNCTION decide_each;

-- Decides reservations one after another, in memory, over facts that were read for all of them. The same decisions, in the same
-- order, as core/admission.ts and core/reserve.ts. `decisions` has an object for each, `admitted` says which are to be written.
CREATE FUNCTION decide_each(
  now_ms bigint, balances bigint[], rights integer[], request_limits bigint[], image_limits bigint[], running_limits bigint[],
  requests_in_window bigint[], images_in_window bigint[], leases bigint[],
  hold_ids text[], account_ids text[], key_ids text[], models text[], account_nos integer[], key_nos integer[],
  right_nos integer[], image_counts bigint[], unit_counts bigint[], deadlines bigint[], idempotency_nos integer[],
  idempotency_keys text[], fingerprints text[],
  OUT decisions json[], OUT admitted boolean[], OUT spent bigint[], OUT new_requests bigint[], OUT new_images bigint[]
) LANGUAGE plpgsql AS $$
DECLARE
  op record;
  keys integer := greatest((SELECT max(n) FROM unnest(key_nos) o (n)), 1);
  new_leases bigint[] := array_fill(0::bigint, ARRAY[keys]);
  -- By idempotency key: the fingerprint that this batch started it with, and until when its hold lasts.
  started text[] := array_fill(NULL::text, ARRAY[cardinality(hold_ids)]);
  started_until bigint[] := array_fill(NULL::bigint, ARRAY[cardinality(hold_ids)]);
  running_since bigint;
  running_until bigint;
  outcome text;
  hold_id text;
  response text;
  wait_ms bigint;
  units bigint;
  requests_limit bigint;
  requests_used bigint;
  images_limit bigint;
  images_used bigint;
  running_limit bigint;
  running bigint;
  busy_second bigint;
BEGIN
  admitted := array_fill(false, ARRAY[cardinality(hold_ids)]);
  spent := array_fill(0::bigint, ARRAY[cardinality(balances)]);
  new_requests := new_leases;
  new_images := new_leases;
  FOR op IN
    SELECT o.*, r.id IS NOT NULL AS exists_already,
      h.id IS NOT NULL AND r.account_id = o.account_id AND r.key_id = o.key_id AND r.units = o.units AND r.images = o.images
        AND r.model = o.model AND r.idempotency_key IS NOT DISTINCT FROM o.idempotency_key AS is_same,
      i.key IS NOT NULL AS used_before, i.fingerprint AS used_fingerprint, i.hold_id AS used_hold, i.response AS used_response,
      i.created_at AS used_since, coalesce(u.deadline, now_ms) AS used_until
    FROM unnest(hold_ids, account_ids, key_ids, models, account_nos, key_nos, right_nos, image_counts, unit_counts,
        deadlines, idempotency_nos, idempotency_keys, fingerprints) WITH ORDINALITY
        o (hold_id, account_id, key_id, model, account_no, key_no, right_no, images, units, deadline, idempotency_no, idempotency_key,
          fingerprint, ord)
      LEFT JOIN reservations r ON r.id = o.hold_id
      LEFT JOIN open_holds h ON h.id = o.hold_id
      LEFT JOIN idempotency i ON i.account_id = o.account_id AND i.key = o.idempotency_key
      LEFT JOIN open_holds u ON u.id = i.hold_id
    ORDER BY o.ord
  LOOP
    hold_id := op.hold_id;
    response := NULL;
    wait_ms := NULL;
    running_since := op.used_since;
    running_until := op.used_until;
    requests_limit := request_limits[op.right_no];
    images_limit := image_limits[op.right_no];
    running_limit := running_limits[op.right_no];
    requests_used := requests_in_window[op.key_no] + new_requests[op.key_no];
    images_used := images_in_window[op.key_no] + new_images[op.key_no];
    running := leases[op.key_no] + new_leases[op.key_no];
    units := balances[op.account_no] - spent[op.account_no];
    busy_second := CASE WHEN new_requests[op.key_no] > 0 THEN now_ms / 1000 END;

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
      running_since := now_ms;
      running_until := started_until[op.idempotency_no];
    ELSIF op.units > units THEN
      outcome := 'insufficient_balance';
    ELSIF requests_used + 1 > requests_limit THEN
      outcome := 'requests';
      wait_ms := wait_for_room(now_ms, op.key_id, false, 1, requests_limit, requests_used, busy_second);
    ELSIF images_used + op.images > images_limit THEN
      outcome := 'images';
      wait_ms := wait_for_room(now_ms, op.key_id, true, op.images, images_limit, images_used, busy_second);
    ELSIF running >= running_limit THEN
      outcome := 'concurrency';
    ELSE
      outcome := 'held';
      admitted[op.ord] := true;
      spent[op.account_no] := spent[op.account_no] + op.units;
      new_requests[op.key_no] := new_requests[op.key_no] + 1;
      new_images[op.key_no] := new_images[op.key_no] + op.images;
      new_leases[op.key_no] := new_leases[op.key_no] + 1;
      units := units - op.units;
      requests_used := requests_used + 1;
      images_used := images_used + op.images;
      running := running + 1;
      IF op.idempotency_no IS NOT NULL THEN
        started[op.idempotency_no] := op.fingerprint;
        started_until[op.idempotency_no] := op.deadline;
      END IF;
    END IF;
    decisions[op.ord] := json_build_object('outcome', outcome, 'hold_id', hold_id, 'units', units, 'response', response,
      'wait_ms', wait_ms, 'requests_limit', requests_limit, 'requests_used', requests_used, 'images_limit', images_limit,
      'images_used', images_used, 'running_limit', running_limit, 'running', running,
      'running_since', running_since, 'running_until', running_until);
  END LOOP;
END $$;

-- As in migration 6, but that uses of the future do not count, and that a running request's times are told.
CREATE OR REPLACE FUNCTION apply_batch(
  now_ms bigint, retention_ms bigint, may_exist boolean,
  resolve_ids text[], resolve_units bigint[], resolve_responses text[],
  accounts_of text[], units_of bigint[], keys_of text[], requests_of bigint[], images_of bigint[],
  rights_of integer[], right_accounts text[], right_keys text[], right_models text[], right_key_nos integer[],
  hold_ids text[], account_ids text[], key_ids text[], models text[], account_nos integer[], key_nos integer[],
  right_nos integer[], request_ids text[], image_counts bigint[], unit_counts bigint[], prices text[], deadlines bigint[],
  idempotency_nos integer[], idempotency_keys text[], fingerprints text[]
) RETURNS json LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  -- What was resolved: one element each.
  resolved_ids text[];
  resolved_accounts text[];
  released bigint[];
  charged bigint[];
  resolved_keys text[];
  responses text[];
  any_idempotent boolean;
  unresolved json;

  balances bigint[];
  rights integer[];
  all_fit boolean;
  request_limits bigint[];
  image_limits bigint[];
  running_limits bigint[];
  any_rate boolean;
  any_running boolean;
  requests_in_window bigint[];
  images_in_window bigint[];
  leases bigint[];
  -- The keys with a limit of requests at once.
  leasing text[];
  decided record;
  decisions json[];
  -- Which reservations are written; all of them when `admitted` is null.
  admitted boolean[];
  new_requests bigint[] := requests_of;
  new_images bigint[] := images_of;
BEGIN
  IF cardinality(resolve_ids) > 0 THEN
    WITH resolved AS (
      DELETE FROM open_holds h USING (
        SELECT unnest(resolve_ids) AS hold_id, unnest(resolve_units) AS units, unnest(resolve_responses) AS response
      ) o
      WHERE h.id = o.hold_id AND o.units <= h.units
      RETURNING h.id, h.account_id, h.key_id, h.model, h.images, h.units, o.units AS charged, h.idempotency_key, o.response
    ), entries AS (
      INSERT INTO journal (id, kind, debit, credit, units, at)
      SELECT id, 'post', account_id, 'system:consumed', charged, now_ms FROM resolved WHERE charged > 0
    ), used AS (
      INSERT INTO usage_days AS u (day, account_id, key_id, model, requests, images, units)
      SELECT to_char(to_timestamp(now_ms / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD'), account_id, key_id, model,
        count(*), sum(images)::bigint, sum(charged)::bigint
      FROM resolved WHERE charged > 0 GROUP BY account_id, key_id, model ORDER BY account_id, key_id, model
      ON CONFLICT (day, account_id, key_id, model) DO UPDATE
      SET requests = u.requests + excluded.requests, images = u.images + excluded.images, units = u.units + excluded.units
    )
    SELECT array_agg(r.id), array_agg(r.account_id), array_agg(r.units), array_agg(r.charged),
      array_agg(r.idempotency_key), array_agg(r.response), bool_or(r.idempotency_key IS NOT NULL)
    INTO resolved_ids, resolved_accounts, released, charged, resolved_keys, responses, any_idempotent
    FROM resolved r;

    IF 0 = ANY (charged) THEN
      INSERT INTO releases (id, state, at)
      SELECT o.id, 'voided', now_ms FROM unnest(resolved_ids, charged) o (id, charged) WHERE o.charged = 0;
    END IF;
    IF cardinality(resolved_ids) IS DISTINCT FROM cardinality(resolve_ids) THEN
      SELECT json_agg(json_build_object('hold_id', o.id, 'outcome', CASE
          WHEN o.units > h.units THEN 'units_exceed_hold' WHEN j.id IS NOT NULL THEN 'posted' ELSE coalesce(v.state, 'not_found') END,
        'units', CASE WHEN o.units > h.units THEN h.units ELSE coalesce(j.units, 0) END)) INTO unresolved
      FROM unnest(resolve_ids, resolve_units) o (id, units)
        LEFT JOIN open_holds h ON h.id = o.id
        LEFT JOIN journal j ON j.id = o.id AND j.kind = 'post'
        LEFT JOIN releases v ON v.id = o.id
      WHERE resolved_ids IS NULL OR o.id <> ALL (resolved_ids);
    END IF;
  END IF;

  -- Takes the accounts' locks, in the order of their ids, and what is asked of an account if it is there as a whole.
  WITH moved AS (
    UPDATE accounts a SET posted = a.posted + m.charged,
      fits = a.credits - a.posted - a.pending + m.released - m.charged >= m.asked,
      pending = a.pending - m.released + CASE
        WHEN a.credits - a.posted - a.pending + m.released - m.charged >= m.asked THEN m.asked ELSE 0 END
    FROM (
      SELECT t.id, sum(t.asked)::bigint AS asked, sum(t.released)::bigint AS released, sum(t.charged)::bigint AS charged
      FROM (
        SELECT unnest(accounts_of), unnest(units_of), 0, 0
        UNION ALL
        SELECT unnest(resolved_accounts), 0, unnest(released), unnest(charged)
      ) t (id, asked, released, charged)
      GROUP BY t.id ORDER BY t.id
    ) m
    WHERE a.id = m.id
    RETURNING a.id, m.asked, a.fits, a.credits - a.posted - a.pending + m.asked AS available
  )
  SELECT array_agg(m.available ORDER BY m.id), count(*) = cardinality(accounts_of) AND bool_and(m.fits) INTO balances, all_fit
  FROM moved m WHERE m.asked > 0;
  -- From here on nothing of these accounts changes but by this batch.

  IF any_idempotent THEN
    UPDATE idempotency i SET response = coalesce(o.response, ''), expires_at = now_ms + retention_ms
    FROM unnest(resolved_accounts, resolved_keys, charged, responses) o (account_id, key, charged, response)
    WHERE o.charged > 0 AND i.account_id = o.account_id AND i.key = o.key;
    DELETE FROM idempotency i USING unnest(resolved_accounts, resolved_keys, charged) o (account_id, key, charged)
    WHERE o.charged = 0 AND i.account_id = o.account_id AND i.key = o.key;
  END IF;

  IF cardinality(hold_ids) > 0 THEN
    SELECT array_agg(f.refusal), array_agg(f.requests_per_minute), array_agg(f.images_per_minute), array_agg(f.concurrent_requests),
      bool_or(f.requests_per_minute IS NOT NULL OR f.images_per_minute IS NOT NULL), bool_or(f.concurrent_requests IS NOT NULL)
    INTO rights, request_limits, image_limits, running_limits, any_rate, any_running
    FROM (
      SELECT CASE
          WHEN k.id IS NULL OR k.account_id <> o.account_id THEN 1
          WHEN k.revoked_at IS NOT NULL OR k.disabled_at IS NOT NULL OR k.expires_at <= now_ms THEN 1
          WHEN k.allowed_models IS NOT NULL AND NOT k.allowed_models::jsonb ? o.model THEN 2
          ELSE 0 END AS refusal, k.requests_per_minute, k.images_per_minute, k.concurrent_requests
      FROM (
        SELECT unnest(right_accounts) AS account_id, unnest(right_keys) AS key_id, unnest(right_models) AS model,
          unnest(rights_of) AS n
      ) o LEFT JOIN keys k ON k.id = o.key_id
      ORDER BY o.n
    ) f;

    -- What a limit counts is counted only where a key has one: every hold of a key may be running.
    IF any_rate THEN
      SELECT array_agg(coalesce(w.requests, 0) ORDER BY o.n), array_agg(coalesce(w.images, 0) ORDER BY o.n)
      INTO requests_in_window, images_in_window
      FROM unnest(keys_of) WITH ORDINALITY o (id, n)
        CROSS JOIN LATERAL (
          SELECT sum(requests)::bigint AS requests, sum(images)::bigint AS images FROM rate_windows
          WHERE key_id = o.id AND second BETWEEN now_ms / 1000 - 60 AND now_ms / 1000 + 1
            AND last_at > now_ms - 60000 AND last_at <= now_ms + 1000
        ) w;
    END IF;
    IF any_running THEN
      leasing := ARRAY(
        SELECT o.id FROM unnest(right_keys, running_limits) o (id, running_limit) WHERE o.running_limit IS NOT NULL);
      SELECT array_agg(CASE WHEN k.concurrent_requests IS NULL THEN 0 ELSE (
        SELECT count(*) FROM open_holds WHERE leased_by = k.id AND deadline > now_ms) END ORDER BY o.n)
      INTO leases
      FROM unnest(keys_of) WITH ORDINALITY o (id, n) LEFT JOIN keys k ON k.id = o.id;
    END IF;

    -- When everything fits, the order of the reservations does not matter and nothing is decided one by one.
    all_fit := all_fit AND NOT may_exist AND 0 = ALL (rights);
    IF all_fit AND (any_rate OR any_running) THEN
      SELECT bool_and(
        coalesce(requests_in_window[o.key_no] + requests_of[o.key_no] <= o.request_limit, true)
        AND coalesce(images_in_window[o.key_no] + images_of[o.key_no] <= o.image_limit, true)
        AND coalesce(leases[o.key_no] + requests_of[o.key_no] <= o.running_limit, true)) INTO all_fit
      FROM unnest(right_key_nos, request_limits, image_limits, running_limits) o (key_no, request_limit, image_limit, running_limit);
    END IF;
    IF all_fit AND idempotency_keys IS NOT NULL THEN
      all_fit := NOT EXISTS (SELECT FROM unnest(idempotency_nos) o (no) WHERE no IS NOT NULL GROUP BY no HAVING count(*) > 1)
        AND NOT EXISTS (
          SELECT FROM unnest(account_ids, idempotency_keys) o (account_id, key)
            JOIN idempotency i ON i.account_id = o.account_id AND i.key = o.key);
    END IF;
    IF all_fit IS NOT TRUE THEN
      SELECT array_agg(coalesce(a.credits - a.posted - a.pending + CASE WHEN a.fits THEN o.asked ELSE 0 END, 0) ORDER BY o.n) INTO balances
      FROM unnest(accounts_of, units_of) WITH ORDINALITY o (id, asked, n) LEFT JOIN accounts a ON a.id = o.id;
      decided := decide_each(now_ms, balances, rights, request_limits, image_limits, running_limits, requests_in_window,
        images_in_window, leases, hold_ids, account_ids, key_ids, models, account_nos, key_nos, right_nos, image_counts,
        unit_counts, deadlines, idempotency_nos, idempotency_keys, fingerprints);
      decisions := decided.decisions;
      admitted := decided.admitted;
      new_requests := decided.new_requests;
      new_images := decided.new_images;
      UPDATE accounts a SET pending = a.pending + o.spent - CASE WHEN a.fits THEN o.asked ELSE 0 END
      FROM unnest(accounts_of, units_of, decided.spent) o (id, asked, spent) WHERE a.id = o.id;
    END IF;
  END IF;

  IF cardinality(hold_ids) > 0 AND (admitted IS NULL OR true = ANY (admitted)) THEN
    WITH asked AS (
      INSERT INTO reservations (id, account_id, key_id, request_id, model, images, units, price, created_at, deadline, idempotency_key)
      SELECT o.hold_id, o.account_id, o.key_id, o.request_id, o.model, o.images, o.units, o.price, now_ms, o.deadline, o.idempotency_key
      FROM (
        SELECT unnest(hold_ids) AS hold_id, unnest(account_ids) AS account_id, unnest(key_ids) AS key_id,
          unnest(request_ids) AS request_id, unnest(models) AS model, unnest(image_counts) AS images, unnest(unit_counts) AS units,
          unnest(prices) AS price, unnest(deadlines) AS deadline, unnest(idempotency_keys) AS idempotency_key,
          unnest(admitted) AS admitted
      ) o
      WHERE coalesce(o.admitted, true)
      RETURNING id, account_id, key_id, model, images, units, deadline, idempotency_key
    )
    INSERT INTO open_holds (id, account_id, key_id, model, images, units, deadline, idempotency_key, leased_by)
    SELECT id, account_id, key_id, model, images, units, deadline, idempotency_key, CASE WHEN key_id = ANY (leasing) THEN key_id END
    FROM asked;

    IF idempotency_keys IS NOT NULL THEN
      INSERT INTO idempotency (account_id, key, fingerprint, hold_id, created_at)
      SELECT o.account_id, o.idempotency_key, o.fingerprint, o.hold_id, now_ms
      FROM unnest(hold_ids, account_ids, idempotency_keys, fingerprints)
        WITH ORDINALITY o (hold_id, account_id, idempotency_key, fingerprint, ord)
      WHERE (admitted IS NULL OR admitted[o.ord]) AND o.idempotency_key IS NOT NULL;
    END IF;

    IF any_rate THEN
      INSERT INTO rate_windows AS w (key_id, second, requests, images, last_at)
      SELECT keys_of[o.no], now_ms / 1000, new_requests[o.no], new_images[o.no], now_ms
      FROM (
        SELECT DISTINCT r.no FROM unnest(right_key_nos, request_limits, image_limits) r (no, request_limit, image_limit)
        WHERE r.request_limit IS NOT NULL OR r.image_limit IS NOT NULL
      ) o
      WHERE new_requests[o.no] > 0
      ON CONFLICT (key_id, second) DO UPDATE SET requests = w.requests + excluded.requests,
        images = w.images + excluded.images, last_at = greatest(w.last_at, excluded.last_at);
    END IF;
  END IF;

  RETURN json_build_object('unresolved', unresolved,
    'decided', decisions, 'available', CASE WHEN decisions IS NULL THEN balances END,
    'limits', CASE WHEN any_rate OR any_running THEN json_build_array(request_limits, image_limits, running_limits) END,
    'used', CASE WHEN any_rate OR any_running THEN json_build_array(requests_in_window, images_in_window, leases) END);
END $$;

-- After the clock has stepped back: nothing that is held lasts longer from now than it was to last from its beginning.
CREATE FUNCTION shorten_holds(now_ms bigint) RETURNS void LANGUAGE sql AS $$
  UPDATE open_holds h SET deadline = now_ms + r.deadline - r.created_at
  FROM reservations r
  WHERE r.id = h.id AND h.deadline > now_ms + r.deadline - r.created_at
    AND h.id IN (SELECT id FROM open_holds WHERE deadline > now_ms FOR NO KEY UPDATE SKIP LOCKED);
$$;
