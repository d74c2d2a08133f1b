import { useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ExternalPeer } from '../../../api/index.js';
import { ConfirmDialog } from '../../../ui/ConfirmDialog.js';
import { useTenantId } from '../../session/use-tenant.js';
import { deleteExternalPeer, snippetQuery } from '../queries.js';
import { isRemoteHost } from '../wording.js';

interface DeletePeerDialogProps {
  readonly peer: ExternalPeer;
  readonly onClose: () => void;
  /** Leaves the page of the peer. */
  readonly onDeleted: () => Promise<void>;
}

/** Removes a peer from the draft. */
export function DeletePeerDialog({ peer, onClose, onDeleted }: DeletePeerDialogProps): ReactNode {
  const tenantId = useTenantId();
  const queryClient = useQueryClient();
  const remove = async (): Promise<void> => {
    await deleteExternalPeer(tenantId, peer);
    await onDeleted();
    // There is no snippet any more of a peer that is gone.
    const [, snippets] = snippetQuery(tenantId, peer.id, 'swanctl').queryKey;
    await queryClient.invalidateQueries({ predicate: ({ queryKey }) => queryKey[1] !== snippets });
  };
  const freed = isRemoteHost(peer) ? ', and its addresses are free again' : '';
  return (
    <ConfirmDialog title={`Delete ${peer.name}?`} confirm="Delete external peer" act={remove} onClose={onClose}>
      It can be deleted once no rule names it. Its tunnel leaves the fabric with the next revision that you publish
      {freed}.
    </ConfirmDialog>
  );
}
