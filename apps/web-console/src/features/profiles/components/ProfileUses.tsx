import { UnstyledButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { plural } from '../../../lib/format-quantity.js';
import type { ProfileUse } from '../uses.js';

/** The rules that have a profile, each with whom it lets talk: the first ones, and on demand all. */
export function ProfileUses({ uses }: { readonly uses: readonly ProfileUse[] }): ReactNode {
  const [all, setAll] = useState(false);
  if (uses.length === 0) return <span className="w-dim">no rule</span>;
  const hidden = all ? 0 : uses.length - SHOWN;
  return (
    <ul className="w-profile-uses">
      {(hidden > 0 ? uses.slice(0, SHOWN) : uses).map(({ ruleId, policyId, rule, pairs }) => (
        <li key={ruleId}>
          <Link to="/policies" hash={policyId} className="w-link">
            {rule}
          </Link>{' '}
          <span className="w-dim">{pairs}</span>
        </li>
      ))}
      {hidden > 0 && (
        <li>
          <UnstyledButton className="w-link" onClick={() => setAll(true)}>
            and {plural(hidden, 'other rule')}
          </UnstyledButton>
        </li>
      )}
    </ul>
  );
}

const SHOWN = 3;
