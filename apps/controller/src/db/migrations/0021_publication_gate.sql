-- What failed when a revision was proven, and why it was published all the same.
alter table revisions
  add column findings jsonb not null default '[]',
  add column override_reason text,
  -- The revision whose intent this one has again.
  add column restored_from integer,
  add constraint revisions_findings_list check (jsonb_typeof(findings) = 'array'),
  add constraint revisions_override_reason_length check (char_length(override_reason) between 10 and 1000),
  -- The gate: nothing that failed its proof is published without a reason.
  add constraint revisions_gate check ((jsonb_array_length(findings) > 0) = (override_reason is not null)),
  add constraint revisions_restored_from_earlier check (restored_from between 1 and number - 1);
