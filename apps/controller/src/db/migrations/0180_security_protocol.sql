-- What protects packets between the edges of a tenant: ESP (RFC 4303), or AH (RFC 4302), which encrypts nothing. In force with the
-- next revision.
alter table tenants
  add column security_protocol text not null default 'esp',
  add constraint tenants_security_protocol check (security_protocol in ('esp', 'ah'));

-- Whether what the rules of a policy allow must be encrypted.
alter table policies add column confidential boolean not null default false;

-- Both are in an intent (src/modules/revisions/intent.repository.ts).
drop trigger tenants_draft on tenants;
create constraint trigger tenants_draft after update on tenants deferrable initially deferred for each row
  when ((old.keying_mode, old.encapsulation, old.security_protocol)
    is distinct from (new.keying_mode, new.encapsulation, new.security_protocol))
  execute function record_draft_change();
drop trigger policies_draft_update on policies;
create constraint trigger policies_draft_update after update on policies deferrable initially deferred for each row
  when ((old.name, old.enabled, old.position, old.confidential)
    is distinct from (new.name, new.enabled, new.position, new.confidential))
  execute function record_draft_change();
