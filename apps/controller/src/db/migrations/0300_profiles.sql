-- Profiles: how packets are protected and how edges negotiate it (RFC 4301 section 4.4.1.2). A rule names one, or has that of the product.
create table profiles (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  name text not null,
  description text not null default '',
  esp_encryption text not null,
  esp_key_bits integer not null,
  -- Packets.
  replay_window integer not null,
  ike_encryption text not null,
  ike_key_bits integer not null,
  ike_prf text not null,
  -- IKEv2 transform type 4 identifiers (IANA): a method, and what is added to it (RFC 9370).
  ike_key_exchange integer[] not null,
  -- The same, of a Child SA that is rekeyed; empty: its keys come from the IKE SA alone.
  child_key_exchange integer[] not null,
  ike_lifetime_seconds integer not null,
  child_lifetime_seconds integer not null,
  -- Grows with every change of the profile; the API's ETag.
  version integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint profiles_tenant_id_id_key unique (tenant_id, id),
  constraint profiles_name_key unique (tenant_id, name),
  constraint profiles_name_length check (char_length(name) between 1 and 100),
  constraint profiles_description_length check (char_length(description) <= 1000),
  -- Keys of ChaCha20 have 256 bits (RFC 7634 section 2).
  constraint profiles_esp_cipher check (
    (esp_encryption = 'aes-gcm-16' and esp_key_bits in (128, 256))
    or (esp_encryption = 'chacha20-poly1305' and esp_key_bits = 256)),
  constraint profiles_ike_cipher check (
    (ike_encryption = 'aes-gcm-16' and ike_key_bits in (128, 256))
    or (ike_encryption = 'chacha20-poly1305' and ike_key_bits = 256)),
  constraint profiles_ike_prf check (ike_prf in ('hmac-sha2-256', 'hmac-sha2-384', 'hmac-sha2-512')),
  constraint profiles_replay_window_range check (replay_window between 64 and 4096),
  constraint profiles_ike_key_exchange check (
    cardinality(ike_key_exchange) between 1 and 8 and ike_key_exchange[1] in (19, 20, 21, 31, 32)
    and ike_key_exchange <@ array[19, 20, 21, 31, 32, 35, 36, 37]),
  constraint profiles_child_key_exchange check (
    cardinality(child_key_exchange) <= 8 and child_key_exchange <@ array[19, 20, 21, 31, 32, 35, 36, 37]
    and (cardinality(child_key_exchange) = 0 or child_key_exchange[1] in (19, 20, 21, 31, 32))),
  constraint profiles_ike_lifetime_range check (ike_lifetime_seconds between 60 and 2592000),
  constraint profiles_child_lifetime_range check (child_lifetime_seconds between 60 and 2592000)
);

-- A profile stays while a rule names it. Null: the product's.
alter table policy_rules add column profile_id uuid;
alter table policy_rules add constraint policy_rules_profile_fkey
  foreign key (tenant_id, profile_id) references profiles (tenant_id, id);
create index policy_rules_profile on policy_rules (tenant_id, profile_id) where profile_id is not null;

-- As in 0230_named_services.sql, and a change of a profile is told as that of a profile.
create or replace function record_draft_change() returns trigger language plpgsql as $$
declare
  tenant uuid;
  actor text := nullif(current_setting('weft.actor', true), '');
  event fabric_events;
begin
  if tg_table_name = 'tenants' then tenant := new.id;
  elsif tg_op = 'DELETE' then tenant := old.tenant_id;
  else tenant := new.tenant_id;
  end if;
  -- Once in a transaction.
  if current_setting('weft.draft_changed', true) = tenant::text then return null; end if;
  perform set_config('weft.draft_changed', tenant::text, true);
  if actor is not null then
    insert into draft_editors as editor (tenant_id, name) values (tenant, actor)
      on conflict (tenant_id, name) do update set changes = editor.changes + 1;
  end if;
  update draft_approvals set voided_at = clock_timestamp(), voided_by = actor, void_cause = 'draft_changed'
    where tenant_id = tenant and voided_at is null and followed_by is null;
  event.tenant_id := tenant;
  event.type := 'draft.changed';
  event.occurred_at := clock_timestamp();
  event.actor := actor;
  event.cause := case tg_table_name
    when 'tenants' then 'fabric' when 'sites' then 'site' when 'networks' then 'network' when 'edges' then 'edge'
    when 'external_peers' then 'external_peer' when 'groups' then 'group' when 'group_members' then 'group'
    when 'profiles' then 'profile' when 'services' then 'service' when 'service_protocols' then 'service'
    when 'policy_tests' then 'policy_test' else 'policy'
  end;
  perform append_fabric_event(event);
  return null;
end
$$;

-- All of it but what people write about it is in an intent (src/modules/revisions/intent.repository.ts).
create constraint trigger profiles_draft after insert or delete on profiles deferrable initially deferred
  for each row execute function record_draft_change();
create constraint trigger profiles_draft_update after update on profiles deferrable initially deferred for each row
  when ((old.name, old.esp_encryption, old.esp_key_bits, old.replay_window, old.ike_encryption, old.ike_key_bits, old.ike_prf,
      old.ike_key_exchange, old.child_key_exchange, old.ike_lifetime_seconds, old.child_lifetime_seconds)
    is distinct from (new.name, new.esp_encryption, new.esp_key_bits, new.replay_window, new.ike_encryption, new.ike_key_bits,
      new.ike_prf, new.ike_key_exchange, new.child_key_exchange, new.ike_lifetime_seconds, new.child_lifetime_seconds))
  execute function record_draft_change();

select isolate_tenants();
