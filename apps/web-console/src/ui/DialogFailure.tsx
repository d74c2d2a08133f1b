import type { ReactNode } from 'react';
import { failureOf } from '../api/index.js';
import { FailureNotice } from './FailureNotice.js';
import type { ProblemForm } from './use-problem-form.js';

/** The failure of a form in a dialog that fits no field, and what to do when somebody else was faster. */
export function DialogFailure({ failure }: { readonly failure: ProblemForm<object>['failure'] }): ReactNode {
  if (failure === undefined) return null;
  const stale = failureOf(failure.error).status === 412;
  return (
    <>
      <FailureNotice {...failure} />
      {stale && <div className="w-small">Close this dialog to see the newer version, then make the change again.</div>}
    </>
  );
}
