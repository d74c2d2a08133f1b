import { Alert } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { WarningIcon } from '../../../ui/icons.js';
import { useTenantId } from '../../session/use-tenant.js';
import { trustQuery } from '../queries.js';
import { endingOf, endText } from '../wording.js';

/** That an authority is about to end, where it is seen before it hurts; absent while all are good. */
export function TrustNotice(): ReactNode {
  const ending = endingOf(useQuery(trustQuery(useTenantId())).data?.items ?? []);
  if (ending.length === 0) return null;
  const expired = ending.some(({ condition }) => condition === 'expired');
  return (
    <Alert
      className="w-trust-notice"
      color={expired ? 'red' : 'yellow'}
      variant="light"
      role="status"
      icon={<WarningIcon size={18} />}
      title={expired ? 'What edges trust has expired' : 'What edges trust is about to end'}
    >
      {ending.map(endText).join(' ')} <Link to="/trust">See what to do</Link>
    </Alert>
  );
}
