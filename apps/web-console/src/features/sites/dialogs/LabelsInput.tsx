import { TextInput } from '@mantine/core';
import type { ReactNode } from 'react';

/** Labels of a site or network, as one line of text. */
export function LabelsInput(props: { readonly placeholder: string }): ReactNode {
  return (
    <TextInput
      label="Labels"
      description="Names with a value each, by which groups find it. Commas between."
      {...props}
    />
  );
}
