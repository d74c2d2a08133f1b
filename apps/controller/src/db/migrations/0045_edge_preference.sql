-- Which edge of a site carries its traffic as long as it answers: 1 comes first.
alter table edges
  add column preference integer not null default 1,
  add constraint edges_preference_range check (preference between 1 and 255);

update edges e set preference = ranked.preference
from (
  select id, row_number() over (partition by tenant_id, site_id order by created_at, id) as preference from edges
) ranked
where ranked.id = e.id and ranked.preference > 1;

-- Edges of a site that change places do so in one transaction.
alter table edges
  add constraint edges_preference_key unique (tenant_id, site_id, preference) deferrable initially immediate;
