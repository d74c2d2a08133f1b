-- Who did what, per tenant, in one chain: each entry carries the hash of the one before it, so that an entry that is changed,
-- removed or slipped in later shows, also when somebody gets around the trigger.
create table audit_entries (
  tenant_id uuid not null references tenants (id),
  -- From 1, without a gap.
  sequence integer not null,
  at timestamptz not null default clock_timestamp(),
  -- Name of the user, not a reference: the history outlives its authors.
  actor text not null,
  action text not null,
  details jsonb not null,
  previous_hash bytea not null,
  hash bytea not null,
  constraint audit_entries_pkey primary key (tenant_id, sequence),
  constraint audit_entries_sequence_range check (sequence >= 1),
  constraint audit_entries_actor_length check (char_length(actor) between 1 and 100),
  constraint audit_entries_action check (action ~ '^[a-z]+(_[a-z]+)*$'),
  constraint audit_entries_details_object check (jsonb_typeof(details) = 'object'),
  constraint audit_entries_hashes_sha256 check (octet_length(previous_hash) = 32 and octet_length(hash) = 32)
);

-- The text that is hashed does not depend on the settings of a session.
create function audit_hash(entry audit_entries) returns bytea language sql immutable as $$
  select sha256(entry.previous_hash || convert_to(jsonb_build_array(
    entry.tenant_id, entry.sequence, to_char(entry.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
    entry.actor, entry.action, entry.details)::text, 'UTF8'))
$$;

create function chain_audit_entry() returns trigger language plpgsql as $$
declare
  last audit_entries;
begin
  -- One at a time for each tenant, until the end of the transaction.
  perform pg_advisory_xact_lock(hashtext('weft audit'), hashtext(new.tenant_id::text));
  select * into last from audit_entries where tenant_id = new.tenant_id order by sequence desc limit 1;
  new.sequence := coalesce(last.sequence, 0) + 1;
  new.at := clock_timestamp();
  new.previous_hash := coalesce(last.hash, sha256(convert_to('weft audit ' || new.tenant_id::text, 'UTF8')));
  new.hash := audit_hash(new);
  return new;
end
$$;

create trigger audit_entries_chain before insert on audit_entries
  for each row execute function chain_audit_entry();

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is append-only' using errcode = 'restrict_violation', constraint = 'audit_entries_append_only';
end
$$;

create trigger audit_entries_append_only before update or delete or truncate on audit_entries
  for each statement execute function refuse_audit_change();

-- Sequence of the first entry that is not what it was when it was written, or that does not follow the one before it; null: none.
create function audit_broken_at(tenant uuid) returns integer language sql stable as $$
  select min(entry.sequence) from (
    select e as row, e.sequence, e.previous_hash, e.hash,
      lag(e.hash, 1, sha256(convert_to('weft audit ' || tenant::text, 'UTF8'))) over (order by e.sequence) as expected,
      row_number() over (order by e.sequence) as place
    from audit_entries e where e.tenant_id = tenant
  ) entry
  where entry.place <> entry.sequence or entry.previous_hash <> entry.expected or entry.hash <> audit_hash(entry.row)
$$;
