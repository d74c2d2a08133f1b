import { Alert, Button, Divider } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { WarningIcon } from '../../ui/icons.js';
import { describeRefusal, type OidcRefusal } from './oidc-refusals.js';
import { loginMethodsQuery } from './queries.js';

interface OidcLoginProps {
  /** Where the reader wanted to go. */
  readonly next: string | undefined;
  /** Why the last attempt has failed. */
  readonly refused: OidcRefusal | undefined;
}

/** The way to the OpenID provider, where there is one. */
export function OidcLogin({ next, refused }: OidcLoginProps): ReactNode {
  const provider = useQuery(loginMethodsQuery).data?.oidc;
  if (!provider) return null;
  const query = next === undefined ? '' : `?${new URLSearchParams({ next })}`;
  return (
    <>
      {refused !== undefined && <RefusalNotice refused={refused} provider={provider.displayName} />}
      <Button component="a" href={`/api/v1/session/oidc${query}`} variant="default" fullWidth>
        Sign in with {provider.displayName}
      </Button>
      <Divider label="or with a password" my={4} />
    </>
  );
}

function RefusalNotice({ refused, provider }: { readonly refused: OidcRefusal; readonly provider: string }): ReactNode {
  const { title, advice } = describeRefusal(refused, provider);
  return (
    <Alert color="red" variant="light" icon={<WarningIcon size={18} />} title={title}>
      {advice}
    </Alert>
  );
}
