import { Kbd, TextInput } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { type ReactNode, useRef } from 'react';
import { SearchIcon } from './icons.js';

interface FilterInputProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder: string;
}

/** A filter that `/` focuses and Escape clears. */
export function FilterInput({ value, onChange, placeholder }: FilterInputProps): ReactNode {
  const input = useRef<HTMLInputElement>(null);
  useHotkeys([['/', () => input.current?.focus()]]);
  return (
    <TextInput
      ref={input}
      size="xs"
      w={260}
      value={value}
      placeholder={placeholder}
      aria-label={placeholder}
      leftSection={<SearchIcon size={14} />}
      rightSection={value === '' ? <Kbd size="xs">/</Kbd> : null}
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        onChange('');
        event.currentTarget.blur();
      }}
    />
  );
}
