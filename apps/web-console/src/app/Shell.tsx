import { Outlet } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { DraftBar } from '../features/revisions/components/DraftBar.js';
import { useRecordedRates } from '../features/tunnels/use-rate-history.js';
import { CommandPalette } from './CommandPalette.js';
import { ContactBar } from './ContactBar.js';
import { Navigation } from './Navigation.js';
import { ShortcutsDialog } from './ShortcutsDialog.js';
import { useShortcuts } from './use-shortcuts.js';

/** The frame of every signed-in page: navigation, what is stale, what is unpublished, the page. */
export function Shell(): ReactNode {
  const [overlay, setOverlay] = useState<'palette' | 'shortcuts' | null>(null);
  useRecordedRates();
  useShortcuts({ onPalette: () => setOverlay('palette'), onHelp: () => setOverlay('shortcuts') });
  return (
    <div className="w-shell">
      <Navigation onSearch={() => setOverlay('palette')} onHelp={() => setOverlay('shortcuts')} />
      <div className="w-content">
        <ContactBar />
        <DraftBar />
        <main className="w-main">
          <Outlet />
        </main>
      </div>
      {overlay === 'palette' && <CommandPalette onClose={() => setOverlay(null)} />}
      {overlay === 'shortcuts' && <ShortcutsDialog onClose={() => setOverlay(null)} />}
    </div>
  );
}
