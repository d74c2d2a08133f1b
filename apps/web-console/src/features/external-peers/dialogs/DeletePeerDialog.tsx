import type { ReactNode } from 'react';
import type { ExternalPeer } from '../../../api/index.js';
import { ConfirmDialog } from '../../../ui/ConfirmDialog.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import { deleteExternalPeer } from '../queries.js';

interface DeletePeerDialogProps {
  readonly peer: ExternalPeer;
  readonly onClose: () => void;
  readonly onDeleted: () => void;
}

/** Removes a peer from the draft. */
export function DeletePeerDialog({ peer, onClose, onDeleted }: DeletePeerDialogProps): ReactNode {
  const tenantId = useTenantId();
  const remove = useWrite(() => deleteExternalPeer(tenantId, peer.id), { onSuccess: onDeleted });
  return (
    <ConfirmDialog
      title={`Delete ${peer.name}?`}
      confirm="Delete external peer"
      act={() => remove.mutateAsync(undefined)}
      onClose={onClose}
    >
      It can be deleted once no rule names it. Its tunnel leaves the fabric with the next revision that you publish.
    </ConfirmDialog>
  );
}
