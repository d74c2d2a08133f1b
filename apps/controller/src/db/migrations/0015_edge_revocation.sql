-- A revoked edge is in no bundle until it is enrolled anew; its certificates are revoked with it.
alter table edges
  add column revoked_at timestamptz,
  add column revocation_reason text,
  add constraint edges_revocation_whole check ((revoked_at is null) = (revocation_reason is null)),
  add constraint edges_revocation_reason_length check (char_length(revocation_reason) between 1 and 200);

-- How often the edges of a tenant have changed whom they may believe: bundles follow from it as they do from the revision.
create table credential_changes (
  tenant_id uuid primary key references tenants (id),
  number bigint not null
);

create function count_credential_change() returns trigger language plpgsql as $$
begin
  insert into credential_changes (tenant_id, number) values (new.tenant_id, 1)
  on conflict (tenant_id) do update set number = credential_changes.number + 1;
  -- The same hint as for a revision.
  perform pg_notify('weft_revision', new.tenant_id::text);
  return null;
end
$$;

create trigger certificates_count_change after update of revoked_at on certificates
  for each row when (old.revoked_at is distinct from new.revoked_at) execute function count_credential_change();

create trigger edges_count_change after update of revoked_at on edges
  for each row when (old.revoked_at is distinct from new.revoked_at) execute function count_credential_change();
