-- Whoever has approved something may take that back, as long as nothing has come of it. Nobody else takes it back for them: they change the
-- draft.
alter table draft_approvals
  drop constraint draft_approvals_void_cause,
  add constraint draft_approvals_void_cause check (void_cause in ('draft_changed', 'approver_changed', 'withdrawn')),
  add constraint draft_approvals_withdrawn_by check (void_cause <> 'withdrawn' or voided_by is not distinct from approver);
