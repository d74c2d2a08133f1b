import { Button } from '@mantine/core';
import { type ErrorComponentProps, useRouter } from '@tanstack/react-router';
import { type ReactNode, useEffect } from 'react';
import { FailureNotice } from '../ui/FailureNotice.js';
import { Wordmark } from '../ui/Wordmark.js';

/** How often a console that has never reached its controller tries again. */
const RETRY_MS = 2000;

/** Shown when the controller cannot be reached before anything could be read; goes on by itself when it answers. */
export function ConnectingPage({ error }: ErrorComponentProps): ReactNode {
  const router = useRouter();
  useEffect(() => {
    const timer = setInterval(() => void router.invalidate(), RETRY_MS);
    return () => clearInterval(timer);
  }, [router]);
  return (
    <main className="w-login">
      <div className="w-login-card">
        <Wordmark size={30} />
        <p className="w-login-lead">Trying again every {RETRY_MS / 1000} s…</p>
        <FailureNotice error={error} />
        <Button variant="default" fullWidth mt="md" onClick={() => void router.invalidate()}>
          Try now
        </Button>
      </div>
    </main>
  );
}
