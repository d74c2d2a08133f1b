import type { AuditEntry } from '../../api/index.js';

/** An action as people read it: `revision_published` is `Revision published`. */
export function actionLabel(action: AuditEntry['action']): string {
  const words = action.replaceAll('_', ' ').replace(/\b(?:oidc|api|totp)\b/, (name) => name.toUpperCase());
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}

/** What was done, in the names of the API: `revision 7, findings 1`. */
export function detailsText(details: AuditEntry['details']): string {
  return Object.entries(details)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}

const EACH_ACTION: Readonly<Record<AuditEntry['action'], true>> = {
  revision_published: true,
  proof_overridden: true,
  removals_agreed: true,
  revision_restored: true,
  draft_approved: true,
  approval_withdrawn: true,
  approval_waived: true,
  approval_rule_changed: true,
  edge_revoked: true,
  configuration_imported: true,
  user_created: true,
  user_changed: true,
  user_removed: true,
  member_invited: true,
  invitation_withdrawn: true,
  invitation_accepted: true,
  invitation_declined: true,
  member_joined: true,
  member_role_changed: true,
  member_removed: true,
  tenant_entered: true,
  password_changed: true,
  api_token_created: true,
  api_token_revoked: true,
  totp_enrolled: true,
  totp_removed: true,
  totp_reset: true,
  recovery_code_used: true,
  second_factor_refused: true,
  backup_restored: true,
  break_glass_used: true,
  oidc_login: true,
  oidc_login_refused: true,
  webhook_created: true,
  webhook_changed: true,
  webhook_secret_renewed: true,
  webhook_removed: true,
};

/** Every action that there is. */
export const ACTIONS = Object.keys(EACH_ACTION) as AuditEntry['action'][];
