import { Alert } from '@mantine/core';
import type { ReactNode } from 'react';
import type { BundleRejection } from '../../../api/index.js';
import { WarningIcon } from '../../../ui/icons.js';

/** Why an edge refused its bundle, in its own words. */
export function RejectionNotice({
  rejection,
  past,
}: {
  readonly rejection: BundleRejection;
  readonly past: boolean;
}): ReactNode {
  return (
    <Alert
      color={past ? 'gray' : 'orange'}
      variant="light"
      icon={<WarningIcon size={18} />}
      title={past ? 'It refused a bundle before' : 'It refused its bundle and runs the one before'}
    >
      <div>{rejection.reason}</div>
      <div className="w-dim w-small">
        Rule <code>{rejection.rule}</code> at <code>{rejection.path}</code>
      </div>
    </Alert>
  );
}
