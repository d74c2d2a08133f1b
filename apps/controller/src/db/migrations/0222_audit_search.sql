-- Entries are found by who, what, when, and what it was done to. Conditions on a row with policies use an index for plain comparisons
-- only (others are not leakproof), so that what an entry is about has a table of its own beside the details.
create index audit_entries_actor on audit_entries (tenant_id, actor, sequence);
create index audit_entries_action on audit_entries (tenant_id, action, sequence);
create index audit_entries_at on audit_entries (tenant_id, at);

create table audit_objects (
  tenant_id uuid not null,
  object text not null,
  sequence integer not null,
  constraint audit_objects_pkey primary key (tenant_id, object, sequence),
  constraint audit_objects_entry foreign key (tenant_id, sequence) references audit_entries (tenant_id, sequence),
  constraint audit_objects_object_length check (char_length(object) between 1 and 200)
);

-- Identifiers and names in the details, the number of a revision, and the API token that did it.
create function objects_of_audit_details(details jsonb) returns setof text language sql immutable as $$
  select distinct left(object, 200) from jsonb_each(details) field (key, value)
  cross join lateral jsonb_array_elements_text(case jsonb_typeof(value)
    when 'array' then value
    when 'object' then jsonb_path_query_array(value, '$.*')
    else jsonb_build_array(value) end) object
  where key ~ '(Id|Ids|Name)$|^(revision|restoredFrom|apiToken)$' and object <> ''
$$;

create function index_audit_entry() returns trigger language plpgsql as $$
begin
  insert into audit_objects (tenant_id, object, sequence)
    select new.tenant_id, object, new.sequence from objects_of_audit_details(new.details) object;
  return null;
end
$$;

insert into audit_objects (tenant_id, object, sequence)
  select tenant_id, object, sequence from audit_entries cross join lateral objects_of_audit_details(details) object;

create trigger audit_entries_objects after insert on audit_entries for each row execute function index_audit_entry();
create trigger audit_objects_append_only before update or delete or truncate on audit_objects
  for each statement execute function refuse_audit_change();

select isolate_tenants();
