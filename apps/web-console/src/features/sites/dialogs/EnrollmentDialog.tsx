import { Button, Group, Modal, Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { Edge } from '../../../api/index.js';
import { formatCountdown } from '../../../lib/format-time.js';
import { CopyLine } from '../../../ui/CopyLine.js';
import { FailureNotice } from '../../../ui/FailureNotice.js';
import { ToneIcon } from '../../../ui/StateMark.js';
import { useNow } from '../../../ui/use-now.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { type EnrollmentBaseline, enrollmentStep } from '../enrollment.js';
import { createEnrollmentToken, edgesQuery } from '../queries.js';

const RUN_COMMAND = 'weft-edge run';

interface EnrollmentDialogProps {
  readonly edgeId: string;
  readonly edgeName: string;
  readonly onClose: () => void;
}

/** Gives the line to paste on the machine, says how long it is good for, and follows the edge until it is connected. */
export function EnrollmentDialog({ edgeId, edgeName, onClose }: EnrollmentDialogProps): ReactNode {
  const tenantId = useTenantId();
  const edge = useQuery(edgesQuery(tenantId)).data?.items.find(({ id }) => id === edgeId);
  const [baseline, setBaseline] = useState<EnrollmentBaseline | null>(null);
  const make = useWrite(() => createEnrollmentToken(tenantId, edgeId));
  const asked = useRef(false);
  useEffect(() => {
    if (asked.current || edge === undefined) return;
    asked.current = true;
    setBaseline({ enrolledAt: edge.live.enrolledAt, connectedSince: edge.live.connectedSince });
    make.mutate();
  }, [edge, make.mutate]);
  const step = edge === undefined || baseline === null ? 'waiting' : enrollmentStep(edge, baseline);
  return (
    <Modal opened onClose={onClose} title={`Enroll ${edgeName}`} size="lg">
      <Stack gap="md">
        {make.isError && <FailureNotice error={make.error} />}
        {make.data === undefined && !make.isError && <Skeleton height={160} />}
        {make.data !== undefined && (
          <ol className="w-steps">
            <Step done={step !== 'waiting'} title="On the edge’s machine, as root, make its identity">
              <CopyLine text={make.data.command} label="Copy the enrollment line" />
              <Expiry
                expiresAt={make.data.expiresAt}
                used={step !== 'waiting'}
                onRenew={() => make.mutate()}
                busy={make.isPending}
              />
            </Step>
            <Step done={step === 'connected'} title="Start the agent">
              <CopyLine text={RUN_COMMAND} label="Copy the start line" />
            </Step>
            <Step done={step === 'connected'} title={<Progress step={step} edge={edge} />} />
          </ol>
        )}
        <Group justify="flex-end">
          <Button variant={step === 'connected' ? 'filled' : 'default'} onClick={onClose}>
            {step === 'connected' ? 'Done' : 'Close'}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

interface StepProps {
  readonly done: boolean;
  readonly title: ReactNode;
  readonly children?: ReactNode;
}

function Step({ done, title, children }: StepProps): ReactNode {
  return (
    <li data-done={done}>
      <div className="w-step-title">{title}</div>
      {children}
    </li>
  );
}

interface ExpiryProps {
  readonly expiresAt: string;
  readonly used: boolean;
  readonly busy: boolean;
  readonly onRenew: () => void;
}

function Expiry({ expiresAt, used, busy, onRenew }: ExpiryProps): ReactNode {
  const left = Date.parse(expiresAt) - useNow();
  if (used) return <div className="w-dim w-small">The token is used up.</div>;
  if (left > 0) {
    return (
      <div className="w-dim w-small">
        Good once, for another <span className="w-numeric">{formatCountdown(left)}</span>. The token is not shown again.
      </div>
    );
  }
  return (
    <Group gap="xs">
      <span className="w-small">The token has expired.</span>
      <Button size="compact-xs" variant="light" loading={busy} onClick={onRenew}>
        Make a new one
      </Button>
    </Group>
  );
}

function Progress({ step, edge }: { readonly step: string; readonly edge: Edge | undefined }): ReactNode {
  if (step === 'connected') {
    return (
      <span className="w-state" role="status">
        <ToneIcon tone="up" /> <b>{edge?.name} is connected</b>
        {edge?.live.agentVersion != null && <span className="w-dim">agent {edge.live.agentVersion}</span>}
      </span>
    );
  }
  return (
    <span className="w-state" role="status">
      <ToneIcon tone="busy" />
      {step === 'enrolled' ? 'Enrolled. Waiting for it to connect…' : 'Waiting for the edge…'}
    </span>
  );
}
