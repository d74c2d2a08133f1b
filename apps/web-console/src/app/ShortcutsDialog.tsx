import { Kbd, Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { DESTINATIONS, KEYS } from './shortcuts.js';

/** Every key that the console knows. */
export function ShortcutsDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  return (
    <Modal opened onClose={onClose} title="Keyboard" size="sm">
      <dl className="w-shortcuts">
        {DESTINATIONS.map(({ key, label }) => (
          <Shortcut key={key} keys={['g', key]} label={label} />
        ))}
        {KEYS.map(({ keys, label }) => (
          <Shortcut key={label} keys={keys} label={label} />
        ))}
      </dl>
    </Modal>
  );
}

function Shortcut({ keys, label }: { readonly keys: readonly string[]; readonly label: string }): ReactNode {
  return (
    <>
      <dt>{label}</dt>
      <dd>
        {keys.map((key) => (
          <Kbd key={key} size="xs">
            {key}
          </Kbd>
        ))}
      </dd>
    </>
  );
}
