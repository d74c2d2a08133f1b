-- Nothing comes into force before a second person has looked at it, where a tenant asks for that. What must hold is held here, whatever
-- writes: whoever approves has not made the draft and does not publish it; an approval is of one content and ends with any change.
alter table tenants add column approval_required boolean not null default false;

-- Who has changed the draft since the last revision. Names, not references: they outlive their users.
create table draft_editors (
  tenant_id uuid not null references tenants (id),
  name text not null,
  -- How often: whoever publishes forgets those changes that the revision has, and none that came meanwhile.
  changes bigint not null default 1,
  constraint draft_editors_pkey primary key (tenant_id, name),
  constraint draft_editors_name_length check (char_length(name) between 1 and 100)
);

create table draft_approvals (
  id uuid primary key,
  tenant_id uuid not null references tenants (id),
  approver text not null,
  approved_at timestamptz not null default clock_timestamp(),
  comment text not null,
  -- Number of the revision that it would follow; 0: none.
  base integer not null,
  intent_digest bytea not null,
  -- As the API names it; the digest is what counts.
  version text not null,
  -- The revision that is to be in force again; null: it is about the draft.
  restored_from integer,
  -- Whether proofs that fail are approved with it.
  failed_proof boolean not null,
  -- The first revision after it, whether it came of it or not: from then on it is no use.
  followed_by integer,
  voided_at timestamptz,
  -- Null: whoever it was did not say.
  voided_by text,
  void_cause text,
  constraint draft_approvals_approver_length check (char_length(approver) between 1 and 100),
  constraint draft_approvals_comment_length check (char_length(comment) <= 1000),
  constraint draft_approvals_base_range check (base >= 0),
  constraint draft_approvals_version_length check (char_length(version) between 1 and 100),
  constraint draft_approvals_intent_digest_sha256 check (octet_length(intent_digest) = 32),
  constraint draft_approvals_restored_from_earlier check (restored_from between 1 and base),
  constraint draft_approvals_void_cause check (void_cause in ('draft_changed', 'approver_changed')),
  constraint draft_approvals_void check ((voided_at is null) = (void_cause is null))
);

create unique index draft_approvals_once on draft_approvals (tenant_id, approver, base, intent_digest, coalesce(restored_from, 0))
  where voided_at is null and followed_by is null;
create index draft_approvals_open on draft_approvals (tenant_id) where voided_at is null and followed_by is null;
create index draft_approvals_approver on draft_approvals (approver) where voided_at is null and followed_by is null;

-- The text of jsonb does not depend on how the JSON was written.
create function intent_digest(intent jsonb) returns bytea language sql immutable as $$
  select sha256(convert_to(intent::text, 'UTF8'))
$$;

-- Whoever asks may see a single tenant, and the user is of the oldest one.
create function is_break_glass(user_name text) returns boolean language plpgsql as $$
declare
  own_scope text := coalesce(current_setting('weft.scope', true), '');
  found boolean;
begin
  perform set_config('weft.scope', 'accounts', true);
  select exists (select from users where name = user_name and break_glass) into found;
  perform set_config('weft.scope', own_scope, true);
  return found;
end
$$;

create function check_draft_approval() returns trigger language plpgsql as $$
begin
  if new.restored_from is null and exists (
    select from draft_editors where tenant_id = new.tenant_id and name = new.approver
  ) then
    raise exception 'whoever has changed the draft does not approve it'
      using errcode = 'restrict_violation', constraint = 'draft_approvals_four_eyes';
  end if;
  -- It may be anybody who has the host, the author too.
  if is_break_glass(new.approver) then
    raise exception 'a break-glass session approves nothing'
      using errcode = 'restrict_violation', constraint = 'draft_approvals_no_break_glass';
  end if;
  return new;
end
$$;

create trigger draft_approvals_check before insert on draft_approvals
  for each row execute function check_draft_approval();

create function refuse_draft_approval_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and old.voided_at is null and old.followed_by is null
    and to_jsonb(old) - '{followed_by,voided_at,voided_by,void_cause}'::text[]
      = to_jsonb(new) - '{followed_by,voided_at,voided_by,void_cause}'::text[]
  then
    return new;
  end if;
  raise exception 'approvals only end' using errcode = 'restrict_violation', constraint = 'draft_approvals_immutable';
end
$$;

create trigger draft_approvals_immutable before update or delete on draft_approvals
  for each row execute function refuse_draft_approval_change();

alter table revisions
  -- What it was published by, which says who approved it and when.
  add column approval_id uuid,
  add column approved_by text,
  add column approved_at timestamptz,
  -- Why there is no approval although one is needed.
  add column approval_waived text,
  add constraint revisions_four_eyes check (approved_by <> author),
  add constraint revisions_approval_whole check (num_nonnulls(approval_id, approved_by, approved_at) in (0, 3)),
  add constraint revisions_approval_waived check (
    approval_waived is null or (approval_waived = 'break_glass' and approval_id is null)
  );

create function check_revision_approval() returns trigger language plpgsql as $$
declare
  approval draft_approvals;
  required boolean;
begin
  if new.approval_id is not null then
    select * into approval from draft_approvals a
    where a.id = new.approval_id and a.tenant_id = new.tenant_id and a.voided_at is null and a.followed_by is null
      and a.base = new.number - 1 and a.intent_digest = intent_digest(new.intent)
      and a.restored_from is not distinct from new.restored_from
      and (a.failed_proof or jsonb_array_length(new.findings) = 0)
      and (a.restored_from is not null or not exists (
        select from draft_editors e where e.tenant_id = a.tenant_id and e.name = a.approver));
    if approval.id is null then
      raise exception 'the approval is not one of this'
        using errcode = 'restrict_violation', constraint = 'revisions_approval';
    end if;
    new.approved_by := approval.approver;
    new.approved_at := approval.approved_at;
  elsif new.approval_waived is not null then
    if not is_break_glass(new.author) then
      raise exception 'only a break-glass session waives the approval'
        using errcode = 'restrict_violation', constraint = 'revisions_approval_waived_by';
    end if;
  else
    select approval_required into required from tenants where id = new.tenant_id;
    if required is distinct from false then
      raise exception 'nobody has approved this'
        using errcode = 'restrict_violation', constraint = 'revisions_approval_required';
    end if;
  end if;
  return new;
end
$$;

create trigger revisions_approval_check before insert on revisions
  for each row execute function check_revision_approval();

-- Notes who changes the draft (weft.actor; src/platform/database/database-scope.ts), and ends the approvals of what it was. At the end of
-- the transaction, in this order, so that nobody who waits for these rows holds one that others wait for: editors, approvals, journal.
create function record_draft_change() returns trigger language plpgsql as $$
declare
  tenant uuid;
  actor text := nullif(current_setting('weft.actor', true), '');
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
  return null;
end
$$;

-- What is in an intent (src/modules/revisions/intent.repository.ts).
create constraint trigger tenants_draft after update on tenants deferrable initially deferred for each row
  when ((old.keying_mode, old.encapsulation) is distinct from (new.keying_mode, new.encapsulation))
  execute function record_draft_change();
create constraint trigger sites_draft after insert or delete on sites deferrable initially deferred
  for each row execute function record_draft_change();
create constraint trigger sites_draft_update after update on sites deferrable initially deferred for each row
  when (old.name is distinct from new.name) execute function record_draft_change();
create constraint trigger networks_draft after insert or update or delete on networks deferrable initially deferred
  for each row execute function record_draft_change();
create constraint trigger edges_draft after insert or delete on edges deferrable initially deferred
  for each row execute function record_draft_change();
create constraint trigger edges_draft_update after update on edges deferrable initially deferred for each row
  when ((old.site_id, old.name, old.underlay_address, old.underlay_port, old.preference)
    is distinct from (new.site_id, new.name, new.underlay_address, new.underlay_port, new.preference))
  execute function record_draft_change();
create constraint trigger external_peers_draft after insert or update or delete on external_peers deferrable initially deferred
  for each row execute function record_draft_change();
create constraint trigger policies_draft after insert or delete on policies deferrable initially deferred
  for each row execute function record_draft_change();
create constraint trigger policies_draft_update after update on policies deferrable initially deferred for each row
  when ((old.name, old.enabled, old.position) is distinct from (new.name, new.enabled, new.position))
  execute function record_draft_change();
create constraint trigger policy_rules_draft after insert or update or delete on policy_rules deferrable initially deferred
  for each row execute function record_draft_change();
create constraint trigger rule_endpoints_draft after insert or update or delete on rule_endpoints deferrable initially deferred
  for each row execute function record_draft_change();
create constraint trigger rule_services_draft after insert or update or delete on rule_services deferrable initially deferred
  for each row execute function record_draft_change();
create constraint trigger policy_tests_draft after insert or update or delete on policy_tests deferrable initially deferred
  for each row execute function record_draft_change();

-- An approval is worth what its maker is now. Whoever changes a user may see a single tenant, and people of the provider approve in all.
create function end_approvals_of_user() returns trigger language plpgsql as $$
declare
  own_scope text := coalesce(current_setting('weft.scope', true), '');
begin
  perform set_config('weft.scope', 'installation', true);
  update draft_approvals set voided_at = clock_timestamp(), void_cause = 'approver_changed',
    voided_by = nullif(current_setting('weft.actor', true), '')
    where approver = old.name and voided_at is null and followed_by is null;
  perform set_config('weft.scope', own_scope, true);
  return null;
end
$$;

create constraint trigger users_end_approvals after delete on users deferrable initially deferred
  for each row execute function end_approvals_of_user();
create constraint trigger users_end_approvals_update after update on users deferrable initially deferred for each row
  when ((old.role, old.provider_role, old.tenant_id) is distinct from (new.role, new.provider_role, new.tenant_id))
  execute function end_approvals_of_user();

create function append_approval_event() returns trigger language plpgsql as $$
declare
  own_scope text := coalesce(current_setting('weft.scope', true), '');
  event fabric_events;
begin
  event.tenant_id := new.tenant_id;
  event.revision := new.restored_from;
  if tg_op = 'INSERT' then
    event.type := 'draft.approved';
    event.occurred_at := new.approved_at;
    event.actor := new.approver;
    event.cause := case when new.failed_proof then 'failed_proof' end;
    event.detail := nullif(new.comment, '');
  else
    event.type := 'draft.approval_voided';
    event.occurred_at := new.voided_at;
    event.actor := new.voided_by;
    event.cause := new.void_cause;
    event.detail := new.approver;
  end if;
  -- Whoever changed the approver may have done so in another tenant.
  perform set_config('weft.scope', 'installation', true);
  perform append_fabric_event(event);
  perform set_config('weft.scope', own_scope, true);
  return null;
end
$$;

create constraint trigger draft_approvals_append after insert on draft_approvals deferrable initially deferred
  for each row execute function append_approval_event();
create constraint trigger draft_approvals_append_void after update on draft_approvals deferrable initially deferred
  for each row when (old.voided_at is null and new.voided_at is not null) execute function append_approval_event();

create function append_approval_rule_event() returns trigger language plpgsql as $$
declare
  event fabric_events;
begin
  event.tenant_id := new.id;
  event.type := 'tenant.approval_rule_changed';
  event.occurred_at := now();
  event.actor := nullif(current_setting('weft.actor', true), '');
  event.cause := case when new.approval_required then 'required' else 'not_required' end;
  perform append_fabric_event(event);
  return null;
end
$$;

create constraint trigger tenants_append after update on tenants deferrable initially deferred
  for each row when (old.approval_required is distinct from new.approval_required) execute function append_approval_rule_event();

-- As in 0090_fabric_events.sql, and without an approval where one is needed comes before everything else.
create or replace function append_revision_event() returns trigger language plpgsql as $$
declare
  event fabric_events;
begin
  event.tenant_id := new.tenant_id;
  event.type := 'revision.published';
  event.occurred_at := new.published_at;
  event.revision := new.number;
  event.actor := new.author;
  event.cause := case
    when new.approval_waived is not null then 'approval_waived'
    when new.override_reason is not null then 'proof_overridden'
    when new.restored_from is not null then 'restored'
  end;
  event.detail := nullif(new.comment, '');
  perform append_fabric_event(event);
  return null;
end
$$;

select isolate_tenants();
