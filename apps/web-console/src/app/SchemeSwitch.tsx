import { ActionIcon, type MantineColorScheme, Tooltip, useMantineColorScheme } from '@mantine/core';
import type { ReactNode } from 'react';
import { MoonIcon, SunIcon, SystemSchemeIcon } from '../ui/icons.js';

const NEXT = { light: 'dark', dark: 'auto', auto: 'light' } as const satisfies Record<
  MantineColorScheme,
  MantineColorScheme
>;
const ICONS = { light: SunIcon, dark: MoonIcon, auto: SystemSchemeIcon } as const;
const NAMES = { light: 'light', dark: 'dark', auto: 'as the system' } as const;

/** Light, dark, or as the system has it. */
export function SchemeSwitch(): ReactNode {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const Icon = ICONS[colorScheme];
  const label = `Colours: ${NAMES[colorScheme]}. Switch to ${NAMES[NEXT[colorScheme]]}`;
  return (
    <Tooltip label={label}>
      <ActionIcon aria-label={label} onClick={() => setColorScheme(NEXT[colorScheme])}>
        <Icon size={17} />
      </ActionIcon>
    </Tooltip>
  );
}
