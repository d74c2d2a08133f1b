-- The profile of rules that name none. Null: the product's, as all had before there was a choice. One that is the default stays; when an
-- earlier revision is restored, the two come and go in one transaction.
alter table tenants
  add column default_profile_id uuid,
  add constraint tenants_default_profile_fkey foreign key (id, default_profile_id) references profiles (tenant_id, id)
    deferrable initially immediate;

-- It is in an intent (src/modules/revisions/intent.repository.ts). A trigger of its own beside tenants_draft: a transaction records one
-- change however many fire.
create constraint trigger tenants_draft_default_profile after update on tenants deferrable initially deferred for each row
  when (old.default_profile_id is distinct from new.default_profile_id)
  execute function record_draft_change();
