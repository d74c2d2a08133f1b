-- What of packets between the edges of a tenant is protected: whole packets (tunnel mode), or, from host to host, what follows their
-- header (transport mode, RFC 4301 section 4.1). In force with the next revision.
alter table tenants
  add column mode text not null default 'tunnel',
  add constraint tenants_mode check (mode in ('tunnel', 'transport'));

-- It is in an intent (src/modules/revisions/intent.repository.ts).
drop trigger tenants_draft on tenants;
create constraint trigger tenants_draft after update on tenants deferrable initially deferred for each row
  when ((old.keying_mode, old.encapsulation, old.security_protocol, old.mode)
    is distinct from (new.keying_mode, new.encapsulation, new.security_protocol, new.mode))
  execute function record_draft_change();
