import type { Hello } from '@weft/contracts/southbound';
import type { SessionStream } from './session-stream.js';

/**
 * Says Hello, waits for the Welcome, and leaves: what follows is for the session that stays. Rejects with a ServiceError, or
 * an Error when something else came or nothing did.
 */
export async function awaitWelcome(stream: SessionStream, hello: Hello): Promise<void> {
  let patience: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      patience = setTimeout(
        () => reject(new Error(`the controller did not say Welcome within ${WELCOME_TIMEOUT_MILLISECONDS} ms`)),
        WELCOME_TIMEOUT_MILLISECONDS,
      );
      stream.call.on('error', reject);
      stream.call.once('end', () => reject(new Error('the controller closed the stream before Welcome')));
      stream.call.once('data', ({ message }) => {
        if (message?.$case === 'welcome') resolve();
        else reject(new Error('the first message of the controller was not Welcome'));
      });
      stream.call.write({ message: { $case: 'hello', value: hello } });
    });
  } finally {
    clearTimeout(patience);
    stream.close();
  }
}

const WELCOME_TIMEOUT_MILLISECONDS = 10_000;
