import { Group, NativeSelect, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import type { ReactNode } from 'react';
import type { AddressPool, ExternalPeer } from '../../../api/index.js';
import { compareNames } from '../../../lib/compare.js';
import { ipVersionOf } from '../../address-pools/addresses.js';
import type { PeerValues } from '../peer-form.js';

interface AssignedInputProps {
  readonly form: UseFormReturnType<PeerValues>;
  /** Of the tenant: those of the site of the host are offered. */
  readonly pools: readonly AddressPool[];
  /** What the host has already, which it keeps where no other is asked for. */
  readonly held: NonNullable<ExternalPeer['assigned']>;
}

/** The addresses that a remote host has inside the tunnel: one of a pool of its site for each IP version. */
export function AssignedInput(props: AssignedInputProps): ReactNode {
  return (
    <>
      <VersionInput {...props} version={4} />
      <VersionInput {...props} version={6} />
    </>
  );
}

function VersionInput({ form, pools, held, version }: AssignedInputProps & { readonly version: 4 | 6 }): ReactNode {
  const { siteId, [`pool${version}` as const]: chosen } = form.getValues();
  const choices = pools
    .filter((pool) => pool.siteId === siteId && ipVersionOf(pool.prefix) === version)
    .sort((a, b) => compareNames(a.name, b.name));
  const isHeld = held.some(({ addressPoolId }) => addressPoolId === chosen);
  const none = choices.length === 0 ? `no IPv${version} pool at this site` : 'none';
  return (
    <Group gap="sm" align="flex-start" grow>
      <NativeSelect
        label={`IPv${version} pool`}
        inputWrapperOrder={ORDER}
        disabled={choices.length === 0}
        data={[
          { value: '', label: none },
          ...choices.map(({ id, name, prefix }) => ({ value: id, label: `${name} ${prefix}` })),
        ]}
        {...form.getInputProps(`pool${version}`)}
        onChange={(event) => {
          // An address of another pool is none of this one.
          form.setValues({ [`pool${version}`]: event.currentTarget.value, [`address${version}`]: '' });
          form.clearFieldError(`pool${version}`);
          form.clearFieldError(`address${version}`);
        }}
      />
      <TextInput
        label={`IPv${version} address`}
        description={isHeld ? 'Empty: the one that it has.' : 'Empty: the lowest that is free.'}
        inputWrapperOrder={ORDER}
        disabled={chosen === ''}
        {...form.getInputProps(`address${version}`)}
      />
    </Group>
  );
}

/** Fields of one row stand at one height, whatever is written below them. */
const ORDER: ('label' | 'input' | 'description' | 'error')[] = ['label', 'input', 'description', 'error'];
