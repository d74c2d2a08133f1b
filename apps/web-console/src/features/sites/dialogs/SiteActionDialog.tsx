import type { ReactNode } from 'react';
import { ConfirmDialog } from '../../../ui/ConfirmDialog.js';
import { useWrite } from '../../../ui/use-write.js';
import { useTenantId } from '../../session/use-tenant.js';
import type { SiteAction } from '../components/SiteRow.js';
import { deleteEdge, deleteNetwork, deleteSite } from '../queries.js';
import { EdgeDialog } from './EdgeDialog.js';
import { EnrollmentDialog } from './EnrollmentDialog.js';
import { NetworkDialog } from './NetworkDialog.js';
import { SiteDialog } from './SiteDialog.js';

interface SiteActionDialogProps {
  readonly action: SiteAction;
  readonly onClose: () => void;
  /** A step that follows: a new edge goes on to enrollment. */
  readonly onNext: (action: SiteAction) => void;
}

/** The dialog of whatever a row asked for. */
export function SiteActionDialog({ action, onClose, onNext }: SiteActionDialogProps): ReactNode {
  switch (action.kind) {
    case 'edit-site':
      return <SiteDialog site={action.site} onClose={onClose} />;
    case 'add-network':
      return <NetworkDialog site={action.site} onClose={onClose} />;
    case 'edit-network':
      return <NetworkDialog site={action.site} network={action.network} onClose={onClose} />;
    case 'add-edge':
      return (
        <EdgeDialog
          siteId={action.site.id}
          suggestedName={`${action.site.name.toLowerCase().replaceAll(/\s+/g, '-')}-edge`}
          onClose={onClose}
          onCreated={(edge) => onNext({ kind: 'enroll-edge', edge })}
        />
      );
    case 'edit-edge':
      return <EdgeDialog edge={action.edge} siteId={action.edge.siteId} onClose={onClose} />;
    case 'enroll-edge':
      return <EnrollmentDialog edgeId={action.edge.id} edgeName={action.edge.name} onClose={onClose} />;
    case 'delete-site':
    case 'delete-network':
    case 'delete-edge':
      return <DeleteDialog action={action} onClose={onClose} />;
  }
}

function DeleteDialog({ action, onClose }: { readonly action: SiteAction; readonly onClose: () => void }): ReactNode {
  const tenantId = useTenantId();
  const remove = useWrite((act: () => Promise<unknown>) => act());
  const text = deletionOf(action, tenantId);
  if (text === undefined) return null;
  return (
    <ConfirmDialog title={text.title} confirm={text.confirm} act={() => remove.mutateAsync(text.act)} onClose={onClose}>
      {text.consequence}
    </ConfirmDialog>
  );
}

interface Deletion {
  readonly title: string;
  readonly confirm: string;
  readonly consequence: string;
  readonly act: () => Promise<unknown>;
}

function deletionOf(action: SiteAction, tenantId: string): Deletion | undefined {
  switch (action.kind) {
    case 'delete-site':
      return {
        title: `Delete ${action.site.name}?`,
        confirm: 'Delete site',
        consequence:
          'A site can be deleted once nothing refers to it: no edge, no network, no address pool, no external peer, no rule.',
        act: () => deleteSite(tenantId, action.site),
      };
    case 'delete-network':
      return {
        title: `Delete ${action.network.prefix} from ${action.site.name}?`,
        confirm: 'Delete network',
        consequence: `“${action.network.name}” leaves the fabric with the next revision that you publish.`,
        act: () => deleteNetwork(tenantId, action.network),
      };
    case 'delete-edge':
      return {
        title: `Delete ${action.edge.name}?`,
        confirm: 'Delete edge',
        consequence:
          'Its identity is refused from now on and its session ends. Its tunnels leave the fabric with the next revision that you publish.',
        act: () => deleteEdge(tenantId, action.edge),
      };
    default:
      return undefined;
  }
}
