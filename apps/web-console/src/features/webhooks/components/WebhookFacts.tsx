import type { ReactNode } from 'react';
import type { Webhook } from '../../../api/index.js';
import { Fact, Facts } from '../../../ui/Facts.js';
import { RelativeTime } from '../../../ui/RelativeTime.js';
import { typeLabel } from '../wording.js';

/** Where events go, which, and what they are signed with. */
export function WebhookFacts({ webhook }: { readonly webhook: Webhook }): ReactNode {
  const { url, types, previousSecretUntil, createdAt, updatedAt } = webhook;
  return (
    <Facts>
      <Fact name="Delivers to">
        <code>{url}</code>
      </Fact>
      <Fact name="Events">
        {types.length === 0 ? (
          'all'
        ) : (
          <div className="w-chips">
            {types.map((type) => (
              <span key={type} className="w-chip" title={type}>
                {typeLabel(type)}
              </span>
            ))}
          </div>
        )}
      </Fact>
      <Fact name="Signed with">
        {previousSecretUntil === null ? (
          'its secret'
        ) : (
          <>
            both secrets; the one before ends <RelativeTime at={previousSecretUntil} />
          </>
        )}
      </Fact>
      <Fact name="Made">
        <RelativeTime at={createdAt} />
      </Fact>
      <Fact name="Changed">
        <RelativeTime at={updatedAt} />
      </Fact>
    </Facts>
  );
}
