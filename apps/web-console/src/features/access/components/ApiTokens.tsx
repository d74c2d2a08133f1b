import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { ApiToken, Session } from '../../../api/index.js';
import { ConfirmDialog } from '../../../ui/ConfirmDialog.js';
import { PlusIcon } from '../../../ui/icons.js';
import { RelativeTime } from '../../../ui/RelativeTime.js';
import { ToneIcon } from '../../../ui/StateMark.js';
import { useNow } from '../../../ui/use-now.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { ApiTokenDialog } from '../dialogs/ApiTokenDialog.js';
import { apiTokensQuery, revokeApiToken } from '../queries.js';
import { ownRole } from '../roles.js';
import { tokenTone } from '../token-tone.js';
import { AccessSection } from './AccessSection.js';

/** What programs log in with: own tokens, and for an admin those of everybody. */
export function ApiTokens({ session }: { readonly session: Session }): ReactNode {
  const { data, error } = useQuery(apiTokensQuery(useTenantId()));
  const [adding, setAdding] = useState(false);
  const [revoking, setRevoking] = useState<ApiToken>();
  const tokens = data?.items ?? [];
  return (
    <AccessSection
      title="API tokens"
      lead="What programs log in with. A token acts for its maker, in this tenant alone, until it expires."
      action={
        <Button variant="default" leftSection={<PlusIcon size={15} />} onClick={() => setAdding(true)}>
          Make API token
        </Button>
      }
      failure={error}
      loaded={data !== undefined}
    >
      {tokens.length === 0 ? (
        <p className="w-none">There is none.</p>
      ) : (
        <table className="w-table">
          <thead>
            <tr>
              <th>Name</th>
              <th>Role</th>
              <th>Made by</th>
              <th>Made</th>
              <th>Last used</th>
              <th>Expires</th>
              <th aria-label="Actions" />
            </tr>
          </thead>
          <tbody>
            {tokens.map((token) => (
              <TokenRow key={token.id} token={token} onRevoke={() => setRevoking(token)} />
            ))}
          </tbody>
        </table>
      )}
      {adding && <ApiTokenDialog greatest={ownRole(session)} onClose={() => setAdding(false)} />}
      {revoking !== undefined && <RevokeTokenDialog token={revoking} onClose={() => setRevoking(undefined)} />}
    </AccessSection>
  );
}

function TokenRow({ token, onRevoke }: { readonly token: ApiToken; readonly onRevoke: () => void }): ReactNode {
  const tone = tokenTone(token, useNow());
  return (
    <tr data-api-token={token.name}>
      <td className="w-strong">{token.name}</td>
      <td>{token.role}</td>
      <td>{token.userName}</td>
      <td>
        <RelativeTime at={token.createdAt} />
      </td>
      <td>
        <RelativeTime at={token.lastUsedAt} absent="never" />
      </td>
      <td>
        <span className="w-state">
          <ToneIcon tone={tone} />
          <RelativeTime at={token.expiresAt} />
        </span>
      </td>
      <td className="w-right">
        <Button size="compact-xs" variant="subtle" color="red" onClick={onRevoke} aria-label={`Revoke ${token.name}`}>
          Revoke
        </Button>
      </td>
    </tr>
  );
}

function RevokeTokenDialog({ token, onClose }: { readonly token: ApiToken; readonly onClose: () => void }): ReactNode {
  const tenantId = useTenantId();
  const revocation = useWrite(() => revokeApiToken(tenantId, token));
  return (
    <ConfirmDialog
      title={`Revoke ${token.name}?`}
      confirm="Revoke API token"
      act={() => revocation.mutateAsync(undefined)}
      onClose={onClose}
    >
      Whatever uses it is refused from its next request on. A revoked token does not come back.
    </ConfirmDialog>
  );
}
