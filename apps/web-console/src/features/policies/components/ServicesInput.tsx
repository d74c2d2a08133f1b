import { ActionIcon, Button, Input, NativeSelect, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Service } from '../../../api/index.js';
import { DeleteIcon, PlusIcon } from '../../../ui/icons.js';
import { hasPorts } from '../describe.js';
import { nextKey } from '../next-key.js';
import type { ServiceValues } from '../rule-form.js';

const PROTOCOLS: { value: Service['protocol']; label: string }[] = [
  { value: 'any', label: 'Any protocol' },
  { value: 'tcp', label: 'TCP' },
  { value: 'udp', label: 'UDP' },
  { value: 'icmp', label: 'ICMP' },
  { value: 'icmpv6', label: 'ICMPv6' },
];

interface ServicesInputProps {
  readonly label?: string;
  /** What the button for one more line says. */
  readonly add?: string;
  readonly value: readonly ServiceValues[];
  readonly error: ReactNode;
  /** The error at the ports of a line. */
  readonly portsError: (index: number) => ReactNode;
  /** There may be no line. */
  readonly optional?: boolean;
  readonly onChange: (value: ServiceValues[]) => void;
}

/** The services of a rule, a line each: protocol, and destination ports where it has any. */
export function ServicesInput({
  label = 'Services',
  add = 'Add service',
  value,
  error,
  portsError,
  optional = false,
  onChange,
}: ServicesInputProps): ReactNode {
  const change = (index: number, change: Partial<ServiceValues>): void =>
    onChange(value.map((service, each) => (each === index ? { ...service, ...change } : service)));
  return (
    <Input.Wrapper label={label} error={error}>
      <div className="w-services">
        {value.map((service, index) => (
          <div key={service.key} className="w-service">
            <NativeSelect
              aria-label={`Protocol of service ${index + 1}`}
              data={PROTOCOLS}
              value={service.protocol}
              onChange={(event) => change(index, { protocol: event.currentTarget.value as Service['protocol'] })}
            />
            {hasPorts(service.protocol) ? (
              <TextInput
                flex={1}
                aria-label={`Ports of service ${index + 1}`}
                placeholder="All destination ports, or 80, 443, 8000-8100"
                value={service.ports}
                error={portsError(index)}
                onChange={(event) => change(index, { ports: event.currentTarget.value })}
              />
            ) : (
              <span className="w-grow" />
            )}
            <ActionIcon
              size="lg"
              aria-label={`Remove service ${index + 1}`}
              disabled={value.length === 1 && !optional}
              onClick={() => onChange(value.filter((_, each) => each !== index))}
            >
              <DeleteIcon size={15} />
            </ActionIcon>
          </div>
        ))}
        <Button
          size="compact-sm"
          variant="subtle"
          leftSection={<PlusIcon size={13} />}
          onClick={() => onChange([...value, { key: nextKey(), protocol: 'tcp', ports: '' }])}
        >
          {add}
        </Button>
      </div>
    </Input.Wrapper>
  );
}
