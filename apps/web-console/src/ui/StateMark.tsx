import type { ReactNode } from 'react';
import { BusyIcon, DownIcon, IdleIcon, UpIcon, WarningIcon } from './icons.js';

/** How things stand. Each tone has a colour and a shape of its own, so that colour never carries the meaning alone. */
export type Tone = 'up' | 'busy' | 'warning' | 'down' | 'idle';

const ICONS = { up: UpIcon, busy: BusyIcon, warning: WarningIcon, down: DownIcon, idle: IdleIcon } as const;

/** The shape of a tone. */
export function ToneIcon({ tone, size = 16 }: { readonly tone: Tone; readonly size?: number }): ReactNode {
  const Icon = ICONS[tone];
  return <Icon size={size} className={`w-tone w-tone-${tone}`} aria-hidden />;
}

/** A state in words, with its shape and colour. */
export function StateMark({ tone, label }: { readonly tone: Tone; readonly label: string }): ReactNode {
  return (
    <span className="w-state">
      <ToneIcon tone={tone} />
      <span>{label}</span>
    </span>
  );
}
