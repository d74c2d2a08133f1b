-- Who is told of events by HTTP. What is to be delivered is written with the event itself, at the commit: there is no event without its
-- deliveries, and none of what was undone.
create table webhooks (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  name text not null,
  url text not null,
  -- Empty: all of them.
  types text[] not null,
  enabled boolean not null,
  -- Why the controller disabled it; null: it did not.
  disabled_cause text,
  -- Sealed with a key from outside of the database (src/platform/secrets/secret-box.ts).
  sealed_secret bytea not null,
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint webhooks_name_key unique (tenant_id, name),
  constraint webhooks_name_length check (char_length(name) between 1 and 100),
  constraint webhooks_url_length check (char_length(url) between 1 and 2000),
  constraint webhooks_types_number check (cardinality(types) <= 100),
  constraint webhooks_disabled check (disabled_cause is null or not enabled),
  -- Name of the key that sealed it, nonce and tag, and 32 octets.
  constraint webhooks_sealed_secret_length check (octet_length(sealed_secret) = 64)
);

create table webhook_deliveries (
  id uuid primary key default gen_random_uuid(),
  -- No references: whoever writes an event waits for nobody who changes a webhook.
  tenant_id uuid not null,
  webhook_id uuid not null,
  type text not null,
  -- The event as the API shows it, but for its times.
  event jsonb not null,
  created_at timestamptz not null default clock_timestamp(),
  status text not null default 'pending',
  attempts integer not null default 0,
  -- When it is due; while an attempt is under way, when another controller may take it for lost.
  next_attempt_at timestamptz not null default now(),
  last_attempt_at timestamptz,
  -- What came of the last attempt: the status of an answer, or why there was none.
  response_status integer,
  failure text,
  constraint webhook_deliveries_status check (status in ('pending', 'delivered', 'failed')),
  constraint webhook_deliveries_attempts_range check (attempts >= 0)
);

create index webhook_deliveries_due on webhook_deliveries (webhook_id, next_attempt_at) where status = 'pending';
create index webhook_deliveries_log on webhook_deliveries (tenant_id, webhook_id, created_at, id);

create function announce_delivery() returns trigger language plpgsql as $$
begin
  perform pg_notify('weft_webhook', '');
  return null;
end
$$;

-- For each row: a statement that adds none wakes nobody. Of equal notifications of a transaction one is sent.
create trigger webhook_deliveries_announce after insert on webhook_deliveries
  for each row execute function announce_delivery();
create trigger webhooks_announce after update of enabled on webhooks
  for each row execute function announce_delivery();

-- As in 0090_fabric_events.sql, and a delivery for each webhook that wants the event and has room. Rows of webhooks are not locked.
create or replace function append_fabric_event(event fabric_events) returns void language plpgsql as $$
declare
  name_of_journal text;
begin
  insert into event_journals as journal (tenant_id, last) values (event.tenant_id, 1)
    on conflict (tenant_id) do update set last = journal.last + 1
    returning last, journal.journal into event.sequence, name_of_journal;
  event.recorded_at := clock_timestamp();
  insert into fabric_events select event.*;
  delete from fabric_events where tenant_id = event.tenant_id and sequence <= event.sequence - 20000;
  insert into webhook_deliveries (tenant_id, webhook_id, type, event)
    select event.tenant_id, w.id, event.type, to_jsonb(event) - 'tenant_id' || jsonb_build_object('journal', name_of_journal)
    from webhooks w
    where w.tenant_id = event.tenant_id and w.enabled and (w.types = '{}' or event.type = any (w.types))
      and not exists (
        select from webhook_deliveries d where d.webhook_id = w.id and d.status = 'pending' offset 9999 limit 1);
  -- A hint to every controller on this database; polling by number is the guarantee.
  perform pg_notify('weft_event', event.tenant_id::text);
end
$$;

create function append_webhook_event() returns trigger language plpgsql as $$
declare
  event fabric_events;
begin
  event.tenant_id := new.tenant_id;
  event.type := 'webhook.disabled';
  event.occurred_at := now();
  event.cause := new.disabled_cause;
  event.detail := new.name;
  perform append_fabric_event(event);
  return null;
end
$$;

create constraint trigger webhooks_append after update on webhooks deferrable initially deferred
  for each row when (old.enabled and new.disabled_cause is not null) execute function append_webhook_event();

select isolate_tenants();
