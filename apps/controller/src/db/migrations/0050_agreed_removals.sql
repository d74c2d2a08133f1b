-- Edges that lose tunnels or policy entries by a revision, when its author has agreed to that. No reference to edges: the
-- history outlives them.
alter table revisions add column agreed_removals uuid[] not null default '{}';

create index revisions_agreed_removals on revisions (tenant_id, number) where agreed_removals <> '{}';
