-- What a tenant wanted at one moment. Edges are compiled from here, never from the tables that people edit.
create table revisions (
  tenant_id uuid not null references tenants (id),
  number integer not null,
  -- Name of the user, not a reference: the history outlives its authors.
  author text not null,
  comment text not null default '',
  intent jsonb not null,
  published_at timestamptz not null default now(),
  constraint revisions_pkey primary key (tenant_id, number),
  constraint revisions_number_range check (number >= 1),
  constraint revisions_author_length check (char_length(author) between 1 and 100),
  constraint revisions_comment_length check (char_length(comment) <= 1000),
  constraint revisions_intent_tenant check (intent ->> 'tenantId' = tenant_id::text)
);

create function refuse_revision_change() returns trigger language plpgsql as $$
begin
  raise exception 'revisions are immutable' using errcode = 'restrict_violation', constraint = 'revisions_immutable';
end
$$;

create trigger revisions_immutable before update or delete or truncate on revisions
  for each statement execute function refuse_revision_change();
