import { ActionIcon, CopyButton, Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';
import { CheckIcon, CopyIcon } from './icons.js';

/** A line to paste elsewhere, with a button that copies it. */
export function CopyLine({ text, label }: { readonly text: string; readonly label: string }): ReactNode {
  return (
    <div className="w-copy-line">
      <code>{text}</code>
      <CopyValue text={text} label={label} />
    </div>
  );
}

/** The button alone. */
export function CopyValue({ text, label }: { readonly text: string; readonly label: string }): ReactNode {
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? 'Copied' : label}>
          <ActionIcon variant="subtle" color={copied ? 'green' : 'gray'} onClick={copy} aria-label={label}>
            {copied ? <CheckIcon size={16} /> : <CopyIcon size={16} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}
