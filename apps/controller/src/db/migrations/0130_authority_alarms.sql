-- Which tenants were told that a certificate above all of theirs is about to end, and that another has taken its place. Each is told once:
-- by its fingerprint, whichever controller of the database sees it first, and however often it is started.
create table authority_alarms (
  tenant_id uuid not null references tenants (id),
  -- SHA-256 of the certificate.
  fingerprint bytea not null,
  kind text not null,
  not_after timestamptz not null,
  raised_at timestamptz not null,
  -- Null: nothing has taken its place yet.
  cleared_at timestamptz,
  constraint authority_alarms_pkey primary key (tenant_id, fingerprint),
  constraint authority_alarms_fingerprint_sha256 check (octet_length(fingerprint) = 32),
  constraint authority_alarms_kind check (kind in ('root', 'previous_root', 'intermediate', 'above_intermediate'))
);

create function append_authority_event() returns trigger language plpgsql as $$
declare
  event fabric_events;
  at timestamptz := coalesce(new.cleared_at, new.raised_at);
begin
  event.tenant_id := new.tenant_id;
  event.type := case when new.cleared_at is null then 'authority.expiring' else 'authority.replaced' end;
  event.occurred_at := at;
  event.cause := new.kind;
  event.detail := to_char(new.not_after at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
  -- Whole days that are left.
  event.count := greatest(0, floor(extract(epoch from new.not_after - at) / 86400));
  perform append_fabric_event(event);
  return null;
end
$$;

create constraint trigger authority_alarms_raised after insert on authority_alarms deferrable initially deferred
  for each row execute function append_authority_event();
create constraint trigger authority_alarms_cleared after update on authority_alarms deferrable initially deferred
  for each row when (old.cleared_at is null and new.cleared_at is not null) execute function append_authority_event();

select isolate_tenants();
