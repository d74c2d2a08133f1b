import type { ReactNode } from 'react';
import { formatDuration } from '../lib/format-time.js';
import { WarningIcon } from '../ui/icons.js';
import { useNow } from '../ui/use-now.js';
import { useContact } from './use-contact.js';

/** Says that what is on screen is old, why, and how old; absent while the controller answers. */
export function ContactBar(): ReactNode {
  const contact = useContact();
  const now = useNow();
  if (contact.state !== 'unreachable' && contact.state !== 'degraded') return null;
  const age = contact.lastAnswerAt === null ? null : formatDuration(now - contact.lastAnswerAt);
  return (
    <div className="w-contact-bar" role="status">
      <WarningIcon size={16} aria-hidden />
      <b>
        {contact.state === 'degraded' ? 'The controller cannot reach its database.' : 'The controller does not answer.'}
      </b>
      <span>
        {age === null ? 'Nothing has been read yet.' : `Showing data from ${age} ago.`} Tunnels keep running; trying
        again every second.
      </span>
    </div>
  );
}
