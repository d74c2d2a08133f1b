import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { OwnSession } from '../../../api/index.js';
import { RelativeTime } from '../../../ui/RelativeTime.js';
import { useWrite } from '../../../ui/use-write.js';
import { endSession, ownSessionsQuery } from '../queries.js';
import { AccessSection } from './AccessSection.js';

/** Where the reader is logged in. */
export function OwnSessions(): ReactNode {
  const { data, error } = useQuery(ownSessionsQuery);
  const end = useWrite(({ id }: OwnSession) => endSession(id), { announce: true });
  return (
    <AccessSection
      title="Your sessions"
      lead="Where you are logged in. End those that you do not know, and change your password then."
      failure={error}
      loaded={data !== undefined}
    >
      <table className="w-table">
        <thead>
          <tr>
            <th>Address</th>
            <th>Browser</th>
            <th>Since</th>
            <th>Ends</th>
            <th aria-label="Actions" />
          </tr>
        </thead>
        <tbody>
          {data?.items.map((session) => (
            <tr key={session.id} data-own-session={session.current ? 'current' : 'other'}>
              <td>
                <code>{session.address ?? '–'}</code>
              </td>
              <td className="w-wrap">{session.userAgent ?? <span className="w-dim">It did not say.</span>}</td>
              <td>
                <RelativeTime at={session.createdAt} />
              </td>
              <td>
                <RelativeTime at={session.expiresAt} />
              </td>
              <td className="w-right">
                {session.current ? (
                  <span className="w-dim">this one</span>
                ) : (
                  <Button
                    size="compact-xs"
                    variant="subtle"
                    color="red"
                    loading={end.isPending && end.variables.id === session.id}
                    onClick={() => end.mutate(session)}
                  >
                    End
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </AccessSection>
  );
}
