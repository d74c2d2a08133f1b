import { Group, NumberInput, Textarea, TextInput } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import type { ReactNode } from 'react';
import type { PeerValues } from '../peer-form.js';

type PeerForm = UseFormReturnType<PeerValues>;

/** Where a gateway is. */
export function GatewayPlaceInput({ form }: { readonly form: PeerForm }): ReactNode {
  return (
    <Group gap="sm" align="flex-start" wrap="nowrap">
      <TextInput
        flex={1}
        label="Address"
        placeholder="203.0.113.99"
        description="Where the gateway is on the underlay."
        {...form.getInputProps('address')}
      />
      <NumberInput
        w={120}
        label="UDP port"
        description="IKE and ESP."
        hideControls
        allowDecimal={false}
        allowNegative={false}
        {...form.getInputProps('port')}
      />
    </Group>
  );
}

/** What is behind a gateway. */
export function GatewayNetworksInput({ form }: { readonly form: PeerForm }): ReactNode {
  return (
    <Textarea
      label="Networks behind the gateway"
      description="One prefix on each line."
      placeholder="10.8.0.0/24"
      autosize
      minRows={2}
      maxRows={8}
      {...form.getInputProps('prefixes')}
    />
  );
}
