import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { EmptyNotice } from '../ui/EmptyNotice.js';
import { SearchIcon } from '../ui/icons.js';

export function NotFoundPage(): ReactNode {
  return (
    <EmptyNotice
      icon={<SearchIcon size={28} />}
      title="There is no such page"
      action={
        <Button component={Link} to="/">
          Go to the topology
        </Button>
      }
    >
      The address may be mistyped, or what it showed has been deleted.
    </EmptyNotice>
  );
}
