import { NativeSelect, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import { TUNNEL_STARTS, type TunnelStartValues } from '../tunnel-start.js';

interface TunnelStartInputProps {
  readonly value: TunnelStartValues;
  /** What is chosen where nothing is, in words; undefined: something is chosen always. */
  readonly inherited?: string;
  readonly error?: ReactNode;
  readonly locked?: boolean;
  readonly onChange: (value: TunnelStartValues) => void;
}

/** When tunnels start, and when those end that nothing passes on. */
export function TunnelStartInput({ value, inherited, error, locked, onChange }: TunnelStartInputProps): ReactNode {
  const choice = TUNNEL_STARTS.find((each) => each.value === value.kind);
  const own = TUNNEL_STARTS.map((each) => ({ value: each.value as TunnelStartValues['kind'], label: each.label }));
  const choices = inherited === undefined ? own : [{ value: 'tenant' as const, label: inherited }, ...own];
  return (
    <div className="w-tunnel-start">
      <NativeSelect
        label="Tunnels start"
        description={choice?.meaning}
        data={choices}
        disabled={locked === true}
        value={value.kind}
        error={value.kind === 'trap' ? undefined : error}
        onChange={(event) => {
          const chosen = choices.find((each) => each.value === event.currentTarget.value);
          if (chosen !== undefined) onChange({ ...value, kind: chosen.value });
        }}
      />
      {value.kind === 'trap' && (
        <TextInput
          mt="xs"
          label="Idle seconds"
          description="Without a packet for so long a tunnel ends until there is one again. Empty: it stays."
          placeholder="never"
          inputMode="numeric"
          disabled={locked === true}
          value={value.idleSeconds}
          error={error}
          onChange={(event) => onChange({ ...value, idleSeconds: event.currentTarget.value })}
        />
      )}
    </div>
  );
}
