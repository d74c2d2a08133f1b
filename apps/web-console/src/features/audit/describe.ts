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

/** What a filter looks at. */
export function textsOf(entry: AuditEntry): readonly string[] {
  return [String(entry.sequence), entry.actor, entry.action, actionLabel(entry.action), detailsText(entry.details)];
}
