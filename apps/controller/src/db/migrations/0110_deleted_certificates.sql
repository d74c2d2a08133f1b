-- Certificates of edges that were deleted, until they end: revocation lists tell of them too. What is deleted with the edge would be
-- believed by whoever looks at such a list alone.
create table deleted_certificates (
  serial text primary key,
  -- No reference: it outlives what it was of.
  tenant_id uuid not null,
  not_after timestamptz not null,
  deleted_at timestamptz not null default now(),
  constraint deleted_certificates_serial_hex check (serial ~ '^[0-9a-f]{1,40}$')
);

create function keep_deleted_certificate() returns trigger language plpgsql as $$
begin
  delete from deleted_certificates where tenant_id = old.tenant_id and not_after < now() - interval '7 days';
  if old.not_after > now() then
    insert into deleted_certificates (serial, tenant_id, not_after) values (old.serial, old.tenant_id, old.not_after)
    on conflict (serial) do nothing;
  end if;
  return null;
end
$$;

create trigger certificates_keep_deleted after delete on certificates
for each row execute function keep_deleted_certificate();
