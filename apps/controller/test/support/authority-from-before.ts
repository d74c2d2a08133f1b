import 'reflect-metadata';
import { KeyObject, webcrypto, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { formatIdentity } from '../../src/pki/identity-file.js';
import { writeSecretFile } from '../../src/pki/key-files.js';

/** The `root.pem` of an installation from before there were intermediates: its root issues itself, and allows no authority below it. */
export async function writeAuthorityFromBefore(dataDirectory: string, now = new Date()): Promise<void> {
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const { rawData } = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=Weft root 00000000',
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    notBefore: new Date(now.getTime() - HOUR),
    notAfter: new Date(now.getTime() + ROOT_LIFETIME),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const certificate = new X509Certificate(Buffer.from(rawData));
  const identity = { privateKey: KeyObject.from(keys.privateKey), certificate };
  await writeSecretFile(join(dataDirectory, 'pki', 'root.pem'), formatIdentity(identity), 'create');
}

const HOUR = 3_600_000;
const ROOT_LIFETIME = 3_652 * 24 * HOUR;
