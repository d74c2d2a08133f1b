import { Group, Radio } from '@mantine/core';
import type { ReactNode } from 'react';
import { LinkButton } from '../../../ui/LinkButton.js';
import type { PeerValues } from '../peer-form.js';

interface KindInputProps {
  readonly kind: PeerValues['kind'];
  /** There is a pool that a host could have an address of. */
  readonly hasPools: boolean;
  readonly onChange: (kind: PeerValues['kind']) => void;
}

/** What a peer is: at an address, or from anywhere. */
export function KindInput({ kind, hasPools, onChange }: KindInputProps): ReactNode {
  return (
    <>
      <Radio.Group label="It is a" value={kind} onChange={(value) => onChange(value as PeerValues['kind'])}>
        <Group gap="lg" mt={6} align="flex-start">
          <Radio value="gateway" label="Gateway" description="At an address, with networks behind it." />
          <Radio
            value="remote_host"
            label="Remote host"
            description="From anywhere, with addresses that it is assigned."
            disabled={!hasPools}
          />
        </Group>
      </Radio.Group>
      {!hasPools && (
        <div className="w-dim w-small">
          A remote host is assigned an address of an address pool, and there is none yet.{' '}
          <LinkButton to="/address-pools" variant="light" size="compact-xs">
            Go to address pools
          </LinkButton>
        </div>
      )}
    </>
  );
}
