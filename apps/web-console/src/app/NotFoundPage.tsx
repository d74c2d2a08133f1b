import type { ReactNode } from 'react';
import { EmptyNotice } from '../ui/EmptyNotice.js';
import { SearchIcon } from '../ui/icons.js';
import { LinkButton } from '../ui/LinkButton.js';

export function NotFoundPage(): ReactNode {
  return (
    <EmptyNotice
      icon={<SearchIcon size={28} />}
      title="There is no such page"
      action={<LinkButton to="/">Go to the topology</LinkButton>}
    >
      The address may be mistyped, or what it showed has been deleted.
    </EmptyNotice>
  );
}
