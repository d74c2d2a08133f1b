import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that the receiver has got. */
export interface ReceivedDelivery {
  readonly id: string;
  /** Whether the signature is the one that this secret makes, as a receiver looks at it. */
  isSignedWith(secret: string): boolean;
  readonly body: { readonly type: string; readonly timestamp: string; readonly data: Record<string, unknown> };
}

/** Takes deliveries, and answers as it is told. */
export class WebhookReceiver {
  readonly received: ReceivedDelivery[] = [];
  /** Statuses of the next answers; then it is `status`. */
  readonly next: number[] = [];
  status = 204;
  readonly #server: Server;
  #heard: () => void = () => undefined;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      this.received.push(deliveryOf(request.headers, Buffer.concat(chunks).toString()));
      response.writeHead(this.next.shift() ?? this.status, { location: `${this.url}/elsewhere` }).end();
      this.#heard();
    });
  }

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Waits until that many have come. */
  async until(count: number): Promise<readonly ReceivedDelivery[]> {
    while (this.received.length < count) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
    return this.received;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function deliveryOf(headers: Readonly<Record<string, string | string[] | undefined>>, text: string): ReceivedDelivery {
  const [id, timestamp, signature] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
    String(headers[name]),
  );
  return {
    id: id ?? '',
    body: JSON.parse(text),
    isSignedWith(secret) {
      const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
      const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${text}`).digest('base64');
      return signature?.split(' ').includes(`v1,${expected}`) === true;
    },
  };
}
