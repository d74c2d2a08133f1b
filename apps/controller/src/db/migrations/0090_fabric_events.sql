-- What happened in a tenant, in one order that all readers see: who has read up to a number misses nothing that comes later.
-- A number that is taken early and committed late (an identity column) would be passed over. Here the number is taken at the very end of
-- the transaction, with a lock on the tenant's journal that is kept until the event is visible: numbers are without a gap and in the order
-- of the commits.
create table event_journals (
  -- No reference: whoever waits for this row holds no lock that a reference would take.
  tenant_id uuid primary key,
  -- Another one after a backup was restored: a position in the old one says nothing about this one.
  journal text not null default left(gen_random_uuid()::text, 8),
  last bigint not null default 0,
  constraint event_journals_journal check (journal ~ '^[0-9a-f]{8}$'),
  constraint event_journals_last_range check (last >= 0)
);

create table fabric_events (
  tenant_id uuid not null references event_journals (tenant_id),
  sequence bigint not null,
  type text not null,
  occurred_at timestamptz not null,
  recorded_at timestamptz not null,
  -- No references, and the name as it was: what happened outlives whom it happened to.
  edge_id uuid,
  edge_name text,
  tunnel_id uuid,
  revision integer,
  actor text,
  cause text,
  detail text,
  count numeric,
  constraint fabric_events_pkey primary key (tenant_id, sequence),
  constraint fabric_events_type check (type ~ '^[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*$')
);

create index fabric_events_rollouts on fabric_events (tenant_id, revision) where type = 'rollout.completed';

-- Takes the next number, and removes what is too old to be kept. Called from deferred triggers only: nothing may follow but the commit.
create function append_fabric_event(event fabric_events) returns void language plpgsql as $$
begin
  insert into event_journals as journal (tenant_id, last) values (event.tenant_id, 1)
    on conflict (tenant_id) do update set last = journal.last + 1
    returning last into event.sequence;
  event.recorded_at := clock_timestamp();
  insert into fabric_events select event.*;
  delete from fabric_events where tenant_id = event.tenant_id and sequence <= event.sequence - 20000;
  -- A hint to every controller on this database; polling by number is the guarantee.
  perform pg_notify('weft_event', event.tenant_id::text);
end
$$;

create function append_edge_event() returns trigger language plpgsql as $$
declare
  event fabric_events;
begin
  event.tenant_id := new.tenant_id;
  event.type := 'edge.' || new.kind;
  event.occurred_at := new.occurred_at;
  event.edge_id := new.edge_id;
  select name into event.edge_name from edges where tenant_id = new.tenant_id and id = new.edge_id;
  event.tunnel_id := new.tunnel_id;
  event.cause := new.cause;
  event.detail := new.detail;
  event.count := new.count;
  perform append_fabric_event(event);
  return null;
end
$$;

create constraint trigger edge_events_append after insert on edge_events deferrable initially deferred
  for each row execute function append_edge_event();

create function append_revision_event() returns trigger language plpgsql as $$
declare
  event fabric_events;
begin
  event.tenant_id := new.tenant_id;
  event.type := 'revision.published';
  event.occurred_at := new.published_at;
  event.revision := new.number;
  event.actor := new.author;
  event.cause := case when new.override_reason is not null then 'proof_overridden' when new.restored_from is not null then 'restored' end;
  event.detail := nullif(new.comment, '');
  perform append_fabric_event(event);
  return null;
end
$$;

create constraint trigger revisions_append after insert on revisions deferrable initially deferred
  for each row execute function append_revision_event();

-- A rollout is complete when every edge that has ever run a bundle runs the one that it should. Whoever finds that out holds the lock on
-- the journal: of two edges that are the last ones at the same moment the second sees the first.
create function append_bundle_events() returns trigger language plpgsql as $$
declare
  event fabric_events;
  newest integer;
begin
  event.tenant_id := new.tenant_id;
  event.type := 'edge.bundle_applied';
  event.occurred_at := new.applied_at;
  event.edge_id := new.edge_id;
  select name into event.edge_name from edges where tenant_id = new.tenant_id and id = new.edge_id;
  event.revision := new.applied_revision;
  perform append_fabric_event(event);
  select max(revision) into newest from edge_bundles where tenant_id = new.tenant_id
    having bool_and(applied_hash is null or applied_hash = content_hash);
  if newest is null or exists (
    select from fabric_events where tenant_id = new.tenant_id and type = 'rollout.completed' and revision = newest
  ) then
    return null;
  end if;
  event := null;
  event.tenant_id := new.tenant_id;
  event.type := 'rollout.completed';
  event.occurred_at := new.applied_at;
  event.revision := newest;
  perform append_fabric_event(event);
  return null;
end
$$;

create constraint trigger edge_bundles_append after update of applied_hash on edge_bundles deferrable initially deferred
  for each row when (new.applied_hash is not null and old.applied_hash is distinct from new.applied_hash)
  execute function append_bundle_events();

-- Who may be somebody else now, or nobody: what is open on their behalf is looked at again. A hint, too.
create function announce_access() returns trigger language plpgsql as $$
declare
  account uuid;
begin
  if tg_table_name = 'users' then account := old.id; else account := old.user_id; end if;
  perform pg_notify('weft_access', account::text);
  return null;
end
$$;

create trigger http_sessions_announce after delete on http_sessions for each row execute function announce_access();
create trigger api_tokens_announce after delete on api_tokens for each row execute function announce_access();
create trigger users_announce after delete or update of role, provider_role, tenant_id on users
  for each row execute function announce_access();

select isolate_tenants();
