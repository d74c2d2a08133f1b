import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Wordmark } from '../../ui/Wordmark.js';

/** Between two tenants: asks nothing. */
export function EnteringPage(): ReactNode {
  return (
    <main className="w-login">
      <div className="w-login-card">
        <Wordmark size={30} />
        <p className="w-login-lead">Entering the tenant…</p>
        <Link to="/tenants">Choose a tenant</Link>
      </div>
    </main>
  );
}
