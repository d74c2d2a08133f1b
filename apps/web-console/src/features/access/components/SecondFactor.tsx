import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { Totp } from '../../../api/index.js';
import { plural } from '../../../lib/format-quantity.js';
import { RelativeTime } from '../../../ui/RelativeTime.js';
import { ToneIcon } from '../../../ui/StateMark.js';
import { EnrollTotpDialog } from '../dialogs/EnrollTotpDialog.js';
import { RemoveTotpDialog } from '../dialogs/RemoveTotpDialog.js';
import { totpQuery } from '../queries.js';
import { AccessSection } from './AccessSection.js';

/** Whether a stolen password is enough to log in as the reader. */
export function SecondFactor(): ReactNode {
  const { data, error } = useQuery(totpQuery);
  // What was opened stays open: the recovery codes are shown when there is a second factor already.
  const [open, setOpen] = useState<'enroll' | 'remove'>();
  const close = (): void => setOpen(undefined);
  const present = data !== undefined && data.confirmedAt !== null;
  return (
    <AccessSection
      title="Second factor"
      lead="With one, logging in takes a code of your authenticator, too: a stolen password alone lets nobody in."
      action={
        data !== undefined && (
          <Button variant="default" onClick={() => setOpen(present ? 'remove' : 'enroll')}>
            {present ? 'Remove second factor' : 'Set up second factor'}
          </Button>
        )
      }
      failure={error}
      loaded={data !== undefined}
    >
      {data !== undefined && <Standing totp={data} />}
      {open === 'enroll' && <EnrollTotpDialog onClose={close} />}
      {open === 'remove' && <RemoveTotpDialog onClose={close} />}
    </AccessSection>
  );
}

function Standing({ totp: { confirmedAt, recoveryCodesLeft } }: { readonly totp: Totp }): ReactNode {
  if (confirmedAt === null) {
    return (
      <p className="w-none" data-second-factor="absent">
        You have none.
      </p>
    );
  }
  return (
    <p className="w-none" data-second-factor="present">
      <span className="w-state">
        <ToneIcon tone="up" />
        <span>
          Set up <RelativeTime at={confirmedAt} />, {plural(recoveryCodesLeft, 'recovery code')} left
        </span>
      </span>
    </p>
  );
}
